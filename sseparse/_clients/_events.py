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

    A loop that is left with ``break`` closes the stream; to take a few events and go on later, use
    ``next(stream)``. The outcome is ENDED when the body ends properly, or CLOSED; otherwise the
    iterator raises.

    Raises:
        TransportError: The body was cut off.
        TimedOutError: A time limit was reached.
        StreamError: An event is larger than the client's ``max_event_size``. Its cause tells more.
        ContentTypeError: The answer is not an event stream.
    """

    _answer: EventsAnswer

    @property
    def arrival_ns(self) -> int:
        """When the read that completed the last event had returned; 0 before the first event.

        By ``time.perf_counter_ns``. Events of one read have the same.
        """
        return self._answer.arrival_ns


class AsyncEventStream(AsyncReading[Event]):
    """The events of any event stream, as an async iterator and an async context manager.

    It differs from ``EventStream`` in that its methods are coroutines. A loop that is left with
    ``break`` closes the stream only when the loop's iterator is finalized: use ``async with``.

    Raises:
        TransportError: The body was cut off.
        TimedOutError: A time limit was reached.
        StreamError: An event is larger than the client's ``max_event_size``. Its cause tells more.
        ContentTypeError: The answer is not an event stream.
    """

    _answer: EventsAnswer

    @property
    def arrival_ns(self) -> int:
        """When the event loop had brought the last event; 0 before the first event.

        By ``time.perf_counter_ns``. Events of one read have the same.
        """
        return self._answer.arrival_ns
