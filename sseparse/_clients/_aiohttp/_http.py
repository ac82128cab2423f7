"""The connections to one server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from .._faults import CANCELLED
from .._route import LONGEST_IDLE, PARKED_FOR
from ._connection import Connection
from ._exchange import Exchange
from ._faults import unconnected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._address import Address
    from .._calls import Call
    from .._proxies import Proxy
    from .._route import Route
    from ._running import Running


class Http:
    """The connections to one server. It belongs to the event loop in which it is first used.

    Attributes:
        route: The route to the server.
        connections: All open connections.
        exchanges: All running exchanges.
    """

    def __init__(self, route: Route, max_idle: int) -> None:
        self.route = route
        self._max_idle = max_idle
        self.connections: set[Connection] = set()
        self.exchanges: set[Exchange] = set()
        self._idle: deque[Connection] = deque()  # the one used last is the last
        # Exchanges that only lack the end of their body, and the timers that end them.
        self._parked: dict[Exchange, asyncio.TimerHandle] = {}
        self._connector: aiohttp.BaseConnector | None = None  # by enter; None again by close
        self._loop: asyncio.AbstractEventLoop | None = None  # the same

    async def send(self, call: Call, headers: Mapping[str, str], running: Running) -> Exchange:
        """Send a request and return when the head of its answer is there.

        If the server had closed a connection that was used before, so that not a byte of the answer
        comes, it sends the request once more on another one: servers close idle connections at any
        time.

        Args:
            call: The call.
            headers: All headers except Host, Content-Length and the proxy's.
            running: The running exchanges of the client.

        Raises:
            TransportError: There is no answer.
            TimedOutError: A time limit was reached before there was an answer.
            RuntimeError: The client belongs to another event loop.
        """
        exchange = Exchange(self, call, running)
        try:
            await exchange.start(call, headers)
        except BaseException:
            exchange.end()
            raise
        return exchange

    def enter(self) -> asyncio.AbstractEventLoop:
        """Return the running event loop, to which this belongs from now on.

        Raises:
            RuntimeError: It belongs to another one.
        """
        loop = asyncio.get_running_loop()
        if self._loop is None:
            path = self.route.address.socket_path
            self._loop = loop
            self._connector = (
                aiohttp.UnixConnector(path, limit=0)
                if path
                else aiohttp.TCPConnector(limit=0, resolver=aiohttp.ThreadedResolver())
            )
        elif self._loop is not loop:
            raise RuntimeError(
                "the client belongs to another event loop: close it there with "
                "`await client.close()`, or make one in each loop"
            )
        return loop

    def take(self) -> Connection | None:
        """Return an idle connection; None if there is none."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable() and time.monotonic() - connection.idle_since < LONGEST_IDLE:
                return connection
            connection.abort()
        return None

    async def connect(self) -> Connection:
        """Return a new connection.

        Raises:
            OSError: There is no connection.
            HttpError: The server sent something before it had a request.
        """
        if self._connector is None:
            raise ConnectionAbortedError(CANCELLED)
        route, address = self.route, self.route.address
        proxy_headers = {}
        if route.proxy is not None and route.proxy.authorization and route.has_tunnel:
            proxy_headers["Proxy-Authorization"] = route.proxy.authorization
        context: Any = route.context or route.proxy_context or True
        request = aiohttp.ClientRequest(
            "GET",
            _url_of(address),
            loop=self._loop,
            ssl=context,
            proxy=_url_of(route.proxy) if route.proxy is not None else None,
            proxy_headers=proxy_headers,
        )
        # The exchange has all time limits.
        try:
            raw = await self._connector.connect(request, [], aiohttp.ClientTimeout())
        except (aiohttp.ClientError, OSError) as error:
            raise unconnected(error, route) from error
        return Connection(raw, self)

    def give(self, connection: Connection) -> None:
        """Keep a connection on which an answer has ended."""
        connection.idle_since = time.monotonic()
        if connection.is_usable():
            self._idle.append(connection)
            self._trim()
        else:
            connection.abort()

    def park(self, exchange: Exchange) -> None:
        """Keep the connection of an exchange that only lacks the end of its body."""
        loop = asyncio.get_running_loop()
        self._parked[exchange] = loop.call_later(PARKED_FOR, exchange.end)
        self._trim()

    def unpark(self, exchange: Exchange) -> None:
        """Record that an exchange is not parked any more."""
        if timer := self._parked.pop(exchange, None):
            timer.cancel()

    def _trim(self) -> None:
        while len(self._idle) + len(self._parked) > self._max_idle:
            if self._parked:
                next(iter(self._parked)).end()
            else:
                self._idle.popleft().abort()

    def forget(self, connection: Connection) -> None:
        """Record that a connection has ended."""
        self.connections.discard(connection)
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)

    async def close(self) -> None:
        """End all exchanges, close all connections, and wait until they are closed.

        Raises:
            RuntimeError: This belongs to another event loop, which still runs.
        """
        if self._connector is None or self._loop is None:
            return
        if self._loop.is_closed():  # and with it all connections
            self.connections.clear()
            self._idle.clear()
            self._parked.clear()
            self.exchanges.clear()
        else:
            self.enter()
        connector, self._connector, self._loop = self._connector, None, None
        for exchange in [*self.exchanges, *self._parked]:
            exchange.cancel()
        closed = [connection.closed for connection in self.connections]
        for connection in list(self.connections):
            connection.abort()
        try:
            if closed:
                await asyncio.wait(closed)
        finally:
            await connector.close()


def _url_of(place: Address | Proxy) -> URL:
    """Return the URL that aiohttp connects to."""
    host = place.host or "localhost"
    with contextlib.suppress(OSError):  # then it is no IPv4 address
        host = socket.inet_ntoa(socket.inet_aton(host))  # aiohttp does not take 127.1
    return URL.build(scheme=place.scheme, host=host, port=place.port)
