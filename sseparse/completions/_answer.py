"""Read one answer of a server, from its first byte to one outcome, without I/O.

A driver gives the bytes to an answer, which goes through these states::

    the status is no success ─────────────────────────────► BODY ──► error
    a whole answer was asked for ─────────────────────────► BODY ──► outcome or error
    the content type says that it is an event stream ─────► EVENTS ─► outcome or error
    any other content type ──► OPEN ──► it begins as one ─► EVENTS
                                └─────► it does not ──────► BODY ──► error
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Generator, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from .._core import EventTooLargeError, Parser
from .._core._bytes import to_bytes
from ._errors import (
    ContentTypeError,
    EmptyStreamError,
    ExchangeError,
    StatusError,
    StreamError,
    TimedOutError,
    TransportError,
    TruncatedError,
    lost,
)
from ._headers import Headers, HeadersLike, retry_after
from ._lines import StrayLines, begins_as_events
from ._reported import Details, error_details, error_in_text, reported_error

if TYPE_CHECKING:
    from .._core import BytesLike, Event, Pending
    from ._models import Completion

_T = TypeVar("_T")

_BLANK_LIMIT = 1 << 16  # bytes of blank lines before an event stream
_NAME_LIMIT = 5  # bytes of the longest name of a field
_START_LIMIT = 3 + _NAME_LIMIT  # bytes of a byte order mark and a name
_BODY_LIMIT = 1 << 20  # bytes that are read of an answer that is an error, or no event stream
_WHOLE_LIMIT = 1 << 28  # bytes of a completion that is not streamed

NOT_JSON: Any = object()


class Outcome(enum.Enum):
    """How an answer ended. The first that happened counts.

    Attributes:
        DONE: ``[DONE]`` was received.
        FINISHED: No ``[DONE]``, but every choice has its finish reason, and the body ended
            properly, or nothing came any more.
        TRUNCATED: The body ended properly, before the completion did.
        STREAM_ERROR: The server reported an error inside the answer, or sent something else than
            the request asked for.
        TRANSPORT_ERROR: The body was cut off.
        TIMED_OUT: A time limit was reached.
        CLOSED: The reader left: ``break``, ``close()`` or the end of a ``with`` block.
        ENDED: The body of a plain event stream ended properly; it has no other end.
        REFUSED: The status was not a success.
    """

    DONE = "done"
    FINISHED = "finished"
    TRUNCATED = "truncated"
    STREAM_ERROR = "stream error"
    TRANSPORT_ERROR = "transport error"
    TIMED_OUT = "timed out"
    CLOSED = "closed"
    ENDED = "ended"
    REFUSED = "refused"


Ending = Literal["end", "cut", "limit", "left"]
_ENDINGS = ("end", "cut", "limit", "left")

_OUTCOMES = {
    StatusError: Outcome.REFUSED,
    StreamError: Outcome.STREAM_ERROR,
    TransportError: Outcome.TRANSPORT_ERROR,
    TimedOutError: Outcome.TIMED_OUT,
    TruncatedError: Outcome.TRUNCATED,
}


class Answer(Generic[_T]):
    """Read one answer. Subclasses define what its events mean.

    Attributes:
        status: The status of the answer.
        headers: Its headers; names are compared without regard to case.
        reads: How many calls of ``feed`` had bytes.
        events: How many events have come.
        is_complete: Whether everything that the request asked for has come, and only ``[DONE]`` may
            follow.
        pending: The unfinished event at the end of the body, if there was one.
        error: The error that the driver should raise at the end; None if there is none.
    """

    def __init__(
        self,
        status: int,
        headers: HeadersLike,
        max_event_size: int | None,
        *,
        last_event_id: str = "",
        is_whole: bool = False,
    ) -> None:
        if not isinstance(status, int) or isinstance(status, bool):  # HTTPStatus is an int, too
            raise TypeError(f"status must be an int, not {type(status).__name__}")
        self.status: int = status
        self.headers: Headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.pending: Pending | None = None
        self.error: ExchangeError | None = None
        self._is_success = 200 <= status < 300
        self._is_whole = is_whole  # a whole answer was asked for
        kind = self.headers.get("content-type", "").lower()
        self._is_open = self._is_success and not is_whole  # the state is OPEN, if there is a body
        # What each read needs stands together from here on, also in memory.
        self._strays: StrayLines | None = None  # of a completion: its __init__ makes it
        # The bytes of the body in the states OPEN and BODY; None in the state EVENTS. By _collect.
        self._body: bytearray | None = bytearray()
        if self._is_open and "text/event-stream" in kind:
            self._body = None
        self._fault: EventTooLargeError | None = None  # of the last read. By _parse.
        self.reads: int = 0
        self.events: int = 0
        self.is_complete: bool = False
        # The outcome is the first item; there may be later ones, which do not count. Threads may
        # append at once, and the list then decides which was first. By _end.
        self._ends: list[Outcome] = []
        self._parser = Parser(max_event_size=max_event_size, last_event_id=last_event_id)

    @property
    def outcome(self) -> Outcome | None:
        """How the answer ended; None while it runs."""
        return self._ends[0] if self._ends else None

    @property
    def request_id(self) -> str | None:
        """The server's name for the request, in ``x-request-id``; None if it gives none."""
        return self.headers.get("x-request-id")

    @property
    def last_event_id(self) -> str:
        """The last event ID, as a reconnecting client must send it."""
        return self._parser.last_event_id

    @property
    def retry(self) -> int | None:
        """The reconnection time that the server asked for, in ms; None if it has not."""
        return self._parser.retry

    def feed(self, data: BytesLike, arrival_ns: int = 0) -> list[_T]:
        """Take the next bytes of the body, and return what they complete.

        It never raises for what the server sent. If the bytes end the answer, ``outcome`` is set,
        and all further bytes are ignored.

        Args:
            data: The bytes of one read.
            arrival_ns: When the read had returned.

        Raises:
            TypeError: ``data`` is not bytes, bytearray or memoryview.
        """
        return list(self._items(self._parse(to_bytes(data)), arrival_ns))

    # The two steps of feed. A driver that takes the items one by one uses each while it is in the
    # processor's cache, which saves a tenth of the time of long reads.

    def _parse(self, data: bytes) -> list[Event]:
        """Take the next bytes of the body, and return the events that they complete."""
        if self._ends or not data:
            return []
        self.reads += 1
        if self._body is not None:
            data = self._collect(self._body, data)
            if not data:
                return []
        try:
            if self._strays is not None:
                data = self._strays.feed(data)
            events = self._parser.feed(data)
        except EventTooLargeError as error:
            events, self._fault = error.events, error
        self.events += len(events)
        return events

    def _items(self, events: list[Event], arrival_ns: int) -> Iterable[_T]:
        """Return the items that the events of one read give; of several events, one by one."""
        if len(events) != 1 or self._fault is not None:
            return self._items_of(events, arrival_ns)
        item = self._take(events[0], arrival_ns)
        if self._strays is not None and not self._ends:
            self._strays.after_read(has_events=True)
        return () if item is None else (item,)

    def _items_of(self, events: list[Event], arrival_ns: int) -> Generator[_T, None, None]:
        ends = self._ends
        take = self._take
        for event in events:
            item = take(event, arrival_ns)
            if item is not None:
                yield item
            if ends:
                return
        if self._strays is not None:
            self._strays.after_read(bool(events))
        if self._fault is not None:
            # Not the text of its cause, whose offset counts the bytes that the strays returned.
            message = (
                f"an event is larger than max_event_size, {self._fault.limit} bytes; "
                "if the sender is trusted, give a larger max_event_size, or None"
            )
            self._fail(StreamError(message), self._fault)

    def close(self, ending: Ending = "end", cause: BaseException | None = None) -> Outcome:
        """End the answer, and return its outcome. Idempotent; the first call counts.

        Args:
            ending: Why nothing follows. "end": the body ended properly. "cut": it was cut off.
                "limit": a time limit was reached. "left": the reader left; this may be called in
                another thread than ``feed``.
            cause: The exception of the transport, which becomes the cause of ``error``. An
                ExchangeError is taken as ``error`` itself.

        Raises:
            ValueError: ``ending`` is none of these.
        """
        if ending not in _ENDINGS:
            raise ValueError(f"ending must be one of {', '.join(_ENDINGS)}, not {ending!r}")
        if not self._ends:
            if ending == "left":
                self._end(Outcome.CLOSED)
            elif self._body is None:
                self.pending = self._parser.close()
                self._end_events(ending, cause)
            else:
                self._end_body(bytes(self._body), ending, cause)
        return self._ends[0]

    def completion(self) -> Completion | None:
        """Return what has been merged so far; None if the answer is no completion."""
        return None

    # The hooks of the subclasses.

    def _take(self, event: Event, arrival_ns: int) -> _T | None:
        """Return the item that an event gives; None if it gives none."""
        raise NotImplementedError

    def _end_events(self, ending: Ending, cause: BaseException | None) -> None:
        """Set the outcome at the end of an event stream."""
        raise NotImplementedError

    def _judge_whole(self, body: bytes) -> None:
        """Set the outcome at the proper end of a whole answer."""
        raise NotImplementedError

    # The methods for all answers.

    _decode: Callable[[str], Any] = staticmethod(json.loads)

    def _loads(self, text: str) -> Any:
        """Return the decoded JSON; NOT_JSON for anything else."""
        try:
            return self._decode(text)
        except MemoryError:
            raise
        # Decoders have their own exceptions, and a RecursionError for values nested too deep.
        except Exception:
            return NOT_JSON

    def _collect(self, body: bytearray, data: bytes) -> bytes:
        """Take bytes of a body that is not known to be an event stream.

        Return its beginning when it turns out to be one.
        """
        before = len(body)
        body += data
        if self._is_open:
            # As long as this is open, the body is blank lines, and perhaps the beginning of a name
            # at its end. To search all of it in each read would be quadratic.
            start = before - _NAME_LIMIT if before > _START_LIMIT else 0
            begins = begins_as_events(bytes(body[start:_BLANK_LIMIT]))
            if begins:
                self._body = None
                return bytes(body)
            if begins is None and len(body) < _BLANK_LIMIT:
                return b""
            self._is_open = False
        if self._is_success and self._is_whole:
            if len(body) > _WHOLE_LIMIT:
                self._fail(StreamError(f"the answer is larger than {_WHOLE_LIMIT} bytes"))
        elif len(body) > _BODY_LIMIT:
            self._end_body(bytes(body[:_BODY_LIMIT]), "end", None)
        return b""

    def _end_body(self, body: bytes, ending: Ending, cause: BaseException | None) -> None:
        """Judge a body that was not read as an event stream."""
        if not self._is_success:  # the status counts, also where the body was cut off
            self._fail(self._status_error(body), cause)
        elif ending == "end" and self._is_whole:
            self._judge_whole(body)
        else:
            self._fail(self._foreign_body(body, ending, cause), cause)

    def _foreign_body(
        self, body: bytes, ending: Ending, cause: BaseException | None
    ) -> ExchangeError:
        """Return the error for a body that is not what was asked for, or not whole."""
        text = body.decode("utf-8-sig", "replace")
        if reported := reported_error(self._loads(text)):
            return self._reported(reported, text)
        if ending != "end":
            return lost(ending == "limit", cause)
        if not body:
            return EmptyStreamError("the answer is a success with an empty body")
        return self._content_type_error("text/event-stream", body)

    def _content_type_error(self, expected: str, body: bytes) -> ContentTypeError:
        details = self._details(body.decode("utf-8-sig", "replace"))
        return ContentTypeError(
            details.message,
            expected=expected,
            got=self.headers.get("content-type", ""),
            encoding=self._encoding(body),
            body=body,
        )

    def _encoding(self, body: bytes) -> str:
        """Return the content encoding that a body still has; "" if it has none.

        A transport that has decoded the body leaves the header as it was.
        """
        encoding = self.headers.get("content-encoding", "")
        try:
            body.decode()
        except UnicodeDecodeError:
            return "" if encoding.lower() == "identity" else encoding
        return ""

    def _status_error(self, body: bytes) -> StatusError:
        text = body.decode("utf-8-sig", "replace")
        details = self._details(text)
        if not details.message.strip():
            details = details._replace(message=_phrase(self.status))
        return StatusError(
            **details._asdict(),
            status=self.status,
            body=text,
            request_id=self.request_id,
            retry_after=retry_after(self.headers),
        )

    def _details(self, text: str) -> Details:
        """Return the message, code and type in a body that is an error."""
        raw = self._loads(text)
        if raw is NOT_JSON and begins_as_events(text[:_BLANK_LIMIT].encode()):
            events = Parser(max_event_size=None).feed(text.encode() + b"\n\n")
            if events:
                text = events[0].data
                raw = self._loads(text)
        if raw is NOT_JSON:
            return error_in_text(text)
        reported = reported_error(raw)
        return reported if reported and reported.message else error_details(raw, text.strip())

    @staticmethod
    def _reported(details: Details, data: str) -> StreamError:
        """Return the error that a server reports; without a message of its own, all data is it."""
        message = details.message or data.strip()
        return StreamError(message, code=details.code, type=details.type, data=data)

    def _fail(self, error: ExchangeError, cause: BaseException | None = None) -> None:
        """End the answer with an error."""
        if self._is_success and not self._is_whole:
            error.partial = self.completion()
        error.pending = self.pending
        if cause is not None and cause is not error:
            error.__cause__ = cause
        outcome = next(found for kind, found in _OUTCOMES.items() if isinstance(error, kind))
        if not self._ends:
            self.error = error
        self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        self._ends.append(outcome)


class EventsAnswer(Answer["Event"]):
    """Read an answer whose events are returned as they are.

    Attributes:
        arrival_ns: When the last event had arrived; 0 before the first.
    """

    arrival_ns = 0

    def _take(self, event: Event, arrival_ns: int) -> Event:
        self.arrival_ns = arrival_ns
        return event

    def _end_events(self, ending: Ending, cause: BaseException | None) -> None:
        if ending == "end":
            self._end(Outcome.ENDED)
        else:
            self._fail(lost(ending == "limit", cause), cause)


class JsonAnswer(Answer[None]):
    """Read a whole answer that is JSON of any kind.

    Attributes:
        value: The decoded JSON.
    """

    value: Any = None

    def __init__(
        self, status: int, headers: HeadersLike, json_loads: Callable[[str], Any] = json.loads
    ) -> None:
        super().__init__(status, headers, None, is_whole=True)
        self._decode = json_loads

    def _judge_whole(self, body: bytes) -> None:
        self.value = self._loads(body.decode("utf-8-sig", "replace"))
        if self.value is NOT_JSON:
            self._fail(self._content_type_error("application/json", body))
        else:
            self._end(Outcome.FINISHED)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "the server gives no reason"
