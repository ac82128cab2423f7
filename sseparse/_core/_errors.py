# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""The error tree.

    Error                    whatever the peer or the stream did wrong
    └── EventTooLargeError   an event or a line beyond ``max_event_size``

Misuse by the caller is a builtin instead: TypeError, ValueError, RuntimeError.
"""

from __future__ import annotations

# What annotations name stands here at run time, too, for typing.get_type_hints().
from collections.abc import Sequence

from ._event import Event
from ._items import Item

__all__ = ["Error", "EventTooLargeError"]


class Error(Exception):
    """Report a fault of the stream; the base of every error that this package defines."""


class EventTooLargeError(Error):
    r"""Report an event or a line that is larger than ``max_event_size``.

    What was complete before the fault is carried along, so nothing is lost. The limit, the offset
    and the message do not depend on how the stream was cut into chunks.

    Attributes:
        limit: The ``max_event_size`` in force, in bytes.
        offset: Position in the stream, from 0, of the first byte beyond the limit.
        events: The events that the failing call had completed, in order.
        items: The items that the failing ``Observer.feed`` had completed, in order; ``events`` are
            the events of its blocks. Empty after ``Parser.feed``.

    >>> from sseparse import EventTooLargeError, Parser
    >>> parser = Parser(max_event_size=8)
    >>> try:
    ...     parser.feed(b"data: a\n\ndata: too long\n\n")
    ... except EventTooLargeError as error:
    ...     print(error.limit, error.offset, error.events)
    8 17 [Event(type='message', data='a', last_event_id='')]
    """

    def __init__(
        self,
        limit: int,
        offset: int,
        events: Sequence[Event] = (),
        items: Sequence[Item] = (),
    ) -> None:
        self.limit = limit
        self.offset = offset
        self.events: list[Event] = list(events)
        self.items: list[Item] = list(items)
        # The arguments are what pickle and copy rebuild the error from.
        super().__init__(limit, offset, self.events, self.items)

    def __str__(self) -> str:
        return (
            f"the byte at offset {self.offset} makes an event larger than max_event_size, "
            f"{self.limit} bytes; if the sender is trusted, give a larger max_event_size, or None"
        )
