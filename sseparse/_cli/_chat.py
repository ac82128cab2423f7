"""``sseparse chat``: an answer of an OpenAI-compatible server, as it comes."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from .._core import Error
from .._safe_text import json_text, one_line, printable
from ._output import DIM, flush, note, painter, put, write_error
from ._stopped import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..completions import Choice, Chunk, Client, Stream, ToolCall

__all__ = ["add_to", "run"]

_DESCRIPTION = """\
Ask an OpenAI-compatible server, and print its answer as it comes.

The key is taken from OPENAI_API_KEY, and the server from OPENAI_BASE_URL where --base-url is not
given. The answer goes to standard output; reasoning, retries and messages go to standard error.
Control characters are printed as escapes.
"""

_EPILOG = """\
examples:
  sseparse chat "Say hello." -u http://127.0.0.1:8080/v1 --stats
  sseparse chat -m gpt-4.1 -o temperature=0 -o max_tokens=20 < prompt.txt
  sseparse chat -u https://api.mistral.ai/v1 --api-key-env MISTRAL_KEY --models

exit status:
  0    the answer is whole
  2    wrong usage; no prompt, no key; the output cannot be written
  3    the stream ended before the answer did
  4    the server reported an error inside the stream, or sent something else
  5    no connection, or the answer was cut off
  6    a time limit was reached
  7    the server refused the request
  8    the answer ended at the limit of tokens (finish reason "length")
  9    the server's content filter ended the answer
  130  ended by Ctrl-C, after what had arrived
  141  nobody reads the output any more
"""

_STATUSES = {
    "TruncatedError": 3,
    "StreamError": 4,
    "TransportError": 5,
    "TimedOutError": 6,
    "StatusError": 7,
}

_ENDS = {
    "length": (8, "the answer ended at the limit of tokens (finish reason 'length')"),
    "content_filter": (9, "the server's content filter ended the answer"),
}

_MODEL = "gpt-4o-mini"

# Parameters of the request that other arguments set.
_OWN = {
    "messages": "set by PROMPT and --system",
    "model": "set by --model",
    "stream": "always true, because the answer is printed as it comes",
}


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "prompt", nargs="?", default="-", metavar="PROMPT", help="default, and -: standard input"
    )
    what.add_argument("--models", action="store_true", help="list the models that the server has")
    parser.add_argument(
        "-m",
        "--model",
        default=os.environ.get("SSEPARSE_MODEL") or _MODEL,
        metavar="NAME",
        help=f"default: SSEPARSE_MODEL of the environment, or else {_MODEL}",
    )
    parser.add_argument("-u", "--base-url", metavar="URL", help="the address of the server")
    parser.add_argument("-s", "--system", metavar="TEXT", help="a system message before the prompt")
    parser.add_argument(
        "-o",
        "--option",
        type=_option,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="options",
        help="a parameter of the request, such as temperature=0; a value that is no JSON is a text",
    )
    parser.add_argument(
        "-H",
        "--header",
        type=_header,
        action="append",
        default=[],
        metavar="NAME:VALUE",
        dest="headers",
        help="a header of the request",
    )
    parser.add_argument(
        "--api-key-env",
        metavar="NAME",
        help="take the key from this variable of the environment, instead of OPENAI_API_KEY",
    )
    parser.add_argument(
        "--stats", action="store_true", help="times and rate afterwards, on standard error"
    )
    parser.add_argument("--no-reasoning", action="store_true", help="leave the reasoning out")
    parser.add_argument(
        "-j", "--json", action="store_true", help="print the chunks as JSON lines, not the text"
    )


def _option(text: str) -> tuple[str, Any]:
    name, is_there, value = text.partition("=")
    if not is_there or not name:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, not {text!r}")
    if name in _OWN:
        raise argparse.ArgumentTypeError(f"{name!r} is {_OWN[name]}")
    try:
        return name, json.loads(value, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return name, value


def _refuse(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")


def _header(text: str) -> tuple[str, str]:
    name, is_there, value = text.partition(":")
    if not is_there or not name.strip():
        # It may hold a key, so it is not repeated.
        raise argparse.ArgumentTypeError("expected NAME:VALUE, as 'X-Title: test'")
    return name.strip(), value.strip()


def run(arguments: argparse.Namespace) -> None:
    """Ask, and print the answer."""
    try:
        from ..completions import Client
    except ModuleNotFoundError as error:
        raise StoppedError(2, str(error)) from error
    # Before the client is made, so that a missing prompt is reported first.
    messages = [] if arguments.models else _messages(arguments)
    with _arguments_checked():
        client = Client(
            api_key=_key(arguments.api_key_env),
            base_url=arguments.base_url,
            default_headers=dict(arguments.headers),
            on_retry=_report_retry,
        )
    try:
        with client:
            if arguments.models:
                _print_models(client, arguments.json)
            else:
                _print_answer(client, messages, arguments)
    except Error as error:
        names = [base.__name__ for base in type(error).__mro__]
        status = next(_STATUSES[name] for name in names if name in _STATUSES)
        hint = ""
        if vars(error).get("status") == 404 and not client.base_url.endswith("/v1"):
            hint = f"; the address {client.base_url} does not end with /v1, as most do"
        # Servers have a say in it, by headers too.
        text = one_line(str(error).strip())
        raise StoppedError(status, text + hint) from error


@contextlib.contextmanager
def _arguments_checked() -> Iterator[None]:
    """Report the ValueError of an argument that the client refuses."""
    try:
        yield
    except ValueError as error:
        raise StoppedError(2, one_line(str(error))) from error


def _key(name: str | None) -> str | None:
    """Return the key of the variable; None where the client looks for one itself."""
    if name is None:
        return None
    key = os.environ.get(name)
    if not key:
        raise StoppedError(2, f"--api-key-env: {one_line(name)} is not set in the environment")
    return key


def _messages(arguments: argparse.Namespace) -> list[dict[str, str]]:
    messages = [{"role": "user", "content": _prompt(arguments.prompt)}]
    if arguments.system is not None:
        messages.insert(0, {"role": "system", "content": arguments.system})
    return messages


def _print_answer(
    client: Client, messages: list[dict[str, str]], arguments: argparse.Namespace
) -> None:
    more: dict[str, Any] = {}
    if arguments.stats:
        more["stream_options"] = {"include_usage": True}
    printer = _Printer(is_json=arguments.json, has_reasoning=not arguments.no_reasoning)
    with _arguments_checked():
        stream = client.chat.completions.create(
            model=arguments.model,
            messages=messages,
            stream=True,
            extra_body=dict(arguments.options),
            **more,
        )
    with stream:
        printer.print(stream)
        if arguments.stats:
            printer.print_stats(stream)
        printer.judge(stream)


def _print_models(client: Client, is_json: bool) -> None:
    """Print the names of the server's models, or what it says of each as a line of JSON."""
    answer = client.request("GET", "/models")
    models = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(models, list) or not all(isinstance(model, dict) for model in models):
        raise StoppedError(4, "the server's list of models has another form than OpenAI's")
    for model in models:
        _put((json_text(model) if is_json else one_line(str(model.get("id")))) + "\n")
    if not models:
        note("sseparse: the server has no models")


def _report_retry(attempt: int, seconds: float, error: Error) -> None:
    text = one_line(str(error).strip())
    note(f"sseparse: attempt {attempt} failed: {text}; the next one follows in {seconds:.1f} s")


def _prompt(text: str) -> str:
    if text == "-":
        if sys.stdin is None:
            raise StoppedError(2, "standard input: it is closed")
        try:
            text = sys.stdin.buffer.read().decode("utf-8", "replace")
        except OSError as error:
            raise StoppedError(2, f"standard input: {error.strerror}") from error
    if not text.strip():
        raise StoppedError(2, "there is no prompt: give it as an argument or on standard input")
    return text


class _Printer:
    """Prints the chunks of one stream.

    Args:
        is_json: Whether to print chunks, and not their text.
        has_reasoning: Whether to print the reasoning, too.
    """

    def __init__(self, *, is_json: bool, has_reasoning: bool) -> None:
        from ..completions._stream import TextPieces

        self._is_json = is_json
        self._has_reasoning = has_reasoning
        self._pieces = TextPieces()
        self._ends: list[Chunk] = []  # the first and the last chunk with text or reasoning
        self._count = 0  # of these chunks
        self._paint = painter(sys.stderr)
        self._last = ""  # the last character of the answer
        self._is_in_reasoning = False

    def print(self, stream: Stream) -> None:
        """Print the chunks as they come, up to the end of the stream."""
        try:
            for chunk in stream:
                self._print_chunk(chunk)
        finally:
            # On every way out, also by Ctrl-C: what arrived is printed, and ends its line.
            self._end_reasoning()
            if not self._is_json:
                self._print_text(self._pieces.rest(stream.completion()))
            if self._last not in ("", "\n"):
                _put("\n")

    def _print_chunk(self, chunk: Chunk) -> None:
        text = self._pieces.of(chunk)
        delta = chunk.choices[0].delta if chunk.choices else None
        reasoning = delta.reasoning if delta else None
        if text or reasoning:
            self._ends[1:] = [chunk]
            self._count += 1
        if self._is_json:
            _put(json_text(chunk.raw) + "\n")
            return
        if reasoning and self._has_reasoning:
            self._print_reasoning(reasoning)
        refusal = delta.refusal if delta else None
        self._print_text(text + (refusal if isinstance(refusal, str) else ""))

    def _print_text(self, text: str) -> None:
        if text:
            self._end_reasoning()
            self._last = text[-1]
            _put(printable(text))

    def _print_reasoning(self, text: str) -> None:
        if sys.stderr is not None:
            self._is_in_reasoning = True
            write_error(self._paint(printable(text), DIM))

    def _end_reasoning(self) -> None:
        if self._is_in_reasoning:
            self._is_in_reasoning = False
            note("")

    def judge(self, stream: Stream) -> None:
        """Report an end that cuts the answer short, and an answer without text.

        Raises:
            StoppedError: The answer is cut short.
        """
        choices = stream.completion().choices
        reason = choices[0].finish_reason if choices else None
        if isinstance(reason, str) and reason in _ENDS:
            raise StoppedError(*_ENDS[reason])
        if not self._last and not self._is_json:
            calls = [call.function.name or "?" for choice in choices[:1] for call in _calls(choice)]
            called = f"; it calls {one_line(', '.join(map(str, calls)))}" if calls else ""
            note(f"sseparse: the answer has no text{called}")

    def print_stats(self, stream: Stream) -> None:
        """Print times and rate, if anything came."""
        if not self._ends:
            return
        first, last = self._ends[0].arrival_ns, self._ends[-1].arrival_ns
        wait = (first - stream.timing.request_sent_ns) / 1e9
        rest = (last - first) / 1e9
        usage = stream.completion().usage
        tokens, unit = self._count, "chunks"
        # What a server puts there need not be a number.
        if usage and isinstance(usage.completion_tokens, int) and usage.completion_tokens > 0:
            tokens, unit = usage.completion_tokens, "tokens"
        rate = f", {(tokens - 1) / rest:.1f} {unit}/s after that" if rest > 0 and tokens > 1 else ""
        note(f"first token after {wait:.3f} s, {tokens} {unit}{rate}")


def _calls(choice: Choice) -> tuple[ToolCall, ...]:
    return choice.message.tool_calls


def _put(text: str) -> None:
    put(text.encode())
    flush()
