"""The recipes of the documentation: prompt however the body is framed, closed on every path.

The server is a raw socket. It sends an event only when the client has acknowledged the one before,
so a client that keeps events back gets no further. No result depends on a time.
The code under test is the code that the pages show.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
import zlib
from contextlib import aclosing, closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

import loopback
import sseparse
from llama_cpp import make_model, needs_llama_cpp, running
from loopback import DONE, delta
from sseparse import Event, encode, parse
from sseparse.testing import every_split, rechunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Each starts a server, and most import an HTTP library.
pytestmark = pytest.mark.thorough

SOURCES = Path(sseparse.__file__).parents[1]
RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
LIBRARIES = {
    "over_urllib3": "urllib3",
    "over_requests": "requests",
    "over_httpx": "httpx",
    "over_httpx_async": "httpx",
    "over_aiohttp": "aiohttp",
}
PATIENCE = 20  # s, after which a test has failed
TEXTS = ["one", "two\nlines", "drei ✓"]
BLOCKS = [encode(text) for text in TEXTS]
EVENTS = [Event("message", text, "") for text in TEXTS]

Serve: TypeAlias = "Callable[[socket.socket], None]"
Framed: TypeAlias = "tuple[bytes, list[bytes], bytes]"  # head, a piece for each block, tail


class Server:
    """A listening socket whose connections, one after the other, are served by a thread."""

    def __init__(self, *serve: Serve) -> None:
        self._serve = serve
        self._failure: BaseException | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.address = self._listener.getsockname()
        self.url = f"http://127.0.0.1:{self.address[1]}/"

    def _run(self) -> None:
        try:
            for serve in self._serve:
                connection, _ = self._listener.accept()
                with connection:
                    connection.settimeout(PATIENCE)
                    serve(connection)
        except Exception as failure:
            self._failure = failure

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._thread.join(PATIENCE * (len(self._serve) + 1))
        self._listener.close()
        assert not self._thread.is_alive()
        if self._failure is not None:
            raise self._failure


def read_request(connection: socket.socket) -> bytes:
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        received = connection.recv(65536)
        assert received, "the client went away before its request was complete"
        request += received
    return request


def expect_closed(connection: socket.socket) -> None:
    with suppress(ConnectionError):  # a reset instead of an end if there are unread bytes
        assert connection.recv(1) == b""


def head(*fields: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", "Content-Type: text/event-stream", *fields, "", ""]
    return "\r\n".join(lines).encode()


def in_chunks(blocks: list[bytes]) -> Framed:
    pieces = [b"%x\r\n%b\r\n" % (len(block), block) for block in blocks]
    return head("Transfer-Encoding: chunked"), pieces, b"0\r\n\r\n"


def in_one_chunk(blocks: list[bytes]) -> Framed:
    size = sum(len(block) for block in blocks)
    return head("Transfer-Encoding: chunked") + b"%x\r\n" % size, blocks, b"\r\n0\r\n\r\n"


def in_gzip(blocks: list[bytes]) -> Framed:
    gzip = zlib.compressobj(wbits=31)
    flushed = [gzip.compress(block) + gzip.flush(zlib.Z_SYNC_FLUSH) for block in blocks]
    _, pieces, end = in_chunks([*flushed, gzip.flush()])
    fields = "Transfer-Encoding: chunked", "Content-Encoding: gzip"
    return head(*fields), pieces[:-1], pieces[-1] + end


def until_close(blocks: list[bytes]) -> Framed:
    return head("Connection: close"), blocks, b""


def with_length(blocks: list[bytes]) -> Framed:
    return head(f"Content-Length: {sum(len(block) for block in blocks)}"), blocks, b""


FRAMINGS = [in_chunks, in_one_chunk, in_gzip, until_close, with_length]


class Acknowledged:
    """Serve the pieces one by one, each when the one before it has been acknowledged."""

    def __init__(self, framed: Framed) -> None:
        self._framed = framed
        self._acknowledged = threading.Semaphore(0)
        self.request = b""

    def acknowledge(self) -> None:
        self._acknowledged.release()

    def __call__(self, connection: socket.socket) -> None:
        start, pieces, end = self._framed
        self.request = read_request(connection)
        connection.sendall(start)
        for number, piece in enumerate(pieces):
            connection.sendall(piece)
            assert self._acknowledged.acquire(timeout=PATIENCE), f"event {number} was held back"
        connection.sendall(end)
        connection.shutdown(socket.SHUT_WR)
        expect_closed(connection)


def run_recipe(name: str) -> dict[str, Any]:
    return runpy.run_path(str(RECIPES / f"{name}.py"))


@pytest.fixture(params=LIBRARIES)
def events(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """The function that a recipe defines."""
    library = LIBRARIES[request.param]
    pytest.importorskip(library, reason=f"{library} is not installed")
    function: Callable[[str], Any] = run_recipe(request.param)["events"]
    return function


def consume(stream: Any, take: Callable[[Event], object]) -> None:
    """Call take with each event; it may raise to leave early. Then close the stream."""
    if hasattr(stream, "__aiter__"):

        async def main() -> None:
            async with aclosing(stream):
                async for event in stream:
                    take(event)

        asyncio.run(main())
    else:
        with closing(stream):
            for event in stream:
                take(event)


@pytest.fixture(autouse=True)
def _nothing_left_open() -> Iterator[None]:
    yield
    gc.collect()  # an open resource warns now, and a warning is an error


@pytest.mark.parametrize("framing", FRAMINGS)
def test_prompt(events: Callable[[str], Any], framing: Callable[[list[bytes]], Framed]) -> None:
    serve = Acknowledged(framing(BLOCKS))
    received = []

    def take(event: Event) -> None:
        received.append(event)
        serve.acknowledge()

    with Server(serve) as server:
        consume(events(server.url), take)
    assert received == EVENTS
    fields = serve.request.lower().split(b"\r\n")
    assert b"accept: text/event-stream" in fields
    assert b"accept-encoding: identity" in fields


class LeaveError(Exception):
    pass


@pytest.mark.parametrize("framing", FRAMINGS)
def test_closes_when_left(
    events: Callable[[str], Any], framing: Callable[[list[bytes]], Framed]
) -> None:
    start, pieces, _ = framing(BLOCKS)

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(start + pieces[0])
        expect_closed(connection)

    def take(event: Event) -> None:
        assert event == EVENTS[0]
        raise LeaveError

    with Server(serve) as server, pytest.raises(LeaveError):
        consume(events(server.url), take)


def test_closes_when_cut_off(events: Callable[[str], Any]) -> None:
    start, pieces, _ = in_chunks(BLOCKS)
    received: list[Event] = []

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(start + pieces[0])
        connection.shutdown(socket.SHUT_WR)
        expect_closed(connection)

    with Server(serve) as server, pytest.raises(Exception, match=r"(?i)incomplete|prematurely|not"):
        consume(events(server.url), received.append)
    assert received == EVENTS[:1]


def test_refuses_and_closes(events: Callable[[str], Any]) -> None:
    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\ndata: x\n\n")
        expect_closed(connection)

    received: list[Event] = []
    with Server(serve) as server, pytest.raises(Exception, match="404"):
        consume(events(server.url), received.append)
    assert received == []


@pytest.mark.parametrize("framing", [in_one_chunk, until_close, with_length])
@pytest.mark.parametrize("library", ["urllib3", "requests"])
def test_stream_is_late(library: str, framing: Callable[[list[bytes]], Framed]) -> None:
    """The reason why the recipes do not use it: it waits although a whole event has come."""
    pytest.importorskip(library, reason=f"{library} is not installed")
    start, pieces, _ = framing(BLOCKS)
    sent = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(start + pieces[0])
        sent.set()
        expect_closed(connection)

    chunks: list[object] = []
    with Server(serve) as server:
        if library == "urllib3":
            import urllib3

            with (
                urllib3.PoolManager(timeout=0.2, retries=False) as http,
                http.request("GET", server.url, preload_content=False) as response,
            ):
                assert sent.wait(PATIENCE)
                with pytest.raises(urllib3.exceptions.ReadTimeoutError):
                    chunks.extend(response.stream())
        else:
            import requests

            with requests.get(server.url, timeout=0.2, stream=True) as answer:
                assert sent.wait(PATIENCE)
                with pytest.raises(requests.exceptions.ConnectionError, match="timed out"):
                    chunks.extend(answer.iter_content(chunk_size=None))
    assert chunks == []


def test_stamped() -> None:
    """The time is taken between the sending of an event's last byte and its delivery."""
    stamped_events = run_recipe("stamped")["stamped_events"]
    pieces = [b"data: a\n\ndata: b\n\nda", b"ta: c\n\n"]
    sending = []
    acknowledged = threading.Semaphore(0)

    def serve(connection: socket.socket) -> None:
        for piece in pieces:
            sending.append(time.perf_counter_ns())
            connection.sendall(piece)
            assert acknowledged.acquire(timeout=PATIENCE)

    stamps = []
    with (
        Server(serve) as server,
        socket.create_connection(server.address, timeout=PATIENCE) as connection,
        connection.makefile("rb") as source,
    ):
        for arrived, event in stamped_events(source):
            received = time.perf_counter_ns()
            stamps.append((arrived, event.data))
            assert sending[-1] <= arrived <= received
            if event.data != "a":
                acknowledged.release()
    (first, a), (second, b), (third, c) = stamps
    assert a + b + c == "abc"
    assert first == second < third


RECONNECTING = {"reconnecting": "urllib3", "reconnecting_async": "httpx"}


@pytest.fixture(params=RECONNECTING)
def reconnecting(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """The function of a recipe that reconnects."""
    library = RECONNECTING[request.param]
    pytest.importorskip(library, reason=f"{library} is not installed")
    function: Callable[[str], Any] = run_recipe(request.param)["events"]
    return function


def test_reconnecting(reconnecting: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    start, (whole, cut), _ = in_chunks(
        [encode("a", id="7 ✓", retry=700), b"id: 8\ndata: never delivered\n"]
    )
    start_of_next, (block,), _ = until_close([encode("b", retry=10**12)])
    requests = []
    waits = []

    def cut_off(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(start + whole + cut)

    def dead(connection: socket.socket) -> None:
        requests.append(read_request(connection))

    def restarting(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )

    def ended(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(start_of_next + block)

    def no_more(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        expect_closed(connection)

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        assert len(waits) < 5, "the server was not asked as often as that"

    async def asyncio_sleep(seconds: float) -> None:
        sleep(seconds)

    names = reconnecting.__globals__
    if "asyncio" in names:
        monkeypatch.setitem(names, "asyncio", SimpleNamespace(sleep=asyncio_sleep))
    else:
        monkeypatch.setitem(names, "time", SimpleNamespace(sleep=sleep))
    monkeypatch.setitem(names, "random", SimpleNamespace(uniform=lambda _, most: most))
    received: list[Event] = []
    with Server(cut_off, dead, restarting, ended, no_more) as server:
        consume(reconnecting(server.url), received.append)
    assert received == [Event("message", "a", "7 ✓"), Event("message", "b", "7 ✓")]
    assert waits == [0.7, 1.4, 2.8, 60]
    resumed = "\r\nLast-Event-ID: 7 ✓\r\n".encode()
    assert [resumed in request for request in requests] == [False, True, True, True, True]


def test_reconnecting_refused(reconnecting: Callable[[str], Any]) -> None:
    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
        expect_closed(connection)

    received: list[Event] = []
    with Server(serve) as server, pytest.raises(RuntimeError, match="status 500"):
        consume(reconnecting(server.url), received.append)
    assert received == []


def test_lint() -> None:
    lint = run_recipe("lint")["lint"]
    stream = (
        b"\xef\xbb\xbfData: a\n: \xff\nretry: soon\nid: \x001\n\nevent: done\n\n"
        b"data: fine\n\ndata: lost\n"
    )
    complaints = [
        (0, "a byte order mark, on which many clients lose the first event"),
        (3, "'Data' is ignored: unknown name"),
        (11, "not UTF-8"),
        (15, "'retry' is ignored: retry not taken"),
        (27, "'id' is ignored: NUL in id"),
        (47, "no data, so there is no event of type 'done'"),
        (60, "the stream ends inside an event, which is dropped"),
    ]
    assert list(lint([stream])) == complaints
    assert list(lint([stream[i : i + 1] for i in range(len(stream))])) == complaints
    assert list(lint([encode("fine", type="x", id="1", retry=1, comment="hello")])) == []


def test_decoder() -> None:
    decode = run_recipe("decoder")["decode"]
    stream = (
        b"\xef\xbb\xbf: a\r\ndata: caf\xc3\xa9\r\n\r\nevent: message\nid\n\n\rid: 3\r:b\r"
        b"retry: 5\r\rdata: c\r\n\nda"
    )
    expected = [
        (None, "café", None, None, ("a",), b"\xef\xbb\xbf: a\r\ndata: caf\xc3\xa9\r\n\r"),
        ("message", None, "", None, (), b"\nevent: message\nid\n\n"),
        (None, None, None, None, (), b"\r"),
        (None, None, "3", 5, ("b",), b"id: 3\r:b\rretry: 5\r\r"),
        (None, "c", None, None, (), b"data: c\r\n\n"),
    ]
    for chunks in (*every_split(stream), rechunk(stream, 1)):
        assert [tuple(block) for block in decode(chunks)] == expected


def test_the_decoder_is_short() -> None:
    code = (RECIPES / "decoder.py").read_text(encoding="utf-8")
    assert len([line for line in code.splitlines() if line.strip()]) <= 25


def test_raw() -> None:
    raw_blocks = run_recipe("raw")["raw_blocks"]
    stream = (
        b"\xef\xbb\xbf: a\r\ndata: caf\xc3\xa9\r\n\r\ndata: \xff\n\n\rid: 3\r\rdata: c\r\n\n: d"
    )
    expected = [
        (b": a\r\ndata: caf\xc3\xa9\r\n\r", "café"),
        (b"data: \xff\n\n", "\ufffd"),
        (b"\r", None),
        (b"id: 3\r\r", None),
        (b"data: c\r\n\n", "c"),
    ]
    for chunks in (*every_split(stream), rechunk(stream, 1)):
        assert [(raw, block.data) for raw, block in raw_blocks(chunks)] == expected


def recorded_objects() -> tuple[bytes, list[Any]]:
    """Return a recorded chat completion, and the objects in the data of its events."""
    stream = (RECIPES.parents[1] / "tests" / "recordings" / "llama.cpp.sse").read_bytes()
    *events, done = parse(stream)
    assert done.data == "[DONE]"
    return stream + b"data: after the end\n\n", [event.json() for event in events]


@pytest.mark.parametrize("size", [1, 1000, 1_000_000])
def test_orjson(size: int) -> None:
    pytest.importorskip("orjson", reason="orjson is not installed")
    objects = run_recipe("json_orjson")["objects"]
    stream, wanted = recorded_objects()
    assert list(objects(rechunk(stream, size))) == wanted


@pytest.mark.parametrize("size", [1, 1000, 1_000_000])
def test_msgspec(size: int) -> None:
    msgspec = pytest.importorskip("msgspec", reason="msgspec is not installed")
    recipe = run_recipe("json_msgspec")
    stream, wanted = recorded_objects()
    found = list(recipe["chunks_of_answer"](rechunk(stream, size)))
    assert found == [msgspec.convert(each, recipe["Chunk"]) for each in wanted]
    text = "".join(choice.delta.content or "" for chunk in found for choice in chunk.choices)
    assert len(text) > 5
    with pytest.raises(msgspec.ValidationError, match=r"missing required field `id`"):
        list(recipe["chunks_of_answer"]([b"data: {}\n\n"]))


# The load generator

GENERATOR = "load_generator"


def load_options(url: str, **more: Any) -> argparse.Namespace:
    options = {"model": "tiny", "prompt": "hello", "rate": 200.0, "requests": 20, "poisson": False}
    return argparse.Namespace(base_url=url, **{**options, **more})


def test_load_generator_does_not_wait_for_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server answers when it has all requests; some of its answers are failures."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    recipe = runpy.run_path(str(RECIPES / f"{GENERATOR}.py"))
    all_there = threading.Barrier(20)

    def handle(peer: loopback.Peer, _: loopback.Request) -> None:
        number = all_there.wait(PATIENCE)
        if number < 3:
            peer.answer("busy", status="503 X")
        elif number < 5:
            peer.stream(delta("a"), delta("b"))  # without an end
        elif number < 6:
            peer.stream(loopback.DONE)
        else:
            peer.stream(delta("", role="assistant"), delta("a"), delta("b", finish="stop"), DONE)

    with loopback.serving(handle) as server:
        results = asyncio.run(recipe["load"](load_options(server.url)))
    assert results.failures == {"StatusError": 3, "TruncatedError": 2, "EmptyStreamError": 1}
    assert (len(results.late), len(results.first), len(results.gaps)) == (20, 16, 16)
    assert min(results.late) >= 0
    assert min(results.first) > 0
    assert min(results.gaps) >= 0
    head, late, _, gaps, failures = str(results).splitlines()
    assert head.split() == ["ms", "median", "p90", "p99", "longest", "number"]
    assert late.split()[0] == "late"
    assert gaps.split()[-1] == "16"
    assert failures == "failures: " + ", ".join(f"{k} {v}" for k, v in results.failures.items())
    assert str(recipe["Results"]()).endswith("failures: none\n")


@needs_llama_cpp
@pytest.mark.parametrize("more", [[], ["--poisson"]])
def test_load_generator(tmp_path: Path, more: list[str]) -> None:
    with running(make_model(tmp_path)) as server:
        path = str(RECIPES / f"{GENERATOR}.py")
        command = [sys.executable, path, server.url, "--rate", "50"]
        done = subprocess.run(
            [*command, "--requests", "20", *more],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env={**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(SOURCES)},
        )
    assert (done.returncode, done.stderr) == (0, "")
    _, late, first, gaps, failures = done.stdout.splitlines()
    assert failures == "failures: none"
    assert (late.split()[-1], first.split()[-1]) == ("20", "20")
    median, p90, p99, longest = map(float, first.split()[1:5])
    assert 0 < median <= p90 <= p99 <= longest
    assert int(gaps.split()[-1]) > 20
