"""One request and its answer."""

from __future__ import annotations

import ssl
import time
import weakref
from typing import TYPE_CHECKING, Any

from ..._http1 import HttpError
from .._answers import opened
from .._faults import CANCELLED, cancellation, fault_of, timed_out
from ._connection import READ_SIZE, Connection

if TYPE_CHECKING:
    import threading

    from ..._http1 import Decompressor, Head
    from ...completions._errors import ExchangeError
    from ...completions._headers import Headers
    from ...completions._timing import Timing
    from .._timeout import Timeout
    from ._pool import Pool
    from ._running import Running

# The exceptions of a receive without waiting if nothing has arrived.
_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError, TimeoutError)
_LOOKS = 8  # receives without waiting, to find the end of a body


class Exchange:
    """One request and its answer. One thread reads it; any thread may close it.

    Attributes:
        status: The status code.
        headers: The headers of the answer, without ``Content-Encoding`` if the body is
            decompressed.
        timing: When its parts happened, by ``time.perf_counter_ns``.
        arrival_ns: When the last read returned, before its bytes were processed.
        is_closed: Whether it was ended.
    """

    status: int
    headers: Headers
    arrival_ns: int = 0

    def __init__(
        self,
        timeout: Timeout,
        timing: Timing,
        deadline_at: float | None,
        pool: Pool,
        running: Running,
        cancelled: threading.Event,
    ) -> None:
        self._timeout, self._deadline_at, self._pool = timeout, deadline_at, pool
        self._running, self._cancelled = running, cancelled
        self.timing = timing
        self.is_closed = False
        # Set by start, cleared by part, after which the exchange does not use it any more.
        self._connection: Any = None  # or a Connection; Any avoids checks that take time
        self._sock: Any = None  # of the connection, when there is an answer
        self._body: Any = None
        self._decompressor: Decompressor | None = None
        self._rest = b""  # the bytes that came with the head, but after it
        self._keeps_connection = False
        self._is_reading = False
        # The limits.
        self._limit = ""  # the limit for which the socket's timeout was set. By arm.
        self._is_connecting = False  # set by begin_connect; cleared by is_connected
        self._connect_at = 0.0  # when the time to connect ends; by begin_connect
        self._rest_at = 0.0  # when the wait for the rest ends; 0 for no end. By limit_rest.
        # When the wait for the next event began; 0 for "with the next read". Set by read, cleared
        # by has_event.
        self._waiting_since = 0.0
        self._is_timed = timeout.event_idle is not None or deadline_at is not None
        running.add(self)

    # The request.

    def start(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> None:
        """Send the request, and return when the head of its answer is there.

        Raises:
            TransportError: There is no answer.
            TimedOutError: A time limit was reached before there was an answer.
        """
        while True:
            connection = self._connection = self._pool.take()
            connection.exchange = weakref.proxy(self)  # no cycle: see __del__
            self.timing.is_new_connection = connection.sock is None
            try:
                answer = connection.ask(method, target, headers, body)
                self.timing.headers_ns = time.perf_counter_ns()
                self._read_head(answer.head, answer.rest, method)
                return
            except (OSError, HttpError) as error:
                is_stale = connection.has_answered and not connection.has_begun
                connection.close()
                if self._cancelled.is_set():
                    raise cancellation(self.timing) from error
                if is_stale and not isinstance(error, TimeoutError):
                    continue  # the server had closed it, and cannot have read the request
                raise self._fault(error, connection) from error

    def _read_head(self, head: Head, rest: bytes, method: str) -> None:
        self.status, self._rest = head.status, rest
        self._body, self._decompressor, self.headers = opened(head, method)
        self._keeps_connection = self._keeps_connection and head.keeps_connection
        self._sock = self._connection.sock

    def begin_connect(self) -> None:
        """Record that a connection to one address begins."""
        self._is_connecting = True
        self._connect_at = time.perf_counter() + (self._timeout.connect or 0)

    def is_connected(self) -> None:
        """Record that the connection is made."""
        self._is_connecting = False

    def is_sent(self, is_whole: bool) -> None:
        """Record that the request has been sent, whole or in part."""
        self.timing.request_sent_ns = time.perf_counter_ns()
        self._keeps_connection = is_whole

    # Time.

    def arm(self, sock: Any) -> None:
        """Set the timeout of the socket to the time that is left until the first limit.

        Raises:
            TimeoutError: A limit was reached.
            ConnectionAbortedError: The exchange was closed.
        """
        if self.is_closed or self._cancelled.is_set():
            raise ConnectionAbortedError(CANCELLED)
        seconds, self._limit = self._next_limit()
        if seconds is not None and seconds <= 0:
            raise TimeoutError
        sock.settimeout(seconds)

    def _next_limit(self) -> tuple[float | None, str]:
        """Return the seconds until the first limit, and its name; None for no limit."""
        now = time.perf_counter()
        limits: list[tuple[float, str]] = []
        if self._is_connecting:
            if self._timeout.connect is not None:
                limits.append((self._connect_at - now, "connect"))
        elif self._timeout.idle is not None:
            limits.append((self._timeout.idle, "idle"))
        if self._rest_at:
            limits.append((self._rest_at - now, "idle"))
        if self._waiting_since and self._timeout.event_idle is not None:
            limits.append((self._waiting_since + self._timeout.event_idle - now, "event_idle"))
        if self._deadline_at is not None:
            limits.append((self._deadline_at - now, "deadline"))
        return min(limits, default=(None, ""))

    # The answer.

    def read(self) -> bytes:
        """Return the next bytes of the body as soon as there are any; b"" at its end.

        After ``close`` it returns b"", too, also in a read that was waiting.

        Raises:
            TransportError: The body was cut off. Everything before the cut has been returned.
            TimedOutError: A limit was reached.
        """
        try:
            self._is_reading = True
            data = b"" if self.is_closed else self._next()
        except (OSError, HttpError) as error:
            self._is_reading = False
            if not self.is_closed:
                fault = self._fault(error, self._connection)
                self.close()
                raise fault from error
            data = b""
        finally:
            self._is_reading = False
        if not self.timing.first_byte_ns and data:
            self.timing.first_byte_ns = self.arrival_ns
        if self.is_closed:
            self._release()
            if self._cancelled.is_set():
                raise cancellation(self.timing)
            return b""
        if not data:
            self.close()
        return data

    def _next(self) -> bytes:
        body, decompressor = self._body, self._decompressor
        if decompressor is not None and decompressor.has_more:
            return decompressor.feed(b"")
        while not (body.is_over or body.fault):
            if self._rest:
                data, self._rest = self._rest, b""
            else:
                if self._is_timed:
                    self._wait_for_event()
                data = self._sock.recv(READ_SIZE)
                if self.is_closed:
                    return b""
            self.arrival_ns = time.perf_counter_ns()
            if not data:
                body.close()
                continue
            data = body.feed(data)
            if decompressor is not None and data:
                data = decompressor.feed(data)
            if data:
                return data
        if body.fault:
            raise HttpError(body.fault)
        if decompressor is not None and not decompressor.is_whole:
            raise HttpError("the compressed body ended before it was whole")
        return b""

    def _wait_for_event(self) -> None:
        if not self._waiting_since:
            self._waiting_since = time.perf_counter()
        self.arm(self._sock)

    def has_event(self) -> None:
        """Record that the last read completed an event, for the ``event_idle`` limit."""
        self._waiting_since = 0.0

    def limit_rest(self, seconds: float | None) -> None:
        """Wait at most this long for all further bytes, and then raise a TimedOutError."""
        self._rest_at = 0.0 if seconds is None else time.perf_counter() + seconds
        self._is_timed = True

    # The end.

    def park(self) -> None:
        """End the exchange without waiting for the end of the body.

        If the end has arrived, the next request can use the connection at once. Otherwise a later
        request looks for it again.
        """
        if self._keeps_connection and not self.look() and self._connection is not None:
            self._end()
            self._pool.park(self)
        else:
            self.close()

    def look(self) -> bool:
        """Look for the end of the body without waiting; tell whether it has ended or failed."""
        body = self._body
        try:
            self._sock.settimeout(0)
            for _ in range(_LOOKS):
                if body.is_over or body.fault:
                    return True
                data = self._sock.recv(READ_SIZE)
                if not data:
                    body.close()
                    body.fault = body.fault or "the connection ended"
                body.feed(data)
        except OSError as error:
            if not isinstance(error, _NOTHING_YET):
                body.fault = "the connection failed"
        return bool(body.is_over or body.fault)

    def part(self) -> Connection | None:
        """Return the connection, if the next request can use it; else close it."""
        connection: Connection | None
        connection, self._connection = self._connection, None
        if connection is None:
            return None
        body = self._body
        if (
            body is not None
            and body.is_over
            and not (body.fault or body.surplus or self._rest)
            and self._keeps_connection
        ):
            connection.exchange = None
            return connection
        connection.close()
        return None

    def close(self) -> None:
        """End the exchange, from any thread; a read that is waiting returns at once.

        The connection is closed unless the body had been read to its end. Idempotent.
        """
        self.is_closed = True
        self._end()
        if self._is_reading:
            # The thread that reads notices this, and releases the connection. Closing it during a
            # read could end the read of another connection that gets the same descriptor.
            if self._connection is not None:
                self._keeps_connection = False
                self._connection.shutdown()
        else:
            self._release()

    def __del__(self) -> None:
        # If an exception, for example of a signal, came before a stream had it.
        self.close()

    def cancel(self) -> None:
        """End the exchange, from any thread, also before there is an answer."""
        connection = self._connection
        if self._body is None:
            self.is_closed = True
            if connection is not None:
                connection.shutdown()
        else:
            self.close()

    def _end(self) -> None:
        self.timing.end_ns = self.timing.end_ns or time.perf_counter_ns()
        self._running.discard(self)

    def _release(self) -> None:
        if (connection := self.part()) is not None:
            self._pool.give(connection)

    def _fault(self, error: Exception, connection: Connection) -> ExchangeError:
        if isinstance(error, TimeoutError) and error.errno is None:  # else the system raised it
            proxy = connection.route.proxy if self._limit == "connect" else None
            return timed_out(self._limit, self._timeout, self.timing, proxy)
        return fault_of(
            error,
            connection.route,
            self.timing,
            has_answer=self._body is not None,
            is_past_proxy=connection.is_past_proxy,
        )
