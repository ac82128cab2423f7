"""Streams: an exchange read through a parser, until one of the outcomes."""

from __future__ import annotations

import enum
import json
import re
import threading
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .._core import EventTooLargeError, Parser
from .._http import Exchange, ExchangeError, TimedOutError, TransportError
from ._errors import ContentTypeError, EmptyStreamError, StreamError, TruncatedError, said
from ._models import Chunk, Completion, Raw, dict_in, text_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from typing_extensions import Self

    from .._core import Event, Pending
    from ._gather import Gatherer

_C = TypeVar("_C")

# How an event stream begins, after a byte order mark and blank lines. Asked only where the content
# type does not say that it is one.
_BEGINNINGS = (b":", b"data", b"event", b"id", b"retry")
_TELLING = max(len(each) for each in _BEGINNINGS)  # bytes that decide
_BLANK_LIMIT = 1 << 16  # bytes of blank lines before that
_BODY_LIMIT = 1 << 20  # bytes of an answer that is no stream

# Older llama.cpp servers send an error as a field of that name, which the parser ignores as the
# standard says. The field is taken for an event of the type "error".
_ERROR_FIELD = re.compile(rb"([\r\n])error:")
_ERROR_EVENT = rb"\1:\nevent: error\ndata:"  # the colon ends what was fed of the name already
_LINE_START = re.compile(rb"(?:[\r\n](?:e|er|err|erro|error)?)?\Z")

_raw_decode = json.JSONDecoder().raw_decode


class Outcome(enum.Enum):
    """How a stream ended. The first that happened counts.

    Attributes:
        DONE: ``[DONE]`` was received.
        FINISHED: No ``[DONE]``, but every choice has its finish reason, and the body ended
            properly.
        TRUNCATED: The body ended properly, before the completion did.
        STREAM_ERROR: The server reported an error inside the stream, or sent something else than a
            stream.
        TRANSPORT_ERROR: The body was cut off.
        TIMED_OUT: A time limit was reached.
        CLOSED: The reader left: ``break``, ``close()`` or the end of a ``with`` block.
        ENDED: The body of a plain event stream ended properly; it has no other end.
    """

    DONE = "done"
    FINISHED = "finished"
    TRUNCATED = "truncated"
    STREAM_ERROR = "stream error"
    TRANSPORT_ERROR = "transport error"
    TIMED_OUT = "timed out"
    CLOSED = "closed"
    ENDED = "ended"


_OUTCOMES = {
    TransportError: Outcome.TRANSPORT_ERROR,
    TimedOutError: Outcome.TIMED_OUT,
    StreamError: Outcome.STREAM_ERROR,
    TruncatedError: Outcome.TRUNCATED,
}


class _Reading(Generic[_C]):
    """What both kinds of stream have in common.

    Attributes:
        headers: The headers of the answer; names are compared without regard to case.
        request_id: The server's name for the request, in ``x-request-id``; None if it gives none.
        request_sent_ns: When the request had been sent, by ``time.perf_counter_ns``; so are the
            following.
        headers_ns: When the headers of the answer had been read.
        outcome: How the stream ended; None while it runs.
        pending: The unfinished event at the end of the body, if there was one.
        first_byte_ns: When the first bytes of the body had been read; 0 before.
        end_ns: When the outcome was known; 0 before.
    """

    def __init__(self, exchange: Exchange, max_event_size: int | None) -> None:
        self.headers: Mapping[str, str] = exchange.headers
        self.request_id: str | None = self.headers.get("x-request-id")
        self.request_sent_ns: int = exchange.request_sent_ns
        self.headers_ns: int = exchange.headers_ns
        self.outcome: Outcome | None = None
        self.pending: Pending | None = None
        self.first_byte_ns: int = 0
        self.end_ns: int = 0
        self._exchange = exchange
        self._parser = Parser(max_event_size=max_event_size)
        self._error: ExchangeError | None = None  # that ended the stream, for who goes on asking
        self._ending = threading.Lock()
        self._items = self._read()

    @property
    def last_event_id(self) -> str:
        """The last event ID, as a reconnecting client must send it."""
        return self._parser.last_event_id

    def __next__(self) -> _C:
        if self._error is not None:
            raise self._error
        return next(self._items)

    def __iter__(self) -> Iterator[_C]:
        # Not the stream itself: a generator is told when a loop over it is left with break.
        if self._error is not None:
            raise self._error
        yield from self._items

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """End the stream, from any thread; a read that is waiting returns at once. Idempotent."""
        if self._end(Outcome.CLOSED):
            self._exchange.close()

    def _prepared(self, data: bytes) -> bytes:
        """Return what to give to the parser for bytes that were received."""
        return data

    def _take(self, event: Event, arrival_ns: int) -> _C | None:
        """Return what to yield for an event; None for nothing."""
        raise NotImplementedError

    def _finish(self, is_empty: bool) -> None:  # noqa: ARG002  # an empty stream is one too
        """Set the outcome at the end of the body, or raise."""
        self._end(Outcome.ENDED)

    def _judged(self, error: ExchangeError) -> ExchangeError:
        """Return the error to raise, when one has ended the stream and what is pending is known."""
        return error

    def _read(self) -> Generator[_C, None, None]:
        exchange, feed = self._exchange, self._parser.feed
        prepared, take = self._prepared, self._take
        is_empty = True
        try:
            data = self._first()
            while data:
                arrival_ns = exchange.arrival_ns
                fault = None
                try:
                    events = feed(prepared(data))
                except EventTooLargeError as error:
                    events, fault = error.events, StreamError(str(error))
                    fault.__cause__ = error
                if events:
                    is_empty = False
                    exchange.waiting_since_ns = 0
                for event in events:
                    item = take(event, arrival_ns)
                    if item is not None:
                        yield item
                    if self.outcome is not None:
                        return
                if fault:
                    raise fault
                data = exchange.read()
            if self.outcome is None:
                self.pending = self._parser.close()
                self._finish(is_empty)
        except ExchangeError as error:
            error.pending = self.pending = self._parser.close()
            error = self._judged(error)
            outcome = next(found for kind, found in _OUTCOMES.items() if isinstance(error, kind))
            if self._end(outcome):
                self._exchange.close()
                self._error = error
                raise error from error.__cause__
        finally:  # by break, by a signal, or because nobody holds the stream any more
            self.close()

    def _end(self, outcome: Outcome) -> bool:
        """Set the outcome if there is none; say whether it is the one."""
        with self._ending:
            if self.outcome is None:
                self.outcome = outcome
                self.end_ns = time.perf_counter_ns()
            return self.outcome is outcome

    def _first(self) -> bytes:
        """Return the first bytes of the body, once it is clear that they are an event stream.

        Raises:
            ContentTypeError: They are not.
        """
        data = self._exchange.read()
        self.first_byte_ns = self._exchange.arrival_ns if data else 0
        kind = self.headers.get("content-type", "")
        if "text/event-stream" in kind.lower():
            return data
        while data:
            begun = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
            if begun.startswith(_BEGINNINGS):
                return data
            is_told = len(begun) >= _TELLING or len(data) > _BLANK_LIMIT
            if is_told or not (more := self._exchange.read()):
                break
            data += more
        if data and self.outcome is None:
            body = data + self._exchange.read_all(_BODY_LIMIT)
            raise ContentTypeError.of("text/event-stream", kind, body)
        return b""


class EventStream(_Reading["Event"]):
    """The events of any event stream, as an iterator and a context manager.

    A loop that is left with ``break`` closes the stream; to take a few events and go on later, use
    ``next(stream)``. The outcome is ENDED when the body ends properly, or CLOSED; otherwise the
    iterator raises.

    Attributes:
        arrival_ns: When the read that completed the last event had returned, by
            ``time.perf_counter_ns``; 0 before the first event. Events of one read have the same.

    Raises:
        TransportError: The body was cut off.
        TimedOutError: A time limit was reached.
        StreamError: An event is larger than the client's ``max_event_size``. Its cause tells more.
        ContentTypeError: The answer is not an event stream.
    """

    arrival_ns: int = 0

    def _take(self, event: Event, arrival_ns: int) -> Event:
        self.arrival_ns = arrival_ns
        return event


class Stream(_Reading[Chunk]):
    """The chunks of a streamed completion, as an iterator and a context manager.

    It ends with ``[DONE]``, without waiting for the end of the body. A loop that is left with
    ``break`` closes the stream; to take a few chunks and go on later, use ``next(stream)``. What
    ends otherwise than DONE, FINISHED or CLOSED raises from the iterator, from ``text`` and from
    ``collect``, with what had arrived as ``partial``.

    Raises:
        TransportError: The body was cut off.
        TimedOutError: A time limit was reached.
        StreamError: The server reported an error inside the stream, or an event is not a chunk.
        ContentTypeError: The answer is not an event stream.
        TruncatedError: The body ended properly, but before every choice had its finish reason.
        EmptyStreamError: It ended before the first event.
    """

    def __init__(self, exchange: Exchange, max_event_size: int | None, gatherer: Gatherer) -> None:
        super().__init__(exchange, max_event_size)
        self._gatherer = gatherer
        self._add = gatherer.add
        # How the line that the last read left unfinished begins, with the line end before it, as
        # long as it may be an error field; b"." for any other line.
        self._between = b"\n"

    def text(self) -> Iterator[str]:
        """Yield the text of the choice with index 0, piece by piece.

        Raises:
            Error: As the stream does.
        """
        with self:
            for chunk in self:
                for choice in chunk.choices:
                    if choice.index == 0 and (text := text_of(choice, choice.delta)):
                        yield text

    def collect(self) -> Completion:
        """Read to the end and return the whole completion, with what had been read before.

        After ``close`` it returns what had arrived until then; see ``outcome``.

        Raises:
            Error: As the stream does.
        """
        for _ in self:
            pass
        return self._gatherer.whole()

    def _take(self, event: Event, arrival_ns: int) -> Chunk | None:
        text = event.data
        raw: Any = None
        try:
            raw, end = _raw_decode(text)
            is_plain = end == len(text) and "error" not in raw
        except (ValueError, RecursionError, TypeError):  # no JSON, or no object
            is_plain = False
        if not is_plain or type(raw) is not dict or event.type != "message":
            raw = self._chunk_in(event.type, text.strip())
            if raw is None:
                return None
        return self._add(raw, arrival_ns)

    def _chunk_in(self, type_: str, data: str) -> Raw | None:
        """Return the JSON of an event that is not plainly a chunk; None if it is none.

        Raises:
            StreamError: It reports an error, or cannot be understood.
        """
        if data.startswith("[DONE]"):
            if self._end(Outcome.DONE):
                self._exchange.park()
            return None
        if reported := _reported(type_, data):
            raise reported
        if not data:  # some servers keep the connection alive so
            return None
        raw = dict_in(data)
        if raw is None:
            raise StreamError("an event is not a JSON object", data=data)
        return raw

    def _finish(self, is_empty: bool) -> None:
        if reported := _reported_in(self.pending):
            raise reported
        if is_empty:
            raise EmptyStreamError("the answer is a success without a single event")
        if not self._gatherer.is_finished():
            raise TruncatedError("the stream ended without [DONE] and before every finish reason")
        self._end(Outcome.FINISHED)

    def _judged(self, error: ExchangeError) -> ExchangeError:
        reported = None
        if isinstance(error, ContentTypeError):
            reported = _reported("message", error.data)
        elif not isinstance(error, StreamError):
            reported = _reported_in(error.pending)
        if reported:
            reported.pending, reported.__cause__ = error.pending, error
            error = reported
        error.partial = self._gatherer.whole()
        return error

    def _prepared(self, data: bytes) -> bytes:
        # find() and not "in", which first takes the bytes for an int and fails: 0.1 us, not 0.4.
        if self._between != b"\n" or data[-1] != 10 or data.find(b"error:") >= 0:
            data = self._between + data
            known = 1 if _ERROR_FIELD.match(data) else len(self._between)
            found = _LINE_START.search(data)
            self._between = (found and found[0]) or b"."
            data = _ERROR_FIELD.sub(_ERROR_EVENT, data)[known:]
        return data


def _reported(type_: str, data: str) -> StreamError | None:
    """Return the error that an event reports, if it does."""
    if type_ == "error" or (dict_in(data) or {}).get("error"):
        return StreamError(**said(data), data=data)
    return None


def _reported_in(pending: Pending | None) -> StreamError | None:
    """Return the error that an unfinished event would report."""
    if pending is None:
        return None
    line = pending.line.decode("utf-8", "replace")
    data = pending.data + "\n" + (line[5:] if line.startswith("data:") else "")
    return _reported(pending.type, data.strip())
