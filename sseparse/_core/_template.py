# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Parse blocks that are alike without parsing each of their lines.

Most streams repeat one kind of block, with other values in it::

    event: content_block_delta LF data: VALUE LF LF
    id: VALUE CR LF event: message CR LF data: VALUE CR LF CR LF

Some bytes of these blocks stay the same, and the values are between them. A Template holds the
fixed bytes. It is learnt from one block that the machine processed line by line. In a block that
has the same fixed bytes, the lines have the same names and the same effects, so only the values are
cut out. The machine processes all other blocks line by line.

The following ratios are times divided by those without templates, compiled and pure. At 64 KiB
reads: chat 0.88 and 0.41, Anthropic 0.57 and 0.22, MCP with CRLF 0.47 and 0.13, ids that change
0.76 and 0.67. With one event per read: Anthropic 0.63 and 0.41, MCP 0.49 and 0.28. To measure them
again, let ``learn`` return None and compare with ``python -m benchmarks --before FOLDER``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from ._bytes import PLAIN, RUN, field, is_data, is_utf8, stands, utf8
from ._event import Event
from ._items import Item
from ._pure import add_events, add_items

if TYPE_CHECKING:
    from mypy_extensions import i64

    from ._items import Kind, Line, Reason, Terminator

__all__ = ["Template", "learn"]

_CR: Final = 13
_LF: Final = 10
_SPACE: Final = 32
# The most lines and fixed bytes of a block that is learnt. Larger blocks gain nothing from a
# template, and their templates would be large.
_MAX_LINES: Final = 16
_MAX_FIXED: Final = 1024
# take_split() splits this many times the text that was alike before, but at most _MAX_SPAN. So the
# text that is split in vain is at most a few times as much.
_SPAN: Final = 4
_MAX_SPAN: Final = 64 * 1024
_TWICE: Final = 1 << 30  # the index of the id in a block with two; that block has no template


@final
class Template:
    """Hold the fixed bytes of blocks that are alike, and take further blocks of that kind."""

    __slots__ = (
        "_before_size",
        "_before_text",
        "_blank_size",
        "_comments",
        "_data_at",
        "_event",
        "_id_at",
        "_inner",
        "_line_end",
        "_lines",
        "_next",
        "_next_id",
        "_next_size",
        "_next_text",
        "_no_space",
        "_observing",
        "_other_end",
        "_plain",
        "_separator",
        "_type",
        "_values",
        "before",
        "blank",
        "is_simple",
        "last_event_id",
        "span",
    )

    def __init__(
        self,
        parts: list[bytes],
        id_at: int,
        line_end: str,
        event: str | None,
        comments: list[str],
        lines: list[Line] | None,
        observing: bool,
    ) -> None:
        # The fixed bytes before the first value, and those between the values.
        self.before = parts[0]
        self._inner = parts[1:]
        self.is_simple = not self._inner  # one value, which is data
        # How many characters take_split() splits; 0 if take() takes the blocks one by one. Set by
        # take() after a run of blocks, and by take_split().
        self.span: i64 = 0
        # The index of the value that is the block's id, negative if there is none. All others are
        # data.
        self._id_at: i64 = id_at
        # The last value's line end and the blank line; and both with the next block's beginning.
        self.blank = (line_end + line_end).encode()
        self._blank_size: i64 = len(self.blank)
        self._next = self.blank + self.before
        self._before_size: i64 = len(self.before)
        self._next_size: i64 = len(self._next)
        # The same as text, for take_split().
        self._before_text = self.before.decode()
        self._next_text = self._next.decode()
        self._plain = self._next == PLAIN
        # The first byte of a line end, CR or LF; and the other one, which no value may contain.
        self._line_end: Terminator = "\n" if line_end == "\n" else "\r"
        self._other_end = "\r" if line_end == "\n" else "\n"
        # A value after a bare colon would lose a leading space, so the template does not fit it.
        self._no_space = not all(each.endswith(b" ") for each in parts)
        # The fixed values of events and items.
        self._event = event
        self._type = event or "message"
        self._observing = observing
        self._comments = tuple(comments)
        self._lines = lines  # None if lines give no items
        self._data_at: i64 = len(self.before) - len(self.before.split(line_end.encode())[-1])
        self._separator = ": " if parts[-1].endswith(b" ") else ":"
        # The last event ID after the last block. The machine reads it after each call.
        self.last_event_id = ""
        # The current block's ID and its data lines so far, both set by _take_inner.
        self._next_id = ""
        self._values: list[str] = []

    def whole(self, chunk: bytes, base: i64, last_event_id: str) -> list[Any] | None:
        """Return the events or items of a chunk that is one block of this kind; otherwise None.

        Call it only if ``is_simple``.

        Args:
            chunk: Bytes that begin where a block begins.
            base: The stream offset of the chunk.
            last_event_id: The last event ID so far.
        """
        if not (chunk.startswith(self.before) and chunk.endswith(self.blank)):
            return None
        start = self._before_size
        raw = chunk[start : len(chunk) - self._blank_size]
        if _LF in raw or _CR in raw or (self._no_space and raw.startswith(b" ")):
            return None
        if not self._observing:
            return [Event(self._type, utf8(raw), last_event_id)]
        items: list[Any] = []
        self.last_event_id = last_event_id
        self.add(raw, utf8(raw), 0, len(raw), base + start, -start, items)
        return items

    def take(
        self,
        raw: bytes,
        text: str,
        pos: i64,
        base: i64,
        is_ascii: bool,
        has_cr: bool,
        last_event_id: str,
        out: list[Any],
    ) -> i64:
        """Take the blocks that the template fits, and return where they end.

        Args:
            raw: Bytes of the stream.
            text: The same, decoded as Latin-1.
            pos: Where a block begins; ``before`` must be there.
            base: The stream offset of the bytes.
            is_ascii: Whether the bytes are ASCII.
            has_cr: Whether the bytes contain a CR.
            last_event_id: The last event ID so far.
            out: Receives the events, or the items.
        """
        line_end = self._line_end
        following = self._next
        blank_size = self._blank_size
        is_plain = self._plain
        no_space = self._no_space
        inner = self._inner
        start: i64 = pos + self._before_size
        end: i64
        begin: i64 = pos
        run: i64 = RUN if self.is_simple else -1
        self.last_event_id = last_event_id
        while True:
            if inner:
                start = self._take_inner(raw, text, start, is_ascii, has_cr)
                if start < 0:
                    return pos
            end = text.find(line_end, start)
            if end < 0 or (no_space and raw[start] == _SPACE):
                return pos
            if is_plain:
                repeats = end + 8 <= len(raw) and raw[end + 1] == _LF and is_data(raw, end + 2)
            else:
                repeats = stands(raw, following, end)
            if not repeats and not stands(raw, self.blank, end):
                return pos
            value = text[start:end] if is_ascii else utf8(raw[start:end])
            if has_cr and self._other_end in value:
                return pos
            if inner:
                self.last_event_id = self._next_id
                self._values.append(value)
                value = "\n".join(self._values)
            if self._observing:
                self.add(raw, value, start, end, base, pos, out)
            else:
                out.append(Event(self._type, value, self.last_event_id))
            pos = end + blank_size
            if not repeats:
                return pos
            run -= 1
            if run == 0:
                self.span = _SPAN * (pos - begin)
                return pos
            start = end + self._next_size

    def _take_inner(self, raw: bytes, text: str, start: i64, is_ascii: bool, has_cr: bool) -> i64:
        """Take the values before the last one, and return where the last one begins.

        Return -1 if the template does not fit the block.
        """
        end: i64
        place: i64 = 0  # enumerate() would make an object for each number
        line_end = self._line_end
        no_space = self._no_space
        values = self._values
        values.clear()
        self._next_id = self.last_event_id
        for part in self._inner:
            end = text.find(line_end, start)
            if end < 0 or not stands(raw, part, end) or (no_space and raw[start] == _SPACE):
                return -1
            value = text[start:end] if is_ascii else utf8(raw[start:end])
            if has_cr and self._other_end in value:
                return -1
            if place != self._id_at:
                values.append(value)
            elif "\0" in value:
                return -1
            else:
                self._next_id = value
            place += 1  # noqa: SIM113
            start = end + len(part)
        return start

    def add(
        self, raw: bytes, value: str, start: i64, end: i64, base: i64, pos: i64, out: list[Any]
    ) -> None:
        """Append the items of a block.

        Args:
            raw: Bytes of the stream; [start, end) is the value of the last line.
            value: The data of the block.
            start: See ``raw``.
            end: See ``raw``.
            base: The stream offset of the bytes.
            pos: The position of the block's first byte.
            out: Receives the items.
        """
        terminator = self._line_end
        if self._lines is not None:
            for kind, name, text, reason, separator, line_at, line_end in self._lines:
                out.append(
                    Item(
                        kind,
                        name,
                        text,
                        reason,
                        separator,
                        base + pos + line_at,
                        base + pos + line_end,
                        terminator,
                    )
                )
            out.append(
                Item(
                    "field",
                    "data",
                    value,
                    None,
                    self._separator,
                    base + pos + self._data_at,
                    base + end + 1,
                    terminator,
                    "\ufffd" in value and not is_utf8(raw[start:end]),
                )
            )
        blank_at: i64 = base + end + self._blank_size // 2
        out.append(
            Item(
                "block",
                None,
                None,
                None,
                None,
                blank_at,
                blank_at + 1,
                terminator,
                False,
                self._event,
                value,
                self._next_id if self._id_at >= 0 else None,
                None,
                self._comments,
                base + pos,
                self.last_event_id,
            )
        )

    def take_split(
        self,
        text: str,
        pos: i64,
        base: i64,
        is_ascii: bool,
        has_cr: bool,
        last_event_id: str,
        out: list[Any],
    ) -> i64:
        """Take many blocks with one ``split()``, and return where they end; in pure Python only.

        Call it only if ``span`` is not 0. The arguments are those of ``take``.
        """
        before = self._before_text
        following = self._next_text
        blank_size = self._blank_size
        self.last_event_id = last_event_id
        while text.startswith(before, pos):
            end = text.rfind(following[:blank_size], pos, pos + self.span)
            if end < 0:
                break
            raw_values = text[pos + len(before) : end].split(following)
            end += blank_size
            alike = self._count_alike(raw_values, has_cr)
            is_run = alike == len(raw_values)
            if not is_run:
                del raw_values[alike:]
                end = pos + sum([len(each) + len(following) for each in raw_values])
            self.span = min(_SPAN * (end - pos), _MAX_SPAN) if alike >= RUN else 0
            values = raw_values
            if not is_ascii:
                values = [utf8(each.encode("latin-1")) for each in raw_values]
            if not self._observing:
                add_events(values, self._type, self.last_event_id, out)
            else:
                add_items(
                    raw_values,
                    values,
                    base + pos,
                    self._lines,
                    ("field", "data", "", None, self._separator, self._data_at, len(before)),
                    blank_size,
                    self._line_end,
                    self._event,
                    self._comments,
                    self.last_event_id,
                    out,
                )
            pos = end
            if not is_run or not self.span:
                break
        return pos

    def _count_alike(self, values: list[str], has_cr: bool) -> int:
        """Return how many values, from the first on, contain no line end and lose no space."""
        # Counting line ends in the whole text would take three times as long.
        for value in values:
            if "\n" in value:
                values = values[: values.index(value)]
                break
        if has_cr or self._no_space:
            for value in values:
                if "\r" in value or (self._no_space and value.startswith(" ")):
                    return values.index(value)
        return len(values)


def learn(block: str, observing: bool, lines: bool) -> Template | None:
    """Return the template of a block, given with its blank line; None if it can have none.

    The last line must be data, and the line ends must be all LF or all CRLF. Each line must be
    regular, and the block may not be too large. If lines give items, it has only one value.
    """
    line_end = "\r\n" if block.endswith("\r\n\r\n") else "\n"
    if not block.endswith(line_end + line_end):
        return None
    parts: list[bytes] = []
    part = ""
    id_at = -1
    event: str | None = None
    comments: list[str] = []
    fixed: list[Line] = []
    start = 0
    for line in block[: -2 * len(line_end)].split(line_end):
        name: str
        at: i64
        name, at = field(line + line_end, 0, len(line))
        if not _is_regular(line, name, at):
            return None
        if start:
            part += line_end
        if name in ("data", "id"):
            if name == "id":
                id_at = len(parts) if id_at < 0 else _TWICE
            parts.append((part + line[:at]).encode("latin-1"))
            part = ""
        else:
            if name == "event":
                event = line[at:]
            elif not name:
                comments.append(line[at:])
            fixed.append(_fixed_line(line, name, at, start))
            part += line
        start += len(line) + len(line_end)
    if part or id_at >= len(parts) - 1 or (lines and len(parts) > 1):
        return None
    if len(fixed) + len(parts) > _MAX_LINES or sum([len(each) for each in parts]) > _MAX_FIXED:
        return None
    return Template(parts, id_at, line_end, event, comments, fixed if lines else None, observing)


def _is_regular(line: str, name: str, at: int) -> bool:
    """Return whether a line can be part of a template.

    Streams do not repeat ``retry``. A value must follow a colon. A line that is the same in each
    block must be ASCII.
    """
    if "\r" in line or "\n" in line or name == "retry":
        return False
    return at > len(name) if name in ("data", "id") else line.isascii()


def _fixed_line(line: str, name: str, at: int, start: int) -> Line:
    """Return the item's values for a line that is the same in each block."""
    kind: Kind = "field" if name else "comment"
    reason: Reason | None = "unknown name" if name and name != "event" else None
    separator = line[len(name) : at]
    return (kind, name or None, line[at:], reason, separator, start, start + len(line) + 1)
