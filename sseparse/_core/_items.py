# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""What a stream holds besides its events: Observer's items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, final

from ._event import Event, mypyc_attr

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["Item", "Kind", "Line", "Reason", "Terminator"]

Kind: TypeAlias = Literal["field", "comment", "block", "byte order mark"]
Reason: TypeAlias = Literal["unknown name", "NUL in id", "retry not taken"]
# A line that is the same in each of some blocks: what its item shows, and its range in the block.
Line: TypeAlias = tuple[Kind, str | None, str, Reason | None, str, int, int]
Terminator: TypeAlias = Literal["\r", "\n", ""]


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Item:
    r"""One thing on the wire, and where it stood. An :class:`Observer` makes it.

    One class serves all kinds; an attribute that a kind does not have is None. A line gives a field
    or a comment. A blank line gives a block: everything that came since the last blank line.

    Items are immutable and hashable, and equal where all of their attributes are.

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
        """What it is, one of "field", "comment", "block" and "byte order mark"."""
        return self._kind

    @property
    def name(self) -> str | None:
        """The name of a field, which is the whole line where there is no colon."""
        return self._name

    @property
    def value(self) -> str | None:
        """The value of a field or the text of a comment, without the one space after the colon."""
        return self._value

    @property
    def reason(self) -> Reason | None:
        """Why the standard ignores the field; None where it had an effect.

        It is "unknown name", "NUL in id" or "retry not taken".
        """
        return self._reason

    @property
    def separator(self) -> str | None:
        """What stands between name and value; ``""``, ``":"`` or ``": "``."""
        return self._separator

    @property
    def start(self) -> int:
        """Position in the stream, from 0, of the first byte; of a block, that of its blank line."""
        return self._start

    @property
    def end(self) -> int:
        """Position after the last byte, which is the line's CR or LF.

        The ranges [start, end) follow each other. Only the LF of each CRLF is between them, and the
        line that has not ended yet is after them.
        """
        return self._end

    @property
    def terminator(self) -> Terminator:
        r"""The byte that ended the line, ``"\r"`` or ``"\n"``; "" for the byte order mark.

        It is ``"\r"`` for a CRLF, so that it does not depend on where the stream was cut.
        """
        return self._terminator

    @property
    def replaced(self) -> bool:
        """Whether bytes of the line were not UTF-8 and became U+FFFD."""
        return self._replaced

    @property
    def event(self) -> str | None:
        """The event type that a block named; None where it has no ``event`` line."""
        return self._event

    @property
    def data(self) -> str | None:
        """A block's data lines, joined with LF; None where it has none, so that no event comes."""
        return self._data

    @property
    def id(self) -> str | None:
        """The ID that a block set; None where it has no ``id`` line that was taken."""
        return self._id

    @property
    def retry(self) -> int | None:
        """The reconnection time that a block set, in ms; None where none was taken."""
        return self._retry

    @property
    def comments(self) -> tuple[str, ...] | None:
        """The comments of a block, in order.

        It has the first ones only where there are more than ``max_event_size`` allows: it limits
        the sum of their characters and 64 for each. The others have items of their own.
        """
        return self._comments

    @property
    def block_start(self) -> int | None:
        """Position in the stream, from 0, of a block's first byte."""
        return None if self._block_start < 0 else self._block_start

    @property
    def last_event_id(self) -> str | None:
        """The last event ID that a block commits, of its own or from before."""
        return self._last_event_id

    def to_event(self) -> Event | None:
        """Return the Event that ``Parser.feed`` returns for a block; None where there is none."""
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
