# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Define Event, in a module that imports no other module of the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

try:
    from mypy_extensions import mypyc_attr
except ImportError:  # mypy_extensions comes with mypy; nothing needs it at run time

    def mypyc_attr(*attrs: str, **kwattrs: object) -> Callable[[_T], _T]:  # noqa: ARG001
        return lambda decorated: decorated


if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    _T = TypeVar("_T")

__all__ = ["Event", "mypyc_attr"]


# acyclic: an event holds only strings, so the garbage collector need not track it. Tracking took
# most of the time of a small event (203 ns with it, 75 ns without). free_list_len: with one event
# per chunk, an event reuses the memory of the one before (3639 instructions instead of 3774).
@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Event:
    """Hold the type, the data and the last event ID of one event.

    Events are immutable and hashable. Two events are equal if their three strings are.

    Args:
        type: The event type.
        data: The data.
        last_event_id: The last event ID.

    Raises:
        TypeError: In the compiled build, an argument is not a str. The pure build does not check
            the types; checking would cost more than making the event.

    >>> from sseparse import Event
    >>> event = Event("message", '{"a": 1}', "")
    >>> event.json()
    {'a': 1}
    """

    __slots__ = ("_data", "_last_event_id", "_type")
    # Without ClassVar, mypyc would store it in each object. Type checkers need the literals.
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
        """The event type; "message" if the stream names none."""
        return self._type

    @property
    def data(self) -> str:
        """The values of the data lines, joined with LF; none follows the last one."""
        return self._data

    @property
    def last_event_id(self) -> str:
        """The last event ID of the stream at this event; "" if there is none."""
        return self._last_event_id

    def json(self) -> Any:
        """Return the data parsed as JSON.

        Raises:
            json.JSONDecodeError: The data is not JSON. This error is a ValueError.
            ValueError: A whole number in the data has more digits than ``int()`` accepts (4,300
                unless ``PYTHONINTMAXSTRDIGITS`` sets another limit).
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
