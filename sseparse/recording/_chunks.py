"""Give the reads of a recording to a stream of a completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..completions import Timing
from ..completions._errors import lost
from ._errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ReadSource"]


class ReadSource:
    """The reads of a recording as a ``sseparse.completions._stream.Source``."""

    def __init__(self, reads: Iterator[tuple[int | None, bytes]]) -> None:
        self.arrival_ns = 0
        self.timing = Timing()
        self._reads = reads

    def read(self) -> bytes:
        """Return the bytes of the next read; b"" at the end."""
        try:
            for arrival, data in self._reads:
                if data:  # an empty read would look like the end
                    self.arrival_ns = arrival or 0
                    return data
        except RecordingError as error:
            raise lost(False, error) from error
        return b""

    def has_event(self) -> None:
        """Do nothing: a recording has no time limit for its first event."""

    def limit_rest(self, seconds: float | None) -> None:
        """Do nothing: a recording has no time limit for the rest of its stream."""

    def park(self) -> None:
        """Read nothing more: there is no connection to keep."""
        self.close()

    def close(self) -> None:
        """Read nothing more."""
        self._reads = iter(())
