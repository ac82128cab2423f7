"""The idle connections to a server."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from typing import TYPE_CHECKING

from .._route import PARKED_FOR
from ._connection import Connection

if TYPE_CHECKING:
    from .._route import Route
    from ._exchange import Exchange


class Pool:
    """The idle connections to one server. Threads share it without a lock.

    An exchange is parked if its reader has everything, but the end of the body has not come yet.
    Nobody waits for the end: the pool looks for it when a request needs a connection.
    """

    def __init__(self, route: Route, max_idle: int) -> None:
        self._route = route
        self._max_idle = max_idle
        self._idle: deque[Connection] = deque()  # the one used last is the last
        self._parked: deque[Exchange] = deque()
        self._process = os.getpid()

    def take(self) -> Connection:
        """Return a connection for a request: one that is idle, or else a new one."""
        if os.getpid() != self._process:
            # This process was forked. The parent continues to use these connections.
            self.close()
            self._process = os.getpid()
        while (connection := self._pop()) is not None:
            if connection.is_usable():
                return connection
            connection.close()
        return Connection(self._route)

    def _pop(self) -> Connection | None:
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        for _ in range(len(self._parked)):
            with contextlib.suppress(IndexError):
                exchange = self._parked.popleft()
                if not exchange.look():
                    if time.perf_counter_ns() - exchange.timing.end_ns > PARKED_FOR * 1e9:
                        exchange.close()
                    else:
                        self._parked.append(exchange)
                elif (connection := exchange.part()) is not None:
                    connection.idle_since = time.monotonic()
                    return connection
        return None

    def give(self, connection: Connection) -> None:
        """Keep a connection on which an answer has ended."""
        connection.idle_since = time.monotonic()
        self._idle.append(connection)
        self._trim()

    def park(self, exchange: Exchange) -> None:
        """Keep the connection of an exchange that only lacks the end of its body."""
        self._parked.append(exchange)
        self._trim()

    def _trim(self) -> None:
        while len(self._idle) + len(self._parked) > self._max_idle:
            with contextlib.suppress(IndexError):
                if self._parked:
                    self._parked.popleft().close()
                else:
                    self._idle.popleft().close()

    def close(self) -> None:
        """Close all of these connections."""
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()
        with contextlib.suppress(IndexError):
            while True:
                self._parked.pop().close()
