# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Define Pending.

This module is not compiled, because mypyc drops the docstring of a NamedTuple.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Pending"]


class Pending(NamedTuple):
    r"""Hold the event and the line that a stream left unfinished when it ended.

    The standard drops them (section 9.2.6: "if the file ends in the middle of an event, before the
    final empty line, the incomplete event is not dispatched"), and so does the parser. A stream
    leaves something if its last line did not end, or if a ``data``, ``event`` or ``id`` line came
    after the last blank line. A stream that ends after a comment, a ``retry`` or an unknown field
    has lost nothing.

    Attributes:
        type: The event type so far; "message" if the stream named none.
        data: The values of the data lines so far, joined with LF.
        last_event_id: The last event ID that the event would have carried. It was never committed.
        line: The bytes of the line that did not end, as they were sent.
        start: Position in the stream, from 0, of the first byte after the last blank line.

    >>> from sseparse import Parser
    >>> parser = Parser()
    >>> parser.feed(b"id: 1\ndata: a\ndat")
    []
    >>> parser.close()
    Pending(type='message', data='a', last_event_id='1', line=b'dat', start=0)
    """

    type: str
    data: str
    last_event_id: str
    line: bytes
    start: int
