# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""What a stream is parsed into. This module stands below all others of the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

try:
    from mypy_extensions import mypyc_attr
except ImportError:  # it comes with mypy; nothing needs it at run time

    def mypyc_attr(*attrs: str, **kwattrs: object) -> Callable[[_T], _T]:  # noqa: ARG001
        return lambda decorated: decorated


if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    _T = TypeVar("_T")

__all__ = ["Event", "mypyc_attr"]


# acyclic: the garbage collector does not track an object that holds only strings; tracking was most
# of the cost of a small event (203 ns against 75). free_list_len: with one event per chunk the
# memory of the last one serves the next (3774 instructions against 3639).
@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Event:
    """One event of a stream. Immutable, hashable; equal to an Event with the same three strings.

    Args:
        type: The event type.
        data: The data.
        last_event_id: The last event ID. The compiled build checks that all three are str. The pure
            build does not check them; checking would cost more than making the event.

    >>> from sseparse import Event
    >>> event = Event("message", '{"a": 1}', "")
    >>> event.json()
    {'a': 1}
    """

    __slots__ = ("_data", "_last_event_id", "_type")
    # A ClassVar, or mypyc makes an attribute of each object of it; literals, for type checkers.
    __match_args__: ClassVar[tuple[Literal["type"], Literal["data"], Literal["last_event_id"]]] = (
        "type",
        "data",
        "last_event_id",
    )

    def __init__(self, type: str, data: str, last_event_id: str) -> None:
        self._type = type
        self._data = data
        self._last_event_id = last_event_id

    @property
    def type(self) -> str:
        """The event type; "message" where the stream names none."""
        return self._type

    @property
    def data(self) -> str:
        """The data lines joined with LF; the last line feed is removed, as the standard says."""
        return self._data

    @property
    def last_event_id(self) -> str:
        """The last event ID seen so far in the stream, by this event or before it; "" if none."""
        return self._last_event_id

    def json(self) -> Any:
        """Return the data read as JSON.

        Raises:
            json.JSONDecodeError: The data is not JSON. It is a ValueError.
            ValueError: A whole number in the data has more digits than ``int()`` reads (4,300
                unless ``PYTHONINTMAXSTRDIGITS`` says otherwise).
            RecursionError: The data is nested deeper than Python's recursion limit.
        """
        import json

        return json.loads(self._data)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event):
            return NotImplemented
        return (
            self._data == other._data
            and self._type == other._type
            and self._last_event_id == other._last_event_id
        )

    def __hash__(self) -> int:
        return hash((self._type, self._data, self._last_event_id))

    def __repr__(self) -> str:
        last = self._last_event_id
        return f"Event(type={self._type!r}, data={self._data!r}, last_event_id={last!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Event, (self._type, self._data, self._last_event_id))
