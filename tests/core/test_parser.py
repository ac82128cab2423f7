"""The grammar, the parser's state and its misuse, case by case."""

from __future__ import annotations

import copy
import mmap
import sys
from typing import TYPE_CHECKING, Any

import pytest

import reference
from running import check_all, feed_all, load_copy, run_python, without_items
from sseparse import Event, Observer, Parser, Pending, parse
from sseparse._core._machine import BUSY
from sseparse.testing import rechunk
from strategies import BOM

if TYPE_CHECKING:
    from pathlib import Path

EACH_CLASS = pytest.mark.parametrize("parser_class", [Parser, Observer])


def events(stream: bytes) -> list[tuple[str, str, str]]:
    """Return the events of a stream, and assert that they are the same whole and byte by byte."""
    whole = feed_all([stream])
    assert feed_all(rechunk(stream, 1)) == whole
    return whole.events


# Lines.


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_each_line_end(end: bytes) -> None:
    stream = end.join([b"event: a", b"data: 1", b"data: 2", b"", b"data: 3", b"", b""])
    assert events(stream) == [("a", "1\n2", ""), ("message", "3", "")]


def test_line_ends_mixed_in_one_stream() -> None:
    assert events(b"data: 1\r\ndata: 2\rdata: 3\n\ndata: 4\n\r\n") == [
        ("message", "1\n2\n3", ""),
        ("message", "4", ""),
    ]


def test_lf_cr_is_two_line_ends() -> None:
    assert events(b"data: 1\n\rdata: 2\n\r") == [("message", "1", ""), ("message", "2", "")]


def test_no_other_character_ends_a_line() -> None:
    value = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
    assert events(f"data: {value}\r\r".encode()) == [("message", value, "")]


def test_line_ends_alone_give_nothing() -> None:
    assert events(b"\n\r\n\r\r\n\n") == []


@pytest.mark.parametrize("lines", [1, 2, 1024, 1025, 1026, 2049, 2050, 2051, 5000])
@pytest.mark.parametrize("size", [1, 6, 6144, 6145, 6150, 6151, 10**6])
def test_every_number_of_data_lines(lines: int, size: int) -> None:
    # Data lines are joined in groups. A blank line that comes alone, just after a group was joined,
    # must give its event all lines.
    stream = b"data:\n" * lines + b"\n" + b"data: x\ndata: y\n\n"
    assert feed_all(rechunk(stream, size)).events == [
        ("message", "\n" * (lines - 1), ""),
        ("message", "x\ny", ""),
    ]


RUN = b"data: 12345\n\n" * 100


@pytest.mark.parametrize(
    "between",
    [
        *[
            b"",
            b"\n",
            b"\n\n",
            b"\r",
            b"\r\n",
            b"\n\r",
            b"\r\r",
            b":\n",
            b": a\r\n",
            b":\n\n",
            b" \n",
        ],
        *[b"data\n\n", b"data:\n\n", b"data: \n\n", b"data:  a\n\n", b"data:a\n\n", b"Data: a\n\n"],
        *[b"data: a\n", b"data: a\ndata: b\n\n", b"data: a\n: b\n\n", b"data: a\nid: 1\n\n"],
        *[b"event: a\n", b"event: a\n\n", b"id: 1\n", b"id: 1\n\n", b"id: \0\n", b"retry: 1\n"],
        *[
            b"other\n",
            b"data: \xff\n\n",
            b"\xff\n",
            "é\n\n".encode(),
            f"data: {'é' * 13}\n\n".encode(),
            BOM,
            BOM + b"\n",
            b"data: \0\n\n",
        ],
    ],
)
def test_other_lines_between_runs_of_plain_events(between: bytes) -> None:
    for stream in (RUN + between + RUN, between + RUN, RUN + between, RUN + between + RUN[:-1]):
        check_all([stream])
        expected = without_items(reference.outcome(stream))
        for size in (1, 700, 1500):
            assert feed_all(rechunk(stream, size)) == expected, size
        for cut_at in (len(RUN) - 1, len(RUN), len(RUN) + len(between)):
            assert feed_all(rechunk(stream, [cut_at])) == expected


# The byte order mark and UTF-8.


def test_one_byte_order_mark_is_stripped() -> None:
    assert events(BOM + b"data: 1\n\n") == [("message", "1", "")]


def test_a_second_byte_order_mark_is_part_of_the_name() -> None:
    assert events(BOM + BOM + b"data: 1\n\ndata: 2\n\n") == [("message", "2", "")]


def test_a_byte_order_mark_later_is_text() -> None:
    assert events(b"\n" + BOM + b"data: 1\ndata:" + BOM + b"2\n\n") == [("message", "\ufeff2", "")]


@pytest.mark.parametrize("start", [b"\xef", b"\xef\xbb", b"\xef\xbb\xbe", b"\xbb\xbf", b"\xfe\xff"])
def test_what_only_begins_like_a_byte_order_mark(start: bytes) -> None:
    assert events(start + b"data: 1\n\ndata: 2\n\n") == [("message", "2", "")]
    assert events(start + b"\ndata: 2\n\n") == [("message", "2", "")]


def test_empty_chunks_before_a_byte_order_mark() -> None:
    assert feed_all([b"", b"\xef", b"", b"\xbb", b"", b"\xbfdata\n\n"]).events == [
        ("message", "", "")
    ]


def test_broken_utf8_is_replaced_in_each_value() -> None:
    assert events(b"event: \xff\nid: \xe2\x82\ndata: \xed\xa0\x80\xc3\xa9\n\n") == [
        ("\ufffd", "\ufffd\ufffd\ufffdé", "\ufffd")
    ]


def test_a_character_cut_by_a_line_end_is_replaced() -> None:
    assert events(b"data: \xe2\x82\n\xac\ndata: \xac\n\n") == [("message", "\ufffd\n\ufffd", "")]


# Fields.


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"data", ""),
        (b"data:", ""),
        (b"data: ", ""),
        (b"data:a", "a"),
        (b"data: a", "a"),
        (b"data:  a ", " a "),
        (b"data::a", ":a"),
        (b"data: :a", ":a"),
        (b"data: a: b", "a: b"),
        (b"data:\ta", "\ta"),
        (b"data:\0", "\0"),
    ],
)
def test_value_of_a_field(line: bytes, value: str) -> None:
    assert events(line + b"\n\n") == [("message", value, "")]


@pytest.mark.parametrize(
    "line",
    [
        b"Data: a",
        b" data: a",
        b"data : a",
        b"dat: a",
        b"dataa: a",
        b"data a",
        b"\0data: a",
        b":data: a",
    ],
)
def test_names_are_compared_literally(line: bytes) -> None:
    assert events(line + b"\n\n") == []


def test_comments_are_ignored() -> None:
    assert events(b":\n: a\ndata: 1\n:data: 2\ndata: 3\n:\n\n") == [("message", "1\n3", "")]


def test_the_last_type_counts_and_lasts_for_one_block() -> None:
    assert events(b"event: a\nevent: b\ndata: 1\n\ndata: 2\n\n") == [
        ("b", "1", ""),
        ("message", "2", ""),
    ]


def test_an_empty_type_is_message() -> None:
    assert events(b"event: a\nevent:\ndata: 1\n\n") == [("message", "1", "")]


def test_a_block_without_data_gives_nothing_and_drops_its_type() -> None:
    assert events(b"event: a\n\ndata: 1\n\nretry: 1\n\nid: 1\n\n") == [("message", "1", "")]


def test_the_id_is_sticky() -> None:
    assert events(b"data: 0\n\nid: 1\ndata: 1\n\ndata: 2\n\nid\ndata: 3\n\n") == [
        ("message", "0", ""),
        ("message", "1", "1"),
        ("message", "2", "1"),
        ("message", "3", ""),
    ]


def test_an_id_with_nul_is_ignored_whole() -> None:
    assert events(b"id: 1\nid: 2\0\ndata: 1\n\n") == [("message", "1", "1")]


def test_the_last_event_id_is_committed_by_the_blank_line_only() -> None:
    parser = Parser()
    parser.feed(b"id: 1\ndata: 1\n")
    assert parser.last_event_id == ""
    parser.feed(b"\nid: 2\ndata: 2")
    assert parser.last_event_id == "1"
    parser.close()
    assert parser.last_event_id == "1"


def test_an_id_without_data_is_committed() -> None:
    parser = Parser()
    assert parser.feed(b"id: 1\n\n") == []
    assert parser.last_event_id == "1"
    assert parser.feed(b"data: a\n\n") == [Event("message", "a", "1")]


def test_the_given_last_event_id_holds_until_the_stream_sends_one() -> None:
    parser = Parser(last_event_id="7")
    assert parser.last_event_id == "7"
    assert parser.feed(b"data: a\n\n") == [Event("message", "a", "7")]
    assert parser.feed(b"id:\ndata: b\n\n") == [Event("message", "b", "")]
    assert parser.last_event_id == ""


# retry.


@pytest.mark.parametrize(
    ("value", "retry"),
    [
        (b"0", 0),
        (b"10", 10),
        (b"0010", 10),
        (b"0" * 700 + b"5", 5),
        (b"0" * 5000, 0),
        (b"9" * 600, 10**600 - 1),
        (b"0" * 9 + b"1" + b"0" * 599, 10**599),
    ],
)
def test_retry_taken(value: bytes, retry: int) -> None:
    outcome = feed_all([b"retry: " + value + b"\n"])
    assert outcome.retry == retry
    assert feed_all([b"retry:" + value + b"\r"]).retry == retry


@pytest.mark.parametrize(
    "value",
    [
        *[b"", b" ", b" 10", b"10 ", b"+10", b"-1", b"1.5", b"1e3", b"1_000", b"0x10", b"10\0"],
        *["٣".encode(), "１０".encode(), "²".encode(), b"1\xff", b"\xb2", b"9" * 601, b"1" * 5000],
    ],
)
def test_retry_ignored(value: bytes) -> None:
    assert feed_all([b"retry: 77\nretry: " + value + b"\n"]).retry == 77


def test_retry_counts_at_once() -> None:
    parser = Parser()
    assert parser.retry is None
    parser.feed(b"retry: 1")
    assert parser.retry is None
    parser.feed(b"\r")
    assert parser.retry == 1


def test_retry_under_the_smallest_digit_limit() -> None:
    code = """
import sys
from sseparse import Parser, encode
assert sys.flags.int_max_str_digits == 640
parser = Parser()
for digits in [b"9" * 600, b"9" * 601, b"9" * 641, b"9" * 5000, b"0" * 5000]:
    parser.feed(b"retry: " + digits + b"\\n")
    print(parser.retry)
print(encode(retry=10**600 - 1) == b"retry: " + b"9" * 600 + b"\\n\\n")
"""
    nines = "9" * 600
    assert run_python(code, PYTHONINTMAXSTRDIGITS="640").split() == [nines] * 4 + ["0", "True"]


# The end of the stream.


@pytest.mark.parametrize(
    ("stream", "pending"),
    [
        (b"", None),
        (BOM, None),
        (b"\r", None),
        (b"data: a\n\n", None),
        (b": comment\nretry: 1\nother\n", None),
        (b"other\n: comment\n: comment\nretry: 1\nretry: x\n: comment\n", None),
        (b"data: a\n", Pending("message", "a", "", b"", 0)),
        (b"data", Pending("message", "", "", b"data", 0)),
        (b"data\n", Pending("message", "", "", b"", 0)),
        (b"data\ndata\ndata: b\n", Pending("message", "\n\nb", "", b"", 0)),
        (b"event: e\n", Pending("e", "", "", b"", 0)),
        (b"event\n", Pending("message", "", "", b"", 0)),
        (b"id: 1\n", Pending("message", "", "1", b"", 0)),
        (b"id: 1\n\nid: 1\n", Pending("message", "", "1", b"", 7)),
        (b"id\n", Pending("message", "", "", b"", 0)),
        (b": com", Pending("message", "", "", b": com", 0)),
        (b"\n\xe2\x82", Pending("message", "", "", b"\xe2\x82", 1)),
        (b"\xef", Pending("message", "", "", b"\xef", 0)),
        (b"\xef\xbb", Pending("message", "", "", b"\xef\xbb", 0)),
        (BOM + b"data", Pending("message", "", "", b"data", 3)),
        (b"data: a\r\n\r\ndata: b\r\n", Pending("message", "b", "", b"", 11)),
        (b"data: a\r\rdata: b\r", Pending("message", "b", "", b"", 9)),
        (b"data: a\r\n\r\ndata: b\r", Pending("message", "b", "", b"", 11)),
        (b"data: a\r\n\r\ndata: b\r\nid: 1\rx", Pending("message", "b", "1", b"x", 11)),
        (b"data: a\n\n: c\nid: 1\ndata: b\r\ndat", Pending("message", "b", "1", b"dat", 9)),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_close_returns_the_pending_event(stream: bytes, pending: Pending | None, size: int) -> None:
    parser = Parser()
    for chunk in rechunk(stream, size):
        parser.feed(chunk)
    left = parser.close()
    assert left == pending
    assert pending is None or type(left) is Pending
    assert parser.close() is left


def test_close_before_any_byte() -> None:
    assert Parser(last_event_id="1").close() is None


def test_pending_has_the_last_event_id_from_before() -> None:
    parser = Parser(last_event_id="1")
    parser.feed(b"data: a\n")
    assert parser.close() == Pending("message", "a", "1", b"", 0)


@EACH_CLASS
def test_no_bytes_after_close(parser_class: Any) -> None:
    parser = parser_class()
    assert parser.feed(b"data: a\n") is not None
    parser.close()
    for chunk in (b"\n", b""):
        message = rf"^feed\(\) after close\(\); a new stream needs a new {parser_class.__name__}$"
        with pytest.raises(RuntimeError, match=message):
            parser.feed(chunk)
    assert parser.close() == Pending("message", "a", "", b"", 0)


# Arguments.


@EACH_CLASS
@pytest.mark.parametrize("last_event_id", ["\0", "a\rb", "a\n"])
def test_a_last_event_id_that_no_stream_can_send(last_event_id: str, parser_class: Any) -> None:
    with pytest.raises(ValueError, match=r"^last_event_id holds NUL, CR or LF"):
        parser_class(last_event_id=last_event_id)


@EACH_CLASS
@pytest.mark.parametrize("last_event_id", [b"1", 1, False])
def test_a_last_event_id_that_is_not_a_str(last_event_id: Any, parser_class: Any) -> None:
    # Compiled code checks the types of arguments first, with messages of its own.
    with pytest.raises(TypeError, match=rf"str.*(not|got) {type(last_event_id).__name__}$"):
        parser_class(last_event_id=last_event_id)


@EACH_CLASS
def test_none_as_last_event_id_means_no_id(parser_class: Any) -> None:
    parser = parser_class(last_event_id=None)
    assert parser.last_event_id == ""
    [*_, last] = parser.feed(b"data: a\n\n")
    assert last.last_event_id == parser.last_event_id == ""


@EACH_CLASS
def test_arguments_by_keyword_only(parser_class: Any) -> None:
    for arguments in (("1",), (True,), ("", None)):
        with pytest.raises(TypeError):
            parser_class(*arguments)


@pytest.mark.parametrize("lines", [None, 0, 1, "yes", b""])
def test_lines_is_a_bool(lines: Any) -> None:
    name = type(lines).__name__.removesuffix("Type")  # NoneType, or None
    with pytest.raises(TypeError, match=rf"bool.*(not|got) {name}"):
        Observer(lines=lines)


class Bytes(bytes):
    """A subclass of bytes, such as some libraries pass as chunks."""


VIEWED = bytearray(b"xdata: a\n\nx")


@pytest.mark.parametrize(
    "chunk",
    [
        b"data: a\n\n",
        Bytes(b"data: a\n\n"),
        bytearray(b"data: a\n\n"),
        memoryview(b"data: a\n\n"),
        memoryview(VIEWED)[1:-1],
        memoryview(b"data: a\n\n").cast("b"),
        memoryview(b"data: a\n\n").cast("c"),
        memoryview(b"data: a\n\n").cast("B", (3, 3)),
    ],
)
def test_chunks_taken(chunk: bytes | bytearray | memoryview) -> None:
    assert Parser().feed(chunk) == [Event("message", "a", "")]
    assert parse(chunk) == [Event("message", "a", "")]
    assert len(Observer().feed(chunk)) == 2


def released() -> memoryview:
    view = memoryview(b"data: a\n\n")
    view.release()
    return view


@pytest.mark.parametrize(
    "chunk",
    [
        "data: a\n\n",
        None,
        1,
        True,
        [100],
        memoryview(b"data: a\n\n")[::2],
        memoryview(b"data: a\n\n")[::-1],
        memoryview(b"data: a\n")[:8].cast("H"),
        memoryview(b"data: a\n").cast("B", (4, 2))[::2],
        released(),
        mmap.mmap(-1, 1),  # which parse() takes
    ],
)
@EACH_CLASS
def test_chunks_refused_before_anything_changes(chunk: Any, parser_class: Any) -> None:
    parser = parser_class()
    with pytest.raises(TypeError):
        parser.feed(chunk)
    # The parser has not changed: it still strips a byte order mark.
    found = parser.feed(BOM + b"id: 1\ndata: a")
    with pytest.raises(TypeError):
        parser.feed(chunk)
    found += parser.feed(b"\n\n")
    events = found if parser_class is Parser else [found[-1].to_event()]
    assert events == [Event("message", "a", "1")]
    assert parser_class is Parser or [item.start for item in found] == [0, 3, 9, 17]
    if not isinstance(chunk, mmap.mmap):
        with pytest.raises(TypeError):
            parse(chunk)


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        ("a", "expected bytes, bytearray or memoryview, not str; give the bytes as they came, "),
        (None, "expected bytes, bytearray or memoryview, not NoneType; "),
        (memoryview(b"aaa")[::2], "a memoryview must be C-contiguous and of single bytes; "),
        (memoryview(b"aa").cast("H"), "a memoryview must be C-contiguous and of single bytes; "),
        (released(), "not a usable memoryview: operation forbidden on released memoryview"),
    ],
)
def test_the_error_for_a_refused_chunk(chunk: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}"):
        Parser().feed(chunk)


def test_a_refused_chunk_after_close() -> None:
    parser = Parser()
    parser.close()
    bad: Any = "data"
    with pytest.raises(TypeError):
        parser.feed(bad)


@EACH_CLASS
@pytest.mark.parametrize("name", ["last_event_id", "retry", "events"])
def test_a_parser_has_no_attributes_to_set(name: str, parser_class: Any) -> None:
    with pytest.raises(AttributeError):
        setattr(parser_class(), name, None)
    assert not hasattr(parser_class(), "__dict__")


def test_two_parsers_share_nothing() -> None:
    one, other = Parser(), Parser()
    assert one.feed(b"\xef\xbb") == other.feed(b"id: 1\nretry: 5\ndata: \xe2") == []
    assert one.feed(b"\xbfdata: \xc3") == []
    assert other.feed(b"\x82\xac\n\n") == [Event("message", "€", "1")]
    assert one.feed(b"\xa9\n\n") == [Event("message", "é", "")]
    assert (one.last_event_id, one.retry) == ("", None)


# mypy_extensions has the decorator; only mypy installs it.


def test_import_without_mypy_extensions() -> None:
    code = """
import sys
sys.modules["mypy_extensions"] = None
import sseparse
print(sseparse.parse(b"data: a\\n\\n")[0].data)
"""
    assert run_python(code) == "a\n"


def test_the_source_without_mypy_extensions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "mypy_extensions", None)
    bare: Any = load_copy(tmp_path, "bare")
    assert bare.Parser is not Parser
    assert [event.data for event in bare.Parser().feed(b"data: a\n\n")] == ["a"]


@EACH_CLASS
def test_no_call_during_a_call(parser_class: Any) -> None:
    parser = parser_class(last_event_id="1")
    parser._state = BUSY
    message = (
        "an earlier call did not end: it was interrupted, or another thread is in it. What it has "
        f"taken is not known; read the stream again with a new {parser_class.__name__}"
    )
    for call in (parser.close, lambda: parser.feed(b"id: 2\n\n"), lambda: parser.feed(b"x")):
        with pytest.raises(RuntimeError, match=f"^{message}$"):
            call()
    assert parser.last_event_id == "1"
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        copy.copy(parser)


@pytest.mark.parametrize("held", [b"data: a", b"data: \xc3\xa9", b": \xff", b"id: 1\ndata: a"])
@pytest.mark.parametrize(
    "begin", [b"\n", b"\r\n", b"\r", b"b\n", b"b\r\n", b"b\r", b"b\rid: 2\r\n"]
)
def test_a_long_chunk_that_ends_the_held_line(held: bytes, begin: bytes) -> None:
    """A chunk of more than 4,096 bytes is not joined with the held bytes; twice in a stream."""
    for end in (b"\n", b"\r", b"\r\n"):
        rest = end + b"data: " + b"x" * 5000 + end + b"\n"
        check_all([held, begin + rest + held, begin + rest + held[:2], held[2:] + begin + rest])
