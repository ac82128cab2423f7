"""The observed form, case by case, and a lint written on it."""

from __future__ import annotations

import pytest

import reference
from running import observe_all
from sseparse import (
    ByteOrderMark,
    Comment,
    Event,
    EventTooLargeError,
    Field,
    NoData,
    Observed,
    Parser,
)
from sseparse.testing import rechunk
from strategies import BOM


def test_every_kind_of_item() -> None:
    parser = Parser()
    stream = BOM + b": hi\r\nid: 1\r\rdata: a\n\nother\nretry: x\nid: \0\n"
    seen = parser.observe(stream)
    assert [type(each) for each in seen] == [Observed] * 9
    assert seen == [
        Observed(ByteOrderMark(), 0, 3, "", False),
        Observed(Comment("hi"), 3, 8, "\r", False),
        Observed(Field("id", "1", True, None), 9, 15, "\r", False),
        Observed(NoData("", "1"), 15, 16, "\r", False),
        Observed(Field("data", "a", True, None), 16, 24, "\n", False),
        Observed(Event("message", "a", "1"), 24, 25, "\n", False),
        Observed(Field("other", "", False, "unknown name"), 25, 31, "\n", False),
        Observed(Field("retry", "x", False, "retry not taken"), 31, 40, "\n", False),
        Observed(Field("id", "\0", False, "NUL in id"), 40, 46, "\n", False),
    ]
    kinds = [ByteOrderMark, Comment, Field, NoData, Field, Event, Field, Field, Field]
    assert [type(each.item) for each in seen] == kinds


@pytest.mark.parametrize(
    ("line", "item"),
    [
        (b":", Comment("")),
        (b": ", Comment("")),
        (b":a", Comment("a")),
        (b":  a", Comment(" a")),
        (b"::", Comment(":")),
        (b"data", Field("data", "", True, None)),
        (b"data:", Field("data", "", True, None)),
        (b"data:  a: b", Field("data", " a: b", True, None)),
        (b"event:", Field("event", "", True, None)),
        (b"id", Field("id", "", True, None)),
        (b"id: a\0b", Field("id", "a\0b", False, "NUL in id")),
        (b"retry: 007", Field("retry", "007", True, None)),
        (b"retry", Field("retry", "", False, "retry not taken")),
        (b"retry: 1 ", Field("retry", "1 ", False, "retry not taken")),
        (b"retry: " + b"9" * 601, Field("retry", "9" * 601, False, "retry not taken")),
        (b"Data: a", Field("Data", "a", False, "unknown name")),
        ("é: ü".encode(), Field("é", "ü", False, "unknown name")),
        (BOM + b"data: a", Field("\ufeffdata", "a", False, "unknown name")),
    ],
)
def test_one_line(line: bytes, item: Comment | Field) -> None:
    first, seen = Parser().observe(b"\n" + line + b"\r")
    assert first == Observed(NoData("", ""), 0, 1, "\n", False)
    assert type(seen.item) is type(item)
    assert seen == Observed(item, 1, len(line) + 2, "\r", False)


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
        parser = Parser()
        seen = [each for chunk in rechunk(line + b"\r\n\n", size) for each in parser.observe(chunk)]
        assert [each.replaced for each in seen] == [replaced, False]


def test_a_line_may_end_with_any_byte() -> None:
    for byte in set(range(256)) - {10, 13}:
        stream = b"data: " + bytes([byte]) + b"\n"
        assert observe_all([stream]) == observe_all(rechunk(stream, 1))
        assert observe_all([stream]).observed == reference.outcome(stream).observed


def test_a_block_without_data_names_what_is_dropped() -> None:
    seen = Parser(last_event_id="0").observe(b"event: a\n\nid: 1\n\n")
    assert [each.item for each in seen] == [
        Field("event", "a", True, None),
        NoData("a", "0"),
        Field("id", "1", True, None),
        NoData("", "1"),
    ]


def test_terminators_do_not_depend_on_the_cut() -> None:
    stream = b"data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n\r\n"
    whole = observe_all([stream])
    assert [seen.terminator for seen in whole.observed] == list("\r\r\r\r\n\n\r")
    for size in range(1, len(stream)):
        assert observe_all(rechunk(stream, size)) == whole


def test_a_byte_order_mark_is_seen_once_it_is_complete() -> None:
    parser = Parser()
    assert parser.observe(b"\xef") == []
    assert parser.observe(b"\xbb") == []
    assert parser.observe(b"\xbf") == [Observed(ByteOrderMark(), 0, 3, "", False)]
    assert parser.observe(b"") == []
    assert parser.observe(BOM + b"\n") == [
        Observed(Field("\ufeff", "", False, "unknown name"), 3, 7, "\n", False)
    ]


def test_the_error_carries_items_and_events() -> None:
    parser = Parser(max_event_size=8)
    with pytest.raises(EventTooLargeError) as caught:
        parser.observe(BOM + b"data: 1\n\nid: 1\ndata: 23")
    error = caught.value
    assert error.events == [Event("message", "1", "")]
    assert error.observed == [
        Observed(ByteOrderMark(), 0, 3, "", False),
        Observed(Field("data", "1", True, None), 3, 11, "\n", False),
        Observed(Event("message", "1", ""), 11, 12, "\n", False),
        Observed(Field("id", "1", True, None), 12, 18, "\n", False),
    ]
    assert (error.limit, error.offset) == (8, 21)


def test_pending_after_observe() -> None:
    parser = Parser()
    parser.observe(b"data: 1\n\nid: 2\nda")
    assert parser.close() == ("message", "", "2", b"da", 9)


def lint(stream: bytes) -> list[str]:
    """What a server author wants to hear, from the items alone."""
    parser = Parser()
    complaints = []
    for item, start, end, terminator, replaced in parser.observe(stream):
        if isinstance(item, Field) and item.reason:
            complaints.append(f"{start}: {item.name!r} ignored: {item.reason}")
        if isinstance(item, NoData) and item.type:
            complaints.append(f"{start}: a block of type {item.type!r} without data")
        if isinstance(item, ByteOrderMark):
            complaints.append(f"{start}: a byte order mark of {end - start} bytes")
        if terminator == "\r" and stream[end : end + 1] != b"\n":
            complaints.append(f"{end - 1}: a bare CR")
        if replaced:
            complaints.append(f"{start}: not UTF-8")
    left = parser.close()
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
