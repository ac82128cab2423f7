# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Interpret the lines of a stream (section 9.2.6): what fields do, and what a blank line does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ._bytes import field, is_utf8, utf8
from ._event import Event
from ._items import Item
from ._template import Template, learn

if TYPE_CHECKING:
    from mypy_extensions import i64  # an int that is a machine word when compiled

    from ._items import Reason

__all__ = ["Interpreter"]

_NO_LIMIT: Final = (1 << 62) - 1  # more bytes than a stream can have; it fits a machine word
# Further data lines are joined in groups of this many. A short str takes about 50 bytes more than
# its text, so without joining, an event of two-letter lines would take nine times its size.
_LINES_TO_JOIN: Final = 1024
# The limit on an Observer's comments counts this many bytes for each, besides its text.
_COMMENT_OVERHEAD: Final = 64
# int() refuses more digits than PYTHONINTMAXSTRDIGITS allows, which is 640 or more.
_MAX_RETRY_DIGITS: Final = 600
# At most this many blocks that fit no template pass before another block is learnt.
_MAX_PAUSE: Final = 127
_TEMPLATES: Final = 4  # how many are kept


class Interpreter:
    """Interpret lines, and keep the state of the stream between two lines."""

    __slots__ = (
        "_comment_room",
        "_comments",
        "_data",
        "_event",
        "_id",
        "_joined",
        "_learnt_at",
        "_limit",
        "_lines",
        "_more",
        "_observing",
        "_own_id",
        "_own_retry",
        "_pause",
        "_retry",
        "_room",
        "_template",
        "_templates",
        "_wait",
    )

    def __init__(
        self,
        last_event_id: str | None,
        max_event_size: int | None,
        observing: bool,
        lines: bool,
    ) -> None:
        if last_event_id is None:
            last_event_id = ""
        elif not isinstance(last_event_id, str):
            raise TypeError(
                f"last_event_id must be a str or None, not {last_event_id.__class__.__name__}"
            )
        if "\0" in last_event_id or "\r" in last_event_id or "\n" in last_event_id:
            raise ValueError("last_event_id holds NUL, CR or LF, which no stream can have sent")
        if max_event_size is None:
            max_event_size = _NO_LIMIT
        elif not isinstance(max_event_size, int) or isinstance(max_event_size, bool):
            raise TypeError(
                "max_event_size must be an int (bytes) or None, "
                f"not {max_event_size.__class__.__name__}"
            )
        elif max_event_size < 1:
            raise ValueError(f"max_event_size must be at least 1 byte, not {max_event_size}")

        # Whether items are made instead of events, and whether lines give items, too.
        self._observing = observing
        self._lines = lines

        # The current block: the lines since the last blank line. Set by _line (and _joined, _more
        # and _room by Lines._take_data), cleared by _dispatch and _drop.
        self._data: str | None = None  # the first data line; None while the data buffer is empty
        self._joined: list[str] = []  # the data lines after it, joined in groups
        self._more: list[str] = []  # the data lines after those; empty only if _joined is empty
        self._event: str | None = None  # the event type buffer; None if no line has set it
        self._own_id: str | None = None  # the last event ID buffer; None if the block has set none
        self._own_retry: int | None = None  # the reconnection time; None if the block has set none
        self._comments: list[str] = []  # the comments of the block, for an Observer
        # _room is the limit less the bytes of the block's complete data, event and id lines,
        # without line ends. _comment_room is the limit less the block's comments.
        self._limit: i64 = min(max_event_size, _NO_LIMIT)
        self._room: i64 = self._limit
        self._comment_room: i64 = self._limit

        # State that lasts longer than a block.
        # The last event ID as of the last blank line. Set by _dispatch and Lines._take_alike.
        self._id = last_event_id
        self._retry: int | None = None  # set by _take_retry

        # Templates of blocks. Set by _learn, and _template also by Lines._take_alike and
        # Machine._take_whole. _wait counts down the blocks until the next _learn, which sets it to
        # _pause.
        self._templates: list[Template] = []
        self._template: Template | None = None  # the one that was used or learnt last
        self._learnt_at: i64 = 0
        self._wait: i64 = 0
        self._pause: i64 = 0

    def _line(
        self,
        raw: bytes,
        text: str,
        pos: i64,
        end: i64,
        base: i64,
        is_ascii: bool,
        out: list[Any],
    ) -> None:
        """Process the line [pos, end), which is not blank.

        Args:
            raw: The bytes of the text. They may be left out if the text is ASCII.
            text: The text, decoded as Latin-1, with the character that ended the line.
            pos: Where the line begins.
            end: Where the line ends.
            base: The stream offset of the text.
            is_ascii: Whether the text is ASCII.
            out: Receives the item, for an Observer.
        """
        name: str
        at: i64
        name, at = field(text, pos, end)
        value = text[at:end] if is_ascii else utf8(raw[at:end])
        reason: Reason | None = None
        if name == "data":
            # "Append the field value to the data buffer, then append a single U+000A LINE FEED (LF)
            # character to the data buffer." (9.2.6)
            if self._data is None:
                self._data = value
            else:
                self._add_line(value)
            self._room -= end - pos
        elif name == "event":
            # "Set the event type buffer to field value." (9.2.6)
            self._event = value
            self._room -= end - pos
        elif name == "id":
            # "If the field value does not contain U+0000 NULL, then set the last event ID buffer to
            # the field value. Otherwise, ignore the field." (9.2.6)
            if "\0" in value:
                reason = "NUL in id"
            else:
                self._own_id = value
            self._room -= end - pos
        elif name == "retry":
            if not self._take_retry(value):
                reason = "retry not taken"
        elif name:
            # "Otherwise: The field is ignored." (9.2.6)
            reason = "unknown name"
        elif self._observing:
            self._comment_room -= len(value) + _COMMENT_OVERHEAD
            if self._comment_room >= 0:
                self._comments.append(value)
        if self._lines:
            replaced = False
            shown = name
            if not is_ascii:
                shown = utf8(raw[pos : pos + len(name)])
                replaced = not is_utf8(raw[pos:end])
            out.append(
                Item(
                    "field" if name else "comment",
                    shown or None,
                    value,
                    reason,
                    text[pos + len(name) : at],
                    base + pos,
                    base + end + 1,
                    "\r" if text[end] == "\r" else "\n",
                    replaced,
                )
            )

    def _take_retry(self, value: str) -> bool:
        """Set the reconnection time, and return whether the value was valid.

        A valid value "consists of only ASCII digits" (9.2.6), at most 600 after leading zeros.
        """
        if not (value.isascii() and value.isdigit()):
            return False
        digits = value.lstrip("0") or "0"
        if len(digits) > _MAX_RETRY_DIGITS:
            return False
        self._retry = self._own_retry = int(digits)
        return True

    def _dispatch(
        self, text: str, pos: i64, after: i64, base: i64, block: i64, out: list[Any]
    ) -> None:
        """Process the blank line [pos, after), which ends the block that began at ``block``."""
        # "Set the last event ID string of the event source to the value of the last event ID
        # buffer." (9.2.6)
        own_id = self._own_id
        if own_id is not None:
            self._id = own_id
            self._own_id = None
        # "If the data buffer's last character is a U+000A LINE FEED (LF) character, then remove the
        # last character from the data buffer." (9.2.6) The data here never gets that LF.
        data = self._data
        if data is not None and self._more:
            data = self._joined_data(data)
            self._joined.clear()
            self._more.clear()
        if self._observing:
            self._observe(text, pos, base, block, data, own_id, out)
        elif data is not None:
            # "If the data buffer is an empty string, [...] return. [...] Initialize event's type
            # attribute to "message", its data attribute to data, [...] If the event type buffer has
            # a value other than the empty string, change the type of the newly created event to
            # equal the value of the event type buffer." (9.2.6)
            out.append(Event(self._event or "message", data, self._id))
        # "Set the data buffer and the event type buffer to the empty string." (9.2.6)
        self._event = None
        self._own_retry = None
        self._room = self._limit
        if data is not None:
            self._data = None
            if self._wait:
                self._wait -= 1
            elif block >= 0 and self._comment_room >= 0:
                self._learn(text[block:after], base + block)
        if self._comment_room < self._limit:
            self._comments = []
            self._comment_room = self._limit

    def _observe(
        self,
        text: str,
        pos: i64,
        base: i64,
        block: i64,
        data: str | None,
        own_id: str | None,
        out: list[Any],
    ) -> None:
        """Append the item of the block whose blank line is at ``pos``."""
        out.append(
            Item(
                "block",
                None,
                None,
                None,
                None,
                base + pos,
                base + pos + 1,
                "\r" if text[pos] == "\r" else "\n",
                False,
                self._event,
                data,
                own_id,
                self._own_retry,
                tuple(self._comments),
                base + block,
                self._id,
            )
        )

    def _learn(self, block: str, offset: i64) -> None:
        """Learn the template of a block, and decide how many blocks pass before the next one.

        Args:
            block: The text of the block.
            offset: The stream offset of the block.
        """
        # If the stream has advanced by much more than the blocks that had to pass, then templates
        # were of use in between.
        if offset - self._learnt_at > 2 * (self._pause + 1) * len(block):
            self._pause = 0
        else:
            self._pause = min(2 * self._pause + 1, _MAX_PAUSE)
        self._wait = self._pause
        self._learnt_at = offset
        template = learn(block, self._observing, self._lines)
        if template is None:
            return
        self._template = template
        for place, known in enumerate(self._templates):
            if known.before == template.before:
                self._templates[place] = template
                return
        if len(self._templates) == _TEMPLATES:
            self._templates.pop(0)
        self._templates.append(template)

    def _add_line(self, value: str) -> None:
        """Append a data line that is not the first; join the lines before it if there are many."""
        if len(self._more) == _LINES_TO_JOIN:
            self._joined.append("\n".join(self._more))
            self._more.clear()
        self._more.append(value)

    def _joined_data(self, first: str) -> str:
        return "\n".join([first, *self._joined, *self._more])

    def _drop(self) -> None:
        """Free everything that is held, because the parser returns nothing more."""
        self._data = self._event = self._own_id = None
        self._joined.clear()
        self._more.clear()
        self._comments.clear()
        self._template = None
        self._templates.clear()
        self._room = self._limit
