"""The parser over an iterable of chunks, blocking or asynchronous, or over a whole stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING

from ._errors import EventTooLargeError
from ._parser import DEFAULT_MAX_EVENT_SIZE, Parser

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from ._parser import Chunk, Event

__all__ = ["aiter_events", "iter_events", "parse"]


def iter_events(
    chunks: Iterable[Chunk],
    *,
    last_event_id: str = "",
    max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
) -> Generator[Event, None, None]:
    r"""Yield the events of a stream whose bytes come in chunks, each as soon as it is complete.

    The chunks may come from any iterable: a file opened in binary mode, a response's stream, a
    list. If it is a generator it is closed when the events end, on an error and when the iteration
    is left (at once in CPython; with ``contextlib.closing`` anywhere). Anything else stays its
    owner's to close.

    Args:
        chunks: The bytes, cut anywhere.
        last_event_id: As for ``Parser``.
        max_event_size: As for ``Parser``.

    Raises:
        EventTooLargeError: A line or an event is larger than ``max_event_size``. The events before
            it have been yielded, so the error carries none.
        TypeError: ``chunks`` is bytes or str, or a chunk is not bytes, bytearray or memoryview.
        ValueError: As for ``Parser``.

    >>> from sseparse import iter_events
    >>> [event.data for event in iter_events([b"data: a\n", b"\ndata: b\n\n"])]
    ['a', 'b']
    """
    _refuse_whole(chunks)
    return _iterate(chunks, Parser(last_event_id=last_event_id, max_event_size=max_event_size))


def aiter_events(
    chunks: AsyncIterable[Chunk],
    *,
    last_event_id: str = "",
    max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
) -> AsyncGenerator[Event, None]:
    r"""Yield the events of a stream whose bytes come in chunks from an asynchronous iterable.

    An async generator is closed when the events end, on an error and when the iterator is closed;
    ``contextlib.aclosing`` does that when the loop is left early. Anything else stays its owner's.

    Args:
        chunks: The bytes, cut anywhere.
        last_event_id: As for ``Parser``.
        max_event_size: As for ``Parser``.

    Raises:
        EventTooLargeError: As for ``iter_events``.
        TypeError: As for ``iter_events``.
        ValueError: As for ``Parser``.

    >>> import asyncio
    >>> from sseparse import aiter_events
    >>> async def chunks():
    ...     yield b"data: a\n"
    ...     yield b"\n"
    >>> async def main():
    ...     return [event.data async for event in aiter_events(chunks())]
    >>> asyncio.run(main())
    ['a']
    """
    _refuse_whole(chunks)
    return _aiterate(chunks, Parser(last_event_id=last_event_id, max_event_size=max_event_size))


def parse(data: Chunk) -> list[Event]:
    r"""Return the events of a whole stream held in memory.

    What the stream left unfinished is dropped, as the standard says; use ``Parser`` and its
    ``close`` to see it.

    Raises:
        EventTooLargeError: A line or an event is larger than 64 MiB. It carries the events before.
        TypeError: ``data`` is not bytes, a bytearray or a C-contiguous memoryview of bytes.

    >>> from sseparse import parse
    >>> parse(b"event: ready\ndata\n\n")
    [Event(type='ready', data='', last_event_id='')]
    """
    return Parser().feed(data)


def _iterate(chunks: Iterable[Chunk], parser: Parser) -> Generator[Event, None, None]:
    try:
        for chunk in chunks:
            try:
                events = parser.feed(chunk)
            except EventTooLargeError as error:
                yield from error.events
                error.events.clear()
                raise
            yield from events
    finally:
        if isinstance(chunks, Generator):
            chunks.close()


async def _aiterate(chunks: AsyncIterable[Chunk], parser: Parser) -> AsyncGenerator[Event, None]:
    try:
        async for chunk in chunks:
            try:
                events = parser.feed(chunk)
            except EventTooLargeError as error:
                for event in error.events:
                    yield event
                error.events.clear()
                raise
            for event in events:
                yield event
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


def _refuse_whole(chunks: object) -> None:
    if isinstance(chunks, str):
        raise TypeError("expected an iterable of bytes, not str; give parse() text.encode()")
    if isinstance(chunks, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"expected an iterable of bytes, not {type(chunks).__name__} itself; "
            "use parse() for a whole stream"
        )
