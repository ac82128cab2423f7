"""iter_events, aiter_events and parse: the parser driven, and the sources closed."""

from __future__ import annotations

import asyncio
import contextlib
import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

import running
from running import feed_all
from sseparse import Event, EventTooLargeError, aiter_events, iter_events, parse
from strategies import cut_short_streams, limits, seeds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

A, B, C = (Event("message", data, "") for data in "abc")
THREE = [b"data: a\n\ndata: b\n", b"", b"\ndata: c\n\n"]


class Source:
    """Chunks from a generator, blocking or not, that tells when it was closed."""

    def __init__(self, chunks: list[Any], error: Exception | None = None) -> None:
        self.chunks = chunks
        self.error = error
        self.given = 0
        self.closed = False

    def __iter__(self) -> Iterator[Any]:
        try:
            for chunk in self.chunks:
                self.given += 1
                yield chunk
            if self.error:
                raise self.error
        finally:
            self.closed = True

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            for chunk in self.chunks:
                self.given += 1
                await asyncio.sleep(0)
                yield chunk
            if self.error:
                raise self.error
        finally:
            await asyncio.sleep(0)
            self.closed = True


class Owned:
    """An iterator with a close of its own, as a response or a file has."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = iter(chunks)
        self.closed = False

    def __iter__(self) -> Owned:
        return self

    def __next__(self) -> bytes:
        return next(self.chunks)

    def __aiter__(self) -> Owned:
        return self

    async def __anext__(self) -> bytes:
        try:
            return next(self.chunks)
        except StopIteration:
            raise StopAsyncIteration from None

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


# The two forms side by side: each runs over a source and returns the events and the error.


def run(chunks: Any, **options: Any) -> tuple[list[Event], Exception | None]:
    events = []
    try:
        for event in iter_events(chunks, **options):
            events.append(event)
    except Exception as error:
        return events, error
    return events, None


def arun(chunks: Any, **options: Any) -> tuple[list[Event], Exception | None]:
    async def main() -> tuple[list[Event], Exception | None]:
        events = []
        try:
            async for event in aiter_events(chunks, **options):
                events.append(event)
        except Exception as error:
            return events, error
        return events, None

    return asyncio.run(main())


def generator(source: Source) -> Any:
    return iter(source)


def agenerator(source: Source) -> Any:
    return aiter(source)


BOTH = pytest.mark.parametrize(
    ("runs", "generate"), [(run, generator), (arun, agenerator)], ids=["iter", "aiter"]
)


@BOTH
def test_events_in_order_and_the_generator_closed(runs: Any, generate: Any) -> None:
    source = Source(THREE)
    assert runs(generate(source)) == ([A, B, C], None)
    assert source.closed


@pytest.mark.parametrize("runs", [run, arun])
def test_what_is_not_a_generator_stays_its_owners(runs: Any) -> None:
    owned = Owned(THREE)
    assert runs(owned) == ([A, B, C], None)
    assert not owned.closed

    owned = Owned([b"data: a\n\n", b"data: too long\n\n"])
    events, error = runs(owned, max_event_size=8)
    assert events == [A]
    assert isinstance(error, EventTooLargeError)
    assert not owned.closed


@BOTH
def test_an_iterable_that_is_no_iterator(runs: Any, generate: Any) -> None:
    assert runs(Source(THREE)) == runs(generate(Source(THREE))) == ([A, B, C], None)


@BOTH
def test_what_is_pending_at_the_end_is_dropped(runs: Any, generate: Any) -> None:
    assert runs(generate(Source([b"data: a\n\ndata: b\n"]))) == ([A], None)
    assert runs(generate(Source([]))) == ([], None)


@BOTH
def test_the_options(runs: Any, generate: Any) -> None:
    events, error = runs(generate(Source([b"data: a\n\n"])), last_event_id="7", max_event_size=None)
    assert (events, error) == ([Event("message", "a", "7")], None)


@BOTH
def test_the_carried_events_and_then_the_error_with_none(runs: Any, generate: Any) -> None:
    source = Source([b"data: a\n\ndata: b\n\ndata: too long\n\n", b"data: c\n\n"])
    events, error = runs(generate(source), max_event_size=8)
    assert events == [A, B]
    assert type(error) is EventTooLargeError
    assert (error.limit, error.offset, error.events, error.observed) == (8, 26, [], [])
    assert error.args == (8, 26, [], [])
    assert source.closed
    assert source.given == 1


@BOTH
def test_an_error_of_the_source_passes(runs: Any, generate: Any) -> None:
    broken = OSError("reset")
    source = Source([b"data: a\n\n"], broken)
    events, error = runs(generate(source))
    assert events == [A]
    assert error is broken
    assert source.closed


@BOTH
@pytest.mark.parametrize("chunk", ["data: a\n\n", None, 7])
def test_a_chunk_of_another_type(runs: Any, generate: Any, chunk: Any) -> None:
    source = Source([b"data: a\n\n", chunk])
    events, error = runs(generate(source))
    assert events == [A]
    assert type(error) is TypeError
    assert source.closed


@BOTH
def test_a_text_chunk_is_told_to_encode(runs: Any, generate: Any) -> None:
    _, error = runs(generate(Source(["data: a\n\n"])))
    assert ".encode()" in str(error)


@BOTH
def test_bytearrays_and_memoryviews(runs: Any, generate: Any) -> None:
    chunks = [bytearray(b"data: a\n"), memoryview(b"\n")]
    assert runs(generate(Source(chunks))) == ([A], None)


@pytest.mark.parametrize("function", [iter_events, aiter_events])
@pytest.mark.parametrize("whole", [b"data: a", bytearray(b"a"), memoryview(b"a")])
def test_a_whole_stream_is_refused_at_the_call(function: Any, whole: Any) -> None:
    with pytest.raises(TypeError, match=rf"not {type(whole).__name__} itself; use parse\(\)"):
        function(whole)


@pytest.mark.parametrize("function", [iter_events, aiter_events])
def test_text_is_refused_at_the_call(function: Any) -> None:
    with pytest.raises(TypeError, match=r"^expected .* not str; give parse\(\) text\.encode\(\)$"):
        function("data: a\n\n")


@pytest.mark.parametrize("function", [iter_events, aiter_events])
def test_options_are_checked_at_the_call(function: Any) -> None:
    with pytest.raises(ValueError, match="max_event_size"):
        function([], max_event_size=0)
    with pytest.raises(ValueError, match="last_event_id"):
        function([], last_event_id="\n")
    with pytest.raises(TypeError):
        function([], max_event_size=True)
    with pytest.raises(TypeError):
        function([], 8)


# Promptness, and leaving early.


def test_each_event_comes_before_the_next_chunk_is_read() -> None:
    source = Source([b"data: a\r\r", b"\ndata: b\n\ndata: c\n\n", b"data: x\n"])
    events = iter_events(iter(source))
    got = [(event, source.given) for event in events]
    assert got == [(A, 1), (B, 2), (C, 2)]


def test_each_event_comes_before_the_next_chunk_is_awaited() -> None:
    async def main() -> list[tuple[Event, int]]:
        source = Source([b"data: a\r\r", b"\ndata: b\n\ndata: c\n\n", b"data: x\n"])
        return [(event, source.given) async for event in aiter_events(aiter(source))]

    assert asyncio.run(main()) == [(A, 1), (B, 2), (C, 2)]


@pytest.mark.parametrize("limit", [None, 8])
def test_break_closes_the_generator(limit: int | None) -> None:
    source = Source([b"data: a\n\ndata: b\n\ndata: too long\n\n"])
    for event in iter_events(iter(source), max_event_size=limit):
        assert event == A
        break
    assert source.closed


@pytest.mark.parametrize("limit", [None, 8])
def test_aclosing_closes_the_async_generator(limit: int | None) -> None:
    source = Source([b"data: a\n\ndata: b\n\ndata: too long\n\n"])

    async def main() -> None:
        events = aiter_events(aiter(source), max_event_size=limit)
        async with contextlib.aclosing(events):
            async for event in events:
                assert event == A
                break
        assert source.closed

    asyncio.run(main())


def test_break_leaves_other_iterators_open() -> None:
    owned = Owned(THREE)
    for event in iter_events(owned):
        assert event == A
        break
    assert not owned.closed
    assert next(owned) == b""


def test_aclosing_leaves_other_iterators_open() -> None:
    owned = Owned(THREE)

    async def main() -> None:
        async with contextlib.aclosing(aiter_events(owned)) as events:
            assert await anext(events) == A

    asyncio.run(main())
    assert not owned.closed


def test_cancellation_closes_the_async_generator() -> None:
    source = Source([])
    started: asyncio.Event

    async def endless() -> AsyncIterator[bytes]:
        try:
            yield b"data: a\n\n"
            started.set()
            await asyncio.Event().wait()
        finally:
            source.closed = True

    async def read() -> None:
        async for _ in aiter_events(endless()):
            pass

    async def main() -> None:
        nonlocal started
        started = asyncio.Event()
        task = asyncio.create_task(read())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert source.closed

    asyncio.run(main())


def test_an_exception_thrown_in_closes_the_generator() -> None:
    source = Source(THREE)
    events = iter_events(iter(source))
    assert next(events) == A
    with pytest.raises(KeyError):
        events.throw(KeyError())
    assert source.closed


# Sources met in practice, and the whole.


def test_a_binary_file_gives_lines() -> None:
    assert list(iter_events(io.BytesIO(b"".join(THREE)))) == [A, B, C]


def test_a_list_may_be_read_twice() -> None:
    assert list(iter_events(THREE)) == list(iter_events(THREE)) == [A, B, C]


def test_parse() -> None:
    assert parse(b"".join(THREE)) == [A, B, C]
    assert parse(b"") == []
    assert parse(b"data: a\n") == []


@pytest.mark.parametrize("data", ["data: a\n\n", THREE, None, io.BytesIO(b"")])
def test_parse_takes_bytes_only(data: Any) -> None:
    with pytest.raises(TypeError):
        parse(data)


@given(cut_short_streams, limits, seeds)
def test_both_are_the_parser(chunks: list[bytes], limit: int | None, seed: str) -> None:
    expected = feed_all(chunks, limit=limit, last_event_id=seed)
    for runs, generate in ((run, generator), (arun, agenerator)):
        events, error = runs(generate(Source(chunks)), max_event_size=limit, last_event_id=seed)
        assert [running.event(event) for event in events] == expected.events
        assert getattr(error, "offset", None) == expected.offset
        assert error is None or type(error) is EventTooLargeError
