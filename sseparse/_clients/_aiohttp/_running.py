"""The exchanges and waits of a client, which can be ended together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .._faults import cancellation

if TYPE_CHECKING:
    from ._exchange import Exchange


class Running:
    """The exchanges of one client that have not ended, and its waits between attempts."""

    def __init__(self) -> None:
        self.exchanges: set[Exchange] = set()
        self._pauses: set[asyncio.Future[None]] = set()

    def cancel(self) -> None:
        """End all exchanges and waits."""
        for pause in self._pauses:
            if not pause.done():
                pause.set_exception(cancellation())
        for exchange in list(self.exchanges):
            exchange.cancel()

    async def pause(self, seconds: float) -> None:
        """Wait before the next attempt.

        Raises:
            TransportError: The call was cancelled.
        """
        loop = asyncio.get_running_loop()
        pause = loop.create_future()
        timer = loop.call_later(seconds, _end, pause)
        self._pauses.add(pause)
        try:
            await pause
        finally:
            timer.cancel()
            self._pauses.discard(pause)


def _end(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)
