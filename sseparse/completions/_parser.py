"""The parser of completions: bytes in, chunks and one outcome out, without I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from .._core import DEFAULT_MAX_EVENT_SIZE
from ._answer import NOT_JSON, Answer, Ending, Outcome
from ._apis import foreign_api
from ._errors import EmptyStreamError, ExchangeError, StreamError, TruncatedError, lost
from ._headers import HeadersLike
from ._lines import StrayLines
from ._merger import Merger, whole_usages
from ._models import Chunk, Completion, Raw
from ._reported import error_details, error_in_text, has_choices, reported_error
from ._text import shown

if TYPE_CHECKING:
    from .._core import Event

# How long a driver waits for [DONE] after everything else has come (see is_complete), in s.
DONE_WAIT = 5.0

# A line that looks like a field with an unknown name. "Error: ..." is the server's own text.
_FIELD_LIKE = re.compile(r"(?![\w-]*error)[\w-]+:", re.IGNORECASE)
_raw_decode = json.JSONDecoder().raw_decode


class CompletionParser(Answer[Chunk]):
    r"""Parse the answer to a request for a completion.

    A driver is the code that reads the bytes. It raises ``error`` at the end, if there is one:

    - Feed each read, until there is an ``outcome`` or the body ends; then call ``close``.
    - Once ``is_complete`` is true, wait at most ``DONE_WAIT`` seconds longer, and then call
      ``close("limit")``.

    An answer without a choice and without a usage is an error, and so is every form in which
    servers report one. The API's documentation is at
    https://platform.openai.com/docs/api-reference/chat.

    Args:
        status: The status of the answer.
        headers: Its headers: a mapping, or pairs of str or bytes.
        n: How many choices the request asked for, for all of its prompts together.
        api: "chat", or "completions" for the legacy API.
        stream: Whether the request asked for a stream.
        include_usage: Whether the request asked for the count of tokens, which then comes after the
            last finish reason (``stream_options``).
        max_event_size: As for ``sseparse.Parser``.
        json_loads: Decodes the JSON of an event, which is a str, as ``orjson.loads`` does. Every
            exception that it raises means that the text is not JSON.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that it cannot have.

    >>> from sseparse.completions import CompletionParser
    >>> parser = CompletionParser()
    >>> [chunk.text for chunk in parser.feed(
    ...     b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\ndata: [DONE]\n\n')]
    ['Hi']
    >>> parser.outcome, parser.error, parser.completion().text
    (<Outcome.DONE: 'done'>, None, 'Hi')
    """

    def __init__(
        self,
        status: int = 200,
        headers: HeadersLike = (),
        *,
        n: int = 1,
        api: Literal["chat", "completions"] = "chat",
        stream: bool = True,
        include_usage: bool = False,
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        json_loads: Callable[[str], Any] = json.loads,
    ) -> None:
        if type(n) is not int:
            raise TypeError(f"n must be an int, not {type(n).__name__}")
        if n < 1:
            raise ValueError(f"n must be at least 1, not {n}")
        if api not in ("chat", "completions"):
            raise ValueError(f"api must be 'chat' or 'completions', not {api!r}")
        super().__init__(status, headers, max_event_size, is_whole=not stream)
        self._decode = _decode if json_loads is json.loads else json_loads
        self._strays: StrayLines = StrayLines()
        self._merger = Merger(n, is_chat=api == "chat")
        self._n = n
        self._include_usage = include_usage
        # The data of the last object without choices, which may describe an error; and how many
        # chunks there were then, because it counts only as the last one.
        self._remark = ""
        self._foreign: str | None = None  # the other API whose events these are
        self._remark_at = 0
        self._whole: Completion | None = None  # a completion that was not streamed

    def completion(self) -> Completion:
        """Return what has been merged so far, at any time."""
        return self._whole or self._merger.completion(self.headers)

    def _take(self, event: Event, arrival_ns: int) -> Chunk | None:
        raw = self._loads(event.data)
        if (
            type(raw) is not dict
            or "error" in raw
            or type(raw.get("choices")) is not list
            or event.type != "message"
        ):
            return self._take_other(event, raw, arrival_ns)
        merger = self._merger
        chunk = merger.add(raw, arrival_ns, self.reads)
        if merger.finished or merger.has_error:
            self._after_finish(event, raw)
        return chunk

    def _after_finish(self, event: Event, raw: Raw) -> None:
        """Check whether everything has come, or a choice has reported an error."""
        merger = self._merger
        has_usage = bool(merger.usages) or not self._include_usage
        self.is_complete: bool = has_usage and merger.is_finished()
        if merger.has_error and (reported := reported_error(raw)):
            # The reader gets the chunk, and then the error.
            self._fail(self._reported(reported, event.data))

    def _take_other(self, event: Event, raw: Any, arrival_ns: int) -> Chunk | None:
        """Take an event that may be something else than a chunk."""
        data = event.data.strip()
        if data.startswith("[DONE]"):
            self._end_stream(Outcome.DONE)
            return None
        reported = reported_error(raw)
        is_chunk = has_choices(raw)
        if reported is None and event.type == "error" and not is_chunk:
            reported = error_in_text(data) if raw is NOT_JSON else error_details(raw)
        if reported is not None:
            chunk = self._merger.add(raw, arrival_ns, self.reads) if is_chunk else None
            self._fail(self._reported(reported, event.data))
            return chunk
        if type(raw) is dict:
            chunk = self._merger.add(raw, arrival_ns, self.reads)
            if not is_chunk:
                self._remark, self._remark_at = data, self._merger.chunks
                self._foreign = self._foreign or foreign_api(event.type, raw)
            self._after_finish(event, raw)
            return chunk
        # Some servers keep the connection alive with empty data, with null, or with an event of
        # another type whose data is text.
        if data and raw is not None and event.type == "message":
            self._fail(self._no_object(data))
        return None

    @staticmethod
    def _no_object(data: str) -> StreamError:
        """Return the error for an event whose data is no JSON object."""
        if data.lower().startswith("error"):
            return StreamError(error_in_text(data).message, data=data)
        return StreamError(f"an event is not a JSON object: {shown(data)!r}", data=data)

    def _end_events(self, ending: Ending, cause: BaseException | None) -> None:
        reported = self._reported_in_pending()
        if reported is not None:
            self._fail(reported, cause)
        elif ending == "end":
            is_done = self._pending_data().startswith("[DONE]")
            self._end_stream(Outcome.DONE if is_done else Outcome.FINISHED)
        elif ending == "limit" and self.is_complete:
            self._end(Outcome.FINISHED)
        else:
            error = self._reported_aside() or lost(ending == "limit", cause)
            self._fail(error, cause)

    def _end_stream(self, outcome: Outcome) -> None:
        """Judge a stream that ended properly: with ``[DONE]``, or with the body."""
        merger = self._merger
        if merger.is_empty():
            self._fail(self._empty(outcome))
        elif merger.is_finished():
            self._end(outcome)
        elif outcome is Outcome.DONE:  # the server ended it, and may report an error, too
            text, _ = self._strays.text()
            if reported := reported_error(self._loads(text)):
                self._fail(self._reported(reported, text))
            else:
                self._end(outcome)
        else:
            self._fail(self._reported_aside() or TruncatedError(self._missing()))

    def _empty(self, outcome: Outcome) -> ExchangeError:
        """Return the error for an answer without a choice and without a usage."""
        text, body = self._strays.text()
        raw = self._loads(text)
        if reported := reported_error(raw):
            return self._reported(reported, text)
        if (self._encoding(body) and not self.events) or has_choices(raw):
            return self._content_type_error("text/event-stream", body)
        if text:
            return self._reported(self._details(text), text)
        if error := self._reported_in_remark():
            return error
        if outcome is Outcome.DONE:
            return EmptyStreamError("the stream ended with [DONE] before a single choice came")
        return EmptyStreamError(f"the answer is a success, {self._no_choice()}")

    def _missing(self) -> str:
        """Return what is missing at the end of a stream."""
        finished = self._merger.finished
        wanted = max(self._n, self._merger.choices)
        if not self._merger.choices:
            return f"there are counts of tokens, {self._no_choice()}"
        if wanted == 1:
            return "the stream ended before the completion did, without a finish reason"
        return f"the stream ended when {finished} of {wanted} choices were finished"

    def _no_choice(self) -> str:
        message = "and the stream ended without a choice"
        if self._foreign is None:
            return message
        return f"{message}: its events are those of {self._foreign}, which is no chat completion"

    def _pending_data(self) -> str:
        """Return the data of the unfinished event, with that of its unfinished line."""
        if self.pending is None:
            return ""
        line = self.pending.line.decode("utf-8", "replace")
        data = self.pending.data + "\n" + (line[5:] if line.startswith("data:") else "")
        return data.strip()

    def _reported_in_pending(self) -> StreamError | None:
        """Return the error that the unfinished event reports, if it does."""
        if self.pending is None:
            return None
        data = self._pending_data()
        raw = self._loads(data)
        reported = reported_error(raw)
        if reported is None and self.pending.type == "error" and not has_choices(raw):
            reported = error_in_text(data) if raw is NOT_JSON else error_details(raw)
        return None if reported is None else self._reported(reported, data)

    def _reported_aside(self) -> StreamError | None:
        """Return the error that the server wrote beside the events, if it did."""
        text, _ = self._strays.text()
        raw = self._loads(text)
        reported = reported_error(raw)
        if reported is None and text and raw is NOT_JSON and not _FIELD_LIKE.match(text):
            reported = error_in_text(text)
        if reported is None:
            return self._reported_in_remark()
        return self._reported(reported, text)

    def _reported_in_remark(self) -> StreamError | None:
        """Return the error of an object without choices, if nothing came after it."""
        if not self._remark or self._remark_at != self._merger.chunks:
            return None
        details = error_details(self._loads(self._remark))
        return self._reported(details, self._remark) if details.message else None

    def _judge_whole(self, body: bytes) -> None:
        text = body.decode("utf-8-sig", "replace")
        raw = self._loads(text)
        reported = reported_error(raw)
        if reported is not None:
            self._fail(self._reported(reported, text))
        elif type(raw) is not dict:
            self._fail(self._content_type_error("application/json", body))
        else:
            usages = whole_usages(raw)
            if not raw.get("choices") and not usages:
                message = "the answer has no choice and no count of tokens"
                self._fail(self._reported(error_details(raw, message), text))
                return
            self._whole = Completion(raw, usages, self.headers)
            self._end(Outcome.FINISHED)


def _decode(text: str) -> Any:
    """Decode JSON as json.loads does, in less time."""
    try:
        value, end = _raw_decode(text)
    except ValueError:
        return json.loads(text)  # there may be white space before it
    return value if end == len(text) else json.loads(text)
