"""Run ``sseparse text``, which prints the answers in recorded streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from .._core import EventTooLargeError, Parser
from .._safe_text import one_line, printable
from ..recording._recording import StrayLines
from ._apis import CHAT, LEGACY, api_of
from ._inputs import Faults, add_options, check, recordings, unfinished
from ._output import flush, note, put
from ._stopped import StoppedError

if TYPE_CHECKING:
    import argparse

    from ..completions import Choice, Completion, CompletionParser
    from ._inputs import Found

__all__ = ["add_to", "run"]

_DESCRIPTION = """\
Print the answers in recorded streams of chat completions.

If there is more than the text of one answer, lines in brackets name the parts: [reasoning],
[refusal], [tool call NAME], [choice N], and [answer] for the text. For a stream of another API, the
command names the API. Control characters are printed as escapes.
"""

_EPILOG = """\
examples:
  sseparse text body.sse
  sseparse text --stream 2 cassette.yaml

exit status:
  0    every answer was printed, and is whole
  1    an answer reports an error or is cut off; a stream is no chat completion;
       a file is broken or contains no event stream
  2    wrong usage; the input cannot be read; the output cannot be written
  130  ended by Ctrl-C
  141  nobody reads the output any more
"""


_UNDECIDED = 1 << 20  # bytes; after these, a stream with events of an unknown API is refused
# bytes; after these, a stream without an event is refused. This is more than an event may have.
_NO_EVENT = 1 << 27


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    add_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the answers of the files."""
    faults = Faults()
    has_titles = arguments.stream is None or len(arguments.files) > 1
    for found in recordings(arguments, faults):
        is_titled = has_titles and not (found.is_single and found.path is None)
        try:
            _print(found, is_titled)
        except StoppedError as fault:
            faults.report(fault)
        if found.is_running:
            flush()
    faults.end()


def _print(found: Found, is_titled: bool) -> None:
    """Print the answer of one stream.

    Raises:
        StoppedError: There is no answer, or it is not whole.
    """
    reader = _Reader(found)
    text = _shown(reader.read())
    if text:
        title = f"== {_title(found)} ==\n" if is_titled else ""
        put(f"{title}{text}".encode())
    elif reader.error is None:
        note(f"sseparse: {found.label}: the answer has no text")
    if reader.error is not None:
        problem = one_line(str(reader.error).strip())
        raise StoppedError(1, f"{found.label}: {problem}") from reader.error


def _title(found: Found) -> str:
    parts = [found.path, None if found.is_single else f"stream {found.recording.number}"]
    return one_line(": ".join(part for part in parts if part))


class _Reader:
    """Read a stream, and recognise its API by its first events.

    Attributes:
        error: The error of the answer, or None.
    """

    def __init__(self, found: Found) -> None:
        self.error: Exception | None = None
        self._found = found
        self._events = Parser()
        self._held: list[tuple[int | None, bytes]] = []  # until the API is known
        self._seen = 0  # events before the API is known
        self._size = 0  # bytes before the API is known
        self._strays = StrayLines()  # used before the first event
        self._parser: CompletionParser | None = None

    def read(self) -> Completion:
        """Read the stream, and return the answer, or the part of it before an error.

        Raises:
            StoppedError: The stream is of another API, or is no stream of an API.
        """
        ending: Literal["end", "cut"] = "end"
        cause: Exception | None = None
        try:
            for arrival, data in self._found.reads():
                self._take(arrival, data)
        except StoppedError as fault:
            if self._parser is None:
                raise
            # The cause describes the fault of the file.
            ending, cause = "cut", fault
        parser = self._parser or self._begin_at_end()
        if parser.outcome is None:
            parser.close(ending, cause)
        self.error = cause or parser.error
        return parser.completion()

    def _take(self, arrival: int | None, data: bytes) -> None:
        parser = self._parser
        if parser is not None:
            if parser.outcome is None:
                parser.feed(data, arrival or 0)
            return
        self._held.append((arrival, data))
        try:
            events = self._events.feed(data)
        except EventTooLargeError as error:
            raise StoppedError(1, f"{self._found.label}: {error}") from error
        api = next((api for event in events if (api := api_of(event))), None)
        self._seen += len(events)
        self._size += len(data)
        if not self._seen:
            self._strays = self._strays.after(data)
            if self._size > _UNDECIDED:
                check(self._strays, self._found)
        limit = _UNDECIDED if self._seen else _NO_EVENT
        if api is not None or self._size > limit:
            self._begin(api)

    def _begin_at_end(self) -> CompletionParser:
        """Return the parser for a stream whose events did not show the API up to its end."""
        path = (self._found.recording.url or "").partition("?")[0].rstrip("/")
        if not self._seen:
            check(self._strays, self._found)
            if pending := self._events.close():
                raise unfinished(pending, self._size, self._found.label)
            raise StoppedError(1, f"{self._found.label}: there is no event in it")
        return self._begin(CHAT if path.endswith("/completions") else None)

    def _begin(self, api: str | None) -> CompletionParser:
        if api not in (CHAT, LEGACY):
            what = f"a stream of {api}" if api else "no chat completion"
            hint = "'sseparse events' prints its events"
            raise StoppedError(1, f"{self._found.label}: this is {what}; {hint}")
        parser = self._parser = self._found.recording._completion_parser(
            "chat" if api == CHAT else "completions"
        )
        held, self._held = self._held, []
        for arrival, data in held:
            self._take(arrival, data)
        return parser


def _shown(completion: Completion) -> str:
    """Return an answer as text with marks."""
    has_many = len(completion.choices) > 1
    shown = []
    for choice in completion.choices:
        parts = _parts(choice)
        if has_many:
            shown.append(f"[choice {one_line(str(choice.index))}]")
        is_marked = has_many or [mark for mark, _ in parts] != ["answer"]
        for mark, text in parts:
            if is_marked and not (has_many and len(parts) == 1 and mark == "answer"):
                shown.append(f"[{one_line(mark)}]")
            shown.append(printable(text).removesuffix("\n"))
    return "".join(f"{line}\n" for line in shown)


def _parts(choice: Choice) -> list[tuple[str, str]]:
    """Return the parts of an answer, each with its mark."""
    message = choice.message
    content = message.content if message.content is not None else choice.text
    found: list[tuple[str, Any]] = [
        ("reasoning", message.reasoning),
        ("answer", content),
        ("refusal", message.refusal),
    ]
    parts = [(mark, text) for mark, text in found if isinstance(text, str) and text]
    for call in message.tool_calls:
        name, arguments = call.function.name, call.function.arguments
        parts.append((f"tool call {name or '?'}", arguments if isinstance(arguments, str) else ""))
    return parts
