"""HTTP exchanges for coroutines, as ``_http`` has them for blocking clients.

    Http         the connections to one server; belongs to one event loop
    Running      the exchanges of one client, which can be cancelled together
    Exchange     one request and its answer
    Connection   a connection: the protocol of its transport

aiohttp's connector makes the connections: names, addresses, unix sockets, proxies, TLS. It does not
read the answers: ``sseparse._http1`` does, as for the blocking client. So both clients have equal
limits and find the end of an answer by the same rules, nothing that arrived before a fault is lost,
and a read has the time at which the event loop handed it over. Only public names of aiohttp are
used. None of its exceptions leaves this package: each becomes a TransportError or a TimedOutError,
with the exception of the system as its cause.
"""

from __future__ import annotations

from ._exchange import Exchange
from ._http import Http
from ._running import Running

__all__ = ["Exchange", "Http", "Running"]
