"""The recipes that send and forward streams, each on a real server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import runpy
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sseparse import Event, Parser, encode, parse
from sseparse.recording import streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Each starts a server.
pytestmark = pytest.mark.thorough

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
PATIENCE = 20  # s, after which a test has failed
SENDERS = ["send_starlette", "send_fastapi", "send_aiohttp"]


def needs(library: str) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until(true: Callable[[], object]) -> None:
    """Check a condition again and again, if there is no event to wait for."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


@contextlib.contextmanager
def running_aiohttp(app: Any) -> Iterator[int]:
    """Run an application of aiohttp in a thread, as web.run_app does; yield its port."""
    from aiohttp import web

    started = threading.Event()
    ports: list[int] = []

    async def main() -> None:
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.append(runner.addresses[0][1])
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))
        started.set()
        await stop.wait()
        await runner.cleanup()

    loops: list[Any] = []
    thread = threading.Thread(target=asyncio.run, args=[main()])
    thread.start()
    try:
        assert started.wait(PATIENCE)
        yield ports[0]
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
        assert not thread.is_alive()


@contextlib.contextmanager
def running_asgi(app: Any) -> Iterator[int]:
    """Run an ASGI application on uvicorn in a thread; yield its port."""
    uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, ws="none", lifespan="off", log_level="error", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture(params=SENDERS)
def sender(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[int, Any]]:
    """The port of a running recipe, and its feed; a comment comes after 50 ms."""
    name = request.param
    needs(name.removeprefix("send_"))
    monkeypatch.syspath_prepend(str(RECIPES))
    monkeypatch.delitem(sys.modules, "feed", raising=False)
    recipe = runpy.run_path(str(RECIPES / f"{name}.py"))
    monkeypatch.setattr(sys.modules["feed"], "SILENCE", 0.05)
    run = running_aiohttp if name == "send_aiohttp" else running_asgi
    with run(recipe["app"]) as port:
        yield port, recipe["feed"]
    monkeypatch.delitem(sys.modules, "feed")


class Reader:
    """A client on a raw socket, which reads a chunked answer."""

    def __init__(self, port: int, *headers: str, path: str = "/events") -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]
        self.connection.sendall("\r\n".join(lines).encode())
        self._file = self.connection.makefile("rb")
        self.head = b"".join(iter(self._file.readline, b"\r\n")).decode().lower()
        self.body = b""
        self._parser = Parser()

    def next(self) -> list[Event]:
        """Return the events of the next HTTP chunk."""
        size = int(self._file.readline(), 16)
        chunk = self._file.read(size + 2)[:size]
        self.body += chunk
        return self._parser.feed(chunk)

    def until(self, count: int) -> list[Event]:
        events: list[Event] = []
        while len(events) < count:
            events += self.next()
        return events

    def close(self) -> None:
        self._file.close()
        self.connection.close()


def post(port: int, body: str, path: str = "/publish") -> bytes:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        data = body.encode()
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            f"Content-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        with connection.makefile("rb") as file:
            return file.read()


def test_sends(sender: tuple[int, Any]) -> None:
    port, feed = sender
    reader = Reader(port)
    for header in ("content-type: text/event-stream", "cache-control: no-store"):
        assert header in reader.head
    assert "x-accel-buffering: no" in reader.head
    assert reader.next() == []
    assert reader.body == b": welcome\nretry: 2000\n\n"
    while b": keep-alive\n\n" not in reader.body:
        assert reader.next() == []

    assert b" 204 " in post(port, "one\r\ntwo ✓")
    assert reader.until(1) == [Event("note", "one\ntwo ✓", "1")]
    reader.close()
    # Some servers notice that the client has left only when they cannot send the comment.
    wait_until(lambda: not feed._clients)

    post(port, "while nobody listens")
    reader = Reader(port, "Last-Event-ID: 1")
    assert reader.until(1) == [Event("note", "while nobody listens", "2")]
    reader.close()
    wait_until(lambda: not feed._clients)


def test_an_id_that_it_never_sent(sender: tuple[int, Any]) -> None:
    port, feed = sender
    post(port, "old")
    reader = Reader(port, "Last-Event-ID: caf\u00e9 ✓")
    assert reader.next() == []
    post(port, "new")
    assert [event.data for event in reader.until(1)] == ["new"]
    reader.close()
    wait_until(lambda: not feed._clients)


def test_a_client_that_is_too_slow_ends() -> None:
    recipe = runpy.run_path(str(RECIPES / "feed.py"))

    async def main() -> list[bytes]:
        feed = recipe["Feed"]()
        blocks = feed.blocks()
        received = [await anext(blocks)]
        for number in range(2 * recipe["KEPT"] + 5):
            feed.publish(str(number))
        async for block in blocks:
            received.append(block)
        feed.publish("to nobody")
        return received

    received = asyncio.run(main())
    assert [event.data for event in parse(b"".join(received))] == [str(n) for n in range(2000)]


CHUNKS = [encode("one", id="1"), b": ping\n\ndata: tw", b"o\n\n", encode("[DONE]")]


class Upstream:
    """Send CHUNKS in HTTP chunks, each when the test wants it; then end, or cut the body off."""

    def __init__(self, *, cut: bool = False) -> None:
        self.go_on = threading.Semaphore(0)
        self.requests: list[bytes] = []
        self.left = threading.Event()
        self._cut = cut
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(PATIENCE)
        with connection, contextlib.suppress(ConnectionError):
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(65536)
            self.requests.append(request)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Request-Id: abc\r\n"
                b"Set-Cookie: secret=1\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            for chunk in CHUNKS:
                assert self.go_on.acquire(timeout=PATIENCE)
                if self.left.is_set():
                    break
                connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            else:
                if not self._cut:
                    connection.sendall(b"0\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    def __enter__(self) -> Upstream:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.left.set()
        self.go_on.release(len(CHUNKS))
        self._thread.join(PATIENCE)
        self._listener.close()
        assert not self._thread.is_alive()


def proxied(upstream_port: int, folder: Path) -> Any:
    needs("aiohttp")
    recipe = runpy.run_path(str(RECIPES / "proxy.py"))
    return running_aiohttp(recipe["make_app"](f"http://127.0.0.1:{upstream_port}", folder))


def recorded(folder: Path) -> Any:
    wait_until(lambda: list(folder.iterdir()) and all(f.stat().st_size for f in folder.iterdir()))
    [file] = folder.iterdir()
    [recording] = streams(file)
    return recording


def test_proxy(tmp_path: Path) -> None:
    with Upstream() as upstream, proxied(upstream.port, tmp_path) as port:
        headers = "Authorization: Bearer secret", "Accept-Encoding: gzip", "Connection: keep-alive"
        reader = Reader(port, *headers, path="/v1/x?q=%2F")
        assert "x-request-id: abc" in reader.head
        for _ in CHUNKS:  # each comes before the next one was sent
            upstream.go_on.release()
            reader.next()
        assert reader.body == b"".join(CHUNKS)
        assert reader.next() == []  # the last chunk
        reader.close()
        recording = recorded(tmp_path)
        [request] = upstream.requests
        assert request.startswith(b"GET /v1/x?q=%2F HTTP/1.1\r\n")
        assert b"authorization: bearer secret\r\n" in request.lower()
        assert b"accept-encoding: identity\r\n" in request.lower()
    assert recording.form == "HAR (chrome-har)"
    assert (recording.status, recording.url) == (
        200,
        f"http://127.0.0.1:{upstream.port}/v1/x?q=%2F",
    )
    reads = list(recording.reads)
    assert [data for _, data in reads] == CHUNKS
    arrivals = [arrival for arrival, _ in reads]
    assert arrivals == sorted(arrivals)
    assert [event.data for event in recording.events()] == ["one", "two", "[DONE]"]
    [file] = tmp_path.iterdir()
    assert "secret" not in file.read_text()


def test_proxy_passes_a_cut_on(tmp_path: Path) -> None:
    with Upstream(cut=True) as upstream, proxied(upstream.port, tmp_path) as port:
        reader = Reader(port)
        upstream.go_on.release(len(CHUNKS))
        with pytest.raises((ConnectionError, ValueError)):  # no size of a last chunk
            reader.until(100)
        reader.close()
        recording = recorded(tmp_path)
    assert b"".join(data for _, data in recording.reads) == b"".join(CHUNKS)


def test_proxy_whose_client_leaves(tmp_path: Path) -> None:
    with Upstream() as upstream, proxied(upstream.port, tmp_path) as port:
        reader = Reader(port)
        upstream.go_on.release()
        assert reader.until(1) == [Event("message", "one", "1")]
        reader.close()
        recording = recorded(tmp_path)
        assert [event.data for event in recording.events()] == ["one"]


def test_proxy_without_a_server(tmp_path: Path) -> None:
    with proxied(free_port(), tmp_path) as port:
        assert b" 502 " in post(port, "{}", "/v1/chat/completions")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def nginx(tmp_path: Path) -> Callable[[int], Any]:
    program = shutil.which("nginx")
    if program is None:
        pytest.skip("nginx is not installed")

    @contextlib.contextmanager
    def run(port: int) -> Iterator[int]:
        own = free_port()
        location = (RECIPES / "nginx.conf").read_text()
        assert "127.0.0.1:8000" in location
        (tmp_path / "nginx.conf").write_text(
            f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;\n"
            "events {}\nhttp {\naccess_log off;\n"
            + "".join(
                f"{kind}_temp_path {tmp_path}/{kind};\n"
                for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            )
            + f"gzip on; gzip_types text/event-stream;\nserver {{\nlisten 127.0.0.1:{own};\n"
            + location.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
            + "}\n}\n"
        )
        command = [program, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
        with subprocess.Popen([*command, "-e", str(tmp_path / "error.log")]) as process:
            try:
                wait_until(lambda: listens(own))
                yield own
            finally:
                process.terminate()

    return run


def listens(port: int) -> bool:
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def test_nginx(nginx: Callable[[int], Any]) -> None:
    """Each event passes before the next one is sent, also to a client that takes gzip."""
    with Upstream() as upstream, nginx(upstream.port) as port:
        reader = Reader(port, "Accept-Encoding: gzip")
        assert "content-encoding" not in reader.head
        for number in range(len(CHUNKS)):
            upstream.go_on.release()
            while len(reader.body) < len(b"".join(CHUNKS[: number + 1])):
                reader.next()
        reader.close()
    assert reader.body == b"".join(CHUNKS)
