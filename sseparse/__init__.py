r"""Parse Server-Sent Events: bytes in, events out.

>>> from sseparse import Parser
>>> Parser().feed(b"data: hello\n\n")
[Event(type='message', data='hello', last_event_id='')]
"""

from . import _started  # noqa: F401  # before imports that take time
from ._core import (
    BytesLike,
    Error,
    Event,
    EventTooLargeError,
    Item,
    Observer,
    Parser,
    Pending,
    aiter_events,
    encode,
    iter_events,
    parse,
)

__all__ = [
    "BytesLike",
    "Error",
    "Event",
    "EventTooLargeError",
    "Item",
    "Observer",
    "Parser",
    "Pending",
    "aiter_events",
    "encode",
    "iter_events",
    "parse",
]
__version__ = "0.2.0"
