# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
r"""Parse a stream: take bytes and return events or items.

The machine follows the WHATWG HTML standard: _lines implements section 9.2.5, parsing an event
stream, and _interpreter section 9.2.6, interpreting an event stream. In short::

    feed(chunk):
        if the chunk ends no line: append it to the held line              (Parser.feed)
        if it is one block that a template fits: return its event          (_take_whole, _template)
        process it in pieces that fit into max_event_size                  _advance_in_pieces
    a piece:                                                               _advance
        complete the held line, if there is one                            _complete
        as long as a line ends in the piece:                               _take_lines
            blank line: dispatch the event, learn a template of the block  _dispatch
            block that a template fits: take it, and all that follow       Template.take
            comment: skip it
            field: process it                                              _line
        hold the rest

The machine guarantees the following, and the named tests check it:

I1  Chunk invariance: the events in order (those returned, then those carried by an error), the
    error's type, limit, offset and message, and then last_event_id and retry are the same however
    the stream is cut into chunks.                                             test_p1_any_split
I2  Promptness: the call that brings the last byte of an event returns it. A bare CR ends a line
    at once; an LF that follows is skipped when it comes.                      test_p6_prompt
I3  Linear: the work is O(bytes) for every cut.                                test_linear.py
I4  Bounded: the parser holds at most a small multiple of max_event_size.      test_limits.py
I5  Total: any bytes give events or EventTooLargeError, nothing else.          test_p4_total
I6  Isolated: parsers share no state; the caller may reuse its buffer after the call.
                                                                               test_p8_buffers
I7  One behaviour: the compiled and the pure build agree.                      test_p10_builds

The following makes the machine fast. To compare a change with the commit before it, use
``python -m benchmarks.before REV FOLDER`` and ``python -m benchmarks --before FOLDER``.

1.  A chunk is decoded once, as ASCII or else as Latin-1, and searched as text: compiled, ``str``
    methods are direct C calls, and ``bytes.find`` is not. One character is one byte, so a position
    in the text is an offset in the chunk. A value that is not ASCII is cut out of the bytes and
    decoded as UTF-8 by itself.
2.  Line ends are found where they are, including CR; nothing is rewritten. Most chunks have no CR,
    and then one ``find()`` finds each line end.
3.  Single bytes are compared in ``bytes`` (1 ns compiled), never as a slice (40 ns).
4.  Blocks that look like earlier ones are taken with a template; see _template.
5.  In pure Python the data lines of one event are cut with one split(). An event of a million lines
    takes 0.1 of the time. Compiled, line by line is faster.
6.  ``Parser.feed`` itself holds a chunk that ends no line, and ``_take_whole`` takes a chunk that
    is a whole block. In pure Python a call costs as much as three lines of a function.
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
# A longer chunk is processed in pieces of this many bytes. Processing a piece takes several times
# its size, which fits into the processor's caches.
_PIECE: Final = 64 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_LF: Final = 10
_CR: Final = 13

# Further states, after those of _lines. _feed compares them, so their order matters.
_START: Final = 4  # the stream may begin with a byte order mark; _held has up to two of its bytes
BUSY: Final = 5  # a call is running; after a call that did not end, the state stays this
_FAILED: Final = 6  # the stream exceeded the limit
_CLOSED: Final = 7


class Machine(Lines):
    """Run a parser from its first byte to close(), for Parser (events) and Observer (items)."""

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
        # step. So a call that does not end leaves BUSY.
        self._state: i64 = _START
        self._last_event_id = self._id  # as of the last call that ended; set by _feed
        self._failed_at: i64 = -1  # the offset beyond the limit; set by _advance_in_pieces
        self._left: Pending | None = None  # the result of the first close(), for later ones

    @property
    def last_event_id(self) -> str:
        """The last event ID that a client must send when it reconnects.

        Only a blank line commits an ID (section 9.2.6), so this is never the ID of an event that
        was cut off. After a call that did not end, it is the ID from before that call.
        """
        return self._last_event_id if self._state == BUSY else self._id

    @property
    def retry(self) -> int | None:
        """The reconnection time in ms, from the last valid ``retry`` field; None if there is none.

        A valid value has only ASCII digits, at most 600 after leading zeros.
        """
        return self._retry

    def _feed(self, chunk: bytes, ends_line: bool) -> list[Any]:
        """Take the next bytes of the stream and return what they complete, events or items.

        Args:
            chunk: The bytes.
            ends_line: False if the bytes end no line. True if they end one, or exceed the room.
        """
        state = self._state
        if state == REPEATING or (state <= HOLDING and len(chunk) <= SMALL):
            whole = self._take_whole(chunk)
            if whole is not None:
                return whole
        elif state > _START:
            raise self._refusal(state)

        out: list[Any] = []  # events or items
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
        """End the stream, and return what it left unfinished; None if nothing.

        The standard drops what is unfinished, even a complete ``data`` line whose blank line is
        missing. A second call returns the same. After an EventTooLargeError, close returns None.

        Raises:
            RuntimeError: An earlier call did not end, so it is not known what is unfinished.
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
        """Return the error for a call in a state that refuses calls."""
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
        """Return what a chunk completes, if that is one block like those before; otherwise None.

        The chunk may also begin the next line. None means that nothing of the chunk was taken.
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
        """Return the template of blocks that begin as the chunk does; None if there is none."""
        for template in self._templates:
            if chunk.startswith(template.before):
                return template
        return None

    def _begin(self, chunk: bytes, out: list[Any]) -> bytes | None:
        """Strip a byte order mark (9.2.5, `bom`); return None while the bytes may become one."""
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
        """Process the chunk in pieces that fit into the room, and raise where there is no room.

        The limit counts the bytes as if they came one at a time. A piece that fits cannot exceed
        the limit. A line end takes no room: at the limit it is still processed, and may make room.
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
            elif room <= 0:  # mypyc would make an unchecked object of a conditional expression
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
