# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Section 9.2.5, parsing an event stream: where lines end, and which are taken the short way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ._bytes import SPLIT_FROM, past, stands, utf8
from ._interpreter import Interpreter

if TYPE_CHECKING:
    from mypy_extensions import i64  # an int that is a machine word when compiled

__all__ = ["HOLDING", "OPEN", "REPEATING", "TAIL", "Lines"]

# Where a call leaves the stream, in the order that Machine.feed asks for it.
TAIL: Final = 0  # a line has begun; _held is the bytes of it that the last chunk ended with
HOLDING: Final = 1  # the same, but _held is a bytearray, for chunks have followed
REPEATING: Final = 2  # at the beginning of a block, with a template for one value
OPEN: Final = 3  # anywhere else at the beginning of a line

# Up to this many bytes, the beginning of a line and the chunk that ends it are put together. A
# longer chunk is not copied for the line that was held before it.
_SHORT: Final = 4096
# How many blocks of a chunk may look like those before at first, and not be like them.
_TRIES: Final = 8
# How much text _take_data cuts at once: a short value that is not ASCII takes ten times its bytes.
_MAX_CUT: Final = 4096
_LF: Final = 10
_CR: Final = 13
_COLON: Final = 58


class Lines(Interpreter):
    """The state between two pieces of a stream."""

    __slots__ = (
        "_block_start",
        "_held",
        "_is_ascii",
        "_next_lf",
        "_next_state",
        "_offset",
        "_skip_lf",
        "_tries",
    )

    def __init__(
        self,
        last_event_id: str | None,
        max_event_size: int | None,
        observing: bool,
        lines: bool,
    ) -> None:
        super().__init__(last_event_id, max_event_size, observing, lines)
        # Where the stream is, of the constants above. Set by _advance, and by Machine where it only
        # adds to what is held.
        self._next_state: i64 = OPEN
        # The current line. Set by _advance and, in states of its own, by Machine; taken out by
        # _advance and _complete.
        self._held: bytes | bytearray = b""  # its bytes so far, without those of the piece at hand
        self._offset: i64 = 0  # the stream offset of its first byte
        self._skip_lf = False  # set when a piece ends with CR, cleared by the next byte: _advance
        # The stream offset of the current block's first byte; -1 before that came. Set by _advance.
        self._block_start: i64 = -1

        # Of the piece at hand.
        self._is_ascii = True  # it is; or the one before was, until _advance has looked
        self._tries: i64 = 0  # how many blocks may still look alike and not be: _take_alike
        self._next_lf: i64 = -1  # its first LF from some position on, or its length: _line_end

    def _advance(self, chunk: bytes, out: list[Any]) -> None:
        """Take bytes that fit into the room. Where a line is held, they end it."""
        pos: i64 = 0
        base = self._offset  # the stream offset of the chunk
        held = self._held
        if held:
            if len(held) + len(chunk) <= _SHORT:
                chunk = held + chunk if isinstance(held, bytes) else bytes(held) + chunk
            else:
                base += len(held)
                held = b""  # no second reference to what may be many MB
                pos = self._complete(chunk, out)
        elif self._skip_lf and chunk:
            self._skip_lf = False
            if chunk[0] == _LF:
                pos = 1

        if self._is_ascii:
            try:
                text = chunk.decode("ascii")
            except UnicodeDecodeError:
                self._is_ascii = False
                text = chunk.decode("latin-1")
        else:
            text = chunk.decode("latin-1")
            self._is_ascii = text.isascii()
        size: i64 = len(text)
        has_cr = "\r" in text
        if has_cr:
            self._next_lf = -1
            self._skip_lf = text[size - 1] == "\r"
        self._tries = _TRIES
        block: i64 = pos if self._block_start < 0 else self._block_start - base
        skipped: i64 = -1 if self._observing else _COLON
        pos = self._take_lines(chunk, text, pos, block, base, has_cr, skipped, out)

        self._offset = base + pos
        if pos < size:
            self._held = chunk[pos:]
            self._next_state = TAIL
            return
        self._held = b""
        if self._block_start == base + size:
            self._block_start = -1
            if self._template is not None and self._template.is_simple and not self._skip_lf:
                self._next_state = REPEATING
                return
        self._next_state = OPEN

    def _take_lines(
        self,
        chunk: bytes,
        text: str,
        pos: i64,
        block: i64,
        base: i64,
        has_cr: bool,
        skipped: i64,
        out: list[Any],
    ) -> i64:
        """Take the lines that end in the chunk, and return where the last one ends.

        Args:
            chunk: The bytes.
            text: The same, as Latin-1.
            pos: Where the first line begins.
            block: Where the current block begins; negative if that was in an earlier chunk.
            base: The stream offset of the chunk.
            has_cr: Whether there is a CR in the chunk.
            skipped: What the lines to skip begin with, the colon of comments; -1 where they give
                items.
            out: Gets the events, or the items.
        """
        size: i64 = len(text)
        end: i64
        after: i64
        first: i64
        is_ascii = self._is_ascii
        limit = self._limit
        observing = self._observing
        while pos < size:
            first = chunk[pos]
            if first == _LF or first == _CR:  # noqa: SIM109  # compiled, a tuple takes 20 ns
                # "If the line is empty (a blank line): Dispatch the event, as defined below."
                # (9.2.6) There is nothing to do for a block that has only comments.
                after = past(chunk, pos) if has_cr else pos + 1
                if self._room < limit or observing:
                    self._dispatch(text, pos, after, base, block, out)
                pos = block = after
                continue
            if has_cr:  # noqa: SIM108  # an expression would make an object of the number
                end = self._line_end(text, pos)
            else:
                end = text.find("\n", pos)
            if end < 0:
                break
            if first == skipped:
                # "If the line starts with a U+003A COLON character (:): ignore the line." (9.2.6)
                pos = past(chunk, end) if has_cr else end + 1
                continue
            if pos == block:
                after = self._take_alike(chunk, text, pos, base, has_cr, out)
                if after > pos:
                    pos = block = after
                    continue
            elif size - pos > SPLIT_FROM and not (self._data is None or has_cr or observing):
                after = self._take_data(text, pos, is_ascii) if self._tries else pos
                if after > pos:
                    pos = after
                    continue

            self._line(chunk, text, pos, end, base, is_ascii, out)
            pos = past(chunk, end) if has_cr else end + 1
        self._block_start = base + block
        return pos

    def _take_alike(
        self, chunk: bytes, text: str, pos: i64, base: i64, has_cr: bool, out: list[Any]
    ) -> i64:
        """Take the block that begins there if it is like one before, and those like it that follow.

        Return where they end; ``pos`` if the block is like none.
        """
        after: i64
        for template in self._templates:
            if self._tries and stands(chunk, template.before, pos):
                is_ascii = self._is_ascii
                after = pos
                if template.span and len(text) - pos > SPLIT_FROM:
                    after = template.take_split(text, pos, base, is_ascii, has_cr, self._id, out)
                if after == pos:
                    after = template.take(chunk, text, pos, base, is_ascii, has_cr, self._id, out)
                if after > pos:
                    self._id = template.last_event_id
                    self._template = template
                    return after
                # A search for what the block does not have may have gone to the end of the chunk.
                # That must not happen for each block.
                self._tries -= 1
        return pos

    def _take_data(self, text: str, pos: i64, is_ascii: bool) -> i64:
        """Take many data lines of one event with one ``split()``. In pure Python only.

        Return where they end; ``pos`` if other lines are among them. An event of a million lines
        takes a tenth of the time with it.
        """
        prefix = "data: " if text.startswith("data: ", pos) else "data:"
        if not text.startswith(prefix, pos):
            return pos
        most: i64 = pos + _MAX_CUT
        end: i64 = text.find("\n\n", pos, most)
        if end < 0:
            end = text.rfind("\n", pos, most)
        if end < 0:
            return pos
        lines = text[pos + len(prefix) : end]
        if not is_ascii:
            # All at once: a line end ends each character, also a broken one.
            lines = utf8(lines.encode("latin-1"))
        values = lines.split("\n" + prefix)
        if text.count("\n", pos, end) != len(values) - 1 or (
            len(prefix) == 5 and text.find("\ndata: ", pos, end) >= 0
        ):
            self._tries -= 1  # as in _take_alike
            return pos
        self._room -= end - pos - (len(values) - 1)
        last = values.pop()
        if self._more or values:
            self._joined.append("\n".join([*self._more, *values]))
        self._more = [last]
        return end + 1

    def _line_end(self, text: str, pos: i64) -> i64:
        """Return where the line that begins there ends; -1 if not within the text.

        "Lines must be separated by either a U+000D CARRIAGE RETURN U+000A LINE FEED (CRLF)
        character pair, a single U+000A LINE FEED (LF) character, or a single U+000D CARRIAGE RETURN
        (CR) character." (9.2.5) The LF that was found is kept until it is passed, so that no byte
        is searched for it twice.
        """
        if self._next_lf < pos:
            self._next_lf = text.find("\n", pos)
            if self._next_lf < 0:
                self._next_lf = len(text)
        end: i64 = text.find("\r", pos, self._next_lf)
        if end >= 0:
            return end
        if self._next_lf < len(text):
            return self._next_lf
        return -1

    def _complete(self, chunk: bytes, out: list[Any]) -> i64:
        """Process the line that is held, which ends in the chunk, and return where it ends."""
        end: i64 = chunk.find(b"\n")
        cr: i64 = chunk.find(b"\r")
        if end < 0 or 0 <= cr < end:
            end = cr
        line = self._held if isinstance(self._held, bytearray) else bytearray(self._held)
        line += chunk[: end + 1]
        self._held = b""
        # A line of many MB is in memory as few times as possible: as bytes only where the text does
        # not do, and nothing of it is held any more when the value is cut out.
        text = line.decode("latin-1")
        is_ascii = text.isascii()
        raw = b"" if is_ascii else bytes(line)
        line = bytearray()
        self._line(raw, text, 0, len(text) - 1, self._offset, is_ascii, out)
        return past(chunk, end)
