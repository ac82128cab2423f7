"""Observer and its items, case by case, and a lint written on it."""

from __future__ import annotations

import copy
import operator
import pickle
from typing import Any

import pytest

from running import check_all, observe_all
from sseparse import Event, EventTooLargeError, Item, Observer
from sseparse.testing import rechunk
from strategies import BOM


def test_every_kind_of_item() -> None:
    observer = Observer()
    stream = BOM + b": hi\r\nid: 1\r\rdata: a\n\nother\nretry: x\nid: \0\n"
    items = observer.feed(stream)
    assert items == [
        Item("byte order mark", None, None, None, None, 0, 3, ""),
        Item("comment", None, "hi", None, ": ", 3, 8, "\r"),
        Item("field", "id", "1", None, ": ", 9, 15, "\r"),
        block(15, "\r", id="1", comments=("hi",), block_start=3, last_event_id="1"),
        Item("field", "data", "a", None, ": ", 16, 24, "\n"),
        block(24, "\n", data="a", block_start=16, last_event_id="1"),
        Item("field", "other", "", "unknown name", "", 25, 31, "\n"),
        Item("field", "retry", "x", "retry not taken", ": ", 31, 40, "\n"),
        Item("field", "id", "\0", "NUL in id", ": ", 40, 46, "\n"),
    ]
    assert [type(item) for item in items] == [Item] * 9


def block(start: int, terminator: Any, **values: Any) -> Item:
    """Return the item of a blank line; the defaults are those of a block without lines."""
    values = {"comments": (), "last_event_id": "", **values}
    return Item("block", None, None, None, None, start, start + 1, terminator, **values)


@pytest.mark.parametrize(
    ("line", "name", "separator", "value"),
    [
        (b":", None, ":", ""),
        (b": ", None, ": ", ""),
        (b":a", None, ":", "a"),
        (b":  a", None, ": ", " a"),
        (b"::", None, ":", ":"),
        (b":data: a", None, ":", "data: a"),
        (b"data", "data", "", ""),
        (b"data:", "data", ":", ""),
        (b"data: ", "data", ": ", ""),
        (b"data:a", "data", ":", "a"),
        (b"data:  a: b", "data", ": ", " a: b"),
        (b"event:", "event", ":", ""),
        (b"id", "id", "", ""),
        (b"id: 1", "id", ": ", "1"),
        (b"retry: 007", "retry", ": ", "007"),
    ],
)
def test_one_line(line: bytes, name: str | None, separator: str, value: str) -> None:
    observer = Observer()
    first, item = observer.feed(b"\n" + line + b"\r")
    assert first == block(0, "\n", block_start=0)
    kind: Any = "comment" if name is None else "field"
    assert item == Item(kind, name, value, None, separator, 1, len(line) + 2, "\r")
    assert item.to_event() is None


@pytest.mark.parametrize(
    ("line", "name", "value", "reason"),
    [
        (b"id: a\0b", "id", "a\0b", "NUL in id"),
        (b"retry", "retry", "", "retry not taken"),
        (b"retry: 1 ", "retry", "1 ", "retry not taken"),
        (b"retry: " + b"9" * 601, "retry", "9" * 601, "retry not taken"),
        (b"Data: a", "Data", "a", "unknown name"),
        (b"data : a", "data ", "a", "unknown name"),
        ("é: ü".encode(), "é", "ü", "unknown name"),
        (BOM + b"data: a", "\ufeffdata", "a", "unknown name"),
    ],
)
def test_one_line_that_is_ignored(line: bytes, name: str, value: str, reason: Any) -> None:
    _, item, end = Observer().feed(b"\n" + line + b"\n\r")
    assert (item.kind, item.name, item.value, item.reason) == ("field", name, value, reason)
    # The field has no effect on the block.
    assert end == block(len(line) + 2, "\r", block_start=1)


@pytest.mark.parametrize(
    ("lines", "values"),
    [
        ([], {}),
        ([b"data"], {"data": ""}),
        ([b"data: a", b"data:b"], {"data": "a\nb"}),
        ([b"event: a"], {"event": "a"}),
        ([b"event: a", b"event"], {"event": ""}),
        ([b"event: a", b"data: b"], {"event": "a", "data": "b"}),
        ([b"id: 1"], {"id": "1", "last_event_id": "1"}),
        ([b"id: 1", b"id: 2\0"], {"id": "1", "last_event_id": "1"}),
        ([b"id: 1", b"id"], {"id": "", "last_event_id": ""}),
        ([b"retry: 5", b"retry: x", b"retry: 0x1"], {"retry": 5}),
        ([b"retry: 5", b"retry: 0"], {"retry": 0}),
        ([b":", b"x", b": a", b"data: b"], {"comments": ("", "a"), "data": "b"}),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("size", [1, 1000])
def test_one_block(lines: list[bytes], values: dict[str, Any], end: bytes, size: int) -> None:
    stream = b"".join(line + end for line in lines)
    expected = {"block_start": 2, "last_event_id": "7", **values}
    wanted = block(len(stream) + 2, end[:1].decode(), **expected)
    observer = Observer(lines=False, last_event_id="7")
    chunks = rechunk(b"\n\n" + stream + end + b"data\n\n", size)
    items = [item for chunk in chunks for item in observer.feed(chunk)]
    assert items[2] == wanted
    # The next block keeps only the last event ID.
    after = {"data": "", "block_start": items[3].block_start, "last_event_id": wanted.last_event_id}
    assert items[3] == block(items[3].start, "\n", **after)
    assert wanted.to_event() == (
        None
        if wanted.data is None
        else Event(wanted.event or "message", wanted.data, str(wanted.last_event_id))
    )


@pytest.mark.parametrize(
    ("line", "replaced"),
    [
        (b"data: a\xff", True),
        (b"\xffdata: a", True),
        (b": \xe2\x82", True),
        (b"other\xc0: b", True),
        ("data: \ufffd".encode(), False),
        ("é: \ufeff".encode(), False),
        (b"data: \xed\xa0\x80", True),
    ],
)
def test_replaced(line: bytes, replaced: bool) -> None:
    for size in (1, 100):
        observer = Observer()
        chunks = rechunk((line + b"\r\n\n") * 3, size)
        items = [each for chunk in chunks for each in observer.feed(chunk)]
        assert [each.replaced for each in items] == [replaced, False] * 3


def test_a_line_may_end_with_any_byte() -> None:
    for byte in set(range(256)) - {10, 13}:
        stream = b"data: " + bytes([byte]) + b"\n"
        check_all([stream])
        check_all(rechunk(stream, 1))


def test_blocks_without_data() -> None:
    items = Observer(last_event_id="0").feed(b"event: a\n\nid: 1\n\n")
    assert [(i.kind, i.event, i.data, i.last_event_id, i.to_event()) for i in items] == [
        ("field", None, None, None, None),
        ("block", "a", None, "0", None),
        ("field", None, None, None, None),
        ("block", None, None, "1", None),
    ]


def test_terminators_do_not_depend_on_the_cut() -> None:
    stream = b"data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n\r\n"
    whole = observe_all([stream])
    assert [item.terminator for item in whole.items] == list("\r\r\r\r\n\n\r")
    for size in range(1, len(stream)):
        assert observe_all(rechunk(stream, size)) == whole


def test_a_byte_order_mark_is_seen_once_it_is_complete() -> None:
    observer = Observer()
    assert observer.feed(b"\xef") == []
    assert observer.feed(b"\xbb") == []
    mark = Item("byte order mark", None, None, None, None, 0, 3, "")
    assert observer.feed(b"\xbf") == [mark]
    assert observer.feed(b"") == []
    assert observer.feed(BOM + b"\n") == [
        Item("field", "\ufeff", "", "unknown name", "", 3, 7, "\n")
    ]


def test_blocks_only() -> None:
    stream = BOM + b": hi\nid: 1\ndata: a\n\nother\n\nretry: 5\ndat"
    observer = Observer(lines=False)
    assert observer.feed(stream) == [
        block(*(22, "\n"), data="a", id="1", comments=("hi",), block_start=3, last_event_id="1"),
        block(29, "\n", block_start=23, last_event_id="1"),
    ]
    assert observer.retry == 5
    assert observer.close() == ("message", "", "1", b"dat", 30)


def test_the_error_carries_items_and_events() -> None:
    observer = Observer(max_event_size=8)
    with pytest.raises(EventTooLargeError) as caught:
        observer.feed(BOM + b"data: 1\n\nid: 1\ndata: 23")
    error = caught.value
    assert error.events == [Event("message", "1", "")]
    assert error.items == [
        Item("byte order mark", None, None, None, None, 0, 3, ""),
        Item("field", "data", "1", None, ": ", 3, 11, "\n"),
        block(11, "\n", data="1", block_start=3),
        Item("field", "id", "1", None, ": ", 12, 18, "\n"),
    ]
    assert (error.limit, error.offset) == (8, 21)


def test_pending() -> None:
    observer = Observer()
    observer.feed(b"data: 1\n\nid: 2\nda")
    assert observer.close() == ("message", "", "2", b"da", 9)


# An item is a value.

NAMES = (
    *("kind", "name", "value", "reason", "separator", "start", "end", "terminator", "replaced"),
    *("event", "data", "id", "retry", "comments", "block_start", "last_event_id"),
)
FIELD = Item("field", "data", "a", None, ": ", 0, 8, "\n", True)
BLOCK = block(
    *(30, "\r"),
    event="note",
    data="a",
    id="1",
    retry=5,
    comments=("x",),
    block_start=3,
    last_event_id="1",
)


def values(item: Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in NAMES}


def test_attributes() -> None:
    assert values(FIELD) == {
        **dict.fromkeys(NAMES),
        "kind": "field",
        "name": "data",
        "value": "a",
        "separator": ": ",
        "terminator": "\n",
        "start": 0,
        "end": 8,
        "replaced": True,
    }
    assert values(BLOCK) == {
        **dict.fromkeys(NAMES),
        "kind": "block",
        "start": 30,
        "end": 31,
        "terminator": "\r",
        "replaced": False,
        "event": "note",
        "data": "a",
        "id": "1",
        "retry": 5,
        "comments": ("x",),
        "block_start": 3,
        "last_event_id": "1",
    }
    assert BLOCK.to_event() == Event("note", "a", "1")
    assert FIELD.to_event() is None


@pytest.mark.parametrize("name", [*NAMES, "to_event", "other"])
def test_immutable(name: str) -> None:
    for item in (FIELD, BLOCK):
        before = values(item)
        with pytest.raises(AttributeError):
            setattr(item, name, "x")
        with pytest.raises(AttributeError):
            delattr(item, name)
        assert not hasattr(item, "__dict__")
        assert values(item) == before


@pytest.mark.parametrize("name", NAMES)
def test_each_attribute_counts_in_equality_and_hash(name: str) -> None:
    others: dict[str, Any] = {
        **dict.fromkeys(NAMES, "other"),
        "start": 77,
        "end": 77,
        "replaced": True,
        "retry": 77,
        "comments": ("y",),
        "block_start": 77,
        "kind": "comment",
        "reason": "NUL in id",
        "terminator": "\n",
    }
    same, other = Item(**values(BLOCK)), Item(**{**values(BLOCK), name: others[name]})
    assert same is not BLOCK
    assert same == BLOCK
    assert hash(same) == hash(BLOCK)
    assert operator.ne(same, BLOCK) is False
    assert other != BLOCK
    assert operator.eq(other, BLOCK) is False
    assert hash(other) != hash(BLOCK)
    assert len({BLOCK, same, other}) == 2


@pytest.mark.parametrize("other", ["block", None, 1, ("block",), Event("note", "a", "1")])
def test_equal_to_nothing_else(other: object) -> None:
    for left, right in ((BLOCK, other), (other, BLOCK)):
        assert operator.eq(left, right) is False
        assert operator.ne(left, right) is True


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol: int) -> None:
    for item in (FIELD, BLOCK):
        again = pickle.loads(pickle.dumps(item, protocol))
        assert type(again) is Item
        assert values(again) == values(item)


def test_copy() -> None:
    for item in (FIELD, BLOCK):
        for again in (copy.copy(item), copy.deepcopy(item), copy.deepcopy([item])[0]):
            assert type(again) is Item
            assert values(again) == values(item)


def test_repr_shows_what_the_item_has() -> None:
    assert repr(FIELD) == (
        "Item(kind='field', name='data', value='a', separator=': ', start=0, end=8, "
        r"terminator='\n', replaced=True)"
    )
    assert repr(BLOCK) == (
        r"Item(kind='block', start=30, end=31, terminator='\r', event='note', data='a', id='1', "
        "retry=5, comments=('x',), block_start=3, last_event_id='1')"
    )
    assert repr(block(0, "\n", block_start=0)) == (
        r"Item(kind='block', start=0, end=1, terminator='\n', comments=(), block_start=0, "
        "last_event_id='')"
    )
    assert repr(Item("field", "x", "", "unknown name", "", 0, 2, "\n")) == (
        r"Item(kind='field', name='x', value='', reason='unknown name', separator='', start=0, "
        r"end=2, terminator='\n')"
    )
    for item in (FIELD, BLOCK):
        shown = eval(repr(item), {"Item": lambda **given: given})
        assert shown == {
            name: value for name, value in values(item).items() if value not in (None, False)
        } | {"start": item.start}


@pytest.mark.parametrize("lines", [True, False])
@pytest.mark.parametrize("value", [b"\xffa", "\ufffd".encode()])
def test_items_are_equal_however_they_were_made(value: bytes, lines: bool) -> None:
    """Many blocks that are alike at once, one in each call, and line by line from single bytes."""
    block = b": c\nx: y\nevent: e\ndata: " + value + b"\n\n"
    at_once = Observer(lines=lines).feed(block * 300)
    for size in (1, len(block)):
        observer = Observer(lines=lines)
        items = [item for chunk in rechunk(block * 300, size) for item in observer.feed(chunk)]
        assert items == at_once
        assert list(map(repr, items)) == list(map(repr, at_once))


def lint(stream: bytes) -> list[str]:
    """The items are enough for a lint for server authors."""
    observer = Observer()
    complaints = []
    for item in observer.feed(stream):
        if item.reason:
            complaints.append(f"{item.start}: {item.name!r} ignored: {item.reason}")
        if item.kind == "block" and item.event and item.data is None:
            complaints.append(f"{item.start}: a block of type {item.event!r} without data")
        if item.kind == "byte order mark":
            complaints.append(f"{item.start}: a byte order mark of {item.end - item.start} bytes")
        if item.terminator == "\r" and stream[item.end : item.end + 1] != b"\n":
            complaints.append(f"{item.end - 1}: a bare CR")
        if item.replaced:
            complaints.append(f"{item.start}: not UTF-8")
    left = observer.close()
    if left:
        complaints.append(f"{left.start}: ends inside an event")
    return complaints


def test_a_lint_needs_no_more_than_the_items() -> None:
    stream = BOM + b"Data: a\nevent: x\n\ndata: \xff\r\rretry: 5s\r\n\r\nid: 7\n"
    assert lint(stream) == [
        "0: a byte order mark of 3 bytes",
        "3: 'Data' ignored: unknown name",
        "20: a block of type 'x' without data",
        "28: a bare CR",
        "21: not UTF-8",
        "29: a bare CR",
        "30: 'retry' ignored: retry not taken",
        "43: ends inside an event",
    ]
