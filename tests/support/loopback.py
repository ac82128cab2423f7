"""A server on a raw socket, which sends exactly the bytes of a test, when the test wants them.

Nothing here sleeps. A handler that must wait until the client has done something waits for an Event
that the test sets. Every wait has a limit, so a fault ends in an error.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import ssl
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sseparse.completions import Client, Completion, ExchangeError, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 20  # seconds, after which a wait has failed


class Request(NamedTuple):
    line: str
    headers: dict[str, str]  # by lower-case name
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Peer:
    """Hold one connection, as the server sees it."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self._file = connection.makefile("rb")

    def receive(self) -> Request | None:
        """Return the next request; None if the client has closed."""
        line = self._file.readline()
        if not line:
            return None
        headers = {}
        while (header := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = self._file.read(int(headers.get("content-length", 0)))
        return Request(line.decode().strip(), headers, body)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def head(self, *headers: str, status: str = "200 OK", kind: str = "text/event-stream") -> None:
        """Send a status line and headers; the caller chooses the framing."""
        lines = [f"HTTP/1.1 {status}", *headers]
        if kind:
            lines.append(f"Content-Type: {kind}")
        self.send("\r\n".join([*lines, "", ""]).encode())

    def chunk(self, data: bytes) -> None:
        self.send(chunked(data))

    def stream(self, *events: object, kind: str = "text/event-stream") -> None:
        """Send a whole answer, each event in an HTTP chunk of its own, and keep the connection.

        It is one write, so a client that has the last event also has the end of the body. The
        client waits only a moment for the end before it opens another connection.
        """
        self.head("Transfer-Encoding: chunked", kind=kind)
        self.send(b"".join(chunked(wire(event)) for event in events) + b"0\r\n\r\n")

    def answer(
        self,
        body: bytes | str | dict[str, Any],
        *headers: str,
        status: str = "200 OK",
        kind: str = "application/json",
    ) -> None:
        """Send a whole answer that is not a stream."""
        if isinstance(body, dict):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        self.head(f"Content-Length: {len(body)}", *headers, status=status, kind=kind)
        self.send(body)

    def reset(self) -> None:
        """Close with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def wait_for_close(self) -> None:
        """Wait until the client has closed the connection."""
        with contextlib.suppress(ConnectionError):
            while self.socket.recv(65536):
                pass


class Server:
    """Call ``handle(peer, request)`` for each request; each connection has a thread of its own.

    Attributes:
        url: A base URL.
        requests: The requests received, in order.
        connections: How many connections there were.
    """

    def __init__(self, handle: Callable[[Peer, Request], object], wrap: Any = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._handle = handle
        self._wrap = wrap
        self._faults: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._peers: list[Peer] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Stop, and raise the first exception of a handler."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(PATIENCE)
        for peer in self._peers:
            with contextlib.suppress(OSError):
                peer.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        if self._faults:
            raise self._faults[0]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            # CPython 3.13 frees the stack of a thread when nothing refers to the thread any more.
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            thread = threading.Thread(target=self._serve, args=[connection], daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._wrap:
                connection = self._wrap(connection)
            peer = Peer(connection)
        except OSError:
            connection.close()
            return
        self._peers.append(peer)
        try:
            while request := peer.receive():
                self.requests.append(request)
                self._handle(peer, request)
        except (OSError, ValueError):
            pass  # the client has left, or the handler has closed the connection
        except BaseException as fault:
            self._faults.append(fault)
        finally:
            peer.close()


@contextlib.contextmanager
def serving(handle: Callable[[Peer, Request], object], wrap: Any = None) -> Iterator[Server]:
    server = Server(handle, wrap)
    try:
        yield server
    finally:
        server.close()


def sending(raw: bytes) -> Callable[[Peer, Request], None]:
    """Return a handler that sends these bytes, which include the status line, and closes."""

    def handle(peer: Peer, _: Request) -> None:
        peer.send(raw)
        peer.socket.shutdown(socket.SHUT_WR)
        peer.wait_for_close()
        peer.close()

    return handle


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def wire(event: object) -> bytes:
    """Return an event as it is sent; anything but bytes becomes data as JSON."""
    if isinstance(event, bytes):
        return event
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def delta(
    content: str | list[Any] | None = None,
    *,
    index: int = 0,
    finish: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return a chunk with one choice."""
    body = dict(more) if content is None else {"content": content, **more}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "tiny",
        "choices": [{"index": index, "delta": body, "finish_reason": finish}],
    }


DONE = b"data: [DONE]\n\n"


def relay(peer: Peer, request: Request, seen: list[bytes] | None = None) -> None:
    """Act as a proxy that opens a tunnel: pass bytes on in both directions until one side closes.

    In one thread: two must not use an SSLSocket at the same time.
    """
    host, _, port = request.line.split()[1].rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), PATIENCE) as upstream:
        peer.send(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
        target_of = {peer.socket: upstream, upstream: peer.socket}
        with contextlib.suppress(OSError):
            while sources := _readable(peer.socket, upstream):
                for source in sources:
                    data = source.recv(65536)
                    if not data:
                        return
                    if seen is not None:
                        seen.append(data)
                    target_of[source].sendall(data)


def _readable(*sockets: socket.socket) -> list[socket.socket]:
    """Wait for sockets that can be read. TLS may have decrypted bytes that nobody has read."""
    pending: list[socket.socket] = [
        sock for sock in sockets if isinstance(sock, ssl.SSLSocket) and sock.pending()
    ]
    return pending or select.select(sockets, [], [], PATIENCE)[0]


def wait(event: threading.Event) -> None:
    """Wait for an event that the other side sets."""
    assert event.wait(PATIENCE)


def client(server: Server, **options: Any) -> Client:
    """Return a client for the server, without settings from the environment."""
    defaults = {"base_url": server.url, "api_key": "sk-test", "proxy": "", "max_retries": 0}
    return Client(**{**defaults, **options})


def ask(client: Client, **more: Any) -> Stream:
    """Start a streamed chat completion."""
    stream = client.chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": "hi"}], stream=True, **more
    )
    assert isinstance(stream, Stream)
    return stream


def partial(error: BaseException) -> Completion:
    """Return the part of a completion that arrived before an error."""
    assert isinstance(error, ExchangeError)
    assert error.partial is not None
    return error.partial


def source_of(stream: Stream) -> Any:
    """Return the exchange that a stream reads."""
    return stream._source


def own_path() -> dict[str, str]:
    import sseparse

    return {**os.environ, "PYTHONPATH": str(Path(sseparse.__file__).parents[1])}
