"""iter_events, aiter_events and parse: they feed a parser and close generators."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import mmap
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import running
from running import feed_all, observe_all, run_python
from sseparse import (
    Event,
    EventTooLargeError,
    Item,
    Observer,
    Parser,
    Pending,
    aiter_events,
    iter_events,
    parse,
)
from strategies import cut_short_streams, limits, seeds, streams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

A, B, C = (Event("message", data, "") for data in "abc")
THREE = [b"data: a\n\ndata: b\n", b"", b"\ndata: c\n\n"]


class Source:
    """Yield chunks from a generator, blocking or not, that records when it was closed."""

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
    """Imitate an iterator with a method ``close``, such as a response or a file."""

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


# The two forms side by side: each iterates over a source and returns the events and the error.


def run(chunks: Any, *parser: Any) -> tuple[list[Any], Exception | None]:
    found: list[Any] = []
    try:
        for each in iter_events(chunks, *parser):
            found.append(each)
    except Exception as error:
        return found, error
    return found, None


def arun(chunks: Any, *parser: Any) -> tuple[list[Any], Exception | None]:
    async def main() -> tuple[list[Any], Exception | None]:
        found: list[Any] = []
        try:
            async for each in aiter_events(chunks, *parser):
                found.append(each)
        except Exception as error:
            return found, error
        return found, None

    return asyncio.run(main())


def arun_made_outside(chunks: Any, *parser: Any) -> tuple[list[Any], Exception | None]:
    """aiter_events is called before an event loop runs."""
    events = aiter_events(chunks, *parser)

    async def main() -> tuple[list[Any], Exception | None]:
        found: list[Any] = []
        try:
            async for each in events:
                found.append(each)
        except Exception as error:
            return found, error
        return found, None

    return asyncio.run(main())


def generator(source: Source) -> Any:
    return iter(source)


def agenerator(source: Source) -> Any:
    return aiter(source)


BOTH = pytest.mark.parametrize(
    ("runs", "generate"),
    [(run, generator), (arun, agenerator), (arun_made_outside, agenerator)],
    ids=["iter", "aiter", "aiter made outside"],
)


@BOTH
def test_events_in_order_and_the_generator_closed(runs: Any, generate: Any) -> None:
    source = Source(THREE)
    assert runs(generate(source)) == ([A, B, C], None)
    assert source.closed


@pytest.mark.parametrize("runs", [run, arun, arun_made_outside])
def test_an_iterable_that_is_no_generator_stays_open(runs: Any) -> None:
    owned = Owned(THREE)
    assert runs(owned) == ([A, B, C], None)
    assert not owned.closed

    owned = Owned([b"data: a\n\n", b"data: too long\n\n"])
    events, error = runs(owned, Parser(max_event_size=8))
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


# The parser given.


@BOTH
def test_a_parser_with_its_options(runs: Any, generate: Any) -> None:
    parser = Parser(last_event_id="7", max_event_size=None)
    source = Source([b"data: a\n\nretry: 5\nid: 8\n\nid: 9\nda"])
    assert runs(generate(source), parser) == ([Event("message", "a", "7")], None)
    # Its values can be read afterwards.
    assert (parser.last_event_id, parser.retry) == ("8", 5)
    assert parser.close() == Pending("message", "", "9", b"da", 25)


@BOTH
def test_an_observer_gives_items(runs: Any, generate: Any) -> None:
    stream = b": a\nid: 1\ndata: b\n\ndata: c"
    observer = Observer()
    items, error = runs(generate(Source([stream[:9], stream[9:]])), observer)
    assert error is None
    assert items == Observer().feed(stream)
    assert [type(item) for item in items] == [Item] * 4
    assert observer.last_event_id == "1"
    assert observer.close() == Pending("message", "", "1", b"data: c", 19)
    items, error = runs(generate(Source([stream])), Observer(lines=False))
    assert [item.kind for item in items] == ["block"]


@BOTH
def test_a_parser_that_has_begun_goes_on(runs: Any, generate: Any) -> None:
    parser = Parser()
    assert parser.feed(b"data: a\n\ndata") == [A]
    assert runs(generate(Source([b": b\n\nda"])), parser) == ([B], None)
    assert runs(generate(Source([b"ta: c\n", b"\n"])), parser) == ([C], None)
    assert parser.close() is None


@BOTH
def test_a_closed_parser(runs: Any, generate: Any) -> None:
    for parser in (Parser(), Observer()):
        parser.close()
        source = Source(THREE)
        events, error = runs(generate(source), parser)
        assert events == []
        assert type(error) is RuntimeError
        assert source.closed


@BOTH
def test_a_failed_parser(runs: Any, generate: Any) -> None:
    parser = Parser(max_event_size=8)
    assert runs(generate(Source([b"data: a\n\ndata: too long"])), parser)[0] == [A]
    events, error = runs(generate(Source(THREE)), parser)
    assert events == []
    assert type(error) is EventTooLargeError
    assert (error.offset, error.events) == (17, [])
    assert parser.close() is None


@BOTH
def test_the_carried_events_and_then_the_error_with_none(runs: Any, generate: Any) -> None:
    source = Source([b"data: a\n\ndata: b\n\ndata: too long\n\n", b"data: c\n\n"])
    events, error = runs(generate(source), Parser(max_event_size=8))
    assert events == [A, B]
    assert type(error) is EventTooLargeError
    assert (error.limit, error.offset, error.events, error.items) == (8, 26, [], [])
    assert error.args == (8, 26, [], [])
    assert source.closed
    assert source.given == 1


@BOTH
@pytest.mark.parametrize("lines", [False, True])
def test_the_carried_items_and_then_the_error_with_none(
    runs: Any, generate: Any, lines: bool
) -> None:
    source = Source([b"data: a\n\n\n: c\ndata: too long\n\n", b"data: c\n\n"])
    items, error = runs(generate(source), Observer(lines=lines, max_event_size=8))
    kinds = ["field", "block", "block", "comment"]
    assert [item.kind for item in items] == [k for k in kinds if lines or k == "block"]
    assert type(error) is EventTooLargeError
    assert error.args == (8, 22, [], [])
    assert source.closed


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
def test_the_error_for_a_text_chunk_names_encode(runs: Any, generate: Any) -> None:
    _, error = runs(generate(Source(["data: a\n\n"])))
    assert ".encode()" in str(error)


LINES = [b"data: a", b"", b"event: b", b"data: b", b""]


@BOTH
@pytest.mark.parametrize(
    "lines",
    [
        LINES,
        LINES[2:],
        LINES[2:4],
        [b"id:1", b"retry:1", b": ping"],
        [*LINES, *LINES],
        [bytearray(b"data: a"), memoryview(b""), memoryview(b"data: b")],
    ],
)
def test_lines_without_their_ends_raise(runs: Any, generate: Any, lines: Any) -> None:
    source = Source(lines)
    events, error = runs(generate(source))
    assert events == []
    assert type(error) is ValueError
    assert str(error) == (
        "the chunks are lines without their line ends; give the bytes as they came "
        "(httpx: iter_bytes(); requests: raw.read1()), or each line + b'\\n'"
    )
    assert source.closed


@BOTH
def test_lines_without_their_ends_raise_after_two_blocks(runs: Any, generate: Any) -> None:
    source = Source([b"data: a", b"", b"", b"data: b", b""] + [b"data: c", b""] * 9)
    events, error = runs(generate(source))
    assert events == []
    assert type(error) is ValueError
    assert source.given == 5


@BOTH
@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: a"],
        [b"data: a", b"", b""],
        [b"data: a", b"", b"bc"],
        [b"data: a", b"b", b"data: c", b"", b"data: d", b""],
        [b"data:", b"data:", b"", b"data: ", b"\n\n"],
        [b"dat", b"data: a", b"data: b"],
        [b"", b"", b"x"],
        # A block has ended only where one had begun.
        [b"", b"data: a", b"data: b", b"", b"\n\n"],
        # Each chunk begins as a line does, and has the end of one.
        [b"data: a\n\n", b"data: b\n\n", b"data: c\n\n"],
        [b"data: a\r\r", b"data: b\r\r"],
        [b"data: a\r\n\r\n", b"data: b\r\n\r\n"],
    ],
)
def test_a_stream_cut_where_lines_begin_is_a_stream(
    runs: Any, generate: Any, chunks: list[bytes]
) -> None:
    events, error = runs(generate(Source(chunks)))
    assert [running.event(event) for event in events] == feed_all(chunks).events
    assert error is None


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
def test_the_options_are_the_parsers(function: Any) -> None:
    for options in ({"last_event_id": "7"}, {"max_event_size": 8}, {"lines": True}):
        with pytest.raises(TypeError):
            function([], **options)


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
    for event in iter_events(iter(source), Parser(max_event_size=limit)):
        assert event == A
        break
    assert source.closed


@pytest.mark.parametrize("limit", [None, 8])
def test_aclosing_closes_the_async_generator(limit: int | None) -> None:
    source = Source([b"data: a\n\ndata: b\n\ndata: too long\n\n"])

    async def main() -> None:
        events = aiter_events(aiter(source), Parser(max_event_size=limit))
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


# Iterators that are left before their first step. A generator that has not begun runs no code when
# it is closed. The generators here have begun, so that they can record it.


def test_closed_before_the_first_step() -> None:
    for leave in ("close", "throw", "del"):
        source = Source([b"", *THREE])
        chunks = iter(source)
        next(chunks)
        events = iter_events(chunks)
        if leave == "close":
            events.close()
        elif leave == "throw":
            with pytest.raises(KeyError):
                events.throw(KeyError())
        del events
        gc.collect()
        assert source.closed, leave
        assert source.given == 1
        assert list(chunks) == []


def test_a_source_that_has_not_begun_is_closed_before_the_first_step() -> None:
    chunks = iter(Source(THREE))
    iter_events(chunks).close()
    assert list(chunks) == []

    async def main() -> list[bytes]:
        chunks = aiter(Source(THREE))
        await aiter_events(chunks).aclose()
        return [chunk async for chunk in chunks]

    assert asyncio.run(main()) == []


@pytest.mark.parametrize("leave", ["aclose", "athrow", "the loop ends"])
def test_aclosed_before_the_first_step(leave: str) -> None:
    source = Source([b"", *THREE])

    async def main() -> Any:
        chunks = aiter(source)
        await anext(chunks)
        events = aiter_events(chunks)
        if leave == "aclose":
            await events.aclose()
        elif leave == "athrow":
            with pytest.raises(KeyError):
                await events.athrow(KeyError())
        return events  # the loop closes it, if nothing else has closed it

    asyncio.run(main())
    assert source.closed
    assert source.given == 1


def test_nothing_is_read_before_the_first_step() -> None:
    source = Source(THREE)
    chunks = iter(source)
    events = iter_events(chunks)
    assert source.given == 0
    assert next(events) == A

    async def main() -> None:
        asource = Source(THREE)
        events = aiter_events(aiter(asource))
        assert asource.given == 0
        assert await anext(events) == A
        await events.aclose()
        assert asource.closed

    asyncio.run(main())


def test_other_iterators_stay_open_when_left_before_the_first_step() -> None:
    owned = Owned(THREE)
    iter_events(owned).close()

    async def main() -> None:
        await aiter_events(owned).aclose()

    asyncio.run(main())
    assert not owned.closed
    assert next(owned) == THREE[0]


# Sources that occur in practice, and whole streams.


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


def test_parse_a_mapped_file(tmp_path: Path) -> None:
    path = tmp_path / "stream"
    stream = b"id: 1\ndata: \xc3\xa9\n\n" * 9000 + b"data: a"
    path.write_bytes(stream)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert parse(mapped) == parse(stream) == [Event("message", "é", "1")] * 9000
        assert mapped[:3] == b"id:"


def test_parse_where_nothing_has_imported_mmap() -> None:
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import sseparse
assert "mmap" not in sys.modules
print(len(sseparse.parse(b"data: a\\n\\n")))
try:
    sseparse.parse([])
except TypeError as error:
    print(error)
assert "mmap" not in sys.modules
"""
    printed = run_python(code, "-I", "-S").splitlines()
    assert printed[0] == "1"
    assert printed[1].startswith("expected bytes, bytearray or memoryview, not list")


SLICE = 64 * 1024


@pytest.mark.parametrize("size", [SLICE - 1, SLICE, SLICE + 1, 2 * SLICE, 3 * SLICE + 7])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_parse_is_the_parser_at_each_slice(size: int, end: bytes) -> None:
    block = b"event: x" + end + "data: é€".encode() + end + end
    for before in range(0, len(block), 5):
        stream = (b":" * before + end + block * (size // len(block) + 1))[:size]
        assert parse(stream) == Parser().feed(stream)
        assert parse(memoryview(bytearray(stream))) == Parser().feed(stream)


@given(streams)
@example(b"x" * 70_000)
def test_parse_is_the_parser(stream: bytes) -> None:
    assert [running.event(event) for event in parse(stream)] == feed_all([stream]).events


@given(cut_short_streams, limits, seeds, st.booleans())
def test_both_are_the_parser(
    chunks: list[bytes], limit: int | None, seed: str, lines: bool
) -> None:
    expected = feed_all(chunks, limit=limit, last_event_id=seed)
    options: dict[str, Any] = {"max_event_size": limit, "last_event_id": seed}
    items = observe_all(chunks, lines=lines, limit=limit, last_event_id=seed).items
    for runs, generate in ((run, generator), (arun, agenerator)):
        parser = Parser(**options)
        events, error = runs(generate(Source(chunks)), parser)
        assert [running.event(event) for event in events] == expected.events
        assert (parser.last_event_id, parser.retry) == (expected.last_event_id, expected.retry)
        left = parser.close()
        assert (left and tuple(left)) == (expected.pending and tuple(expected.pending))
        assert getattr(error, "offset", None) == expected.offset
        assert error is None or type(error) is EventTooLargeError
        found, error = runs(generate(Source(chunks)), Observer(lines=lines, **options))
        assert [running.item(item) for item in found] == items
        assert getattr(error, "offset", None) == expected.offset


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (5, "int"),
        ("parser", "str"),
        (Parser, "the class itself"),
        (Observer, "the class itself"),
    ],
)
def test_a_wrong_parser(given: Any, what: str) -> None:
    for iterate in (iter_events, aiter_events):
        message = f"^parser must be a Parser or an Observer, not {what}$"
        with pytest.raises(TypeError, match=message):
            iterate([], given)  # type: ignore[call-overload]
