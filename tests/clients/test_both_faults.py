"""Scenarios for both clients: connections, heads, framings, compression, cuts, time limits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import threading
import time as time_module
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from either import Either, EitherStream, Make, both
from loopback import (
    DONE,
    PATIENCE,
    Peer,
    Request,
    Server,
    chunked,
    delta,
    partial,
    sending,
    serving,
    wait,
    wire,
)
from sseparse.completions import (
    Completion,
    CompletionParser,
    ContentTypeError,
    EmptyStreamError,
    ExchangeError,
    Outcome,
    StatusError,
    StreamError,
    TimedOutError,
    Timeout,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# Each starts a server that is at fault.
pytestmark = pytest.mark.thorough

WHOLE = {"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}
FINISH = delta(finish="stop")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
EVENTS_ONLY = b"".join(map(wire, [delta("a"), delta("b"), FINISH]))
BODY = EVENTS_ONLY + DONE


def sized(body: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join([HEAD + b"Content-Length: %d" % len(body), *fields, b"", body])


# Connections


@both
async def test_300_posts_use_one_connection(make: Make) -> None:
    with serving(lambda peer, _: peer.stream(delta("a", finish="stop"), DONE)) as server:
        async with make(server) as own:
            for _ in range(300):
                stream = await own.ask()
                assert (await stream.collect()).text == "a"
                assert stream.outcome is Outcome.DONE
    assert (len(server.requests), server.connections) == (300, 1)


@pytest.mark.parametrize("how", ["close", "reset"])
@both
async def test_a_connection_that_the_server_has_closed(make: Make, how: str) -> None:
    """If a used connection ends before a byte of the answer, the request is sent again."""

    def handle(peer: Peer, _: Request) -> None:
        if len(server.requests) == 2:
            (peer.close if how == "close" else peer.reset)()
        else:
            peer.answer(WHOLE)

    with serving(handle) as server:
        async with make(server) as own:
            for _ in range(2):
                assert (await own.create()).text == "hi"
    assert (len(server.requests), server.connections) == (3, 2)


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize(
    "begun", [b"H", b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 200 OK\r\n"]
)
@both
async def test_a_begun_answer_is_not_asked_for_again(make: Make, how: str, begun: bytes) -> None:
    def handle(peer: Peer, _: Request) -> None:
        if len(server.requests) == 1:
            peer.answer(WHOLE)
            return
        peer.send(begun)
        (peer.close if how == "close" else peer.reset)()

    with serving(handle) as server:
        async with make(server) as own:
            await own.create()
            with pytest.raises(TransportError):
                await own.create()
    # A reset may overtake what was sent before it.
    assert len(server.requests) == 2 or how == "reset"


@pytest.mark.parametrize("how", ["close", "reset"])
@both
async def test_a_fresh_connection_is_not_tried_again(make: Make, how: str) -> None:
    def handle(peer: Peer, _: Request) -> None:
        (peer.close if how == "close" else peer.reset)()

    with serving(handle) as server:
        async with make(server) as own:
            with pytest.raises(TransportError):
                await own.create()
    assert len(server.requests) == 1


@both
async def test_500_requests_to_a_server_that_closes_at_random(make: Make) -> None:
    """No request is lost, and none arrives twice."""
    chance = random.Random(14)

    def handle(peer: Peer, _: Request) -> None:
        peer.stream(delta("a", finish="stop"), DONE)
        how = chance.random()
        if how < 0.3:
            peer.close()
        elif how < 0.6:
            peer.reset()

    with serving(handle) as server:
        async with make(server) as own:
            for number in range(500):
                stream = await own.ask(user=str(number))
                # A reset may destroy an answer that was sent whole before it.
                with contextlib.suppress(TransportError):
                    await stream.collect()
    assert [int(request.json()["user"]) for request in server.requests] == list(range(500))


@both
async def test_the_end_may_come_later_than_done(make: Make) -> None:
    """The connection is used again if the end of the body has come before the next request."""
    may_end = threading.Event()
    has_ended = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")) + DONE)
        wait(may_end)
        peer.send(b"0\r\n\r\n")
        has_ended.set()

    with serving(handle) as server:
        async with make(server) as own:
            await (await own.ask()).collect()
            may_end.set()
            wait(has_ended)
            if own.is_async:
                await turns_until(lambda: not own.client._http._parked)
            await (await own.ask()).collect()
    assert (len(server.requests), server.connections) == (2, 1)


async def turns_until(is_true: Callable[[], object]) -> None:
    """Run the event loop until a condition is true."""

    async def look() -> None:
        while not is_true():
            await asyncio.sleep(0)

    await asyncio.wait_for(look(), PATIENCE)


@pytest.mark.parametrize("rest", ["never", "endless", "cut", "broken", "more"])
@both
async def test_a_body_without_end_closes_its_connection(make: Make, rest: str) -> None:
    is_over = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")) + DONE)
        if rest == "endless":
            for _number in range(100):
                peer.chunk(wire(delta("b")))
        ends = {"cut": b"0\r", "broken": b"nonsense\r\n", "more": b"0\r\n\r\nHTTP/1.1 200 OK\r\n"}
        peer.send(ends.get(rest, b""))
        wait(is_over)

    with serving(handle) as server:
        async with make(server) as own:
            for _ in range(3):
                assert (await (await own.ask()).collect()).text == "a"
        is_over.set()
    assert (len(server.requests), server.connections) == (3, 3)


@pytest.mark.parametrize("fields", [["Connection: close"], ["HTTP/1.0"], ["Connection: x, Close"]])
@both
async def test_connections_that_are_not_kept(make: Make, fields: list[str]) -> None:
    def handle(peer: Peer, _: Request) -> None:
        version, more = ("1.0", "") if fields == ["HTTP/1.0"] else ("1.1", fields[0] + "\r\n")
        body = json.dumps(WHOLE)
        peer.send(f"HTTP/{version} 200 OK\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode())
        peer.send(body.encode())
        peer.wait_for_close()

    with serving(handle) as server:
        async with make(server) as own:
            for _ in range(2):
                assert (await own.create()).text == "hi"
    assert server.connections == 2


@both
async def test_a_connection_that_is_not_kept_is_closed_after_done(make: Make) -> None:
    """At once, without the end of the body or another request."""

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked", "Connection: close")
        peer.chunk(wire(delta("a")) + DONE)
        peer.wait_for_close()
        has_left.set()

    has_left = threading.Event()
    with serving(handle) as server:
        async with make(server) as own:
            assert (await (await own.ask()).collect()).text == "a"
            await turns_until(has_left.is_set)


@both
async def test_an_answer_before_the_whole_request(make: Make) -> None:
    """A server refuses a large body, and resets the connection."""

    class Impatient(Server):
        def _serve(self, connection: socket.socket) -> None:
            with connection:
                connection.recv(1000)
                body = b'{"error": {"message": "too large"}}'
                connection.sendall(
                    b"HTTP/1.1 413 X\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
                )
                wait(is_read)

    is_read = threading.Event()
    server = Impatient(lambda *_: None)
    async with make(server) as own:
        with pytest.raises(StatusError, match="status 413: too large"):
            await own.create(padding="x" * 30_000_000)
        is_read.set()
    server.close()


# Heads


@pytest.mark.parametrize("is_slow", [False, True])
@both
async def test_interim_answers_are_skipped(make: Make, is_slow: bool) -> None:
    """RFC 9110, section 15.2: any number of them may come before the answer."""
    interim = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n"
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    )

    def handle(peer: Peer, _: Request) -> None:
        for at in range(0, len(interim), 1 if is_slow else len(interim)):
            peer.send(interim[at : at + (1 if is_slow else len(interim))])
        peer.answer(WHOLE)

    with serving(handle) as server:
        async with make(server) as own:
            for _ in range(2):
                assert (await own.create()).text == "hi"
    assert server.connections == 1


@both
async def test_interim_answers_without_end(make: Make) -> None:
    def handle(peer: Peer, _: Request) -> None:
        while True:
            peer.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 1000)

    with serving(handle) as server:
        async with make(server) as own:
            with pytest.raises(TransportError, match="larger than 256 KiB"):
                await own.create()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            "the server switches to another protocol without a request for it",
        ),
        (b"SSH-2.0-Open\n\n", r"the answer is not HTTP; it begins b'SSH-2.0-Open\n\n'"),
        (b"HTTP/1.1 abc\n\n", "the answer has no status line; it begins b'HTTP/1.1 abc'"),
        (
            b"HTTP/1.1 200 OK\nno colon\n\n",
            "a line of the answer's head is no field: 'no colon'",
        ),
        (
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1001 + b"\r\n",
            "the head of the answer has more than 1000 fields",
        ),
        (
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 262_144 + b"\r\n\r\n",
            "the head of the answer is larger than 256 KiB",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
            "the answer's Content-Length is no size: '5, 6'",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "the transfer coding 'gzip, chunked' is not supported",
        ),
        (
            b"HTTP/1.1 200 OK\r\nX: y\r\n",
            "the connection ended inside the head of the answer",
        ),
        (b"", "the server closed the connection without an answer"),
    ],
)
@both
async def test_bytes_that_are_no_head(make: Make, raw: bytes, message: str) -> None:
    with serving(sending(raw)) as server:
        async with make(server) as own:
            with pytest.raises(TransportError) as caught:
                await own.ask()
    assert str(caught.value) == f"no answer from http://127.0.0.1:{server.port}: {message}"


@both
async def test_large_heads(make: Make) -> None:
    """1,000 fields, one of them of 200,000 bytes."""
    fields = [f"X-{number}: {number}" for number in range(996)] + ["X-Large: " + "y" * 200_000]

    def handle(peer: Peer, _: Request) -> None:
        peer.answer(WHOLE, *fields, "x-request-id: a, b")

    with serving(handle) as server:
        async with make(server) as own:
            completion = await own.create()
    assert len(completion.headers["x-large"]) == 200_000
    assert completion.headers["X-995"] == "995"
    assert completion.request_id == "a, b"


@both
async def test_odd_heads(make: Make) -> None:
    """Lines without CR, no reason, folded and repeated fields, blank lines before it."""
    raw = b"\r\n\nHTTP/1.1 200\nX-A: 1\n  2\nx-a:3\r\nContent-Type:text/event-stream\n\n" + BODY
    with serving(sending(raw)) as server:
        async with make(server) as own:
            stream = await own.ask()
            assert stream.stream.headers["x-a"] == "1 2, 3"
            assert (await stream.collect()).text == "ab"


# Framings


def in_pieces(raw: bytes, size: int) -> Callable[[Peer, Request], None]:
    """Return a handler that sends ``size`` bytes at a time, and closes."""

    def handle(peer: Peer, _: Request) -> None:
        for at in range(0, len(raw), size):
            peer.send(raw[at : at + size])
        peer.socket.shutdown(socket.SHUT_WR)
        peer.wait_for_close()

    return handle


def gzipped(body: bytes, wbits: int = 31) -> bytes:
    packer = zlib.compressobj(wbits=wbits)
    return packer.compress(body) + packer.flush()


EVENTS = [BODY[at : at + 50] for at in range(0, len(BODY), 50)]
FRAMINGS = {
    "chunk per event": CHUNKED + b"".join(map(chunked, EVENTS)) + b"0\r\n\r\n",
    "chunks of 1": CHUNKED + b"".join(chunked(bytes([b])) for b in BODY) + b"0\r\n\r\n",
    "one chunk": CHUNKED + chunked(BODY) + b"0\r\n\r\n",
    "extensions": CHUNKED + b"%X;a=b;c\r\n%b\r\n000;x\r\n\r\n" % (len(BODY), BODY),
    "trailers": CHUNKED + chunked(BODY) + b"0\r\nX-A: 1\r\nX-B: 2\r\n\r\n",
    "LF only": CHUNKED + b"%x\n%b\n0\n\n" % (len(BODY), BODY),
    "sized": sized(BODY),
    "until close": HEAD + b"\r\n" + BODY,
    "HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + b"\r\n" + BODY,
    "gzip": sized(gzipped(BODY), b"Content-Encoding: gzip"),
    "gzip in chunks": CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    + chunked(gzipped(BODY))
    + b"0\r\n\r\n",
    "gzip members": sized(gzipped(BODY[:99]) + gzipped(BODY[99:]), b"Content-Encoding: x-gzip"),
    "gzip and identity": sized(gzipped(BODY), b"Content-Encoding: gzip, identity"),
    "deflate": sized(gzipped(BODY, 15), b"Content-Encoding: deflate"),
    "raw deflate": sized(gzipped(BODY, -15), b"Content-Encoding: deflate"),
    "identity": sized(BODY, b"Content-Encoding: identity"),
}


@pytest.mark.parametrize("size", [1, 13, 100_000])
@pytest.mark.parametrize("framing", FRAMINGS)
@both
async def test_framings(make: Make, framing: str, size: int) -> None:
    with serving(in_pieces(FRAMINGS[framing], size)) as server:
        async with make(server) as own:
            stream = await own.ask()
            assert await stream.text() == ["a", "b"]
            assert stream.outcome is Outcome.DONE
            events = await own.events("GET", "/")
            assert len(await events.all()) == 4
            assert events.outcome is Outcome.ENDED
            assert "gzip" not in events.stream.headers.get("content-encoding", "")


@pytest.mark.parametrize(
    ("raw", "texts", "message"),
    [
        (CHUNKED + chunked(BODY[:300]) + b"zz\r\n", 1, "expected the size of a chunk"),
        (CHUNKED + chunked(wire(delta("a"))) + b"5\r\n: a", 1, "before the whole body"),
        (CHUNKED + chunked(wire(delta("a")))[:-2] + b"xx", 1, "expected CR LF after a chunk of"),
        (CHUNKED + chunked(wire(delta("a"))) + b"1" * 20_000, 1, "expected the size of a chunk"),
        (sized(BODY)[:-20], 2, "cut off: the connection ended before the whole body had arrived"),
        (
            sized(gzipped(EVENTS_ONLY)[:-9], b"Content-Encoding: gzip"),
            2,
            "cut off: the compressed body ended before it was whole",
        ),
        (sized(b"no gzip at all", b"Content-Encoding: gzip"), 0, "the body is no gzip"),
    ],
    ids=["size", "cut", "line end", "endless size", "short", "cut gzip", "no gzip"],
)
@both
async def test_bodies_that_are_broken(make: Make, raw: bytes, texts: int, message: str) -> None:
    """Everything before the fault is returned."""
    for size in (len(raw), 11):
        got: list[str] = []
        with serving(in_pieces(raw, size)) as server:
            async with make(server) as own:
                stream = await own.ask()
                with pytest.raises(TransportError) as caught:
                    await read_into(got, stream)
        assert "".join(got) == "ab"[:texts]
        assert partial(caught.value).text == "ab"[:texts]
        assert str(caught.value).startswith("the answer was cut off: ")
        assert message in str(caught.value)
        assert stream.outcome is Outcome.TRANSPORT_ERROR


async def read_into(got: list[str], stream: EitherStream) -> None:
    async for chunk in stream:
        got.append(chunk.text)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br"])
@both
async def test_a_coding_that_is_not_supported(make: Make, coding: str) -> None:
    raw = sized(b"\x1b\x2c\x00\xf8", f"Content-Encoding: {coding}".encode())
    with serving(sending(raw)) as server:
        async with make(server) as own:
            with pytest.raises(ContentTypeError, match=f"content encoding {coding}, which was not"):
                await (await own.ask()).collect()


SHORT = [
    b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n',
    b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n',
    DONE,
]
CUT = {
    "chunked": CHUNKED + b"".join(map(chunked, SHORT)) + b"0\r\n\r\n",
    "sized": sized(b"".join(SHORT)),
    "until close": HEAD + b"\r\n" + b"".join(SHORT),
}


@pytest.mark.parametrize("framing", CUT)
@both
async def test_cut_at_every_byte(make: Make, framing: str) -> None:
    """The outcome is that of CompletionParser for the bytes of the body that came."""
    raw = CUT[framing]
    cuts: list[int] = []

    def handle(peer: Peer, _: Request) -> None:
        peer.send(raw[: cuts[-1]])
        peer.close()

    with serving(handle) as server:
        async with make(server) as own:
            for cut in range(1, len(raw)):
                cuts.append(cut)
                got, error, outcome = await everything(own)
                at = raw.index(b"\r\n\r\n") + 4
                if cut < at:
                    assert type(error) is TransportError
                    continue
                body = raw[at:cut] if framing != "chunked" else dechunked(raw[at:cut])
                parser = CompletionParser(headers={"content-type": "text/event-stream"})
                assert got == [chunk.text for chunk in parser.feed(body)], cut
                parser.close("end" if framing == "until close" else "cut")
                assert outcome is parser.outcome, cut
                assert type(error) is type(parser.error), cut
    assert server.connections == len(raw) - 1


async def everything(own: Either) -> tuple[list[str], ExchangeError | None, Outcome | None]:
    got: list[str] = []
    stream = None
    try:
        stream = await own.ask()
        async for chunk in stream:
            got.append(chunk.text)
    except ExchangeError as error:
        return got, error, stream.outcome if stream is not None else None
    return got, None, stream.outcome


def dechunked(body: bytes) -> bytes:
    pieces = []
    while body:
        size, _, body = body.partition(b"\r\n")
        if not body:
            break
        pieces.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return b"".join(pieces)


# Refusals


@pytest.mark.parametrize("how", ["whole", "cut", "stalled", "endless"])
@both
async def test_the_body_of_a_refusal(make: Make, how: str) -> None:
    """The body is in the error, however it ends."""

    def handle(peer: Peer, _: Request) -> None:
        body = b'{"error": {"message": "why"}}'
        if how == "endless":
            peer.head(status="400 X")
            while True:
                peer.send(b"x" * 65536)
        peer.head(f"Content-Length: {len(body) + (how != 'whole')}", status="400 X")
        peer.send(body)
        if how == "cut":
            peer.close()
        elif how == "stalled":
            peer.wait_for_close()

    with serving(handle) as server:
        async with make(server, timeout=Timeout(idle=0.2)) as own:
            with pytest.raises(StatusError) as caught:
                await own.ask()
    assert caught.value.message.startswith("xxx" if how == "endless" else "why")
    assert len(caught.value.body) == (1 << 20 if how == "endless" else 29)


@both
async def test_successes_without_a_stream(make: Make) -> None:
    cases: list[tuple[bytes, type[ExchangeError], str]] = [
        (b"", EmptyStreamError, "without a choice"),
        (DONE, EmptyStreamError, "before a single choice"),
        (b"<html><title>Sorry</title>", StreamError, "Sorry"),
        (b'{"error": "m"}', StreamError, "m"),
        (wire(delta("a")) + wire({"error": {"message": "m"}}) + DONE, StreamError, "m"),
    ]
    for body, kind, message in cases:
        with serving(sending(sized(body))) as server:
            async with make(server) as own:
                with pytest.raises(kind, match=message):
                    await (await own.ask()).collect()


@both
async def test_an_event_that_is_too_large(make: Make) -> None:
    with serving(lambda peer, _: peer.stream(b"data: 1\n\n", b"data: " + b"x" * 999)) as server:
        async with make(server, max_event_size=500) as own:
            events = await own.events("GET", "/")
            assert (await events.next()).data == "1"
            with pytest.raises(StreamError, match="larger than max_event_size, 500 bytes"):
                await events.next()
    large = delta("x" * 999)
    with serving(lambda peer, _: peer.stream(large, DONE)) as server:
        async with make(server, max_event_size=500) as own:
            with pytest.raises(StreamError, match="larger than max_event_size, 500 bytes"):
                await (await own.ask()).collect()
            stream = await own.with_options(max_event_size=None).ask()
            assert len((await stream.collect()).text) == 999


# Time limits


async def collected(own: Either) -> Completion:
    return await (await own.ask()).collect()


@contextlib.contextmanager
def lasting(low: float, high: float) -> Any:
    began = time_module.perf_counter()
    yield
    assert low < time_module.perf_counter() - began < high


@pytest.mark.parametrize("part", ["headers", "body"])
@pytest.mark.parametrize("is_stream", [True, False])
@both
async def test_idle(make: Make, part: str, is_stream: bool) -> None:
    def handle(peer: Peer, _: Request) -> None:
        if part == "body":
            peer.head("Content-Length: 1000")
            peer.send(wire(delta("a")))
        peer.wait_for_close()

    with serving(handle) as server:
        async with make(server, timeout=Timeout(idle=0.3)) as own:
            with pytest.raises(TimedOutError, match=r"received for 0.3 s \(idle\)") as caught:
                await (collected(own) if is_stream else own.create())
    assert caught.value.limit == "idle"
    if is_stream and part == "body":
        assert partial(caught.value).text == "a"


@both
async def test_each_call_may_have_limits_of_its_own(make: Make) -> None:
    """A number is one for ``connect`` and ``idle``."""
    with serving(lambda peer, _: peer.wait_for_close()) as server:
        async with make(server, timeout=PATIENCE) as own:
            for call in (
                own.create(timeout=0.1),
                own.ask(timeout=0.1),
                own.request("GET", "/", timeout=0.1),
                own.events("GET", "/", timeout=0.1),
            ):
                with pytest.raises(TimedOutError, match=r"received for 0\.1 s \(idle\)"):
                    await call


@both
async def test_idle_is_per_read(make: Make) -> None:
    """A stream may last longer than the limit, and its reader may be elsewhere for longer."""
    may_go_on = threading.Semaphore(0)

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        for _number in range(4):
            peer.chunk(wire(delta("a")))
            assert may_go_on.acquire(timeout=PATIENCE)
        peer.chunk(DONE)

    with serving(handle) as server:
        async with make(server, timeout=Timeout(idle=0.3)) as own:
            stream = await own.ask()
            for _ in range(4):
                assert (await stream.next()).text == "a"
                threading.Event().wait(0.15)  # the reader, and with it the event loop, is busy
                may_go_on.release()
            assert await stream.all() == []
            assert stream.outcome is Outcome.DONE


@pytest.mark.parametrize("kept_warm", [True, False])
@pytest.mark.parametrize("framing", ["chunked", "plain"])
@both
async def test_event_idle(make: Make, kept_warm: bool, framing: str) -> None:
    is_over = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head(*(["Transfer-Encoding: chunked"] if framing == "chunked" else []))
        send = peer.chunk if framing == "chunked" else peer.send
        send(wire(delta("a")))
        while kept_warm and not is_over.wait(0.02):
            send(b": still here\n\n")
        peer.wait_for_close()

    with serving(handle) as server:
        async with make(server, timeout=Timeout(event_idle=0.2, deadline=PATIENCE)) as own:
            stream = await own.ask()
            assert (await stream.next()).text == "a"
            with lasting(0.19, 2.0):
                with pytest.raises(
                    TimedOutError, match=r"no event for 0.2 s.*\(event_idle\)"
                ) as caught:
                    await stream.next()
            is_over.set()
            assert caught.value.limit == "event_idle"
            assert stream.outcome is Outcome.TIMED_OUT


@pytest.mark.parametrize("part", ["headers", "dripping headers", "body", "busy body", "flood"])
@both
async def test_deadline(make: Make, part: str) -> None:
    is_over = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        if part == "dripping headers":
            peer.send(b"HTTP/1.1 200 OK\r\n")
            while not is_over.wait(0.02):
                peer.send(b"X: y\r\n")
        elif part != "headers":
            peer.head("Transfer-Encoding: chunked")
            peer.chunk(wire(delta("a")))
            while part == "busy body" and not is_over.wait(0.02):
                peer.chunk(wire(delta("a")))
            while part == "flood" and not is_over.is_set():
                peer.send(chunked(b": flood\n\n") * 1000)
        peer.wait_for_close()

    with serving(handle) as server:
        async with make(server, timeout=Timeout(deadline=0.3)) as own:
            with lasting(0.29, 2.0):
                with pytest.raises(TimedOutError, match=r"within 0.3 s \(deadline\)") as caught:
                    await (await own.ask()).collect()
            is_over.set()
    assert caught.value.limit == "deadline"
    if "body" in part:
        assert partial(caught.value).text.startswith("a")


@both
async def test_connect(make: Make) -> None:
    """A listener whose queue is full does not answer."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with make(base_url=url) as own:
            with pytest.raises(TimedOutError, match=r"no connection within 0.1 s \(connect\)"):
                await own.create(timeout=Timeout(connect=0.1))
            with pytest.raises(TimedOutError, match="deadline"):
                await own.create(timeout=Timeout(deadline=0.1))
        async with make(base_url="https://model.test", proxy=url) as own:
            with pytest.raises(TimedOutError, match=f"through the proxy {url}"):
                await own.create(timeout=Timeout(connect=0.1))


@both
async def test_tls_that_stalls(make: Make) -> None:
    """The server accepts the connection and sends nothing: ``connect`` limits the wait."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        async with make(base_url=url) as own:
            with pytest.raises(TimedOutError, match="connect"):
                await own.create(timeout=Timeout(connect=0.1))


@both
async def test_a_server_that_does_not_read(make: Make) -> None:
    """Time in which no byte is sent counts as idle; a slow server is not idle."""
    may_read = threading.Event()

    class Slow(Server):
        def _serve(self, connection: socket.socket) -> None:
            if may_read.wait(PATIENCE):
                super()._serve(connection)
            connection.close()  # for a client that would wait for ever

    server = Slow(lambda peer, _: peer.answer(WHOLE))
    async with make(server, timeout=Timeout(idle=0.2)) as own:
        with pytest.raises(TimedOutError, match="idle"):
            await own.create(padding="x" * 20_000_000)
        may_read.set()
        assert (await own.create(padding="x" * 20_000_000)).text == "hi"
    server.close()


@both
async def test_no_limits(make: Make) -> None:
    with serving(lambda peer, _: peer.answer(WHOLE)) as server:
        async with make(server, timeout=None) as own:
            assert (await own.create()).text == "hi"
            assert (await own.create(timeout=Timeout(connect=None, deadline=9))).text == "hi"


@pytest.mark.parametrize("framing", ["chunked", "close"])
@pytest.mark.parametrize("drip", [False, True])
@both
async def test_the_wait_for_done_is_short(
    make: Make, framing: str, drip: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sseparse.completions._stream.DONE_WAIT", 0.2)
    monkeypatch.setattr("sseparse.completions._async_stream.DONE_WAIT", 0.2)
    has_left = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head(*(["Transfer-Encoding: chunked"] if framing == "chunked" else []))
        send = peer.chunk if framing == "chunked" else peer.send
        send(wire(delta("a")) + wire(FINISH))
        if drip:
            while not has_left.wait(0.02):
                send(b": keep-alive\n\n")
        else:
            peer.wait_for_close()

    with serving(handle) as server:
        async with make(server, timeout=Timeout(deadline=PATIENCE)) as own:
            stream = await own.ask()
            try:
                with lasting(0.19, 5.0):
                    assert (await stream.collect()).text == "a"
            finally:
                has_left.set()
            assert stream.outcome is Outcome.FINISHED


@both
async def test_a_choice_that_was_not_requested_ends_the_short_wait(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins when everything seems to have come, and takes longer than the wait for [DONE]."""
    monkeypatch.setattr("sseparse.completions._stream.DONE_WAIT", 0.2)
    monkeypatch.setattr("sseparse.completions._async_stream.DONE_WAIT", 0.2)

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")) + wire(FINISH))
        peer.chunk(wire(delta("b", index=1)))
        with contextlib.suppress(TimeoutError):
            peer.socket.settimeout(0.5)
            peer.socket.recv(1)  # the client must not leave
        peer.chunk(wire(delta("c", index=1)) + wire(delta(index=1, finish="stop")) + DONE)
        peer.send(b"0\r\n\r\n")

    with serving(handle) as server:
        async with make(server, timeout=60) as own:
            stream = await own.ask()
            completion = await stream.collect()
            assert [choice.message.content for choice in completion.choices] == ["a", "bc"]
            assert stream.outcome is Outcome.DONE


@both
async def test_leaving_closes_the_connection(make: Make) -> None:
    has_left = threading.Semaphore(0)

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")) + wire(delta("b")))
        peer.wait_for_close()
        has_left.release()

    with serving(handle) as server:
        async with make(server) as own:
            stream = await own.ask()
            assert (await stream.next()).text == "a"
            await stream.close()
            await stream.close()
            assert stream.outcome is Outcome.CLOSED
            assert await stream.all() == []
            assert (await stream.collect()).text == "a"
            await turns_until(lambda: has_left.acquire(blocking=False))
    assert stream.timing.end_ns > 0
