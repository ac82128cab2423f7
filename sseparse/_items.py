"""What a parser tells besides events: what was left at the end, and the observed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from ._parser import Event

__all__ = ["ByteOrderMark", "Comment", "Field", "NoData", "Observed", "Pending"]

Reason: TypeAlias = 'Literal["unknown name", "NUL in id", "retry not taken"]'
Terminator: TypeAlias = 'Literal["\\r", "\\n", ""]'


class Pending(NamedTuple):
    r"""What a stream that ended inside an event left behind.

    The standard drops it (section 9.2.6: "if the file ends in the middle of an event, before the
    final empty line, the incomplete event is not dispatched"), and so does the parser. It tells a
    stream that was cut off from one that ended. There is one if a line was not ended, or if a
    ``data``, ``event`` or ``id`` line came after the last blank line: a stream that ends after a
    comment, a ``retry`` or an unknown field has lost nothing.

    Attributes:
        type: The event type so far; "message" where none was named.
        data: The data lines so far, joined with a line feed.
        last_event_id: The last event ID that the event would have carried. It was never committed.
        line: The bytes of the line that was not ended, as they stood on the wire.
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


class Comment(NamedTuple):
    r"""A line that begins with a colon; ``text`` has lost one leading space, like a value.

    >>> from sseparse import Parser
    >>> Parser().observe(b": ping\n")[0].item
    Comment(text='ping')
    """

    text: str


class Field(NamedTuple):
    r"""A line with a field, and whether it had any effect.

    Attributes:
        name: What stands before the colon, or the whole line where there is none.
        value: What stands after it, less one leading space.
        applied: False for a field that the standard tells to ignore.
        reason: Why it was ignored; None if it was applied.

    >>> from sseparse import Parser
    >>> Parser().observe(b"retry: soon\n")[0].item
    Field(name='retry', value='soon', applied=False, reason='retry not taken')
    """

    name: str
    value: str
    applied: bool
    reason: Reason | None


class NoData(NamedTuple):
    r"""A blank line that ends a block without data: no event comes of it.

    Attributes:
        type: The event type that the block named and that is dropped; "" where none.
        last_event_id: The last event ID, which this blank line commits all the same.

    >>> from sseparse import Parser
    >>> Parser().observe(b"\n")[0].item
    NoData(type='', last_event_id='')
    """

    type: str
    last_event_id: str


class ByteOrderMark(NamedTuple):
    r"""The UTF-8 byte order mark before the first line, which the standard strips.

    >>> from sseparse import Parser
    >>> Parser().observe(b"\xef\xbb\xbfdata")
    [Observed(item=ByteOrderMark(), start=0, end=3, terminator='', replaced=False)]
    """


class Observed(NamedTuple):
    r"""One thing on the wire and where it stood: what ``Parser.observe`` returns, in wire order.

    The ranges [start, end) follow each other. Bytes outside of them are only the LF after a CR,
    which belongs to the line end before it, and the line that has not ended yet.

    Attributes:
        item: What it was. An event stands at the blank line that dispatched it.
        start: Position in the stream, from 0, of its first byte.
        end: Position after its last byte, which is the line's CR or LF.
        terminator: The byte that ended the line, "\r" or "\n"; "" for the byte order mark. A CRLF
            shows as "\r", so that it does not depend on where the stream was cut.
        replaced: Whether bytes of the line were not UTF-8 and became U+FFFD.

    >>> from sseparse import Parser
    >>> for seen in Parser().observe(b"data: a\r\n\r\n"):
    ...     print(seen.start, seen.end, seen.item)
    0 8 Field(name='data', value='a', applied=True, reason=None)
    9 10 Event(type='message', data='a', last_event_id='')
    """

    item: Event | Comment | Field | NoData | ByteOrderMark
    start: int
    end: int
    terminator: Terminator
    replaced: bool
