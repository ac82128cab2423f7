"""I4: the limit, on both sides of each border; the default; the arguments.

A case is a stream, its peak (the highest count that it reaches, in bytes) and the offset of the
byte that takes the count there. The numbers were counted by hand.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given

import reference
from running import check_all, feed_all, without_items
from sseparse import Event, EventTooLargeError, Observer, Parser
from sseparse.testing import every_split, rechunk
from strategies import BOM, limits, short_streams

CASES = [
    # Each kind of line, while it is the current one.
    (b"data: abc\n\n", 9, 8),
    (b"data:abc\n\n", 8, 7),
    (b"data\n\n", 4, 3),
    (b"event: abc\n\n", 10, 9),
    (b"event\n\n", 5, 4),
    (b"id: abc\n\n", 7, 6),
    (b"retry: 100\n\n", 10, 9),
    (b"retry: soon\n\n", 11, 10),
    (b": comment\n\n", 9, 8),
    (b"other: abc\n\n", 10, 9),
    (b"other\n\n", 5, 4),
    # A line that has not ended.
    (b"data: abc", 9, 8),
    (b": comment", 9, 8),
    # Complete data, event and id lines count until the blank line.
    (b"data\ndata\ndata\n\n", 12, 13),
    (b"event: x\ndata: y\n\n", 15, 15),
    (b"id: 1\ndata: y\n\n", 12, 12),
    (b"id: \0\ndata: y\n\n", 12, 12),
    (b"data: y\nid: 12\n\n", 13, 13),
    (b"data: y\n\n: a long comment\n\n", 16, 24),
    (b"data: abcdef\n\ndata: y\n\n", 12, 11),
    (b"data: y\n\ndata: abcdef\n\n", 12, 20),
    (b"data: y\n\nevent: x\n\nid: abc\ndata\n\n", 11, 30),
    # Comments and ignored lines count only while they are the current line.
    (b": comment\ndata: y\n\n", 9, 8),
    (b"retry: 100\ndata: y\n\n", 10, 9),
    (b"other: abc\ndata: y\n\n", 10, 9),
    (b"data: y\n: comment\ndata: y\n\n", 16, 16),
    (b"data: y\nretry: 100\ndata: y\n\n", 17, 17),
    (b"data: y\nDATA: y\nid\ndata: y\n\n", 16, 25),
    # Line ends are not counted.
    (b"data: abc\r\r", 9, 8),
    (b"data: abc\r\n\r\n", 9, 8),
    (b"data\r\ndata\r\ndata\r\n\r\n", 12, 15),
    (b"data\rdata\rdata\r\r", 12, 13),
    (b"data\r\n\r\ndata: y\r\n\r\n", 7, 14),
    (b"\r\n\r\r\n\ndata\n\n", 4, 9),
    # The byte order mark at the start is not counted.
    (BOM + b"data: abc\n\n", 9, 11),
    (BOM + b"data: abc\r\n\r\n", 9, 11),
    (BOM + BOM + b"data\n\n", 7, 9),
    (BOM + b"\n" + BOM + b"\n", 3, 6),
    # Bytes that only begin like one belong to the first line.
    (b"\xef\xbbdata\n\n", 6, 5),
    (b"\xef\xbb\n\n", 2, 1),
    (b"\xefdata\n\n", 5, 4),
    # The limit counts bytes as they were sent, not characters.
    ("data: é€😀\n\n".encode(), 15, 14),
    (b"data: \xff\xff\n\n", 8, 7),
]


@pytest.mark.parametrize(("stream", "peak", "offset"), CASES)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_both_sides_of_the_border(stream: bytes, peak: int, offset: int, size: int) -> None:
    chunks = rechunk(stream, size)
    unlimited = feed_all(chunks)
    assert unlimited == without_items(reference.outcome(stream))
    for limit in (peak, peak + 1):
        assert feed_all(chunks, limit=limit) == unlimited
        check_all(chunks, limit=limit)
    if peak > 1:
        assert feed_all(chunks, limit=peak - 1).offset == offset
        check_all(chunks, limit=peak - 1)


@pytest.mark.parametrize(("stream", "peak"), [case[:2] for case in CASES])
def test_both_sides_of_the_border_after_blocks_alike(stream: bytes, peak: int) -> None:
    """The same after the machine has learnt a template, which it then uses if it fits."""
    known = b"data: abc\n\ndata: abc\n\n"
    if stream.startswith(BOM):
        known = BOM + known
        stream = stream.removeprefix(BOM)
    stream = known + stream
    at = max(peak, 9)
    for chunks in ([stream], [known, stream[len(known) :]], rechunk(stream, 1)):
        for limit in (at - 1, at, at + 1):
            check_all(chunks, limit=limit)


@pytest.mark.parametrize(("stream", "peak", "offset"), CASES)
def test_every_limit_and_every_pair_of_cuts(stream: bytes, peak: int, offset: int) -> None:
    assert reference.offending(stream, peak - 1) == offset
    for limit in range(1, peak + 2):
        expected = without_items(reference.outcome(stream, limit))
        for first in range(len(stream)):
            for second in (first, first + 1, len(stream) - 1):
                assert feed_all(rechunk(stream, [first, second - first]), limit=limit) == expected


@given(short_streams, limits)
@example(b"\xef\xbbx", 1)
@example(b"\xef\xbb", 1)
@example(b"retry: 5\nid: 1\n\ndata: toolong", 10)
def test_the_limit_is_the_reference(stream: bytes, limit: int | None) -> None:
    for size in (1, 2, 5, max(1, len(stream))):
        check_all(rechunk(stream, size), limit=limit)


@pytest.mark.parametrize(
    ("stream", "offset"),
    [
        # The first two bytes are not counted if the third one completes the byte order mark.
        # Otherwise the second of them is beyond the limit.
        (b"\xef\xbb\xbf", None),
        (b"\xef\xbb\xbfa", None),
        (b"\xef\xbb\xbfab", 4),
        (b"\xef\xbba", 1),
        (b"\xef\xbb\n", 1),
        (b"\xef\xbb\r\n", 1),
        (b"\xef\xbb\xef", 1),
        (b"\xef\xbb", None),
        (b"\xefa", 1),
        (b"\xef\n\n", None),
        (b"\xef\xbb\xbf\xef\xbb", 4),
        (b"\xef\xbb\xbf\xef\xbb\xbf", 4),
    ],
)
def test_the_smallest_limit_and_a_byte_order_mark(stream: bytes, offset: int | None) -> None:
    """The byte that decides whether there is a byte order mark raises at once, at every cut."""
    assert reference.offending(stream, 1) == offset
    # Nothing can be raised before the byte order mark is decided. After that, nothing may be late.
    decided = 3 if stream.startswith(b"\xef\xbb") else 2
    for chunks in [rechunk(stream, 1), *every_split(stream)]:
        check_all(chunks, limit=1)
        parser = Parser(max_event_size=1)
        fed = 0
        for chunk in chunks:
            fed += len(chunk)
            is_due = offset is not None and fed > max(offset, decided - 1)
            try:
                parser.feed(chunk)
                assert not is_due
            except EventTooLargeError as error:
                assert (error.offset, is_due) == (offset, True)


def test_the_error_carries_what_its_call_completed() -> None:
    parser = Parser(max_event_size=8)
    assert parser.feed(b"data: 1\n\n") == [Event("message", "1", "")]
    with pytest.raises(EventTooLargeError) as caught:
        parser.feed(b"data: 2\n\nid: 3\ndata\n\nretry: 9\nid: 4\nevent:\n\ndata: 5\n\n")
    error = caught.value
    assert error.events == [Event("message", "2", "")]
    assert (error.limit, error.offset) == (8, 9 + 9 + 6 + 3)
    assert (parser.last_event_id, parser.retry) == ("", None)


def test_the_state_before_the_error_stays() -> None:
    parser = Parser(max_event_size=8)
    with pytest.raises(EventTooLargeError):
        parser.feed(b"id: 3\n\nretry: 9\nid: 4\nevent: x\n\n")
    assert (parser.last_event_id, parser.retry) == ("3", 9)


@pytest.mark.parametrize("parser_class", [Parser, Observer])
def test_the_parser_stays_failed(parser_class: Any) -> None:
    parser = parser_class(max_event_size=8)
    with pytest.raises(EventTooLargeError) as first:
        parser.feed(b"data: 1\n\ndata: 23456")
    assert len(first.value.events) == 1
    for chunk in (b"", b"\n\n", b"data: 4\n\n"):
        with pytest.raises(EventTooLargeError) as later:
            parser.feed(chunk)
        assert (later.value.limit, later.value.offset) == (8, first.value.offset)
        assert str(later.value) == str(first.value)
        assert later.value.events == later.value.items == []
    assert parser.close() is None
    with pytest.raises(RuntimeError):
        parser.feed(b"")
    assert parser.close() is None


def test_a_failed_parser_still_reports_misuse() -> None:
    parser = Parser(max_event_size=1)
    with pytest.raises(EventTooLargeError):
        parser.feed(b"ab")
    bad: Any = "text"
    with pytest.raises(TypeError):
        parser.feed(bad)


def test_the_default_is_64_mib_and_none_is_no_limit() -> None:
    limit = 64 * 1024 * 1024
    value = b"x" * (limit - len(b"data: "))
    parser, unlimited = Parser(), Parser(max_event_size=None)
    assert parser.feed(b"\ndata: ") == unlimited.feed(b"\ndata: ") == []
    assert parser.feed(value) == unlimited.feed(value) == []
    assert unlimited.feed(b"x") == []
    assert [len(event.data) for event in unlimited.feed(b"\n\n")] == [len(value) + 1]
    with pytest.raises(EventTooLargeError) as caught:
        parser.feed(b"x")
    assert (caught.value.limit, caught.value.offset) == (limit, limit + 1)


# A block of an Observer keeps comments as long as the limit has room for the characters of their
# texts and 64 more for each.


@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        *[(64, ()), (65, ("a",)), (66, ("a",)), (131, ("a",)), (132, ("a", "ébc"))],
        *[(195, ("a", "ébc")), (196, ("a", "ébc", "")), (None, ("a", "ébc", ""))],
    ],
)
def test_the_comments_of_a_block(limit: int | None, kept: tuple[str, ...], blocks: int) -> None:
    stream = ": a\n: ébc\n:\ndata: x\n\n".encode() * blocks
    assert {item.comments for item in reference.outcome(stream, limit).items[-1:]} == {kept}
    for chunks in every_split(stream):
        check_all(chunks, limit=limit)
    observer = Observer(lines=False, max_event_size=limit)
    assert [block.comments for block in observer.feed(stream)] == [kept] * blocks


def test_comments_without_end_take_no_memory() -> None:
    observer = Observer(lines=False, max_event_size=10_000)
    tracemalloc.start()
    try:
        for number in range(1000):
            assert observer.feed(b": %d\n" % number * 100) == []
        assert tracemalloc.get_traced_memory()[0] < 20_000
    finally:
        tracemalloc.stop()
    (block,) = observer.feed(b"\n")
    assert block.comments == ("0",) * 100 + ("1",) * 53
    (block,) = observer.feed(b": b\n\n")
    assert block.comments == ("b",)


@pytest.mark.parametrize("parser_class", [Parser, Observer])
@pytest.mark.parametrize("limit", [0, -1, -(10**30)])
def test_a_limit_below_one_byte(limit: int, parser_class: Any) -> None:
    with pytest.raises(ValueError, match=f"max_event_size must be at least 1 byte, not {limit}"):
        parser_class(max_event_size=limit)


@pytest.mark.parametrize("parser_class", [Parser, Observer])
@pytest.mark.parametrize("limit", [True, False, "8", 8.0, b"8", (8,)])
def test_a_limit_that_is_not_an_int(limit: Any, parser_class: Any) -> None:
    with pytest.raises(TypeError):
        parser_class(max_event_size=limit)


def test_a_bool_is_not_a_limit() -> None:
    message = r"^max_event_size must be an int \(bytes\) or None, not bool$"
    with pytest.raises(TypeError, match=message):
        Parser(max_event_size=True)


@pytest.mark.parametrize("limit", [10**9, 2**62 - 1, 2**62, 2**64, 10**30])
def test_a_limit_beyond_every_stream(limit: int) -> None:
    assert Parser(max_event_size=limit).feed(b"data: a\n\n") == [Event("message", "a", "")]
    assert len(Observer(max_event_size=limit).feed(b"data: a\n\n")) == 2


def kept_at_the_limit(line: bytes, limit: int) -> int:
    """Return how many bytes a parser holds when lines have filled it up to the limit."""
    parser = Parser(max_event_size=limit)
    chunk = line * 50
    parser.feed(b"data: one\n\n" + chunk)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(limit // (len(line) - 1) // 50 - 1):
            parser.feed(chunk)
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("stream", [b"x" * 10**6, b"data:" + b"x" * 10**6 + b"\n"])
def test_close_keeps_one_copy_of_the_pending_event(stream: bytes) -> None:
    tracemalloc.start()
    try:
        parser = Parser()
        parser.feed(stream)
        assert parser.close() is not None
        assert tracemalloc.get_traced_memory()[0] < 1.5 * len(stream)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("line", [b"data:ab\n", b"data:\xc3\xa9\n", b"data: " + b"x" * 99 + b"\n"])
def test_the_held_memory_is_a_small_multiple_of_the_limit(line: bytes) -> None:
    limit = 2**17
    assert kept_at_the_limit(line, limit) < 2 * limit
