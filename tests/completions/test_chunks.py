"""Streams over any iterable of bytes, blocking and asynchronous."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import gc
import http.client
import io
import json
import pickle
import threading
import weakref
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from loopback import DONE, PATIENCE, delta, wire
from sseparse.completions import (
    AsyncStream,
    Completion,
    CompletionParser,
    ContentTypeError,
    ExchangeError,
    Outcome,
    StatusError,
    Stream,
    StreamError,
    TimedOutError,
    Timing,
    TransportError,
    TruncatedError,
    aiter_chunks,
    iter_chunks,
)
from sseparse.completions._answer import JsonAnswer
from sseparse.completions._headers import Headers
from sseparse.completions._stream import read_whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

FINISH = delta(finish="stop")
BODY = [wire(delta("Hel")), wire(delta("lo")), wire(FINISH), DONE]


class Chunks:
    """An iterable of both kinds, which yields bytes and then raises, or ends."""

    def __init__(self, *chunks: Any, error: BaseException | None = None) -> None:
        self.chunks = chunks
        self.error = error
        self.is_closed = False
        self.taken = 0

    def __iter__(self) -> Iterator[Any]:
        try:
            for chunk in self.chunks:
                self.taken += 1
                yield chunk
            if self.error:
                raise self.error
        finally:
            self.is_closed = True

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            for chunk in self.chunks:
                await asyncio.sleep(0)
                self.taken += 1
                yield chunk
            if self.error:
                raise self.error
        finally:
            self.is_closed = True


Ended = tuple[Any, str, BaseException | None]


def read_blocking(chunks: Chunks, **options: Any) -> Ended:
    stream = iter_chunks(iter(chunks), **options)
    texts: list[str] = []
    try:
        texts.extend(stream.text())
    except BaseException as error:
        return stream, "".join(texts), error
    return stream, "".join(texts), None


def read_async(chunks: Chunks, **options: Any) -> Ended:
    async def read() -> Ended:
        stream = aiter_chunks(chunks.__aiter__(), **options)
        texts: list[str] = []
        try:
            async for text in stream.text():
                texts.append(text)
        except BaseException as error:
            return stream, "".join(texts), error
        return stream, "".join(texts), None

    return asyncio.run(read())


READ = pytest.mark.parametrize("read", [read_blocking, read_async])


@READ
def test_a_whole_stream(read: Any) -> None:
    chunks = Chunks(*BODY, b"more")
    stream, text, error = read(chunks, headers={"X-Request-Id": "r", "Content-Type": "x"})
    assert (text, error, stream.outcome) == ("Hello", None, Outcome.DONE)
    assert (stream.request_id, stream.headers["content-type"]) == ("r", "x")
    assert (chunks.taken, chunks.is_closed) == (4, True)
    kind = type(stream).__name__
    assert repr(stream) == f"<{kind}: done, 4 events in 4 reads>"
    assert stream.completion().text == "Hello"
    assert stream.timing == Timing()
    assert stream.completion().timing is stream.timing
    assert (stream.pending, stream.last_event_id, stream.retry) == (None, "", None)


@READ
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_kinds_of_chunks(read: Any, kind: Any) -> None:
    _, text, error = read(Chunks(*[kind(each) for each in (b"", *BODY[:1], b"", *BODY[1:])]))
    assert (text, error) == ("Hello", None)


class OwnTimeoutError(Exception):
    """An exception such as those of httpx and requests."""


@READ
@pytest.mark.parametrize(
    ("error", "kind", "outcome", "message"),
    [
        (OSError("gone"), TransportError, Outcome.TRANSPORT_ERROR, "the answer was cut off: gone"),
        (
            ValueError(),
            TransportError,
            Outcome.TRANSPORT_ERROR,
            "was cut off: ValueError",
        ),
        (TimeoutError("slow"), TimedOutError, Outcome.TIMED_OUT, "came in time: slow"),
        (OwnTimeoutError(), TimedOutError, Outcome.TIMED_OUT, "in time: OwnTimeoutError"),
        (asyncio.TimeoutError(), TimedOutError, Outcome.TIMED_OUT, "in time: TimeoutError"),
        (concurrent.futures.TimeoutError(), TimedOutError, Outcome.TIMED_OUT, "in time"),
        (TransportError("own"), TransportError, Outcome.TRANSPORT_ERROR, "own"),
    ],
)
def test_an_exception_of_the_iterable(
    read: Any, error: BaseException, kind: Any, outcome: Outcome, message: str
) -> None:
    stream, text, raised = read(Chunks(*BODY[:2], b"data: x\nda", error=error))
    assert (type(raised), text, stream.outcome) == (kind, "Hello", outcome)
    assert message in str(raised)
    assert raised.__cause__ is error or raised is error
    assert raised.partial.text == "Hello"
    assert raised.pending.line == b"da"
    assert raised.timing is stream.timing


@READ
def test_a_time_limit_after_all_has_come(read: Any) -> None:
    stream, text, error = read(Chunks(*BODY[:3], error=TimeoutError()))
    assert (text, error, stream.outcome) == ("Hello", None, Outcome.FINISHED)


@pytest.mark.parametrize(
    ("read", "error"),
    [
        (read_blocking, KeyboardInterrupt()),
        (read_blocking, SystemExit()),
        (read_async, asyncio.CancelledError()),
    ],
)
def test_exceptions_that_are_raised_unchanged(read: Any, error: BaseException) -> None:
    stream, text, raised = read(Chunks(*BODY[:1], error=error))
    assert (raised, text, stream.outcome) == (error, "Hel", Outcome.CLOSED)


@READ
@pytest.mark.parametrize(
    ("chunks", "options", "kind", "text"),
    [
        (BODY[:2], {}, TruncatedError, "Hello"),
        ([BODY[0], wire({"error": "x"})], {}, StreamError, "Hel"),
        ([b"<html>"], {}, ContentTypeError, ""),
        ([b'{"error": "no"}'], {"status": 401}, StatusError, ""),
        ([b"x" * (1 << 20), b"x", b"y"], {"status": 500}, StatusError, ""),
    ],
)
def test_errors(read: Any, chunks: list[Any], options: Any, kind: Any, text: str) -> None:
    source = Chunks(*chunks)
    stream, got, error = read(source, **options)
    assert (type(error), got) == (kind, text)
    assert isinstance(stream.outcome, Outcome)
    assert source.is_closed


@READ
def test_options(read: Any) -> None:
    _, _, error = read(Chunks(*BODY[:3]), n=2)
    assert str(error) == "the stream ended when 1 of 2 choices were finished"
    stream, _, error = read(Chunks(*BODY[:3], error=TimeoutError()), include_usage=True)
    assert (type(error), stream.outcome) == (TimedOutError, Outcome.TIMED_OUT)
    stream, _, _ = read(Chunks(*BODY), api="completions")
    assert stream.completion().object == "text_completion"
    _, _, error = read(Chunks(*BODY), max_event_size=10)
    assert "max_event_size" in str(error)
    _, text, _ = read(Chunks(*BODY), json_loads=lambda text: json.loads(text.replace("Hel", "J")))
    assert text == "Jlo"
    with pytest.raises(ValueError, match="n must be at least 1"):
        read(Chunks(), n=0)


@READ
def test_lines_without_their_ends(read: Any) -> None:
    lines = b"".join(BODY).split(b"\n")
    stream, _, error = read(Chunks(*lines))
    assert type(error) is ValueError
    assert "the chunks are lines without their line ends" in str(error)
    assert stream.outcome is Outcome.CLOSED
    _, _, error = read(Chunks(b"data: 1", b"data: 2"))
    assert type(error) is ValueError


@READ
@pytest.mark.parametrize("chunk", ["text", "", 5, 0, None, []])
def test_chunks_of_a_wrong_type(read: Any, chunk: Any) -> None:
    stream, text, error = read(Chunks(*BODY[:1], chunk))
    assert text == "Hel"
    assert type(error) is TypeError
    assert "expected bytes" in str(error)
    assert stream.outcome is Outcome.CLOSED


def test_wrong_iterables() -> None:
    for whole in (b"data: 1\n\n", "data"):
        with pytest.raises(TypeError, match="expected an iterable of bytes"):
            iter_chunks(whole)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="expected an iterable of bytes"):
            aiter_chunks(whole)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not iterable"):
        iter_chunks(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected an async iterable of bytes, not list; see iter"):
        aiter_chunks(BODY)  # type: ignore[arg-type]


@pytest.mark.parametrize("headers", [None, 5, [1, 2], [("a",)]])
def test_wrong_headers(headers: Any) -> None:
    with pytest.raises(TypeError, match="headers must be a mapping, or pairs of a name"):
        iter_chunks(BODY, headers=headers)


@pytest.mark.parametrize("status", ["200", None, True])
def test_a_wrong_status(status: Any) -> None:
    with pytest.raises(TypeError, match="status must be an int"):
        iter_chunks(BODY, status=status)
    assert iter_chunks(BODY, status=HTTPStatus.OK).collect().text == "Hello"


# What only one of them has


def test_iteration() -> None:
    stream = iter_chunks(BODY)
    assert next(stream).text == "Hel"
    assert [chunk.text for chunk in stream] == ["lo", ""]
    assert list(stream) == []
    with pytest.raises(StopIteration):
        next(stream)
    assert isinstance(stream.collect(), Completion)
    failed = iter_chunks(BODY[:1])
    next(failed)
    for again in (lambda: next(failed), lambda: list(failed), failed.collect):
        with pytest.raises(TruncatedError):
            again()


def test_text_after_chunks_that_were_read() -> None:
    """Text that the reader has is not returned again, also if no more of the choice comes."""
    stream = iter_chunks([wire(delta("Hi", finish="stop")), DONE])
    assert next(stream).text == "Hi"
    assert list(stream.text()) == []
    stream = iter_chunks(BODY)
    assert next(stream).text == "Hel"
    assert list(stream.text()) == ["lo"]


def test_leaving_closes_a_generator_and_nothing_else() -> None:
    chunks = Chunks(*BODY)
    for _ in iter_chunks(iter(chunks)):
        break
    assert chunks.is_closed
    with iter_chunks(iter(Chunks(*BODY))) as stream:
        pass
    assert stream.outcome is Outcome.CLOSED

    class Owned:
        is_closed = False

        def __iter__(self) -> Iterator[bytes]:
            return iter(BODY)

        def close(self) -> None:
            self.is_closed = True

    owned = Owned()
    for _ in iter_chunks(owned):
        break
    assert not owned.is_closed
    chunks = Chunks(*BODY)
    generator = iter(chunks)
    next(generator)
    stream = iter_chunks(generator)
    del stream
    gc.collect()
    assert chunks.is_closed


def test_closing_in_another_thread() -> None:
    is_reading, is_closed = threading.Event(), threading.Event()

    def chunks() -> Iterator[bytes]:
        yield BODY[0]
        is_reading.set()
        assert is_closed.wait(PATIENCE)
        yield BODY[1]

    stream = iter_chunks(chunks())
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.extend(chunk.text for chunk in stream))
    reader.start()
    assert is_reading.wait(PATIENCE)
    stream.close()
    is_closed.set()
    reader.join(PATIENCE)
    assert (got, stream.outcome) == (["Hel"], Outcome.CLOSED)


def test_async_iteration() -> None:
    async def main() -> None:
        stream = aiter_chunks(Chunks(*BODY).__aiter__())
        first = await asyncio.create_task(stream.__anext__())
        assert (first.text, first.arrival_ns, first.read) == ("Hel", 0, 1)
        assert [chunk.text async for chunk in stream] == ["lo", ""]
        with pytest.raises(StopAsyncIteration):
            await stream.__anext__()
        assert (await stream.collect()).text == "Hello"
        failed = aiter_chunks(Chunks(*BODY[:1]).__aiter__())
        for again in (failed.collect, failed.collect, failed.__anext__):
            with pytest.raises(TruncatedError):
                await again()
        with pytest.raises(TruncatedError):
            async for _ in failed:
                pass
        for source in (Chunks(*BODY[:1], error=OSError()), Chunks(*BODY[:3], error=OSError())):
            lost = aiter_chunks(source.__aiter__())
            with pytest.raises(TransportError) as raised:
                async for _ in lost:
                    pass
            assert raised.value.timing is lost.timing
            assert lost.outcome is Outcome.TRANSPORT_ERROR

    asyncio.run(main())


def test_async_leaving_closes() -> None:
    async def main() -> None:
        chunks = Chunks(*BODY)
        async with aiter_chunks(chunks.__aiter__()) as stream:
            async for chunk in stream:
                assert chunk.text == "Hel"
                break
        assert (chunks.is_closed, stream.outcome) == (True, Outcome.CLOSED)
        await stream.close()
        assert (await stream.collect()).text == "Hel"
        # Before its first step.
        unread = Chunks(*BODY)
        generator = unread.__aiter__()
        await generator.__anext__()
        await aiter_chunks(generator).close()
        assert unread.is_closed

    asyncio.run(main())


def test_a_loop_that_is_left_closes_the_stream_soon() -> None:
    """Also while the stream is referenced, and if chunks are taken beside the loop."""

    async def main() -> None:
        for takes_one in (False, True):
            chunks = Chunks(*BODY)
            stream = aiter_chunks(chunks.__aiter__())
            async for chunk in stream:
                assert chunk.text == "Hel"
                if takes_one:
                    assert (await stream.__anext__()).text == "lo"
                break
            for _ in range(5):  # the event loop closes the generator
                await asyncio.sleep(0)
            assert (chunks.is_closed, stream.outcome) == (True, Outcome.CLOSED)
            assert [chunk async for chunk in stream] == []

    asyncio.run(main())


def test_an_iterator_that_was_not_used_takes_nothing() -> None:
    async def main() -> None:
        stream = aiter_chunks(Chunks(*BODY).__aiter__())
        for _ in range(2):
            assert stream.__aiter__() is not None
        iterator = stream.__aiter__()
        assert (await iterator.__anext__()).text == "Hel"
        assert [text async for text in stream.text()] == ["lo"]
        assert stream.outcome is Outcome.DONE

    asyncio.run(main())


class Marked:
    """A value of a chunk that can be referenced weakly."""


def test_a_stream_that_waits_keeps_no_chunk() -> None:
    kept: list[weakref.ref[Marked]] = []

    def decode(text: str) -> Any:
        mark = Marked()
        raw = {**json.loads(text), "object": mark}
        kept.append(weakref.ref(mark))
        return raw

    class Checked(Chunks):
        def __iter__(self) -> Iterator[Any]:
            for chunk in super().__iter__():
                assert [each() for each in kept] == [None] * len(kept)
                yield chunk

        async def __aiter__(self) -> AsyncIterator[Any]:
            async for chunk in super().__aiter__():
                assert [each() for each in kept] == [None] * len(kept)
                yield chunk

    async def main() -> None:
        async for _ in aiter_chunks(Checked(*BODY).__aiter__(), json_loads=decode):
            del _

    for _ in iter_chunks(iter(Checked(*BODY)), json_loads=decode):
        del _
    assert len(kept) == 3
    asyncio.run(main())
    assert len(kept) == 6


def test_cancelling_and_closing_in_another_task() -> None:
    async def main() -> None:
        never = asyncio.Event()
        is_reading = asyncio.Event()

        async def chunks() -> AsyncIterator[bytes]:
            yield BODY[0]
            is_reading.set()
            await never.wait()
            yield BODY[1]

        async def read(stream: AsyncStream) -> list[str]:
            return [chunk.text async for chunk in stream]

        stream = aiter_chunks(chunks())
        task = asyncio.create_task(read(stream))
        await is_reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stream.outcome is Outcome.CLOSED

        is_reading.clear()
        stream = aiter_chunks(chunks())
        task = asyncio.create_task(read(stream))
        await is_reading.wait()
        await stream.close()
        assert stream.outcome is Outcome.CLOSED
        never.set()
        assert await task == ["Hel"]

    asyncio.run(main())


def test_headers() -> None:
    pairs = [(b"X-A", b"1"), ("x-a", "2"), ("Content-Type", "t\xe9")]
    headers = Headers(pairs)  # type: ignore[arg-type]
    assert headers["X-a"] == "1, 2"
    assert (len(headers), list(headers)) == (2, ["X-A", "Content-Type"])
    assert "CONTENT-TYPE" in headers
    assert repr(headers) == "Headers({'X-A': '1, 2', 'Content-Type': 't\xe9'})"
    assert pickle.loads(pickle.dumps(headers)) == headers
    assert Headers({"a": "b"}) == {"a": "b"}
    with pytest.raises(KeyError):
        headers["nope"]


def test_headers_of_http_client() -> None:
    """They have the method ``items``, but are no mapping."""
    message = http.client.parse_headers(io.BytesIO(b"X-Request-Id: r\r\nA: 1\r\na: 2\r\n\r\n"))
    stream = iter_chunks(BODY, headers=message)
    assert (stream.request_id, stream.headers["a"]) == ("r", "1, 2")


def test_timing() -> None:
    timing = Timing()
    assert repr(timing) == (
        "Timing(attempt=0, call_ns=0, end_ns=0, first_byte_ns=0, headers_ns=0, "
        "is_new_connection=None, request_sent_ns=0)"
    )
    other = Timing()
    other.attempt = 2
    assert timing == Timing() != other
    assert timing != 5


class Reads:
    """The source of an answer, as a transport has one."""

    arrival_ns = 7

    def __init__(self, *reads: bytes | ExchangeError) -> None:
        self.timing = Timing()
        self.reads = list(reads)
        self.seen: list[str] = []

    def read(self) -> bytes:
        data = self.reads.pop(0)
        if isinstance(data, ExchangeError):
            raise data
        return data

    def has_event(self) -> None:
        self.seen.append("event")

    def limit_rest(self, seconds: float | None) -> None:
        self.seen.append(f"{seconds} s")

    def park(self) -> None:
        self.seen.append("park")

    def close(self) -> None:
        self.seen.append("close")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TransportError("cut"), Outcome.TRANSPORT_ERROR),
        (TimedOutError("late"), Outcome.TIMED_OUT),
    ],
)
def test_a_whole_answer_that_does_not_end(error: ExchangeError, outcome: Outcome) -> None:
    answer = JsonAnswer(200, ())
    source = Reads(b"[", error)
    with pytest.raises(type(error)) as caught:
        read_whole(answer, source)
    assert (caught.value, answer.outcome) == (error, outcome)
    assert error.timing is source.timing
    assert source.seen == ["close"]


def test_the_calls_of_a_source() -> None:
    source = Reads(BODY[0], b": c\n", *BODY[1:3], b": c\n", BODY[3])
    chunks = list(Stream(CompletionParser(), source))
    assert [chunk.arrival_ns for chunk in chunks] == [7, 7, 7]
    # The wait for the rest is limited once, and after [DONE] the connection is parked.
    assert source.seen == ["event", "event", "event", "5.0 s", "event", "park"]
    left = Reads(*BODY)
    for _ in Stream(CompletionParser(), left):
        break
    assert left.seen[:2] == ["event", "close"]


def test_types() -> None:
    stream = iter_chunks(BODY)
    assert isinstance(stream, Stream)
    whole: Completion = stream.collect()
    assert whole.timing is stream.timing
    with contextlib.suppress(ExchangeError):
        iter_chunks([]).collect()
