"""HTTP exchanges over sockets: a request, its answer, its time limits, its cancellation.

Nothing here knows JSON or events:

    Http         the connections to one server; shared by threads
    Running      the exchanges of one client, which can be cancelled together
    Exchange     one request and its answer; read by one thread, closed by any
    Connection   a connection to the server
    Pool         the idle connections

urllib3 writes the requests: Connection derives from its class. ``sseparse._http1`` reads the
answers. No exception of a socket leaves this package: each becomes the cause of a TransportError or
a TimedOutError.
"""

from __future__ import annotations

from .._route import Route
from ._exchange import Exchange
from ._running import Running, pause
from ._send import Http

__all__ = ["Exchange", "Http", "Route", "Running", "pause"]
