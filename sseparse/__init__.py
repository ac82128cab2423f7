r"""Parse Server-Sent Events: bytes in, events out.

>>> from sseparse import Parser
>>> Parser().feed(b"data: hello\n\n")
[Event(type='message', data='hello', last_event_id='')]
"""

from ._encode import encode
from ._errors import Error, EventTooLargeError
from ._items import ByteOrderMark, Comment, Field, NoData, Observed, Pending
from ._iterate import aiter_events, iter_events, parse
from ._parser import Event, Parser

__all__ = [
    "ByteOrderMark",
    "Comment",
    "Error",
    "Event",
    "EventTooLargeError",
    "Field",
    "NoData",
    "Observed",
    "Parser",
    "Pending",
    "aiter_events",
    "encode",
    "iter_events",
    "parse",
]
__version__ = "0.1.0"
