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

    It does not hold them: one that nobody else holds any more ends of itself.
    """

    def __init__(self) -> None:
        self._exchanges: dict[int, weakref.ref[Exchange]] = {}
        # Set when what began before is cancelled; then another takes its place.
        self._is_cancelled = threading.Event()

    def __len__(self) -> int:
        return len(self._exchanges)

    def add(self, exchange: Exchange) -> None:
        """Take an exchange that begins."""
        self._exchanges[id(exchange)] = weakref.ref(exchange)

    def discard(self, exchange: Exchange) -> None:
        """Forget an exchange that has ended."""
        self._exchanges.pop(id(exchange), None)

    def cancelled(self) -> threading.Event:
        """Return what will be set when a call that begins now is cancelled."""
        return self._is_cancelled

    def cancel(self) -> None:
        """End all that runs."""
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
