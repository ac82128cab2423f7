# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Define Item, which an Observer returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, final

from ._event import Event, mypyc_attr

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["Item", "Kind", "Line", "Reason", "Terminator"]

Kind: TypeAlias = Literal["field", "comment", "block", "byte order mark"]
Reason: TypeAlias = Literal["unknown name", "NUL in id", "retry not taken"]
# The item of a line that is the same in all blocks of a template: kind, name, value, reason,
# separator, and the range [start, end) of the line in the block.
Line: TypeAlias = tuple[Kind, str | None, str, Reason | None, str, int, int]
Terminator: TypeAlias = Literal["\r", "\n", ""]


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Item:
    r"""Describe one piece of a stream and its position: a line, a block or a byte order mark.

    An :class:`Observer` makes the items. All kinds have the same attributes; an attribute that a
    kind does not need is None. A line gives a field or a comment. A blank line gives a block:
    everything since the last blank line.

    Items are immutable and hashable. Two items are equal if all their attributes are.

    >>> from sseparse import Observer
    >>> field, block = Observer().feed(b"data: a\n\n")
    >>> field.kind, field.name, field.value, field.start, field.end
    ('field', 'data', 'a', 0, 8)
    >>> block.kind, block.data, block.to_event()
    ('block', 'a', Event(type='message', data='a', last_event_id=''))
    """

    __slots__ = (
        "_block_start",
        "_comments",
        "_data",
        "_end",
        "_event",
        "_id",
        "_kind",
        "_last_event_id",
        "_name",
        "_reason",
        "_replaced",
        "_retry",
        "_separator",
        "_start",
        "_terminator",
        "_value",
    )

    def __init__(
        self,
        kind: Kind,
        name: str | None,
        value: str | None,
        reason: Reason | None,
        separator: str | None,
        start: int,
        end: int,
        terminator: Terminator,
        replaced: bool = False,
        event: str | None = None,
        data: str | None = None,
        id: str | None = None,
        retry: int | None = None,
        comments: tuple[str, ...] | None = None,
        block_start: int = -1,
        last_event_id: str | None = None,
    ) -> None:
        self._kind = kind
        self._name = name
        self._value = value
        self._reason = reason
        self._separator = separator
        self._start = start
        self._end = end
        self._terminator = terminator
        self._replaced = replaced
        self._event = event
        self._data = data
        self._id = id
        self._retry = retry
        self._comments = comments
        self._block_start = block_start
        self._last_event_id = last_event_id

    @property
    def kind(self) -> Kind:
        """The kind of the item, which is "field", "comment", "block" or "byte order mark"."""
        return self._kind

    @property
    def name(self) -> str | None:
        """The name of a field; the whole line if the line has no colon."""
        return self._name

    @property
    def value(self) -> str | None:
        """The value of a field or the text of a comment, without the one space after the colon."""
        return self._value

    @property
    def reason(self) -> Reason | None:
        """The reason why the standard ignores the field; None if the field had an effect.

        The reasons are "unknown name", "NUL in id" and "retry not taken".
        """
        return self._reason

    @property
    def separator(self) -> str | None:
        """The text between name and value, which is ``""``, ``":"`` or ``": "``."""
        return self._separator

    @property
    def start(self) -> int:
        """Position in the stream, from 0, of the first byte; for a block, of its blank line."""
        return self._start

    @property
    def end(self) -> int:
        """Position after the last byte, which is the line's CR or LF.

        The ranges [start, end) of the lines follow each other. They leave out the LF of each CRLF,
        and the line that has not ended yet.
        """
        return self._end

    @property
    def terminator(self) -> Terminator:
        r"""The byte that ended the line, ``"\r"`` or ``"\n"``; "" for the byte order mark.

        For a CRLF it is ``"\r"``, so it does not depend on where the stream was cut.
        """
        return self._terminator

    @property
    def replaced(self) -> bool:
        """Whether the line contained bytes that were not UTF-8, which became U+FFFD."""
        return self._replaced

    @property
    def event(self) -> str | None:
        """The event type that a block names; None if it has no ``event`` line."""
        return self._event

    @property
    def data(self) -> str | None:
        """The values of a block's data lines, joined with LF; None if it has none.

        A block whose data is None gives no event.
        """
        return self._data

    @property
    def id(self) -> str | None:
        """The last event ID that a block sets itself; None if it sets none."""
        return self._id

    @property
    def retry(self) -> int | None:
        """The reconnection time that a block sets, in ms; None if it sets none."""
        return self._retry

    @property
    def comments(self) -> tuple[str, ...] | None:
        """The comments of a block, in order.

        ``max_event_size`` limits the sum of their characters and 64 for each comment. If there are
        more, only the first ones are here; with ``lines=True`` each has its own item as well.
        """
        return self._comments

    @property
    def block_start(self) -> int | None:
        """Position in the stream, from 0, of the first byte of a block."""
        return None if self._block_start < 0 else self._block_start

    @property
    def last_event_id(self) -> str | None:
        """The last event ID that a block commits; the block or an earlier one set it."""
        return self._last_event_id

    def to_event(self) -> Event | None:
        """Return the event that ``Parser.feed`` returns for a block; None if it returns none."""
        if self._data is None or self._last_event_id is None:
            return None
        return Event(self._event or "message", self._data, self._last_event_id)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Item):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        names = (
            *("kind", "name", "value", "reason", "separator", "start", "end", "terminator"),
            *("replaced", "event", "data", "id", "retry", "comments", "block_start"),
            "last_event_id",
        )
        shown = [
            f"{name}={value!r}"
            for name, value in zip(names, self._values(), strict=True)
            if value is not None
            and value is not False
            and not (name == "block_start" and value == -1)
        ]
        return f"Item({', '.join(shown)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Item, self._values())

    def _values(self) -> tuple[Any, ...]:
        return (
            self._kind,
            self._name,
            self._value,
            self._reason,
            self._separator,
            self._start,
            self._end,
            self._terminator,
            self._replaced,
            self._event,
            self._data,
            self._id,
            self._retry,
            self._comments,
            self._block_start,
            self._last_event_id,
        )
