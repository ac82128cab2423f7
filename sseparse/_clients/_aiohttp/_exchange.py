"""One request and its answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from ..._http1 import HeadReader, HttpError
from .._answers import opened
from .._faults import CANCELLED, cancellation, fault_of, timed_out
from ._faults import UnconnectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..._http1 import Decompressor, Head
    from ...completions._errors import ExchangeError
    from ...completions._headers import Headers
    from .._calls import Call
    from ._connection import Connection
    from ._http import Http
    from ._running import Running

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})  # their requests have a length, even if it is 0


class Exchange:
    """One request and its answer. One task reads it; others of its event loop may end it.

    Attributes:
        status: The status code.
        headers: The headers of the answer, without ``Content-Encoding`` if the body is
            decompressed.
        timing: When its parts happened, by ``time.perf_counter_ns``.
        arrival_ns: When the event loop handed over the bytes of the last read.
        is_closed: Whether it was ended.
    """

    status: int
    headers: Headers

    def __init__(self, http: Http, call: Call, running: Running) -> None:
        # What each read needs stands together, also in memory: with many streams it is not in the
        # processor's cache.
        self.is_closed = False
        self._is_cancelled = False  # by cancel
        self._body: Any = None  # set when there is an answer
        self._decompressor: Decompressor | None = None
        # Set by start, cleared by end, after which the exchange does not use it any more.
        self._connection: Any = None  # or a Connection; Any avoids checks that take time
        self._is_timed = call.timeout.event_idle is not None or call.deadline_at is not None
        self._limit = ""  # the limit that was reached
        # A task waits for it. Set by arrival, cleared by wake.
        self._waiter: asyncio.Future[None] | None = None
        self._waits_since = 0.0  # when the wait for bytes began, or some were sent last
        self._loop = http.enter()
        # One timer checks whether one of the limits was reached. It is not set again for each read,
        # but only when it has run out and there is time left. By arrival, _look.
        self._timer: asyncio.TimerHandle | None = None
        self.arrival_ns = 0
        self._is_parked = False
        self._has_read = False  # whether a byte of the body was taken
        # What is used once.
        self._http, self._running = http, running
        self._timeout, self._deadline_at, self.timing = call.timeout, call.deadline_at, call.timing
        self._connecting: asyncio.Task[Connection] | None = None  # while a connection is made
        self._has_begun = False  # whether a byte of the answer has come
        self._keeps_connection = False
        self._unsent = 0  # bytes of the request that the system had not taken by _waits_since
        self._rest_at = 0.0  # when the wait for the rest ends; 0 for no end. By limit_rest.
        # When the wait for the next event began; 0 for "with the next read". Set by take, cleared
        # by has_event.
        self._event_since = 0.0
        running.exchanges.add(self)
        http.exchanges.add(self)

    # The request.

    async def start(self, call: Call, headers: Mapping[str, str]) -> None:
        """Send the request, and return when the head of its answer is there.

        Raises:
            TransportError: There is no answer.
            TimedOutError: A time limit was reached before there was an answer.
        """
        request = self._request(call, headers)
        while True:
            connection = self._http.take()
            self.timing.is_new_connection = connection is None
            try:
                if connection is None:
                    connection = await self._connect()
                self._connection, connection.exchange = connection, self
                self.timing.request_sent_ns = 0
                connection.write(request)
                self._unsent = connection.unsent
                if not self._unsent:
                    self.is_sent()
                head, rest = await self._head()
                self._read_head(head, rest, call.method)
                return
            except (OSError, HttpError) as error:
                is_stale = (
                    connection is not None and connection.has_answered and not self._has_begun
                )
                self._release()
                if self.is_closed:
                    raise cancellation(self.timing) from error
                if is_stale and not self._limit:
                    continue  # the server had closed it, and cannot have read the request
                fault = self._fault(error)
                raise fault from (error.error if isinstance(error, UnconnectedError) else error)

    def _request(self, call: Call, headers: Mapping[str, str]) -> bytes:
        route = self._http.route
        fields = {**route.headers(), **headers}
        if call.data is not None or call.method in _WITH_BODY:
            fields["Content-Length"] = str(len(call.data or b""))
        lines = [f"{call.method} {route.target(call.target)} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (call.data or b"")

    async def _connect(self) -> Connection:
        """Return a new connection.

        A task of its own makes it, which can be ended without ending this one.

        Raises:
            OSError: There is no connection.
            HttpError: The server sent something before it had a request.
        """
        task = self._connecting = self._loop.create_task(self._http.connect())
        seconds, limit = self._next_limit(is_connecting=True)
        try:
            await asyncio.wait({task}, timeout=seconds)
            if not task.done():
                self._limit = limit
                raise TimeoutError
            if task.cancelled():  # by cancel
                raise ConnectionAbortedError(CANCELLED)
            connection = task.result()
            if self.is_closed:  # since the connection was made
                connection.abort()
                raise ConnectionAbortedError(CANCELLED)
            return connection
        except BaseException:
            if not task.done():
                task.add_done_callback(_throw_away)
                task.cancel()
                await asyncio.wait({task})
            raise
        finally:
            self._connecting = None

    def is_sent(self) -> None:
        """Record that the system has taken the whole request."""
        self.timing.request_sent_ns = self.timing.request_sent_ns or time.perf_counter_ns()

    async def _head(self) -> tuple[Head, bytes]:
        """Return the head of the answer, and the bytes that came after it.

        Raises:
            OSError: There is no answer.
            HttpError: The bytes are not a head.
        """
        reader, connection = HeadReader(), self._connection
        head = None
        while head is None:
            while not self._has_arrived():
                await self.arrival()
            data = connection.take()
            if not data:
                reader.close()
            self._has_begun = True
            head = reader.answer(data)
        return head, reader.rest

    def _read_head(self, head: Head, rest: bytes, method: str) -> None:
        connection = self._connection
        self.timing.headers_ns = connection.arrival_ns
        self.timing.request_sent_ns = self.timing.request_sent_ns or connection.arrival_ns
        connection.has_answered = True
        self.status = head.status
        self._body, self._decompressor, self.headers = opened(head, method)
        self._keeps_connection = head.keeps_connection
        self._stop_timer()  # event_idle, which begins now, may end sooner
        if rest:
            connection.give_back(rest)

    # Time.

    def _has_arrived(self) -> bool:
        """Tell whether something has arrived; the end of the connection counts, too.

        Raises:
            TimeoutError: A limit was reached.
            ConnectionAbortedError: The exchange was closed.
        """
        if self._limit:
            raise TimeoutError
        if self.is_closed:
            raise ConnectionAbortedError(CANCELLED)
        if self._is_timed:
            seconds, limit = self._next_limit()
            if seconds is not None and seconds <= 0:
                self._limit = limit
                raise TimeoutError
        connection = self._connection
        return bool(connection.received) or connection.is_lost

    def arrival(self) -> asyncio.Future[None]:
        """Return a future that is done when something has arrived, or a limit was reached."""
        waiter = self._waiter = self._loop.create_future()
        self._waits_since = time.perf_counter()
        if self._timer is None:
            self._look()
        return waiter

    def _look(self) -> None:
        """Check whether a limit was reached; if not, set the timer."""
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return  # nobody waits; the next wait sets the timer again
        unsent = self._connection.unsent
        if unsent != self._unsent:
            self._unsent, self._waits_since = unsent, time.perf_counter()
        seconds, limit = self._next_limit()
        if seconds is None:
            return
        if seconds > 0:
            self._timer = self._loop.call_later(seconds, self._look)
        else:
            self._limit = limit
            self.wake()

    def _next_limit(self, *, is_connecting: bool = False) -> tuple[float | None, str]:
        """Return the seconds until the first limit, and its name; None for no limit."""
        now = time.perf_counter()
        timeout = self._timeout
        limits: list[tuple[float, str]] = []
        if is_connecting:
            if timeout.connect is not None:
                limits.append((timeout.connect, "connect"))
        elif self._waiter is not None and timeout.idle is not None:
            limits.append((self._waits_since + timeout.idle - now, "idle"))
        if self._rest_at:
            limits.append((self._rest_at - now, "idle"))
        if self._event_since and timeout.event_idle is not None:
            limits.append((self._event_since + timeout.event_idle - now, "event_idle"))
        if self._deadline_at is not None:
            limits.append((self._deadline_at - now, "deadline"))
        return min(limits, default=(None, ""))

    def wake(self) -> None:
        """Wake the task that waits, if there is one: for what has arrived, or for the end."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            if not waiter.done():  # its task may have been cancelled
                waiter.set_result(None)
        elif self._is_parked and not self.is_closed and self._drain():
            self.end()

    # The answer.

    def take(self) -> bytes | None:
        """Return the next bytes of the body; b"" at its end; None if they have not come yet.

        After ``close`` it returns b"", too.

        Raises:
            TransportError: The body was cut off. Everything before the cut has been returned.
            TimedOutError: A limit was reached.
        """
        if self._is_cancelled:
            raise cancellation(self.timing)
        if self.is_closed:
            return b""
        try:
            data = self._next()
        except (OSError, HttpError) as error:
            fault = self._fault(error)
            self.end()
            raise fault from error
        if data == b"":
            self.end()
        return data

    def _next(self) -> bytes | None:
        body, decompressor, connection = self._body, self._decompressor, self._connection
        if decompressor is not None and decompressor.has_more:
            return decompressor.feed(b"")
        while not (body.is_over or body.fault):
            if self._is_timed:
                self._event_since = self._event_since or time.perf_counter()
            if (self._is_timed or not connection.received) and not self._has_arrived():
                return None
            data: bytes = connection.take()
            self.arrival_ns = connection.arrival_ns
            if not data:
                body.close()
                continue
            data = body.feed(data)
            if decompressor is not None and data:
                data = decompressor.feed(data)
            if data:
                if not self._has_read:
                    self._has_read = True
                    self.timing.first_byte_ns = self.arrival_ns
                return data
        if body.fault:
            raise HttpError(body.fault)
        if decompressor is not None and not decompressor.is_whole:
            raise HttpError("the compressed body ended before it was whole")
        return b""

    def has_event(self) -> None:
        """Record that the last read completed an event, for the ``event_idle`` limit."""
        self._event_since = 0.0

    def limit_rest(self, seconds: float | None) -> None:
        """Wait at most this long for all further bytes, and then raise a TimedOutError."""
        self._rest_at = 0.0 if seconds is None else time.perf_counter() + seconds
        self._is_timed = True
        self._stop_timer()  # it may run longer

    # The end.

    async def park(self) -> None:
        """End the exchange without waiting for the end of the body. Idempotent.

        When the end comes, the connection becomes idle. If it does not come soon, it is closed.
        """
        if self._is_parked:
            return
        if self._connection is not None and self._keeps_connection and not self._drain():
            self._leave()
            self._is_parked = True
            self._http.park(self)
        else:
            self.end()

    def _drain(self) -> bool:
        """Skip the bytes of the body that have arrived; tell whether it has ended or failed."""
        body, connection = self._body, self._connection
        try:
            while connection.received and not (body.is_over or body.fault):
                body.feed(connection.take())
        except OSError:
            body.fault = "the connection failed"
        if connection.is_lost:
            body.fault = body.fault or "the connection ended"
        return bool(body.is_over or body.fault)

    async def close(self) -> None:
        """End the exchange; a read that is waiting returns at once. Idempotent.

        The connection is closed unless the body had been read to its end.
        """
        self.end()

    def cancel(self) -> None:
        """End the exchange, also before there is an answer; a task that waits gets an error."""
        self._is_cancelled = not self._is_parked
        self.end()

    def end(self) -> None:
        """Do the same as close, without a coroutine."""
        self.is_closed = True
        self._leave()
        self._http.unpark(self)
        if self._connecting is not None:
            self._connecting.cancel()
        self._release()
        self.wake()

    def _leave(self) -> None:
        """Record that nobody reads the exchange any more."""
        self.timing.end_ns = self.timing.end_ns or time.perf_counter_ns()
        self._running.exchanges.discard(self)
        self._http.exchanges.discard(self)
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _release(self) -> None:
        """Give the connection away, if the next request can use it; else close it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.exchange = None
        body = self._body
        if (
            body is not None
            and body.is_over
            and not (body.fault or body.surplus or connection.unsent)
            and self._keeps_connection
        ):
            self._http.give(connection)
        else:
            connection.abort()

    def _fault(self, error: Exception) -> ExchangeError:
        route = self._http.route
        if self._limit:
            proxy = route.proxy if self._limit == "connect" else None
            return timed_out(self._limit, self._timeout, self.timing, proxy)
        cause, is_past_proxy = error, True
        if isinstance(error, UnconnectedError):
            cause, is_past_proxy = error.error, error.is_past_proxy
        has_answer = self._body is not None
        return fault_of(
            cause, route, self.timing, has_answer=has_answer, is_past_proxy=is_past_proxy
        )


def _throw_away(task: asyncio.Task[Connection]) -> None:
    """Close a connection that nobody waits for any more."""
    if not task.cancelled() and task.exception() is None:
        task.result().abort()
