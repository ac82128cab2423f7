"""Event: an immutable value."""

from __future__ import annotations

import copy
import json
import operator
import pickle
from typing import Any

import pytest

from running import run_python
from sseparse import Event, Pending, parse

EVENT = Event("note", '{"a": [1, "é"]}', "7")


def test_attributes() -> None:
    assert (EVENT.type, EVENT.data, EVENT.last_event_id) == ("note", '{"a": [1, "é"]}', "7")
    assert Event(type="a", data="b", last_event_id="c") == Event("a", "b", "c")


def test_repr_is_its_own_expression() -> None:
    event = Event("a'\n", 'b"\ufeff', "")
    assert repr(event) == r"""Event(type="a'\n", data='b"\ufeff', last_event_id='')"""
    assert eval(repr(event)) == event


@pytest.mark.parametrize(
    "name", ["type", "data", "last_event_id", "json", "__match_args__", "other"]
)
def test_immutable(name: str) -> None:
    event = Event("note", "a", "7")
    with pytest.raises(AttributeError):
        setattr(event, name, "x")
    with pytest.raises(AttributeError):
        delattr(event, name)
    assert not hasattr(event, "__dict__")
    assert event == Event("note", "a", "7")


def test_equality_and_hash() -> None:
    same = Event("note", '{"a": [1, "é"]}', "7")
    assert same is not EVENT
    assert same == EVENT
    assert hash(same) == hash(EVENT)
    assert operator.ne(same, EVENT) is False
    assert len({EVENT, same}) == 1
    for other in (
        Event("other", EVENT.data, "7"),
        Event("note", "{}", "7"),
        Event("note", EVENT.data, ""),
    ):
        assert other != EVENT
        assert operator.eq(other, EVENT) is False
        assert len({EVENT, other}) == 2


def test_each_string_counts_in_the_hash() -> None:
    for each in range(3):
        strings = ["", "", ""]
        hashes = set()
        for number in range(100):
            strings[each] = str(number)
            hashes.add(hash(Event(*strings)))
        assert len(hashes) > 90


@pytest.mark.parametrize(
    "other", [("note", '{"a": [1, "é"]}', "7"), "note", None, 1, Pending("note", "", "", b"", 0)]
)
def test_equal_to_nothing_else(other: object) -> None:
    for left, right in ((EVENT, other), (other, EVENT)):
        assert operator.eq(left, right) is False
        assert operator.ne(left, right) is True


def test_an_object_that_equals_everything_decides() -> None:
    class Anything:
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    assert operator.eq(EVENT, Anything())
    assert operator.eq(Anything(), EVENT)


def test_no_ordering_and_not_a_tuple() -> None:
    event: Any = EVENT
    with pytest.raises(TypeError):
        assert event < event
    with pytest.raises(TypeError):
        assert event >= event
    with pytest.raises(TypeError):
        iter(event)
    with pytest.raises(TypeError):
        assert event[0]
    with pytest.raises(TypeError):
        len(event)
    assert not isinstance(event, tuple)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol: int) -> None:
    for event in (EVENT, Event("", "", ""), parse(b"data: \xff\n\n")[0]):
        again = pickle.loads(pickle.dumps(event, protocol))
        assert type(again) is Event
        assert again == event


def test_copy() -> None:
    for again in (copy.copy(EVENT), copy.deepcopy(EVENT), copy.deepcopy([EVENT])[0]):
        assert type(again) is Event
        assert again == EVENT


def test_match() -> None:
    assert Event.__match_args__ == ("type", "data", "last_event_id")
    match EVENT:
        case Event("note", data, "8"):
            raise AssertionError(data)
        case Event("note", data, last_event_id="7"):
            assert data == EVENT.data


def test_no_clock_of_its_own() -> None:
    assert not hasattr(EVENT, "arrival_ns")


def test_json() -> None:
    assert EVENT.json() == {"a": [1, "é"]}
    assert Event("message", " 1 ", "").json() == 1
    with pytest.raises(json.JSONDecodeError):
        Event("message", "[DONE]", "").json()
    with pytest.raises(ValueError, match="Expecting value"):
        Event("message", "", "").json()


def test_json_beyond_what_python_reads() -> None:
    """The docstring of json() lists each of these errors."""
    assert Event("message", "1" * 4300, "").json() == int("1" * 4300)
    code = """
import sys, sseparse
for data in ["1" * 641, "[" * 100_000, "nope"]:
    try:
        sseparse.Event("message", data, "").json()
    except (ValueError, RecursionError) as error:
        print(type(error).__name__)
"""
    printed = run_python(code, PYTHONINTMAXSTRDIGITS="640").split()
    assert printed == ["ValueError", "RecursionError", "JSONDecodeError"]


def test_arguments() -> None:
    with pytest.raises(TypeError):
        Event("a", "b")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Event()  # type: ignore[call-arg]
