"""A connection: connect, send a request, receive an answer."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection
from urllib3.util.ssltransport import SSLTransport
from urllib3.util.wait import wait_for_read, wait_for_socket

from ..._http1 import HeadReader, HttpError
from .._faults import RefusedTunnelError
from .._route import LONGEST_IDLE

if TYPE_CHECKING:
    import ssl

    from ..._http1 import Head
    from .._route import Route

if not issubclass(HTTPConnection, http.client.HTTPConnection):
    raise ImportError(
        "sseparse's client needs urllib3, and urllib3-future is installed in its place: "
        "pip uninstall urllib3-future, then pip install --force-reinstall urllib3"
    )

READ_SIZE = 65536
_SENT_AT_ONCE = 65536  # bytes of a body, after which send checks whether the server has answered
_Raw = http.client.HTTPConnection


class UnsentError(OSError):
    """The server answered or left before it had the whole request."""


class Answer(http.client.HTTPResponse):
    """An answer that ``sseparse._http1`` reads, in the form that http.client needs.

    Attributes:
        head: Its head, after those of interim answers.
        rest: The bytes that came with the head, but after it.
    """

    head: Head
    rest: bytes
    fp: Any = None  # if an exception comes before http.client has set it

    def __init__(self, connection: Connection, sock: Any, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        if self.fp is not None:  # a file around the socket, which nothing here reads
            self.fp.close()
        self.fp = None  # for http.client, this means that the next request may be sent
        self._receive: Any = connection.receive

    def begin(self) -> None:
        """Read the head of the answer, after those of interim answers (RFC 9110, section 15.2).

        Raises:
            HttpError: The bytes are not a head, or not a whole one.
        """
        receive, self._receive = self._receive, None  # the connection keeps the answer: no cycle
        self.head, self.rest = read_head(receive)
        self.will_close = False  # the exchange decides whether the connection is kept


class Connection(HTTPConnection):
    """A connection to one server, directly or through a proxy; used by one exchange at a time.

    Attributes:
        exchange: The exchange that uses it now, and limits the time of each step.
        is_past_proxy: Whether something else than the proxy may fail from now on.
        has_answered: Whether an answer has come since it was connected.
        has_begun: Whether a byte of the answer to the last request has come.
        idle_since: When it became idle, by ``time.monotonic``.
    """

    def __init__(self, route: Route) -> None:
        host, port = route.dialled
        super().__init__(host or "localhost", port)
        self.route = route
        self.exchange: Any = None
        self.is_past_proxy = self.has_answered = self.has_begun = False
        self.idle_since = 0.0

    @property
    def response_class(self) -> Any:  # type: ignore[override]
        """The class of answers, for http.client. Made at each access, to avoid a cycle."""
        return partial(Answer, self)

    def connect(self) -> None:
        """Make the connection, so that a request can be sent."""
        route = self.route
        self._dial()
        if route.proxy_context is not None and route.proxy is not None:
            self._start_tls(route.proxy_context, route.proxy.host)
        if route.has_tunnel:
            self._open_tunnel()
        self.is_past_proxy = True
        if route.context is not None:
            self._start_tls(route.context, route.address.host)

    def _dial(self) -> None:
        """Connect to the first address that accepts the connection."""
        host, port = self.route.dialled
        if self.route.address.socket_path:
            family: Any = socket.AF_UNIX  # type: ignore[attr-defined,unused-ignore]  # not on Windows
            places: list[Any] = [(family, self.route.address.socket_path)]
        else:
            found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
            places = [(family, address) for family, _, _, _, address in found]
        for number, (family, address) in enumerate(places, 1):
            self.sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                if not self.route.address.socket_path:
                    self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.exchange.begin_connect()
                self.exchange.arm(self.sock)
                self.sock.connect(address)
                return
            except OSError:
                self.close()
                if number == len(places) or self.exchange.is_closed:
                    raise
        raise OSError("its name has no address")

    def _start_tls(self, context: ssl.SSLContext, host: str) -> None:
        self.exchange.arm(self.sock)
        host = host.partition("%")[0].removesuffix(".")
        if isinstance(self.sock, socket.socket) and not hasattr(self.sock, "context"):
            # The handshake comes later, because another thread can end it only if self.sock is set.
            self.sock = context.wrap_socket(
                self.sock, server_hostname=host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()
        else:
            self.sock = SSLTransport(self.sock, context, host)  # TLS inside the proxy's TLS

    def _open_tunnel(self) -> None:
        self.send(self.route.tunnel_request())
        head, rest = read_head(self.receive)
        if not 200 <= head.status < 300:
            raise RefusedTunnelError(head.status, head.reason)
        if rest:
            raise HttpError("the proxy sent bytes into the tunnel before the client did")
        self.has_begun = False

    def ask(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """Send a request and return its answer when the head of it has come.

        Raises:
            OSError: There is no connection, or it failed.
            HttpError: The answer is not HTTP.
        """
        self.has_begun = False
        if self.sock is None:
            self.connect()
        self.exchange.is_connected()
        unsent: OSError | None = None
        try:
            headers = {**self.route.headers(), **headers}
            self.request(method, self.route.target(target), body, headers)
        except TimeoutError:
            raise
        except OSError as error:
            if self.sock is None:
                raise
            unsent = error  # the server may have answered nevertheless
        self.exchange.is_sent(unsent is None)
        try:
            # The method of http.client, because urllib3's would wrap the answer.
            answer: Any = _Raw.getresponse(self)
        except (OSError, HttpError):
            if unsent is not None and not self.has_begun:
                raise unsent from None
            raise
        self.has_answered = True
        return answer  # type: ignore[no-any-return]

    def send(self, data: Any) -> None:
        """Send all of it, each part of it within the time that is left.

        Raises:
            UnsentError: The server answered or left meanwhile.
        """
        view = memoryview(data)
        is_plain = type(self.sock) is socket.socket
        while view:
            self.exchange.arm(self.sock)
            sent = self.sock.send(view[:_SENT_AT_ONCE])
            view = view[sent:]
            if view and is_plain:
                left = self.sock.gettimeout()
                if not wait_for_socket(self.sock, read=True, write=True, timeout=left):
                    raise TimeoutError
                if wait_for_read(self.sock, 0):
                    raise UnsentError("the server did not wait for the whole request")

    def receive(self) -> bytes:
        """Return the bytes of one receive; b"" at the end of the connection."""
        self.exchange.arm(self.sock)
        data: bytes = self.sock.recv(READ_SIZE)
        self.has_begun = self.has_begun or bool(data)
        return data

    def shutdown(self) -> None:
        """End the wait of another thread, which may begin in a moment."""
        sock = self.sock
        while sock is not None and not isinstance(sock, socket.socket):
            sock = sock.socket  # TLS in TLS
        if sock is not None:
            with contextlib.suppress(OSError):  # it is closed
                # The plain socket's method: that of TLS would remove the state that a read needs.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def is_usable(self) -> bool:
        """Tell whether a request may be sent on it: it is open, silent, and not idle for long."""
        if self.sock is None or time.monotonic() - self.idle_since > LONGEST_IDLE:
            return False
        # If it can be read, it has ended, or the server sent bytes without a request.
        return not wait_for_read(self.sock, 0)

    def __del__(self) -> None:
        # If an exception came before the pool or the exchange had it, or even while it was made.
        if getattr(self, "sock", None) is not None:
            self.close()


def read_head(receive: Any) -> tuple[Head, bytes]:
    """Return the head of an answer that is not an interim one, and the bytes that came after it.

    Raises:
        HttpError: The bytes are not a head, or not a whole one.
        ConnectionResetError: The connection ended before a byte of it.
    """
    reader = HeadReader()
    head = None
    while head is None:
        data = receive()
        if not data:
            reader.close()
        head = reader.answer(data)
    return head, reader.rest
