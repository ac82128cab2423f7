"""Read streams of chunks in coroutines, as ``_stream`` does with blocking reads."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ._answer import Answer, Outcome
from ._errors import ExchangeError, TimedOutError
from ._models import Chunk, Completion
from ._parser import DONE_WAIT, CompletionParser
from ._stream import Reading, TextPieces, timed_completion, timed_error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from typing_extensions import Self

    from ._timing import Timing

_T = TypeVar("_T")


class AsyncSource(Protocol):
    """The asynchronous source of the bytes of an answer.

    Attributes:
        arrival_ns: When the bytes of the last read had arrived; 0 if the source does not measure.
        timing: When the parts of the exchange happened; the source fills it in.
    """

    arrival_ns: int
    timing: Timing

    def take(self) -> bytes | None:
        """Return the next bytes of the body; b"" at its proper end; None if they have not come yet.

        Raises:
            ExchangeError: There is no proper end.
        """

    def arrival(self) -> Awaitable[None]:
        """Wait until ``take`` has a result, or an error."""

    def has_event(self) -> None:
        """Record that the last read completed an event."""

    def limit_rest(self, seconds: float | None) -> None:
        """Wait at most this long for all further bytes, and then raise a TimedOutError.

        None: as long as the time limits of the exchange allow.
        """

    async def park(self) -> None:
        """End the exchange; nobody needs the rest of the body. Idempotent."""

    async def close(self) -> None:
        """End the exchange. A read that another task waits for returns. Idempotent."""


class AsyncReading(Reading[_T]):
    """A stream that is read by coroutines. One task reads it; any task of its loop may close it."""

    def __init__(self, answer: Answer[_T], source: AsyncSource) -> None:
        super().__init__(answer, source.timing)
        self._source = source
        # The generator of the items. The stream keeps it until a loop takes it, so that a loop that
        # is left closes it. By _items and __aiter__.
        self._kept: AsyncGenerator[_T, None] | None = _aread(answer, source)
        self._generator: Any = weakref.ref(self._kept)

    def _items(self) -> AsyncGenerator[_T, None]:
        """Return the generator of the items; it raises the error at the end."""
        items: Any = self._generator()
        if items is None or items.ag_frame is None:  # it was dropped, or has ended
            items = self._kept = _aread(self._answer, self._source)
            self._generator = weakref.ref(items)
        return items  # type: ignore[no-any-return]

    def __aiter__(self) -> AsyncIterator[_T]:
        # Not a generator around the other one, which would take more time.
        items = self._items()
        self._kept = None
        return items

    async def __anext__(self) -> _T:
        return await self._items().__anext__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the stream; a read that another task waits for returns at once. Idempotent."""
        is_left = self._answer.close("left") is Outcome.CLOSED
        try:
            with contextlib.suppress(RuntimeError):  # another task is reading
                await self._items().aclose()
        finally:
            if is_left:
                await self._source.close()


class AsyncStream(AsyncReading[Chunk]):
    """The chunks of a streamed completion, as an async iterator and an async context manager.

    Unlike those of ``Stream``, its methods are coroutines. If you leave a loop with ``break``, the
    stream closes only when Python finalizes the loop's iterator: use ``async with``.

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

    async def text(self) -> AsyncIterator[str]:
        """Yield the text of the choice with index 0, piece by piece.

        Raises:
            ExchangeError: As the stream does.
        """
        pieces = TextPieces()
        async with self:
            with contextlib.suppress(ExchangeError):  # it is raised below, after the whole text
                async for chunk in self._items():
                    if text := pieces.of(chunk):
                        yield text
            if text := pieces.rest(self._answer.completion()):
                yield text
            if error := self._error():
                raise error

    def completion(self) -> Completion:
        """Return what has arrived so far, at any time, without reading."""
        return timed_completion(self._answer, self.timing)

    async def collect(self) -> Completion:
        """Read to the end and return the whole completion, with what had been read before.

        Raises:
            ExchangeError: As the stream does.
        """
        async for _ in self._items():
            pass
        return self.completion()


async def aread_whole(answer: Answer[Any], source: AsyncSource) -> None:
    """Do as read_whole does, asynchronously.

    Raises:
        ExchangeError: The error of the answer, if there is one.
    """
    try:
        while answer.outcome is None:
            data = source.take()
            if data is None:
                await source.arrival()
            elif data:
                answer.feed(data)
            else:
                answer.close()
    except ExchangeError as error:
        answer.close("limit" if isinstance(error, TimedOutError) else "cut", error)
    finally:
        await source.close()
    if failure := timed_error(answer, source.timing):
        raise failure


async def _aread(answer: Answer[_T], source: AsyncSource) -> AsyncGenerator[_T, None]:
    """Do as _read does, asynchronously, and raise the error at the end."""
    ends = answer._ends
    is_last_wait = False  # whether the time for the rest is limited
    try:
        while not ends:
            try:
                while (data := source.take()) is None:
                    await source.arrival()
            except ExchangeError as error:
                answer.close("limit" if isinstance(error, TimedOutError) else "cut", error)
                break
            if not data:
                answer.close()
                break
            events = answer._parse(data)
            if events:
                source.has_event()
            for item in answer._items(events, source.arrival_ns):
                yield item
                del item
            # While it waits, a stream keeps nothing of the last read. With many streams the next
            # one uses this memory, which is in the processor's cache then.
            del data, events
            if answer.is_complete is not is_last_wait:  # also if one more choice begins
                is_last_wait = not is_last_wait
                source.limit_rest(DONE_WAIT if is_last_wait else None)
    finally:
        answer.close("left")  # by break, by cancellation, or because nobody reads on
        if answer.outcome is Outcome.DONE:
            await source.park()
        else:
            await source.close()
    if failure := timed_error(answer, source.timing):
        raise failure
