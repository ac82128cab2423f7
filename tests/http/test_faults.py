"""Faults of servers and networks, and the result of the client."""

from __future__ import annotations

import contextlib
import errno
import gzip
import json
import random
import socket
import struct
import threading
import time
import zlib
from typing import Any

import pytest

from captures import CAPTURES, NAMES
from loopback import (
    DONE,
    PATIENCE,
    Peer,
    Request,
    ask,
    chunked,
    client,
    delta,
    sending,
    serving,
    wait,
    wire,
)
from secured import CA_FILE, over_tls, secured
from sseparse._clients._http._connection import Connection
from sseparse.completions import (
    Client,
    ExchangeError,
    Outcome,
    StatusError,
    TimedOutError,
    Timeout,
    TransportError,
)

# Each starts a server that is at fault.
pytestmark = pytest.mark.thorough

WHOLE = {"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}
FINISH = delta(finish="stop")
EVENTS = [wire(delta("h", role="assistant")), wire(delta("i")), wire(FINISH), DONE]


# Framings

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
BODY = b"".join(EVENTS)


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data)


def raw_deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


FRAMINGS: dict[str, bytes] = {
    "chunk per event": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + b"".join(map(chunked, EVENTS))
    + b"0\r\n\r\n",
    "chunks that cut events": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + b"".join(chunked(BODY[at : at + 7]) for at in range(0, len(BODY), 7))
    + b"0\r\nTrailer: x\r\n\r\n",
    "extensions": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + chunked(BODY).replace(b"\r\n", b";a=b\r\n", 1)
    + b"0;a=b\r\n\r\n",
    "length": HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY,
    "length of HTTP/1.0": HEAD.replace(b"1.1", b"1.0")
    + b"Connection: keep-alive\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    + BODY,
    "end of the connection": HEAD + b"\r\n" + BODY,
    "gzip": HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzipped(BODY),
    "gzip in chunks": HEAD
    + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    + chunked(gzipped(BODY))
    + b"0\r\n\r\n",
    "deflate": HEAD + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(BODY),
    "raw deflate": HEAD + b"Content-Encoding: deflate\r\n\r\n" + raw_deflated(BODY),
    "identity": HEAD + b"Content-Encoding: identity\r\n\r\n" + BODY,
    "interim answers": b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + HEAD + b"\r\n" + BODY,
    "bare line feeds": (HEAD + b"\r\n").replace(b"\r\n", b"\n") + BODY,
}


@pytest.mark.parametrize("size", [1, 100_000])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_framings_over_tls(framing: str, size: int) -> None:
    raw = FRAMINGS[framing]

    def handle(peer: Peer, _: Request) -> None:
        for at in range(0, len(raw), size):
            peer.send(raw[at : at + size])
        peer.close()

    with serving(handle, over_tls) as server:
        with client(server, **secured(server, True)) as own:
            stream = ask(own)
            assert stream.collect().text == "hi"
            assert stream.outcome is Outcome.DONE
            assert "content-encoding" not in stream.headers or framing == "identity"


@pytest.mark.parametrize("how", ["end", "reset"])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_answer_that_is_cut(framing: str, how: str) -> None:
    """At every byte: no cut is a success, and everything before it is kept."""
    raw = FRAMINGS[framing]
    cuts = list(range(len(raw)))
    cuts = cuts[:: 1 if how == "end" else 9] if framing == "chunk per event" else cuts[::23]
    places = iter(cuts)

    def handle(peer: Peer, _: Request) -> None:
        peer.send(raw[: next(places)])
        (peer.close if how == "end" else peer.reset)()

    with serving(handle) as server, client(server) as own:
        for at in cuts:
            try:
                stream = ask(own)
            except TransportError:
                continue
            try:
                completion = stream.collect()
            except ExchangeError as error:
                assert stream.outcome not in (None, Outcome.DONE, Outcome.FINISHED)
                assert error.partial is not None
                assert "hi".startswith(error.partial.text or "")
            else:
                # Only the end of the body is missing; or everything had arrived before the reset.
                assert completion.text == "hi"
                assert at > len(raw) - 250


def test_a_compressed_body_that_ends_early_is_not_whole() -> None:
    body = gzip.compress(b"event: a\ndata: b\n\nevent: c\ndata: d\n\n")
    head = HEAD + b"Content-Encoding: gzip\r\n\r\n"
    with serving(sending(head + body[:-6])) as server, client(server) as own:
        stream = own.stream("GET", "/")
        with pytest.raises(TransportError, match="compressed body ended before it was whole"):
            list(stream)
        assert stream.outcome is Outcome.TRANSPORT_ERROR
    with serving(sending(head + body)) as server, client(server) as own:
        stream = own.stream("GET", "/")
        assert [event.data for event in stream] == ["b", "d"]
        assert stream.outcome is Outcome.ENDED
    whole = json.dumps(WHOLE).encode()
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(whole)
    for cut in (1, 8, 20):
        with serving(sending(raw[:-cut])) as server, client(server) as own:
            with pytest.raises(TransportError, match="cut off"):
                own.chat.completions.create()


@pytest.mark.parametrize("api", ["stream", "whole", "error"])
def test_a_compression_bomb(api: str) -> None:
    """1 GiB in 1 MiB: it is decompressed piece by piece, up to the limit."""
    bomb = gzip.compress(b"x" * (64 << 20))
    status = b"500 X" if api == "error" else b"200 OK"
    head = b"HTTP/1.1 %b\r\nContent-Encoding: gzip\r\n\r\n" % status

    def handle(peer: Peer, _: Request) -> None:
        peer.send(head)
        for _number in range(16):
            peer.send(bomb)

    with serving(handle) as server, client(server, max_event_size=1 << 20) as own:
        if api == "stream":
            with pytest.raises(ExchangeError):
                ask(own).collect()
        elif api == "whole":
            with pytest.raises(ExchangeError):
                own.chat.completions.create()
        else:
            with pytest.raises(StatusError) as caught:
                own.chat.completions.create()
            assert len(caught.value.body) <= 1 << 20


# Errors of the server


@pytest.mark.parametrize("is_stream", [True, False])
@pytest.mark.parametrize("how", ["reset", "broken chunks", "gzip cut"])
def test_the_part_of_an_errors_body_that_arrived(how: str, is_stream: bool) -> None:
    body = b'{"error": {"message": "no such model", "code": "missing"}, "more": "'

    def handle(peer: Peer, _: Request) -> None:
        if how == "broken chunks":
            peer.head("Transfer-Encoding: chunked", status="404 Not Found", kind="application/json")
            peer.send(chunked(body) + b"no size\r\n")
        elif how == "gzip cut":
            peer.head("Content-Encoding: gzip", status="404 Not Found", kind="application/json")
            peer.send(gzip.compress(body)[:-8])
        else:
            peer.head("Content-Length: 1000", status="404 Not Found", kind="application/json")
            peer.send(body)
        (peer.reset if how == "reset" else peer.close)()

    with serving(handle) as server, client(server) as own:
        with pytest.raises(StatusError) as caught:
            own.chat.completions.create(stream=is_stream)
    assert caught.value.status == 404
    if how != "reset":  # which may come before the body was read
        assert caught.value.body == body.decode()


# Under TLS, readable bytes may be no answer; so the time limit ends "reads nothing more" there.
@pytest.mark.parametrize(
    ("how", "wrap"),
    [
        *((how, None) for how in ("closes", "reads on", "reads nothing more")),
        *((how, over_tls) for how in ("closes", "reads on")),
    ],
)
def test_an_error_that_comes_while_the_body_is_being_sent(how: str, wrap: Any) -> None:
    held: list[socket.socket] = []

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            connection, _address = listener.accept()
            if wrap is not None:
                connection = wrap(connection)
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(100)
                text = b'{"error": {"message": "too large"}}'
                connection.sendall(
                    b"HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(text) + text
                )
                if how == "reads on":
                    while connection.recv(1 << 20):
                        pass
                elif how == "closes":
                    socket.socket.shutdown(connection, socket.SHUT_WR)
                    connection.recv(1 << 16)
                else:
                    held.append(connection.dup())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        scheme = "http" if wrap is None else "https"
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"

        options: dict[str, Any] = {}
        if wrap is not None:
            options["ca_file"] = CA_FILE
        options["timeout"] = Timeout(deadline=PATIENCE)
        with Client(base_url=url, api_key="", proxy="", max_retries=0, **options) as own:
            for _ in range(2):
                with pytest.raises(StatusError, match="413: too large"):
                    own.chat.completions.create(x="x" * 10_000_000)
        thread.join(PATIENCE)
    for connection in held:
        connection.close()


def test_a_server_that_leaves_while_the_body_is_being_sent() -> None:
    def serve(listener: socket.socket) -> None:
        with listener.accept()[0] as connection:
            connection.recv(100)
            connection.shutdown(socket.SHUT_WR)
            wait(has_failed)

    has_failed = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Client(base_url=url, api_key="", proxy="", max_retries=0) as own:
            with pytest.raises(TransportError) as caught:
                own.chat.completions.create(x="x" * 30_000_000)
        has_failed.set()
        thread.join(PATIENCE)
    assert str(caught.value) == (
        f"no answer from {url}: the server did not wait for the whole request"
    )


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_success_without_a_body(status: int) -> None:
    with serving(lambda peer, _: peer.answer("", status=f"{status} X")) as server:
        with client(server) as own:
            with pytest.raises(ExchangeError):
                own.chat.completions.create()


def test_a_time_limit_of_the_system_is_a_transport_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """TCP has a time limit of its own, and the system raises the same exception for it."""

    def give_up(*_: object) -> bytes:
        raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    with serving(sending(HEAD + b"\r\n")) as server, client(server) as own:
        monkeypatch.setattr(Connection, "receive", give_up)
        with pytest.raises(TransportError, match=r"no answer from .*: Connection timed out"):
            ask(own)


# Load


def test_many_threads_and_streams() -> None:
    """32 threads take turns with few connections, and no piece goes to another."""

    def handle(peer: Peer, request: Request) -> None:
        word = request.json()["word"]
        peer.head("Transfer-Encoding: chunked")
        for number in range(5):
            peer.chunk(wire(delta(f"{word}-{number} ")))
        peer.send(chunked(wire(FINISH)) + chunked(DONE) + b"0\r\n\r\n")

    def talk(word: int) -> None:
        for _ in range(10):
            text = ask(own, word=word).collect().text
            if text != "".join(f"{word}-{number} " for number in range(5)):
                wrong.append(text)

    wrong: list[object] = []
    with serving(handle) as server, client(server) as own:
        threads = [threading.Thread(target=talk, args=[word]) for word in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE * 5)
        assert not own._running
    assert wrong == []
    assert len(server.requests) == 320


def mutated(chance: random.Random, raw: bytes) -> bytes:
    """Return an answer with some bytes changed, taken out, doubled or put in."""
    data = bytearray(raw)
    for _ in range(chance.choice([1, 1, 2, 5])):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(5)
        if kind == 0 and at < len(data):
            data[at] = chance.randrange(256)
        elif kind == 1:
            del data[at : at + chance.choice([1, 2, 50])]
        elif kind == 2:
            data[at:at] = data[at : at + chance.choice([1, 10, 100])]
        elif kind == 3:
            data[at:at] = chance.choice([b"\r\n", b"\n", b"\r", b"\0", b":", b"\xff", b"0\r\n\r\n"])
        else:
            del data[at:]
        if not data:
            data[:] = b"H"
    return bytes(data)


def check_mutants(seconds: float, count: int, seed: int) -> int:
    """Send mutated answers over a raw socket, cut anywhere; return how many.

    They may raise only documented errors, and must leave nothing open.
    """
    raws = [*FRAMINGS.values(), *((CAPTURES / f"{name}.raw").read_bytes() for name in NAMES)]
    chance = random.Random(seed)

    def serve() -> None:
        while True:
            with contextlib.suppress(ConnectionError), listener.accept()[0] as connection:
                connection.settimeout(PATIENCE)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if not connection.recv(65536):
                    return
                raw = mutated(chance, chance.choice(raws))
                at = 0
                while at < len(raw):
                    size = chance.choice([1, 10, 100, 1000])
                    connection.sendall(raw[at : at + size])
                    at += size
                if chance.random() < 0.1:
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    done, ends = 0, time.monotonic() + seconds
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        limits = Timeout(idle=PATIENCE, deadline=PATIENCE)
        with Client(base_url=url, api_key="", proxy="", max_retries=0, timeout=limits) as own:
            while done < count and time.monotonic() < ends:
                done += 1
                try:
                    if done % 3 == 0:
                        own.chat.completions.create()
                    else:
                        stream: Any = ask(own) if done % 3 == 1 else own.stream("GET", "/")
                        list(stream)
                except TimedOutError:
                    raise AssertionError("it hangs") from None
                except ExchangeError:
                    pass
                assert not own._running
        socket.create_connection(listener.getsockname()).close()
        thread.join(PATIENCE)
    return done


def test_mutated_answers() -> None:
    assert check_mutants(60, 500, 1) == 500
