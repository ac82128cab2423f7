"""One HTTP exchange for coroutines: what ``_http`` is for blocking clients.

    Http         the way to one server and its connections; belongs to one event loop
    Running      the exchanges of one client, which can be cancelled together
    Exchange     one request and its answer
    Connection   a connection: the protocol of its transport

aiohttp's connector makes the connections: names, addresses, unix sockets, proxies, TLS. What goes
over them is not aiohttp's: answers are read by ``sseparse._http1``, as for the blocking client. So
both have the same limits and find the end of an answer by the same rules, nothing that arrived
before a fault is lost, and a read has the time at which the event loop brought it. Of aiohttp only
public names are used. None of its exceptions leaves this package: each becomes a TransportError or
a TimedOutError, with what happened as its cause.
"""

from __future__ import annotations

from ._exchange import Exchange
from ._http import Http
from ._running import Running

__all__ = ["Exchange", "Http", "Running"]
