"""One HTTP exchange: a request, its reads, its time limits, its cancellation.

It knows no JSON and no events, so that every blocking client of the package can share it:

    Http         the way to one server and its connections; shared by threads
    Running      the exchanges of one client, which can be cancelled together
    Exchange     one request and its answer; read by one thread, closed by any
    Connection   a connection: the way to the server, step by step
    Pool         the connections that nobody uses just now

Requests are written by urllib3, whose classes the connection is one of; answers are read by
``sseparse._http1``. No exception of the sockets below leaves this package: each becomes a
TransportError or a TimedOutError, with the original as its cause.
"""

from __future__ import annotations

from .._route import Route
from ._exchange import Exchange
from ._running import Running, pause
from ._send import Http

__all__ = ["Exchange", "Http", "Route", "Running", "pause"]
