"""encode(): the blocks that it writes, and the arguments that it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from running import feed_all, observe_all
from sseparse import encode
from strategies import hostile_arguments


@pytest.mark.parametrize(
    ("arguments", "block"),
    [
        ({}, b"\n"),
        ({"data": ""}, b"data: \n\n"),
        ({"data": "a"}, b"data: a\n\n"),
        ({"data": " a "}, b"data:  a \n\n"),
        ({"data": "a\nb\rc\r\nd"}, b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
        ({"data": "\n"}, b"data: \ndata: \n\n"),
        ({"data": "a\r\n"}, b"data: a\ndata: \n\n"),
        ({"data": "\n\r"}, b"data: \ndata: \ndata: \n\n"),
        ({"data": "\x0b\x0c\x1c\0"}, b"data: \x0b\x0c\x1c\0\n\n"),
        ({"data": "\u2028\x85"}, b"data: \xe2\x80\xa8\xc2\x85\n\n"),
        ({"data": "\ufeff"}, b"data: \xef\xbb\xbf\n\n"),
        ({"type": "a"}, b"event: a\n\n"),
        ({"type": " \0:"}, b"event:  \0:\n\n"),
        ({"id": ""}, b"id: \n\n"),
        ({"id": "é"}, b"id: \xc3\xa9\n\n"),
        ({"retry": 0}, b"retry: 0\n\n"),
        ({"retry": 2500}, b"retry: 2500\n\n"),
        ({"retry": 10**600 - 1}, b"retry: " + b"9" * 600 + b"\n\n"),
        ({"comment": ""}, b": \n\n"),
        ({"comment": "a\r\rb"}, b": a\n: \n: b\n\n"),
        ({"comment": "\r\n"}, b": \n: \n\n"),
        (
            {"data": "d", "type": "t", "id": "i", "retry": 1, "comment": "c"},
            b": c\nevent: t\nid: i\nretry: 1\ndata: d\n\n",
        ),
    ],
)
def test_the_block(arguments: dict[str, Any], block: bytes) -> None:
    assert encode(**arguments) == block


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"type": ""}, "type is empty"),
        ({"type": "a\rb"}, "type holds a CR or LF"),
        ({"type": "a\n"}, "type holds a CR or LF"),
        ({"id": "a\r"}, "id holds a CR or LF"),
        ({"id": "\ndata: b"}, "id holds a CR or LF"),
        ({"id": "a\0"}, "id holds NUL"),
        ({"data": "ab\ud800"}, "data holds a lone surrogate at index 2"),
        ({"type": "\udfff"}, "type holds a lone surrogate at index 0"),
        ({"id": "\ud800"}, "id holds a lone surrogate"),
        ({"comment": "\ud83d\ude00"}, "comment holds a lone surrogate"),
        ({"retry": -1}, "retry must be at least 0 ms"),
        ({"retry": 10**600}, "retry must be at least 0 ms and have at most 600 digits"),
    ],
)
def test_values_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        encode(**arguments)


def test_the_error_of_the_codec_is_the_cause() -> None:
    with pytest.raises(ValueError, match="surrogate") as caught:
        encode("\ud800")
    assert isinstance(caught.value.__cause__, UnicodeEncodeError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"retry": True}, "retry must be an int .milliseconds., not bool"),
        ({"retry": "1"}, "not str"),
        ({"retry": 1.0}, "not float"),
        ({"data": b"a"}, "data must be a str, not bytes"),
        ({"type": b"a"}, "type must be a str, not bytes"),
        ({"id": 1}, "id must be a str, not int"),
        ({"comment": 1.5}, "comment must be a str, not float"),
    ],
)
def test_types_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        encode(**arguments)


def test_only_data_may_be_positional() -> None:
    with pytest.raises(TypeError):
        encode("a", "b")  # type: ignore[call-arg]


@given(hostile_arguments)
def test_nothing_breaks_out(arguments: dict[str, Any]) -> None:
    """encode() raises, or writes one block with exactly the lines of the arguments."""
    try:
        block = encode(**arguments)
    except (TypeError, ValueError):
        return
    asked = {name: value for name, value in arguments.items() if value is not None}
    items = observe_all([block]).items
    assert [item.kind for item in items].count("block") == 1
    assert items[-1].kind == "block"
    assert (items[-1].to_event is not None) == ("data" in asked)
    names = [item.name for item in items if item.kind == "field"]
    wanted = {"type": "event"}
    assert set(names) == {wanted.get(name, name) for name in asked if name != "comment"}
    for once in ("event", "id", "retry"):
        assert names.count(once) <= 1
    assert feed_all([block]).pending is None
