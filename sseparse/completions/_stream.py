"""Read streams of chunks: a loop that gives the bytes of a source to a parser of completions."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ._answer import Answer, Outcome
from ._errors import ExchangeError, TimedOutError
from ._models import Chunk, Completion, index_of, piece_of
from ._parser import DONE_WAIT, CompletionParser
from ._text import join_surrogates
from ._timing import Timing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typing_extensions import Self

    from .._core import Pending

_T = TypeVar("_T")


class Source(Protocol):
    """The source of the bytes of an answer.

    Attributes:
        arrival_ns: When the last read had returned; 0 if the source does not measure.
        timing: When the parts of the exchange happened; the source fills it in.
    """

    arrival_ns: int
    timing: Timing

    def read(self) -> bytes:
        """Return the next bytes of the body; b"" at its proper end.

        Raises:
            ExchangeError: There is no proper end.
        """

    def has_event(self) -> None:
        """Record that the last read completed an event."""

    def limit_rest(self, seconds: float | None) -> None:
        """Wait at most this long for all further bytes, and then raise a TimedOutError.

        None: as long as the time limits of the exchange allow.
        """

    def park(self) -> None:
        """End the exchange; nobody needs the rest of the body."""

    def close(self) -> None:
        """End the exchange, from any thread. Idempotent."""


class Reading(Generic[_T]):
    """The attributes of all streams.

    Attributes:
        timing: When the parts of the exchange happened.
    """

    def __init__(self, answer: Answer[_T], timing: Timing) -> None:
        self.timing: Timing = timing
        self._answer = answer

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer; names are compared without regard to case."""
        return self._answer.headers

    @property
    def request_id(self) -> str | None:
        """The server's name for the request, in ``x-request-id``; None if it gives none."""
        return self._answer.request_id

    @property
    def outcome(self) -> Outcome | None:
        """How the stream ended; None while it runs."""
        return self._answer.outcome

    @property
    def pending(self) -> Pending | None:
        """The unfinished event at the end of the body, if there was one."""
        return self._answer.pending

    @property
    def last_event_id(self) -> str:
        """The last event ID, as a reconnecting client must send it."""
        return self._answer.last_event_id

    @property
    def retry(self) -> int | None:
        """The reconnection time that the server asked for, in ms; None if it has not."""
        return self._answer.retry

    def __repr__(self) -> str:
        state = self.outcome.value if self.outcome else "running"
        counts = f"{self._answer.events} events in {self._answer.reads} reads"
        return f"<{type(self).__name__}: {state}, {counts}>"

    def _error(self) -> ExchangeError | None:
        return timed_error(self._answer, self.timing)


class BlockingReading(Reading[_T]):
    """A stream that is read by blocking calls. One thread reads it; any thread may close it."""

    def __init__(self, answer: Answer[_T], source: Source) -> None:
        super().__init__(answer, source.timing)
        self._source = source
        self._items = _read(answer, source)

    def __iter__(self) -> Iterator[_T]:
        # Not the stream itself: a generator is closed when a loop over it is left with break.
        yield from self._items
        if error := self._error():
            raise error

    def __next__(self) -> _T:
        for item in self._items:
            return item
        if error := self._error():
            raise error
        raise StopIteration

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_items"):  # else an exception came while it was made
            self.close()

    def close(self) -> None:
        """End the stream, from any thread; a read that is waiting returns at once. Idempotent."""
        if self._answer.close("left") is Outcome.CLOSED:
            self._source.close()
        with contextlib.suppress(ValueError):  # it runs, in another thread or below this call
            self._items.close()


def read_whole(answer: Answer[Any], source: Source) -> None:
    """Read an answer that is not a stream.

    Raises:
        ExchangeError: The error of the answer, if there is one.
    """
    try:
        while answer.outcome is None and (data := source.read()):
            answer.feed(data)
        answer.close()
    except ExchangeError as error:
        answer.close("limit" if isinstance(error, TimedOutError) else "cut", error)
    finally:
        source.close()
    if failure := timed_error(answer, source.timing):
        raise failure


class Stream(BlockingReading[Chunk]):
    """The chunks of a streamed completion, as an iterator and a context manager.

    It ends with ``[DONE]``, without waiting for the end of the body. ``break`` closes the stream;
    to take a few chunks and continue later, use ``next(stream)``. If the outcome is not DONE,
    FINISHED or CLOSED, the iterator, ``text`` and ``collect`` raise an error, whose ``partial`` is
    the part of the completion that arrived.

    Raises:
        TransportError: The body was cut off.
        TimedOutError: A time limit was reached.
        StatusError: The status is not a success.
        StreamError: The server reported an error, or an event is not a chunk.
        ContentTypeError: The answer is not an event stream.
        TruncatedError: The body ended properly, but before every choice had its finish reason.
        EmptyStreamError: It ended before a single choice.
    """

    _answer: CompletionParser

    def text(self) -> Iterator[str]:
        """Yield the text of the choice with index 0, piece by piece.

        Raises:
            ExchangeError: As the stream does.
        """
        pieces = TextPieces()
        with self:
            for chunk in self._items:
                if text := pieces.of(chunk):
                    yield text
            if text := pieces.rest(self._answer.completion()):
                yield text
            if error := self._error():
                raise error

    def completion(self) -> Completion:
        """Return what has arrived so far, at any time, without reading."""
        return timed_completion(self._answer, self.timing)

    def collect(self) -> Completion:
        """Read to the end and return the whole completion, with what had been read before.

        After ``close`` it returns what had arrived until then; see ``outcome``.

        Raises:
            ExchangeError: As the stream does.
        """
        for _ in self._items:
            pass
        if error := self._error():
            raise error
        return self.completion()


def _read(answer: Answer[_T], source: Source) -> Generator[_T, None, None]:
    """Yield the items of an answer, and end the answer and the exchange.

    It has no reference to the stream, so the stream is closed as soon as its user drops it.
    """
    ends = answer._ends
    read, parse, items = source.read, answer._parse, answer._items
    is_last_wait = False  # whether the time for the rest is limited
    try:
        while not ends:
            try:
                data = read()
            except ExchangeError as error:
                answer.close("limit" if isinstance(error, TimedOutError) else "cut", error)
                break
            if not data:
                answer.close()
                break
            events = parse(data)
            if events:
                source.has_event()
            yield from items(events, source.arrival_ns)
            if answer.is_complete is not is_last_wait:  # also if one more choice begins
                is_last_wait = not is_last_wait
                source.limit_rest(DONE_WAIT if is_last_wait else None)
    finally:
        answer.close("left")  # by break, by a signal, or because its user dropped the stream
        if answer.outcome is Outcome.DONE:
            source.park()
        else:
            source.close()


class TextPieces:
    """Take the text of the choice with index 0 out of chunks.

    The returned texts make up the text of the completion.
    """

    def __init__(self) -> None:
        # The first half of a character that a server cut in two, until the other half comes.
        self._half = ""

    def of(self, chunk: Chunk) -> str:
        """Return the text of a chunk."""
        text = ""
        for choice in chunk.choices:
            if index_of(choice.raw) == 0:
                text += piece_of(choice, choice.delta.content) or ""
        if not text or (text.isascii() and not self._half):
            return text
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        return join_surrogates(text[:-1] if self._half else text)

    def rest(self, completion: Completion) -> str:
        """Return the rest at the end: half a character, or the text if no choice has index 0."""
        is_found = any(choice.index == 0 for choice in completion.choices)
        return self._half if is_found else completion.text


def timed_error(answer: Answer[Any], timing: Timing) -> ExchangeError | None:
    """Return the error to raise at the end, with the times of the exchange."""
    if answer.error is not None:
        answer.error.timing = timing
    return answer.error


def timed_completion(parser: CompletionParser, timing: Timing) -> Completion:
    """Return what has arrived, with the times of its exchange."""
    completion = parser.completion()
    completion.timing = timing
    return completion
