"""Idle connections; cancel(); signals; fork and exit."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from loopback import (
    DONE,
    PATIENCE,
    Peer,
    Request,
    ask,
    chunked,
    client,
    delta,
    own_path,
    serving,
    source_of,
    wait,
    wire,
)
from secured import over_tls, secured
from sseparse._clients._address import Address
from sseparse._clients._http import _pool
from sseparse._clients._http._connection import Connection
from sseparse._clients._route import Route
from sseparse.completions import (
    Client,
    ContentTypeError,
    ExchangeError,
    Outcome,
    TimedOutError,
    Timeout,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Each starts a server, and many wait.
pytestmark = pytest.mark.thorough

WHOLE = {"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}


# The pool


def answer_whole(peer: Peer, _: Request) -> None:
    peer.answer(WHOLE)


def answer_at_once(peer: Peer, _: Request) -> None:
    peer.stream(delta("h"), delta("i"), DONE)


def answer_in_pieces(peer: Peer, _: Request) -> None:
    """The end of the body comes in a write of its own."""
    peer.head("Transfer-Encoding: chunked")
    for text in "hi":
        peer.chunk(wire(delta(text)))
    peer.chunk(DONE)
    peer.send(b"0\r\n\r\n")


@pytest.mark.parametrize("handle", [answer_whole, answer_at_once, answer_in_pieces])
def test_threads_use_as_many_connections_as_there_are_threads(
    handle: Callable[[Peer, Request], None],
) -> None:
    def talk() -> None:
        began.wait(PATIENCE)
        for _ in range(10):
            if handle is answer_whole:
                texts.append(own.chat.completions.create().text)
            else:
                texts.append(ask(own).collect().text)

    texts: list[str | None] = []
    began = threading.Barrier(100)
    with serving(handle) as server, client(server) as own:
        threads = [threading.Thread(target=talk) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE * 3)
    assert texts == ["hi"] * 1000
    assert server.connections <= 110


@pytest.mark.parametrize("max_idle", [0, 1, 3, 64])
@pytest.mark.parametrize("handle", [answer_at_once, answer_in_pieces])
def test_max_idle(handle: Callable[[Peer, Request], None], max_idle: int) -> None:
    with serving(handle) as server, client(server, max_idle=max_idle) as own:
        for _ in range(2):
            streams = [ask(own) for _ in range(5)]
            assert [stream.collect().text for stream in streams] == ["hi"] * 5
    assert server.connections == 5 + 5 - min(max_idle, 5)


def test_an_answer_without_end_is_closed_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")) + DONE)
        peer.wait_for_close()
        has_left.set()

    has_left = threading.Event()
    with serving(handle) as server, client(server) as own:
        ask(own).collect()
        ask(own).collect()
        assert not has_left.is_set()
        monkeypatch.setattr(_pool, "PARKED_FOR", 0)
        ask(own).collect()
        wait(has_left)


def answer_without_end(peer: Peer, _: Request) -> None:
    peer.head("Transfer-Encoding: chunked")
    peer.chunk(wire(delta("hi")) + DONE)


@pytest.mark.parametrize("handle", [answer_at_once, answer_without_end])
def test_close_closes_what_waits_for_a_request(handle: Callable[[Peer, Request], None]) -> None:
    def handle_and_wait(peer: Peer, request: Request) -> None:
        handle(peer, request)
        peer.wait_for_close()
        has_left.release()

    has_left = threading.Semaphore(0)
    with serving(handle_and_wait) as server, client(server) as own:
        streams = [ask(own) for _ in range(3)]
        assert [stream.collect().text for stream in streams] == ["hi"] * 3
        own.close()
        for _ in streams:
            assert has_left.acquire(timeout=PATIENCE)


def test_a_connection_that_is_dropped_is_closed() -> None:
    """As where an exception comes before it is kept, or while it is made."""
    route = Route(Address.of("http://localhost"), None, None, None)
    near, far = socket.socketpair()
    with far:
        connection = Connection(route)
        connection.sock = near
        del connection
        assert near.fileno() == -1
        assert far.recv(1) == b""
    Connection.__new__(Connection).__del__()


def test_a_connection_that_was_idle_for_long_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Routers forget it without a notice, and a request on it would get no answer."""
    with serving(answer_whole) as server, client(server) as own:
        for _ in range(2):
            own.chat.completions.create()
        assert server.connections == 1
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 61)
        own.chat.completions.create()
        assert server.connections == 2


@pytest.mark.parametrize("length", [0, 2])
def test_bytes_after_the_answer_close_the_connection(length: int) -> None:
    """Otherwise the client would take them for the answer to the next request."""

    def handle(peer: Peer, _: Request) -> None:
        other = b"HTTP/1.1 500 Not asked for\r\nContent-Length: 0\r\n\r\n"
        peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (length, b"{}"[:length]) + other
        )

    with serving(handle) as server, client(server) as own:
        for _ in range(3):
            if length:
                assert own.request("GET", "/") == {}
            else:
                with pytest.raises(ContentTypeError):
                    own.request("GET", "/")
    assert server.connections == 3


def test_bytes_without_a_request_close_the_connection() -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.answer(WHOLE)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        has_sent.set()

    has_sent = threading.Event()
    with serving(handle) as server, client(server) as own:
        for _ in range(3):
            assert own.chat.completions.create().text == "hi"
            wait(has_sent)
            has_sent.clear()
    assert server.connections == 3


# Cancel


def stall_before_the_head(peer: Peer, _: Request) -> None:
    peer.wait_for_close()


def stall_in_the_head(peer: Peer, _: Request) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\n")
    peer.wait_for_close()


def stall_in_the_body(peer: Peer, _: Request) -> None:
    peer.head("Transfer-Encoding: chunked")
    peer.chunk(wire(delta("a")))
    peer.wait_for_close()


def drip(peer: Peer, _: Request) -> None:
    peer.head("Transfer-Encoding: chunked")
    while True:
        peer.chunk(b": still here\n\n")


STALLS = [stall_before_the_head, stall_in_the_head, stall_in_the_body, drip]


def started(function: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    def run() -> None:
        try:
            function()
        except BaseException as error:
            raised.append(error)

    raised: list[BaseException] = []
    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


def cancel_until(thread: threading.Thread, own: Client) -> None:
    """Cancel, until a thread has something to cancel."""
    began = time.monotonic()
    while thread.is_alive():
        own.cancel()
        thread.join(0.005)
        assert time.monotonic() - began < PATIENCE
    own.close()


@pytest.mark.parametrize("wrap", [None, over_tls], ids=["plain", "tls"])
@pytest.mark.parametrize("is_stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("handle", STALLS)
def test_cancel(handle: Callable[[Peer, Request], None], is_stream: bool, wrap: Any) -> None:
    def call() -> None:
        if is_stream:
            ask(own).collect()
        else:
            own.chat.completions.create()

    with serving(handle, wrap) as server:
        told: list[object] = []
        options = {
            **secured(server, wrap is not None),
            "on_retry": lambda *retry: told.append(retry),
        }
        with client(server, max_retries=2, **options) as own:
            thread, raised = started(call)
            while not server.requests:
                thread.join(0.005)
                assert raised == []
            cancel_until(thread, own)
    (error,) = raised
    assert isinstance(error, TransportError)
    assert "cancel" in str(error)
    assert len(server.requests) == 1  # it is not tried again,
    assert told == []  # and on_retry is not called


def test_cancel_in_a_handshake() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        own = Client(base_url=url, api_key="", proxy="", timeout=None)
        thread, raised = started(own.chat.completions.create)
        with listener.accept()[0]:
            cancel_until(thread, own)
    assert isinstance(raised[0], TransportError)


def test_cancel_while_a_body_is_being_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        own = Client(base_url=url, api_key="", proxy="", timeout=None)
        thread, raised = started(lambda: own.chat.completions.create(x="x" * 30_000_000))
        with listener.accept()[0]:
            cancel_until(thread, own)
    assert isinstance(raised[0], TransportError)


def test_cancel_in_a_wait_for_a_retry() -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.answer("busy", "Retry-After: 100", status="503 Busy")

    is_waiting = threading.Event()
    with serving(handle) as server:
        own = client(server, max_retries=2, on_retry=lambda *_: is_waiting.set())
        thread, raised = started(own.chat.completions.create)
        wait(is_waiting)
        cancel_until(thread, own)
    assert isinstance(raised[0], TransportError)
    assert len(server.requests) == 1


def test_cancel_is_for_one_client_and_for_what_has_begun() -> None:
    with serving(stall_in_the_body) as server, client(server) as own:
        other = own.with_options(max_retries=1)
        mine, theirs = ask(own), ask(other)
        assert next(mine).text == next(theirs).text == "a"
        own.cancel()
        with pytest.raises(TransportError, match="cancel") as caught:
            next(mine)
        assert caught.value.partial is not None
        assert caught.value.partial.text == "a"
        assert mine.outcome is Outcome.TRANSPORT_ERROR
        assert theirs.outcome is None
        again = ask(own)
        assert next(again).text == "a"
        theirs.close()
        again.close()
        assert not own._running
        assert not other._running


def test_ended_exchanges_are_removed() -> None:
    with serving(answer_in_pieces) as server, client(server) as own:
        ask(own).collect()
        own.stream("GET", "/").close()
        with pytest.raises(ExchangeError):
            own.request("GET", "/")
        assert not own._running


# The limits


def test_nothing_is_drained_inside_the_next_call() -> None:
    """16 streams that end late do not delay the next call."""

    def handle(peer: Peer, request: Request) -> None:
        if request.json().get("late"):
            peer.head("Transfer-Encoding: chunked")
            peer.chunk(wire(delta("a")) + DONE)
            peer.wait_for_close()
        else:
            peer.answer(WHOLE)

    def never(*_: object) -> None:
        raise AssertionError("it waits")

    with serving(handle) as server, client(server) as own:
        for stream in [ask(own, late=True) for _ in range(16)]:
            stream.collect()
        own.chat.completions.create()
        sockets = [exchange._sock for exchange in own._http._pool._parked]
        assert len(sockets) == 16
        for sock in sockets:
            assert sock.gettimeout() == 0.0


def test_the_deadline_holds_while_a_body_is_being_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Client(base_url=url, api_key="", proxy="", max_retries=0) as own:
            with pytest.raises(TimedOutError) as caught:
                own.chat.completions.create(x="x" * 30_000_000, timeout=Timeout(deadline=0.3))
            assert caught.value.limit == "deadline"
            with pytest.raises(TimedOutError) as caught:
                own.chat.completions.create(x="x" * 30_000_000, timeout=Timeout(idle=0.2))
            assert caught.value.limit == "idle"


@pytest.mark.parametrize(
    "drips",
    [
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1" + b" " * 10_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + b"b" * 100_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b" " * 100_000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"\n" * 100_000,
        b"HTTP/1.1 102 Processing\r\n\r\n" * 1000,
    ],
    ids=["head", "chunk size", "trailers", "body", "blank lines", "interim answers"],
)
@pytest.mark.parametrize("is_stream", [True, False])
def test_a_body_in_single_bytes_ends_at_the_deadline(drips: bytes, is_stream: bool) -> None:
    def handle(peer: Peer, _: Request) -> None:
        for byte in drips:
            peer.send(bytes([byte]))
            if is_over.wait(0.002):
                return

    is_over = threading.Event()

    def call() -> None:
        if is_stream:
            ask(own).collect()
        else:
            own.chat.completions.create()

    with serving(handle) as server, client(server, timeout=Timeout(deadline=0.3)) as own:
        with pytest.raises(TimedOutError) as caught:
            call()
        is_over.set()
    assert caught.value.limit == "deadline"


# Signals


class Interrupted(BaseException):
    pass


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer for signals")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # in a __del__
@pytest.mark.parametrize("wrap", [None, over_tls], ids=["plain", "tls"])
def test_a_signal_that_raises_anywhere(wrap: Any) -> None:
    """It leaves no socket, no thread and no exchange; and the client still works."""

    def raise_it(*_: object) -> None:
        raise Interrupted

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("h")))
        peer.chunk(wire(delta("i")))
        peer.send(chunked(DONE) + b"0\r\n\r\n")
        if chance.random() < 0.3:
            peer.close()

    chance = random.Random(1)
    before = signal.signal(signal.SIGALRM, raise_it)
    with serving(handle, wrap) as server:
        limits = Timeout(event_idle=60, deadline=60)
        own = client(server, timeout=limits, **secured(server, wrap is not None))
        interrupted = 0
        try:
            for number in range(300):
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.0002 + number % 60 * 0.0001)
                    for _ in range(5):
                        ask(own).collect()
                    signal.setitimer(signal.ITIMER_REAL, 0)
                except Interrupted:
                    interrupted += 1
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
        finally:
            signal.signal(signal.SIGALRM, before)
        assert interrupted > 100
        assert not own._running
        assert ask(own).collect().text == "hi"
        own.close()
        for thread in server._threads:
            thread.join(PATIENCE)  # a connection that is left open would be waited for
            assert not thread.is_alive()


# Processes


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_fork() -> None:
    """The child makes its own connections, and does not use the parent's."""
    with serving(answer_whole) as server:
        program = f"""
import os, sys
from sseparse.completions import Client
own = Client(base_url={server.url!r}, api_key="", proxy="")
assert own.chat.completions.create().text == "hi"
child = os.fork()
for _ in range(20):
    assert own.chat.completions.create().text == "hi"
if child:
    _, status = os.waitpid(child, 0)
    sys.exit(status != 0)
"""
        done = subprocess.run(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program],
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            env=own_path(),
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert (len(server.requests), server.connections) == (41, 2)


@pytest.mark.parametrize("how", ["", "client.close()", "del stream", "sys.exit(0)", "os._exit(0)"])
def test_exit_with_an_open_stream(how: str) -> None:
    with serving(stall_in_the_body) as server:
        program = f"""
import os, sys
from sseparse.completions import Client
client = Client(base_url={server.url!r}, api_key="", proxy="")
stream = client.chat.completions.create(stream=True)
next(stream)
{how}
"""
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", program],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=own_path(),
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_urllib3_future_is_recognised(tmp_path: Path) -> None:
    """It has the same name, but another kind of connections."""
    package = tmp_path / "urllib3"
    (package / "util").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "connection.py").write_text("class HTTPConnection: pass")
    for name in ("__init__", "ssltransport", "wait"):
        (package / "util" / f"{name}.py").write_text(
            "SSLTransport = wait_for_read = wait_for_socket = None"
        )
    environment = own_path()
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), environment["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, "-c", "from sseparse.completions import Client"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment,
    )
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    assert message.startswith("ImportError: sseparse's client needs urllib3, and urllib3-future")


def test_streams_in_two_threads_and_close_in_a_third() -> None:
    """close() returns at once, and the reader stops, also if it is about to read."""
    for _ in range(20):
        with serving(drip) as server, client(server) as own:
            stream = ask(own)
            thread, raised = started(stream.collect)
            while not source_of(stream).arrival_ns:
                thread.join(0.001)
                assert raised == []
            stream.close()
            thread.join(PATIENCE)
            assert not thread.is_alive()
            assert raised == []
            assert stream.outcome is Outcome.CLOSED
