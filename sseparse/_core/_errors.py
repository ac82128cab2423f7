# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Define the errors that report a fault of the stream.

    Error                    the base of all of them
    └── EventTooLargeError   an event or a line is larger than ``max_event_size``

Misuse by the caller raises a builtin instead: TypeError, ValueError or RuntimeError.
"""

from __future__ import annotations

# typing.get_type_hints() needs the names in annotations at run time.
from collections.abc import Sequence

from ._event import Event
from ._items import Item

__all__ = ["Error", "EventTooLargeError"]


class Error(Exception):
    """Report a fault of the stream; every error that this package defines derives from it."""


class EventTooLargeError(Error):
    r"""Report an event or a line that is larger than ``max_event_size``.

    The error carries everything that was complete before the fault. The limit, the offset and the
    message do not depend on how the stream was cut into chunks.

    Attributes:
        limit: The parser's ``max_event_size``, in bytes.
        offset: Position in the stream, from 0, of the first byte beyond the limit.
        events: The events that the failing call completed, in order.
        items: The items that the failing ``Observer.feed`` completed, in order; ``events`` then has
            the events of the blocks among them. Empty after ``Parser.feed``.

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
        # pickle and copy rebuild the error from these arguments.
        super().__init__(limit, offset, self.events, self.items)

    def __str__(self) -> str:
        return (
            f"the byte at offset {self.offset} makes an event larger than max_event_size, "
            f"{self.limit} bytes; if the sender is trusted, give a larger max_event_size, or None"
        )
