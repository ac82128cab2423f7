# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Parse an iterable of chunks, blocking or asynchronous, or a whole stream."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, overload

from ._bytes import BytesLike, to_bytes
from ._errors import EventTooLargeError
from ._event import Event
from ._items import Item
from ._observer import Observer
from ._parser import Parser

if TYPE_CHECKING:
    from mmap import mmap
else:
    mmap = Any  # get_type_hints() needs the name; few programs need the import

__all__ = ["aiter_events", "iter_events", "parse"]

# parse() feeds the parser this many bytes at a time. One call with 64 MiB takes twice as long as
# 1,024 calls with 64 KiB, and lets no other thread run before it ends.
_SLICE: Final = 64 * 1024
# The beginnings of lines that LineWatch recognises.
_FIELDS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")


@overload
def iter_events(
    chunks: Iterable[BytesLike], parser: Parser | None = None
) -> Generator[Event, None, None]: ...
@overload
def iter_events(chunks: Iterable[BytesLike], parser: Observer) -> Generator[Item, None, None]: ...
def iter_events(
    chunks: Iterable[BytesLike], parser: Parser | Observer | None = None
) -> Generator[Any, None, None]:
    r"""Yield the events of a stream that comes in chunks, each as soon as it is complete.

    The chunks may come from any iterable: a file opened in binary mode, a response's body, a list.
    If the iterable is a generator, it is closed when the events end, on an error, and when the
    iterator is closed, even before its first step. CPython closes the iterator at once when a loop
    is left; ``contextlib.closing`` closes it on every Python. Close any other iterable yourself.

    Args:
        chunks: The bytes, cut anywhere.
        parser: The Parser to feed; afterwards the caller can read its ``last_event_id`` and
            ``retry`` and call ``close()``. An Observer yields items. By default a new Parser.

    Raises:
        EventTooLargeError: A line or an event is larger than ``max_event_size``. Everything
            before it has been yielded, so the error carries no events and no items.
        TypeError: ``chunks`` is bytes or str; ``parser`` is not a Parser or Observer; or a chunk is
            not bytes, bytearray or memoryview.
        ValueError: The chunks are lines without their line ends, as requests' ``iter_lines()``
            yields them. It is raised after two blocks without a line end, or at the end.
        RuntimeError: The parser is closed, or an earlier call of it did not end.

    >>> from sseparse import iter_events
    >>> [event.data for event in iter_events([b"data: a\n", b"\ndata: b\n\n"])]
    ['a', 'b']
    """
    refuse_whole(chunks)
    events = _iterate(chunks, _given(parser))
    next(events)  # the first step: from here on, closing the events closes the chunks
    return events


@overload
def aiter_events(
    chunks: AsyncIterable[BytesLike], parser: Parser | None = None
) -> AsyncGenerator[Event, None]: ...
@overload
def aiter_events(
    chunks: AsyncIterable[BytesLike], parser: Observer
) -> AsyncGenerator[Item, None]: ...
def aiter_events(
    chunks: AsyncIterable[BytesLike], parser: Parser | Observer | None = None
) -> AsyncGenerator[Any, None]:
    r"""Yield the events of a stream that comes in chunks from an asynchronous iterable.

    If the iterable is an async generator, it is closed when the events end, on an error, and when
    the iterator is closed. ``contextlib.aclosing`` closes the iterator when a loop is left early.
    Close any other iterable yourself.

    Args:
        chunks: The bytes, cut anywhere.
        parser: As for ``iter_events``.

    Raises:
        EventTooLargeError: As for ``iter_events``.
        TypeError: As for ``iter_events``.
        ValueError: As for ``iter_events``.
        RuntimeError: As for ``iter_events``.

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
    refuse_whole(chunks)
    # The running event loop registers the iterator at the iterator's first step. Outside a loop
    # that step has to wait.
    in_loop = sys.get_asyncgen_hooks().firstiter is not None
    events = _aiterate(chunks, _given(parser), in_loop)
    if in_loop:
        try:  # noqa: SIM105  # contextlib would be one more module to import
            events.asend(None).send(None)
        except StopIteration:  # a step that awaits nothing ends in this way
            pass
    return events


def parse(data: BytesLike | mmap) -> list[Event]:
    r"""Return the events of a whole stream, held in memory or in a memory-mapped file.

    An event that the stream left unfinished is dropped, as the standard says. To see it, use
    ``Parser`` and its ``close``.

    Raises:
        EventTooLargeError: A line or an event is larger than 64 MiB. The error carries the events
            before it.
        TypeError: ``data`` is not bytes, a bytearray, a C-contiguous memoryview of bytes or a mmap.

    >>> from sseparse import parse
    >>> parse(b"event: ready\ndata\n\n")
    [Event(type='ready', data='', last_event_id='')]
    """
    # A program that has a mmap has imported its module. Other programs save the import's time.
    module = sys.modules.get("mmap")
    is_mapped = module is not None and isinstance(data, module.mmap)
    source: Any = data
    stream = source if is_mapped else to_bytes(source)  # slices of a mmap are bytes
    parser = Parser()
    events: list[Event] = []
    try:
        for start in range(0, len(stream), _SLICE):
            events += parser.feed(stream[start : start + _SLICE])
    except EventTooLargeError as error:
        error.events[:0] = events
        raise
    return events


def _iterate(chunks: Iterable[BytesLike], parser: Parser | Observer) -> Generator[Any, None, None]:
    feed = parser.feed
    watch: LineWatch | None = LineWatch()
    try:
        yield  # not an event: the first step that iter_events takes
        for chunk in chunks:
            try:
                found = feed(chunk)
            except EventTooLargeError as error:
                yield from _emptied(error)
                raise
            if watch is not None:
                watch = watch.after(chunk)
            # Where each read brings one event this takes 11 % less time than "yield from".
            for each in found:  # noqa: UP028
                yield each
        if watch is not None:
            watch.end()
    finally:
        if isinstance(chunks, Generator):
            chunks.close()


async def _aiterate(
    chunks: AsyncIterable[BytesLike], parser: Parser | Observer, in_loop: bool
) -> AsyncGenerator[Any, None]:
    feed = parser.feed
    watch: LineWatch | None = LineWatch()
    try:
        if in_loop:
            yield  # not an event: the first step that aiter_events takes
        async for chunk in chunks:
            try:
                found = feed(chunk)
            except EventTooLargeError as error:
                for each in _emptied(error):
                    yield each
                raise
            if watch is not None:
                watch = watch.after(chunk)
            for each in found:
                yield each
        if watch is not None:
            watch.end()
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


class LineWatch:
    """Detect chunks that are lines without their line ends.

    A stream may be cut anywhere, so one chunk can look like a line by chance. So all chunks must
    look like lines, and none may contain a line end.
    """

    def __init__(self) -> None:
        self._lines = 0
        self._blocks = 0  # groups of lines that an empty chunk ended, as a blank line ends a block
        self._in_block = False

    def after(self, chunk: BytesLike) -> LineWatch | None:
        """Check the next chunk; return None when no further chunk needs a check."""
        line = bytes(chunk)
        if line:
            if b"\n" in line or b"\r" in line or not line.startswith(_FIELDS):
                return None
            self._lines += 1
        elif self._in_block:
            self._blocks += 1
            if self._blocks == 2:
                self.end()
        self._in_block = bool(line)
        return self

    def end(self) -> None:
        """Raise if the chunks were lines; a single one may be a stream that was cut off."""
        if self._lines > 1:
            raise ValueError(
                "the chunks are lines without their line ends; give the bytes as they came "
                "(httpx: iter_bytes(); requests: raw.read1()), or each line + b'\\n'"
            )


def _emptied(error: EventTooLargeError) -> Sequence[Event | Item]:
    """Remove the items of an Observer, or the events, from the error, and return them."""
    found: list[Event | Item] = [*error.items] if error.items else [*error.events]
    error.events.clear()
    error.items.clear()
    return found


def _given(parser: object) -> Parser | Observer:
    """Return the given parser, or a new one if it is None."""
    if parser is None:
        return Parser()
    if not isinstance(parser, (Parser, Observer)):
        what = "the class itself" if isinstance(parser, type) else type(parser).__name__
        raise TypeError(f"parser must be a Parser or an Observer, not {what}")
    return parser


def refuse_whole(chunks: object, instead: str = "parse()") -> None:
    if isinstance(chunks, str):
        raise TypeError(f"expected an iterable of bytes, not str; give {instead} text.encode()")
    if isinstance(chunks, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"expected an iterable of bytes, not {type(chunks).__name__} itself; "
            f"use {instead} for a whole stream"
        )
