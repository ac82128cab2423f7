"""The exchanges of a client that have not ended, so that they can be ended together."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from .._faults import cancellation

if TYPE_CHECKING:
    from ._exchange import Exchange


class Running:
    """The exchanges of one client that have not ended. Threads share it without a lock.

    It has only weak references: an exchange that nobody else refers to ends by itself.
    """

    def __init__(self) -> None:
        self._exchanges: dict[int, weakref.ref[Exchange]] = {}
        # Set when the calls that have begun are cancelled; then a new one replaces it.
        self._is_cancelled = threading.Event()

    def __len__(self) -> int:
        return len(self._exchanges)

    def add(self, exchange: Exchange) -> None:
        """Add an exchange that begins."""
        self._exchanges[id(exchange)] = weakref.ref(exchange)

    def discard(self, exchange: Exchange) -> None:
        """Remove an exchange that has ended."""
        self._exchanges.pop(id(exchange), None)

    def cancelled(self) -> threading.Event:
        """Return the event that is set when a call that begins now is cancelled."""
        return self._is_cancelled

    def cancel(self) -> None:
        """End all exchanges and waits."""
        before, self._is_cancelled = self._is_cancelled, threading.Event()
        before.set()
        for reference in list(self._exchanges.values()):
            if (exchange := reference()) is not None:
                exchange.cancel()


def pause(seconds: float, cancelled: threading.Event) -> None:
    """Wait before the next attempt.

    Raises:
        TransportError: The call was cancelled.
    """
    if cancelled.wait(seconds):
        raise cancellation()
