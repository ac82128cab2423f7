# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Find the lines of a stream (section 9.2.5), and use templates where blocks are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ._bytes import SPLIT_FROM, past, stands, utf8
from ._interpreter import Interpreter

if TYPE_CHECKING:
    from mypy_extensions import i64  # an int that is a machine word when compiled

__all__ = ["HOLDING", "OPEN", "REPEATING", "TAIL", "Lines"]

# The states between two calls. Machine._feed compares them, so their order matters.
TAIL: Final = 0  # a line has begun; _held has its bytes, which were the end of the last chunk
HOLDING: Final = 1  # the same after further chunks; _held is a bytearray
REPEATING: Final = 2  # at the beginning of a block; the last template has one value
OPEN: Final = 3  # at the beginning of any other line

# A held line and the chunk that ends it are joined if they have at most this many bytes together.
# A longer chunk is not copied for the sake of the held line.
_SHORT: Final = 4096
# How many blocks of a chunk may begin like a template without fitting it.
_TRIES: Final = 8
# How many characters _take_data cuts at a time: short values that are not ASCII take ten times
# their bytes.
_MAX_CUT: Final = 4096
_LF: Final = 10
_CR: Final = 13
_COLON: Final = 58


class Lines(Interpreter):
    """Split pieces of a stream into lines, and keep the state between two pieces."""

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
        # The state after the call, one of the constants above. Set by _advance, and by Machine
        # where it only appends to _held.
        self._next_state: i64 = OPEN
        # The current line. Set by _advance, Machine and Parser.feed; cleared by _advance, _complete
        # and Machine.
        self._held: bytes | bytearray = b""  # its bytes so far, without those of the current piece
        self._offset: i64 = 0  # the stream offset of its first byte
        self._skip_lf = False  # _advance sets it after a final CR, and clears it at the next byte
        # The stream offset of the current block's first byte; -1 before that byte has come. Set by
        # _take_lines, _advance and Machine.
        self._block_start: i64 = -1

        # The state of the current piece.
        self._is_ascii = True  # whether it is ASCII; before _advance decodes it, the piece before
        self._tries: i64 = 0  # how many more blocks may begin like a template without fitting it
        self._next_lf: i64 = -1  # the next LF, or the length if there is none; see _line_end

    def _advance(self, chunk: bytes, out: list[Any]) -> None:
        """Process bytes that fit into the room; if a line is held, they must end it."""
        pos: i64 = 0
        base = self._offset  # the stream offset of the chunk
        held = self._held
        if held:
            if len(held) + len(chunk) <= _SHORT:
                chunk = held + chunk if isinstance(held, bytes) else bytes(held) + chunk
            else:
                base += len(held)
                held = b""  # drop this reference: the line may have many MB
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
        """Process the lines that end in the chunk, and return where the last one ends.

        Args:
            chunk: The bytes.
            text: The same, decoded as Latin-1.
            pos: Where the first line begins.
            block: Where the current block begins; negative if it began in an earlier chunk.
            base: The stream offset of the chunk.
            has_cr: Whether the chunk contains a CR.
            skipped: The first byte of lines to skip: the colon of comments, or -1 if comments give
                items.
            out: Receives the events, or the items.
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
                # (9.2.6) A block that has only comments needs no work.
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
        """Take the block at ``pos`` and the following ones that fit the same template.

        Return where they end, or ``pos`` if the block fits no template.
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
                # The search for a part that the block lacks may have reached the end of the chunk.
                # That must not happen for every block.
                self._tries -= 1
        return pos

    def _take_data(self, text: str, pos: i64, is_ascii: bool) -> i64:
        """Take many data lines of one event with one ``split()``, in pure Python only.

        Return where they end, or ``pos`` if other lines are among them. An event of a million lines
        takes a tenth of the time that it takes line by line.
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
            # All lines are decoded at once, because a line end also ends an incomplete character.
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
        """Return where the line that begins at ``pos`` ends; -1 if the text does not contain it.

        "Lines must be separated by either a U+000D CARRIAGE RETURN U+000A LINE FEED (CRLF)
        character pair, a single U+000A LINE FEED (LF) character, or a single U+000D CARRIAGE RETURN
        (CR) character." (9.2.5) The position of the next LF is kept until it is passed, so each
        byte is searched for LF only once.
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
        """Process the held line, which ends in the chunk, and return the position after it."""
        end: i64 = chunk.find(b"\n")
        cr: i64 = chunk.find(b"\r")
        if end < 0 or 0 <= cr < end:
            end = cr
        line = self._held if isinstance(self._held, bytearray) else bytearray(self._held)
        line += chunk[: end + 1]
        self._held = b""
        # A line may have many MB, so few copies are kept: bytes only if the text is not ASCII, and
        # neither _held nor ``line`` when the value is cut out.
        text = line.decode("latin-1")
        is_ascii = text.isascii()
        raw = b"" if is_ascii else bytes(line)
        line = bytearray()
        self._line(raw, text, 0, len(text) - 1, self._offset, is_ascii, out)
        return past(chunk, end)
