"""The exchanges of a client that have not ended, so that they can be ended together."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ...completions._errors import TransportError

if TYPE_CHECKING:
    from ._exchange import Exchange

CANCELLED = "the client was told to cancel what it does"


class Running:
    """The exchanges of one client that have not ended. Threads share it without a lock."""

    def __init__(self) -> None:
        self.exchanges: set[Exchange] = set()
        # Set when what began before is cancelled; then another takes its place.
        self._is_cancelled = threading.Event()

    def cancelled(self) -> threading.Event:
        """Return what will be set when a call that begins now is cancelled."""
        return self._is_cancelled

    def cancel(self) -> None:
        """End all that runs."""
        before, self._is_cancelled = self._is_cancelled, threading.Event()
        before.set()
        for exchange in list(self.exchanges):
            exchange.cancel()


def pause(seconds: float, cancelled: threading.Event) -> None:
    """Wait before the next attempt.

    Raises:
        TransportError: The call was cancelled.
    """
    if cancelled.wait(seconds):
        raise TransportError(CANCELLED)
