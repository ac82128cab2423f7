"""The stream of an endpoint that answers with events of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..completions._stream import BlockingReading

if TYPE_CHECKING:
    from collections.abc import Generator

    from .._core import Event


class EventStream(BlockingReading["Event"]):
    """The events of any event stream, as an iterator and a context manager.

    A loop that is left with ``break`` closes the stream; to take a few events and go on later, use
    ``next(stream)``. The outcome is ENDED when the body ends properly, or CLOSED; otherwise the
    iterator raises.

    Attributes:
        arrival_ns: When the read that completed the last event had returned, by
            ``time.perf_counter_ns``; 0 before the first event. Events of one read have the same.

    Raises:
        TransportError: The body was cut off.
        TimedOutError: A time limit was reached.
        StreamError: An event is larger than the client's ``max_event_size``. Its cause tells more.
        ContentTypeError: The answer is not an event stream.
    """

    arrival_ns: int = 0

    def _read(self) -> Generator[Event, None, None]:
        events = super()._read()
        try:
            for event in events:
                self.arrival_ns = self._source.arrival_ns
                yield event
        finally:
            events.close()
