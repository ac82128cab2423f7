"""The streams of an endpoint that answers with events of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core import Event
from ..completions._async_stream import AsyncReading
from ..completions._stream import BlockingReading

if TYPE_CHECKING:
    from ..completions._answer import EventsAnswer


class EventStream(BlockingReading[Event]):
    """The events of any event stream, as an iterator and a context manager.

    ``break`` closes the stream; to take a few events and continue later, use ``next(stream)``. The
    outcome is ENDED if the body ended properly, or CLOSED; otherwise the iterator raises an error.

    Raises:
        TransportError: The body was cut off.
        TimedOutError: A time limit was reached.
        StreamError: An event is larger than the client's ``max_event_size``. Its cause has details.
        ContentTypeError: The answer is not an event stream.
    """

    _answer: EventsAnswer

    @property
    def arrival_ns(self) -> int:
        """When the read that completed the last event had returned; 0 before the first event.

        By ``time.perf_counter_ns``. All events of one read have the same time.
        """
        return self._answer.arrival_ns


class AsyncEventStream(AsyncReading[Event]):
    """The events of any event stream, as an async iterator and an async context manager.

    Unlike those of ``EventStream``, its methods are coroutines. If you leave a loop with ``break``,
    the stream closes only when Python finalizes the loop's iterator: use ``async with``.

    Raises:
        TransportError: The body was cut off.
        TimedOutError: A time limit was reached.
        StreamError: An event is larger than the client's ``max_event_size``. Its cause has details.
        ContentTypeError: The answer is not an event stream.
    """

    _answer: EventsAnswer

    @property
    def arrival_ns(self) -> int:
        """When the event loop handed over the last event's bytes; 0 before the first event.

        By ``time.perf_counter_ns``. All events of one read have the same time.
        """
        return self._answer.arrival_ns
