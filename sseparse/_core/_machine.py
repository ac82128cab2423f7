# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
r"""The state machine: bytes in, events or items out. No I/O, no clock, no dependency.

It follows the WHATWG HTML standard: _lines has section 9.2.5, parsing an event stream, and
_interpreter section 9.2.6, interpreting an event stream. In short::

    feed(chunk):
        if the chunk ends no line: hold it, with what is held of the line  (Parser.feed)
        if it is one block like those before: return its event             (short way: _template)
        take the rest in pieces that fit into max_event_size               _advance_in_pieces
    a piece:                                                               _advance
        complete the line that is held, if there is one                    _complete
        as long as a line ends in the piece:                               _take_lines
            blank line: dispatch the event, learn what the block was like  _dispatch
            block like those before: take it, and all that follow          Template.take
            comment: skip it
            field: process it                                              _line
        hold the rest

What may be relied on, and the test that holds it:

I1  Chunk invariance: the events in order (those returned, then those carried by an error), the
    error's type, limit, offset and message, and then last_event_id and retry are the same however
    the stream is cut into chunks.                                             test_p1_any_split
I2  Promptness: an event comes out of the call that brings the byte which completes it. A bare CR
    ends a line at once; an LF that follows is swallowed when it comes.        test_p6_prompt
I3  Linear: the work is O(bytes) for every cut.                                test_linear.py
I4  Bounded: what is held never exceeds a small multiple of max_event_size.    test_limits.py
I5  Total: any bytes give events or EventTooLargeError, nothing else.          test_p4_total
I6  Isolated: no state outside the instance; the caller's buffer may be reused after the call.
                                                                               test_p8_buffers
I7  Compiled and pure agree.                                                   test_p10_builds

What makes it fast. The figures are times beside those of the machine without it, compiled and pure;
``python -m benchmarks.before REV FOLDER`` and ``python -m benchmarks --before FOLDER`` compare a
change with the commit before it.

1.  A chunk is decoded once, as ASCII or else as Latin-1, and searched as text: ``str`` methods are
    direct C calls once compiled, ``bytes.find`` is not. One character is one byte, so that a
    position in the text is an offset in the chunk. A value that is not ASCII is cut out of the
    bytes and goes through UTF-8 by itself.
2.  Line ends are found where they are, CR too, and nothing is rewritten. Most chunks have no CR;
    for these the search is one ``find()`` for each line.
3.  Single bytes are compared in ``bytes`` (1 ns compiled), never as a slice (40 ns).
4.  Blocks that look like the one before go the short way; see _template.
5.  In pure Python the data lines of one event are cut with one split(): 0.1 for an event of a
    million lines. Compiled, line by line is faster.
6.  A chunk that ends no line is held by ``Parser.feed`` itself, and one that is a whole block does
    not come to ``_advance``. In pure Python a call costs as much as three lines of a function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ._bytes import SMALL
from ._errors import EventTooLargeError
from ._items import Item
from ._lines import HOLDING, REPEATING, TAIL, Lines
from ._pending import Pending

if TYPE_CHECKING:
    from mypy_extensions import i64  # an int that is a machine word when compiled

    from ._template import Template

__all__ = ["BUSY", "DEFAULT_MAX_EVENT_SIZE", "Machine"]

DEFAULT_MAX_EVENT_SIZE: Final = 64 * 1024 * 1024
# A longer chunk is taken in pieces of this many bytes: what a piece needs for a moment is several
# times its size, and fits into the processor's caches.
_PIECE: Final = 64 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_LF: Final = 10
_CR: Final = 13

# The states after those of _lines, in the order that feed() asks for them.
_START: Final = 4  # the first bytes are or are not a byte order mark; _held has up to two of them
BUSY: Final = 5  # in a call; or for ever, after a call that did not end
_FAILED: Final = 6  # the limit was broken
_CLOSED: Final = 7


class Machine(Lines):
    """The life of a parser. Parser and Observer say what it makes of a stream, events or items."""

    __slots__ = ("_failed_at", "_last_event_id", "_left", "_state")

    def __init__(
        self,
        last_event_id: str | None,
        max_event_size: int | None,
        observing: bool,
        lines: bool,
    ) -> None:
        super().__init__(last_event_id, max_event_size, observing, lines)
        # A call sets _state to BUSY before it changes anything, and to _next_state as its last
        # step; so a call that did not end leaves BUSY for ever.
        self._state: i64 = _START
        self._last_event_id = self._id  # as of the last call that ended: feed
        self._failed_at: i64 = -1  # the offset that broke the limit: _advance_in_pieces
        self._left: Pending | None = None  # what close found, for the next close

    @property
    def last_event_id(self) -> str:
        """The last event ID as a reconnecting client must send it.

        It is committed by the blank line only (section 9.2.6): the id of an event that was cut off
        is not in it. After a call that did not end it is that of the call before.
        """
        return self._last_event_id if self._state == BUSY else self._id

    @property
    def retry(self) -> int | None:
        """The reconnection time in milliseconds, from the last valid ``retry`` field; None if none.

        ASCII digits only. A number of more than 600 digits, leading zeros aside, is ignored.
        """
        return self._retry

    def _feed(self, chunk: bytes, ends_line: bool) -> list[Any]:
        """Take the next bytes of the stream and return what they complete, events or items.

        Args:
            chunk: The bytes.
            ends_line: False if they end no line; true if they do, or do not fit into the room.
        """
        state = self._state
        if state == REPEATING or (state <= HOLDING and len(chunk) <= SMALL):
            whole = self._take_whole(chunk)
            if whole is not None:
                return whole
        elif state > _START:
            raise self._refusal(state)

        out: list[Any] = []  # events or items: the machine is one for both
        self._state = BUSY
        if state == _START:
            begun = self._begin(chunk, out)
            if begun is None:
                return out
            chunk = begun
        size: i64 = len(chunk)
        if not (ends_line or state > HOLDING):
            self._advance_in_pieces(chunk, out)
        elif size <= _PIECE and len(self._held) + size <= self._room:
            self._advance(chunk, out)
        else:
            self._advance_in_pieces(chunk, out)
        self._state = self._next_state
        self._last_event_id = self._id
        return out

    def close(self) -> Pending | None:
        """Say that the stream has ended, and return what it left unfinished; None if nothing.

        The standard drops what is unfinished, a complete ``data`` line without its blank line too.
        Idempotent: a second call returns the same. After an EventTooLargeError it returns None.

        Raises:
            RuntimeError: An earlier call did not end, so that what is unfinished is not known.
        """
        if self._state == BUSY:
            raise self._refusal(BUSY)
        if self._state != _CLOSED:
            # "Once the end of the file is reached, any pending data must be discarded." (9.2.6)
            left: Pending | None = None
            if self._held or self._room < self._limit:
                left = Pending(
                    self._event or "message",
                    "" if self._data is None else self._joined_data(self._data),
                    self._id if self._own_id is None else self._own_id,
                    bytes(self._held),
                    self._offset if self._block_start < 0 else self._block_start,
                )
            self._left = left
            self._state = _CLOSED
            self._held = b""
            self._drop()
        return self._left

    def __reduce__(self) -> str:
        raise TypeError(
            f"a {type(self).__name__} cannot be copied or pickled: it is in the middle of a stream"
        )

    def _refusal(self, state: i64) -> Exception:
        """Return the error for a call in a state that allows none."""
        name = type(self).__name__
        if state == _CLOSED:
            return RuntimeError(f"feed() after close(); a new stream needs a new {name}")
        if state == _FAILED:
            return EventTooLargeError(self._limit, self._failed_at)
        return RuntimeError(
            "an earlier call did not end: it was interrupted, or another thread is in it. What it "
            f"has taken is not known; read the stream again with a new {name}"
        )

    def _take_whole(self, chunk: bytes) -> list[Any] | None:
        """Take a chunk that completes a block like those before, and begins a line at most.

        None, and nothing has changed, if it is anything else.
        """
        held = self._held
        if held:
            if self._block_start != self._offset or len(held) + len(chunk) > SMALL:
                return None
            chunk = bytes(held) + chunk
        size: i64 = len(chunk)
        template = self._template
        if template is None or not chunk.startswith(template.before):
            template = self._template = self._like(chunk)
        if template is None or not template.is_simple or size > self._room:
            return None
        base = self._offset
        if not held:
            whole = template.whole(chunk, base, self._id)
            if whole is not None:
                self._offset = base + size
                return whole
        if size > SMALL:
            return None
        end: i64 = chunk.find(template.blank) + len(template.blank)
        rest = chunk[end:]
        if _LF in rest or _CR in rest:
            return None
        whole = template.whole(chunk[:end], base, self._id)
        if whole is not None:
            self._state = BUSY
            self._held = rest
            self._offset = base + end
            self._block_start = base + end if rest else -1
            self._state = TAIL if rest else REPEATING
        return whole

    def _like(self, chunk: bytes) -> Template | None:
        """Return the template of blocks that begin as the chunk does."""
        for template in self._templates:
            if chunk.startswith(template.before):
                return template
        return None

    def _begin(self, chunk: bytes, out: list[Any]) -> bytes | None:
        """Strip a byte order mark (9.2.5, `bom`); return None while it may still become one."""
        chunk = bytes(self._held) + chunk
        if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
            self._held = chunk
            self._state = _START
            return None
        self._held = b""
        if chunk.startswith(_BOM):
            chunk = chunk[len(_BOM) :]
            self._offset = len(_BOM)
            if self._lines:
                out.append(Item("byte order mark", None, None, None, None, 0, len(_BOM), ""))
        return chunk

    def _advance_in_pieces(self, chunk: bytes, out: list[Any]) -> None:
        """Advance by pieces that fit into the room there is; fail where there is none.

        The count is defined as if the bytes came one at a time. A piece that fits cannot break the
        limit, and leaves room again. A line end takes no room, so at the limit it may still come
        in, and make room.
        """
        pos: i64 = 0
        size: i64 = len(chunk)
        room: i64
        while pos < size:
            room = self._room - len(self._held)
            if room <= 0 and chunk[pos] not in (_LF, _CR):
                self._failed_at = self._offset + len(self._held)
                events = out
                items: list[Item] = []
                if self._observing:
                    items = out
                    events = [event for item in items if (event := item.to_event()) is not None]
                self._held = b""
                self._drop()
                self._state = _FAILED
                raise EventTooLargeError(self._limit, self._failed_at, events, items)
            if room > _PIECE:
                room = _PIECE
            elif room <= 0:  # not an expression: mypyc would make an object of it, unchecked
                room = 1  # a line end
            piece = chunk[pos : pos + room]
            if self._held and _LF not in piece and _CR not in piece:
                if not isinstance(self._held, bytearray):
                    self._held = bytearray(self._held)
                self._held += piece
                self._next_state = HOLDING
            else:
                self._advance(piece, out)
            pos += len(piece)
