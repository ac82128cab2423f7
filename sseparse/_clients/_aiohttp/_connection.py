"""A connection: the protocol of a transport that aiohttp has made."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from ..._http1 import HttpError

if TYPE_CHECKING:
    from aiohttp.connector import Connection as RawConnection

    from ._exchange import Exchange
    from ._http import Http

# With more bytes than the first number that nobody has read, the transport stops reading, until
# there are at most as many as the second.
_MOST_WAITING, _FEW_WAITING = 262144, 65536


class Connection(asyncio.Protocol):
    """A connection to one server, directly or through a proxy; used by one exchange at a time.

    Attributes:
        exchange: The exchange that uses it now; None while it is idle.
        transport: Its transport.
        received: The bytes of the first read that was not taken; b"" if there is none.
        arrival_ns: When the bytes that were taken last had arrived, by ``time.perf_counter_ns``.
        is_lost: Whether it has ended.
        closed: Done when it has ended.
        has_answered: Whether an answer has come on it.
        idle_since: When it became idle, by ``time.monotonic``.

    Raises:
        HttpError: The server sent something before it had a request.
        ConnectionResetError: It closed the connection.
    """

    def __init__(self, raw: RawConnection, http: Http) -> None:
        self.exchange: Exchange | None = None
        self.received = b""
        self._received_ns = 0  # when received had arrived
        self.arrival_ns = 0
        self._waiting = 0  # bytes received and not taken
        self._is_paused = False  # whether the transport has stopped reading
        self.is_lost = False
        # The reads after received, with their times: empty as long as each is taken at once.
        self._more: deque[tuple[int, bytes]] = deque()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.has_answered = False
        self.idle_since = 0.0
        self._error: Exception | None = None  # why it has ended, if not properly
        self._raw = raw
        self._http = http
        handler, transport = raw.protocol, raw.transport
        if handler is None or transport is None or transport.is_closing():
            raw.close()
            raise ConnectionResetError("the server closed the connection at once")
        if handler.should_close:  # it has received bytes
            raw.close()
            raise HttpError("the server sent something before it had a request")
        self._handler = handler  # aiohttp's own protocol, which is only called at the end
        self.transport: Any = transport  # Any avoids checks that take time
        http.connections.add(self)
        # So that resume_writing is called as soon as the system has taken all of a request.
        self.transport.set_write_buffer_limits(high=0)
        self.transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        """Keep what has arrived until the exchange takes it."""
        if self.received:
            self._more.append((time.perf_counter_ns(), data))
        else:
            self.received, self._received_ns = data, time.perf_counter_ns()
        self._waiting += len(data)
        if self._waiting > _MOST_WAITING and not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()
        if self.exchange is not None:
            self.exchange.wake()
        else:  # bytes without a request
            self.abort()

    def take(self) -> bytes:
        """Return the first bytes that were not taken; b"" at the end of the connection.

        Raises:
            OSError: The connection has failed.
        """
        data = self.received
        if not data:
            if self._error is not None:
                raise self._error
            return b""
        self.arrival_ns, self.received = self._received_ns, b""
        self._waiting -= len(data)
        if self._waiting:
            self._received_ns, self.received = self._more.popleft()
        if self._is_paused and self._waiting <= _FEW_WAITING:
            self._is_paused = False
            if not self.transport.is_closing():
                self.transport.resume_reading()
        return data

    def give_back(self, data: bytes) -> None:
        """Take back the end of the bytes that were taken last."""
        if self.received:
            self._more.appendleft((self._received_ns, self.received))
        self._received_ns, self.received = self.arrival_ns, data
        self._waiting += len(data)

    def write(self, data: bytes) -> None:
        """Send all of it, as soon as it can be sent; nothing if the connection has ended."""
        if not self.transport.is_closing():  # then the exchange is woken
            self.transport.write(data)

    def resume_writing(self) -> None:
        """Record that the system has taken all of the request."""
        if self.exchange is not None:
            self.exchange.is_sent()

    @property
    def unsent(self) -> int:
        """How many bytes of the request the system has not taken; 0 after the connection's end."""
        size: int = 0 if self.transport.is_closing() else self.transport.get_write_buffer_size()
        return size

    def connection_lost(self, exc: Exception | None) -> None:
        """Record the end of the connection."""
        self.is_lost, self._error = True, exc
        self._handler.connection_lost(exc)
        self._raw.close()
        self._http.forget(self)
        self.closed.set_result(None)
        if self.exchange is not None:
            self.exchange.wake()

    def abort(self) -> None:
        """Close it at once. Idempotent."""
        self.transport.abort()
        self._raw.close()

    def is_usable(self) -> bool:
        """Tell whether a request may be sent on it."""
        return not (self.is_lost or self.transport.is_closing() or self.received)
