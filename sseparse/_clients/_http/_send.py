"""The connections to one server."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from ._exchange import Exchange
from ._pool import Pool

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from .._calls import Call
    from .._route import Route
    from ._running import Running


class Http:
    """The connections to one server. Threads may share it.

    Args:
        route: The route to the server.
        max_idle: How many idle connections are kept.
    """

    def __init__(self, route: Route, max_idle: int) -> None:
        self.route = route
        self._pool = Pool(route, max_idle)
        weakref.finalize(self, self._pool.close)

    def close(self) -> None:
        """Close the idle connections. The others end with their exchange."""
        self._pool.close()

    def send(
        self,
        call: Call,
        headers: Mapping[str, str],
        running: Running,
        cancelled: threading.Event,
    ) -> Exchange:
        """Send a request and return when the head of its answer is there.

        If the server had closed a connection that was used before, so that not a byte of the answer
        comes, it sends the request once more on another one: servers close idle connections at any
        time.

        Args:
            call: The call.
            headers: All headers except Host, Content-Length and the proxy's.
            running: The running exchanges of the client.
            cancelled: Set when the call is cancelled.

        Raises:
            TransportError: There is no answer.
            TimedOutError: A time limit was reached before there was an answer.
        """
        exchange = Exchange(
            call.timeout, call.timing, call.deadline_at, self._pool, running, cancelled
        )
        try:
            exchange.start(call.method, call.target, dict(headers), call.data)
        except BaseException:
            exchange.close()
            raise
        return exchange
