"""The error tree: attributes, messages, and copies by pickle and copy."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import sseparse
from sseparse import Error, Event, EventTooLargeError, Item, Observer, Parser, parse

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS = [Event("message", "a", ""), Event("b", "c", "1")]
ITEMS = [Item("comment", None, "a", None, ":", 0, 3, "\n")]


def test_the_tree() -> None:
    assert Error.__bases__ == (Exception,)
    assert EventTooLargeError.__bases__ == (Error,)
    for name in sseparse.__all__:
        value = getattr(sseparse, name)
        if isinstance(value, type) and issubclass(value, BaseException):
            assert issubclass(value, Error)
            assert name.endswith("Error")


def test_attributes_and_defaults() -> None:
    error = EventTooLargeError(8, 20, EVENTS, ITEMS)
    assert (error.limit, error.offset, error.events, error.items) == (8, 20, EVENTS, ITEMS)
    error = EventTooLargeError(8, 20)
    assert (error.events, error.items) == ([], [])


def test_the_lists_are_its_own() -> None:
    events = tuple(EVENTS)
    error = EventTooLargeError(8, 20, events)
    error.events.clear()
    assert len(events) == 2
    assert EventTooLargeError(8, 20).events is not EventTooLargeError(8, 20).events


def test_the_message_has_the_fault_the_place_and_a_remedy() -> None:
    with pytest.raises(EventTooLargeError) as caught:
        Parser(max_event_size=8).feed(b"data: a\n\ndata: secret\n\n")
    assert str(caught.value) == (
        "the byte at offset 17 makes an event larger than max_event_size, 8 bytes; "
        "if the sender is trusted, give a larger max_event_size, or None"
    )
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "again",
    [
        *[
            lambda error, protocol=protocol: pickle.loads(pickle.dumps(error, protocol))
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        ],
        copy.copy,
        copy.deepcopy,
    ],
)
def test_pickle_and_copy(again: Callable[[Any], Any]) -> None:
    for error in (EventTooLargeError(8, 20, EVENTS, ITEMS), EventTooLargeError(1, 1)):
        other = again(error)
        assert type(other) is EventTooLargeError
        assert str(other) == str(error)
        assert repr(other) == repr(error)
        assert (other.limit, other.offset) == (error.limit, error.offset)
        assert (other.events, other.items) == (error.events, error.items)
    base = again(Error("text"))
    assert type(base) is Error
    assert str(base) == "text"


def test_the_items_that_an_observer_completed() -> None:
    with pytest.raises(EventTooLargeError) as caught:
        Observer(max_event_size=8).feed(b"data: a\n\n\ndata: secret\n\n")
    error = caught.value
    assert [item.kind for item in error.items] == ["field", "block", "block"]
    assert error.events == [Event("message", "a", "")]
    assert error.args == (8, 18, error.events, error.items)


def test_parse_raises_with_all_the_events() -> None:
    event = b"data: a\n\n"
    stream = event * 3 + b"data: " + b"x" * 64 * 1024 * 1024
    with pytest.raises(EventTooLargeError) as caught:
        parse(stream)
    assert caught.value.events == [Event("message", "a", "")] * 3
    assert caught.value.limit == 64 * 1024 * 1024
    assert caught.value.offset == 27 + 64 * 1024 * 1024
