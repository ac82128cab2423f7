"""One HTTP exchange over urllib3: a request, its reads, its time limits, its cancellation.

It knows no JSON and no events, so that every client of the package can share it:

    Http        the connections to one server; shared by threads
    Exchange    one request and its answer; read by one thread, cancelled by any

No exception of urllib3 or of the sockets below it leaves this module: each becomes a TransportError
or a TimedOutError, with the original as its cause. Only urllib3's public interface is used.

Reads go through ``read1``, which returns what one receive brought: ``stream`` and ``read`` hold
events back on streams that are not sent one HTTP chunk per event.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
import weakref
from collections import deque
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError

from ..completions._errors import ExchangeError, TimedOutError, TransportError, causes, reason_of
from ..completions._headers import Headers
from ._timeout import LIMIT_TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..completions._timing import Timing
    from ._timeout import Timeout

READ_SIZE = 65536  # read1 without a size returns at most 8 KiB of a body that ends with the stream
_POOL_SIZE = 64  # idle connections kept; beyond it they are closed after use
_PARKED_MAX = 16
# How long the next request waits for the end of an answer of which all that matters was read. Its
# last bytes have mostly arrived by then. Without a bound a server that never ends would hang it.
_DRAIN_SECONDS = 0.002
_DRAIN_READS = 8
_URLOPEN: Any = {"retries": False, "redirect": False, "preload_content": False}


class Http:
    """The connections to one server. Threads may share it.

    Args:
        origin: Scheme, host and port: ``http://127.0.0.1:8080``.
        proxy: URL of an HTTP proxy, which may name a user and password; None for none.
        ca_file: Certificate authorities to trust instead of the system's, in PEM.

    Raises:
        ValueError: ``proxy`` is not a URL, or its scheme is neither http nor https.
        OSError: ``ca_file`` cannot be read.
    """

    def __init__(self, origin: str, proxy: str | None = None, ca_file: str | None = None) -> None:
        self._origin = origin
        self._parked: deque[Exchange] = deque()
        options: dict[str, Any] = {"maxsize": _POOL_SIZE}
        if origin.startswith("https:") or (proxy or "").startswith("https:"):
            import ssl

            # One context for all connections: loading the authorities takes some 20 ms.
            options["ssl_context"] = ssl.create_default_context(cafile=ca_file)
        self._manager = urllib3.PoolManager(**options)
        if proxy is not None:
            try:
                url = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
                self._manager = urllib3.ProxyManager(
                    url._replace(auth=None).url,
                    proxy_headers=urllib3.make_headers(proxy_basic_auth=url.auth),
                    proxy_ssl_context=options.get("ssl_context"),
                    **options,
                )
            except HTTPError:  # whose text shows the URL, and with it a password
                raise ValueError("proxy must be the URL of an http or https proxy") from None
        self._manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        weakref.finalize(self, _close_connections, self._parked, self._manager)

    def close(self) -> None:
        """Close the idle connections. Those in use end with their exchange."""
        _close_connections(self._parked, self._manager)

    def send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: Timeout,
        timing: Timing,
        deadline_at: float | None = None,
    ) -> Exchange:
        """Send one request and return when the headers of its answer are there.

        It goes out once more only if a connection that had been used before turns out to have been
        closed by the server before a byte of the answer: servers close idle connections at will.

        Args:
            method: The HTTP method.
            target: Path and query.
            headers: All headers but Host and Content-Length.
            body: The body; None for none.
            timeout: The limits.
            timing: Filled in as things happen.
            deadline_at: When the deadline is, as ``time.perf_counter`` counts; None for none.

        Raises:
            TransportError: There is no answer.
            TimedOutError: A time limit was reached before there was an answer.
        """
        with contextlib.suppress(IndexError):  # until there are none, also if threads compete
            while True:
                self._parked.popleft()._drain()
        exchange = Exchange(timeout, timing, deadline_at, self._parked)
        try:
            while True:
                _current.exchange = exchange
                try:
                    response = exchange._response = self._manager.urlopen(
                        method,
                        self._origin + target,
                        body=body,
                        headers=headers,
                        timeout=exchange._urllib3_timeout(),
                        **_URLOPEN,
                    )
                    exchange.status, exchange.headers = response.status, Headers(response.headers)
                    if response.status < 200:  # the real answer follows, and must not go to others
                        exchange._connection.close()
                    # A fifth of urllib3's work on a read is to find that nothing is encoded.
                    response.decode_content = "content-encoding" in response.headers
                    return exchange
                except (HTTPError, OSError) as error:
                    if exchange._unanswered and not exchange._fired:
                        continue
                    raise exchange._fault(error, f"no answer from {self._origin}") from error
                finally:
                    _current.exchange = None
        except BaseException:
            exchange._stop()
            raise


class Exchange:
    """One request and its answer. One thread reads it; any thread may close it.

    Attributes:
        status: The status code.
        headers: The headers of the answer.
        timing: When its parts happened, by ``time.perf_counter_ns``.
        arrival_ns: When the last read returned, before anything was done with what it brought.
    """

    status: int
    headers: Headers
    arrival_ns: int = 0

    def __init__(
        self,
        timeout: Timeout,
        timing: Timing,
        deadline_at: float | None,
        parked: deque[Exchange],
    ) -> None:
        self._timeout, self._deadline_at, self._parked = timeout, deadline_at, parked
        self.timing = timing
        # When the wait for the next event began, in ns; 0 for "with the next read". Set by read,
        # cleared by has_event.
        self._waiting_since_ns = 0
        self._rest_at = 0.0  # when the wait for the rest ends, in s; 0 for no end. By limit_rest.
        # Set by send: the connection as soon as it is known, the answer when its headers are there.
        self._connection: Any = None  # else a _Connection; Any spares checks on the hot path
        self._response: Any = None  # else a urllib3.BaseHTTPResponse
        self._socket: Any = None  # of the connection, which may give it away with its last answer
        # By _Connection: a used connection ended before any byte. By close.
        self._unanswered = self._cancelled = False
        self._fired = ""  # by the timer: the limit that was reached
        self._reading = threading.Lock()  # held while a read may block
        self._over: Any = None  # else a threading.Event, which ends the timer
        if timeout.event_idle is not None or deadline_at is not None:
            self._over = threading.Event()
            self._timer = threading.Thread(target=self._watch, name="sseparse timer", daemon=True)
            self._timer.start()

    def read(self) -> bytes:
        """Return the next bytes of the body as soon as there are any; b"" at its end.

        After ``close`` it is b"" as well, also in a read that was waiting.

        Raises:
            TransportError: The body was cut off. What came before it has been returned.
            TimedOutError: A limit was reached.
        """
        if self._over is not None and not self._waiting_since_ns:
            self._waiting_since_ns = time.perf_counter_ns()
        if self._rest_at:
            self._shorten_wait()
        try:
            with self._reading:
                data: bytes = b"" if self._cancelled else self._response.read1(READ_SIZE)
                self.arrival_ns = time.perf_counter_ns()
                if not self.timing.first_byte_ns and data:
                    self.timing.first_byte_ns = self.arrival_ns
        except Exception as error:
            self._stop()
            if self._cancelled and not self._fired:
                return b""
            # shutdown() takes the TLS layer out from under a read: anything may come of that.
            if not (self._fired or isinstance(error, (HTTPError, OSError))):
                raise
            raise self._fault(error, "the answer was cut off") from error
        # What a read returns after shutdown() is not to be trusted: it may be ciphertext.
        if self._fired:
            raise self._timed_out(self._fired)
        if self._cancelled:
            self.close()  # which could not wait for this read if a signal handler called it
            return b""
        if not data:
            self._stop()
        return data

    def has_event(self) -> None:
        """Take notice that the last read completed an event, for the ``event_idle`` limit."""
        self._waiting_since_ns = 0

    def limit_rest(self, seconds: float) -> None:
        """Wait at most this long for all that follows, and then raise a TimedOutError."""
        self._rest_at = time.perf_counter() + seconds

    def _shorten_wait(self) -> None:
        left = self._rest_at - time.perf_counter()
        if left <= 0:
            self._stop()
            raise self._timed_out("idle")
        with contextlib.suppress(OSError):  # it is closed
            self._socket.settimeout(min(left, self._timeout.idle or left))

    def park(self) -> None:
        """End the exchange, whose rest does not matter, without waiting for the end of the body.

        The next request looks whether the end has arrived meanwhile; then it can use the
        connection. Otherwise the connection is closed.
        """
        self._stop()
        if self._connection.sock is None or len(self._parked) >= _PARKED_MAX:  # "Connection: close"
            self.close()
        else:
            self._parked.append(self)

    def close(self) -> None:
        """End the exchange, from any thread; a read that is waiting returns at once.

        The connection is closed unless the body had been read to its end. Idempotent.
        """
        self._cancelled = True
        self._stop()
        # In this order: close() alone would wait for a read that another thread is in.
        if not self._reading.acquire(blocking=False):
            self._shutdown()
            # A signal handler may have interrupted the read that holds the lock: it would wait for
            # itself.
            if not self._reading.acquire(timeout=1):
                return
        try:
            if self._response is not None:
                self._response.close()
        finally:
            self._reading.release()

    def _drain(self) -> None:
        """Read what should be only the end of the body, so that the connection goes to the pool."""
        with contextlib.suppress(HTTPError, OSError):
            if self._response.connection is not None and self._connection.sock is not None:
                self._connection.sock.settimeout(_DRAIN_SECONDS)
                for _ in range(_DRAIN_READS):
                    if not self._response.read1(READ_SIZE):
                        return
        self._response.close()

    def _urllib3_timeout(self) -> urllib3.Timeout:
        connect = self._timeout.connect
        if self._deadline_at is not None:
            # A little later than the timer, which knows better what to say.
            left = max(self._deadline_at - time.perf_counter(), 0) + 0.05
            connect = min(left, connect or left)
        return urllib3.Timeout(connect=connect, read=self._timeout.idle)

    def _fault(self, error: Exception, what: str) -> ExchangeError:
        """Return the error to raise for one of urllib3's or the system's."""
        if self._fired:
            return self._timed_out(self._fired)
        root = causes(error)[-1]
        # NewConnectionError is one of urllib3's timeouts, for the sake of its older users.
        if not isinstance(error, NewConnectionError):
            if isinstance(error, ConnectTimeoutError):
                return self._timed_out("connect")
            if isinstance(error, Urllib3TimeoutError) or isinstance(root, TimeoutError):
                return self._timed_out("idle")
        return TransportError(f"{what}: {reason_of(error)}", timing=self.timing)

    def _timed_out(self, limit: str) -> TimedOutError:
        text = LIMIT_TEXTS[limit].format(getattr(self._timeout, limit))
        return TimedOutError(text, limit=limit, timing=self.timing)

    def _shutdown(self) -> None:
        """End a read that is waiting, now or in a moment."""
        # The errors say that there is nothing to end any more.
        with contextlib.suppress(ValueError, RuntimeError, OSError):
            if self._response is not None:
                self._response.shutdown()
            elif self._connection is not None and self._connection.sock is not None:
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _stop(self) -> None:
        """End the time of the exchange, and the timer, if there is one."""
        self.timing.end_ns = self.timing.end_ns or time.perf_counter_ns()
        # When the interpreter goes down its threads stand still, and the wait for one is endless.
        if self._over is not None and not self._over.is_set() and not sys.is_finalizing():
            self._over.set()
            # A stream may be collected in any thread, the timer too, and under any lock: so not for
            # ever.
            if threading.current_thread() is not self._timer:
                self._timer.join(1)

    def _watch(self) -> None:
        """Wait for event_idle and deadline; the timer's whole life."""
        while True:
            seconds, limit = self._next_limit()
            if seconds > 0:
                if self._over.wait(seconds):
                    return
            else:
                self._fired = limit
                # Without an answer there may be no connection yet, and so nothing to end.
                has_answer = self._response is not None
                self._shutdown()
                if has_answer or self._over.wait(0.05):
                    return

    def _next_limit(self) -> tuple[float, str]:
        """Return the seconds until a limit may be reached, 0 or less if it is, and its name."""
        limits = []
        if self._timeout.event_idle is not None:
            # While the reader is busy with an event, or waits for the headers, the wait for the
            # next event has not begun.
            since = self._waiting_since_ns
            waited = (time.perf_counter_ns() - since) / 1e9 if since else 0.0
            limits.append((self._timeout.event_idle - waited, "event_idle"))
        if self._deadline_at is not None:
            limits.append((self._deadline_at - time.perf_counter(), "deadline"))
        return min(limits)


# The exchange for which this thread is in urlopen: urllib3 does not tell which connection it took,
# nor when it had sent the request.
_current = threading.local()


class _Connection(HTTPConnection):
    """A connection that tells its exchange what happens to it."""

    _has_answered = False  # since it was connected

    def connect(self) -> None:
        self._has_answered = False
        super().connect()

    def request(self, *args: Any, **kwargs: Any) -> None:
        exchange: Exchange = _current.exchange
        exchange._connection = self
        exchange._unanswered = False
        exchange.timing.is_new_connection = self.sock is None
        if self.sock is None:
            self.connect()
        # The pool has set the time to connect, in which a large body could not be sent.
        self.timeout = exchange._timeout.idle
        try:
            super().request(*args, **kwargs)
        finally:
            exchange.timing.request_sent_ns = time.perf_counter_ns()

    def getresponse(self) -> Any:
        exchange: Exchange = _current.exchange
        exchange._socket = self.sock
        try:
            if self._has_answered and type(self.sock) is socket.socket:
                # A reset tells only here whether it came before the first byte of the answer.
                self.sock.settimeout(self.timeout)
                try:
                    self.sock.recv(1, socket.MSG_PEEK)
                except ConnectionError:
                    exchange._unanswered = True
                    raise
            response = super().getresponse()
        except RemoteDisconnected:
            exchange._unanswered = self._has_answered
            raise
        exchange.timing.headers_ns = time.perf_counter_ns()
        self._has_answered = True
        return response


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


def _close_connections(parked: deque[Exchange], manager: urllib3.PoolManager) -> None:
    while parked:
        parked.popleft().close()
    manager.clear()
