"""Heads, the framing of bodies and their compression, from bytes that are cut anywhere."""

from __future__ import annotations

import gzip
import http.client
import io
import itertools
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sseparse._http1 import (
    MAX_FIELDS,
    MAX_HEAD_SIZE,
    Body,
    ChunkedBody,
    Decompressor,
    Head,
    HeadReader,
    HttpError,
    SizedBody,
    UnsizedBody,
    begins_chunked,
    body_of,
    decompressor_of,
    parse_fields,
    parse_head,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Each starts a server.
pytestmark = pytest.mark.thorough


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Return the data cut at these places, counted modulo its length."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


CUTS = st.lists(st.integers(0, 10_000), max_size=8)

# Heads


def read(data: bytes, size: int = 1 << 20) -> tuple[Head | None, bytes]:
    reader = HeadReader()
    for at in range(0, len(data), size):
        if head := reader.feed(data[at : at + size]):
            return head, reader.rest + data[at + size :]
    return None, reader.rest


HEADS = {
    b"HTTP/1.1 200 OK\r\n\r\n": ("1.1", 200, "OK", []),
    b"HTTP/1.0 404\r\nA: b\r\n\r\n": ("1.0", 404, "", [("A", "b")]),
    b"HTTP/1.1 200 \r\nA:b\r\nA: c \r\n\r\n": ("1.1", 200, "", [("A", "b"), ("A", "c")]),
    b"HTTP/2 200 \r\nA : b\r\n\r\n": ("2", 200, "", [("A", "b")]),
    b"HTTP/1.1 200 X\r\nX: X\r\n\r\n": ("1.1", 200, "X", [("X", "X")]),
    b"HTTP/1.1 500 Very  bad\nA:\n\n": ("1.1", 500, "Very  bad", [("A", "")]),
    b"HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n d\r\n\r\n": ("1.1", 200, "OK", [("A", "b c d")]),
    b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n": ("1.1", 200, "OK", []),
    b"HTTP/1.1 200 OK\r\nA: \xe4:x\r\n\r\n": ("1.1", 200, "OK", [("A", "ä:x")]),
    b"HTTP/1.1 200 OK\r\n folded\r\n\r\n": ("1.1", 200, "OK", [("folded", "")]),
}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize("data", HEADS)
def test_heads(data: bytes, size: int) -> None:
    head, rest = read(data + b"rest", size)
    assert head is not None
    assert tuple(head) == HEADS[data]
    assert rest == b"rest"


OK = b"HTTP/1.1 200 OK\r\n"
TOO_LARGE = "the head of the answer is larger than 256 KiB"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<html>", "the answer is not HTTP; it begins b'<html>'"),
        (b"XHTTP/1.1", "the answer is not HTTP; it begins b'XHTTP/1.1'"),
        (b"S" * 50, f"the answer is not HTTP; it begins b'{'S' * 40}'"),
        *(
            (line + b"\n\n", f"the answer has no status line; it begins {line[:40]!r}")
            for line in (
                *(b"HTTP/1.1 2000 OK", b"HTTP/1.1", b"HTTP/1.1 099 OK", b"HTTP/x.1 200 OK"),
                b"HTTP/1.1 20 OK" + b"!" * 50,
            )
        ),
        (OK + b"no colon\n\n", "a line of the answer's head is no field: 'no colon'"),
        (OK + b"!" * 50 + b"\n\n", f"a line of the answer's head is no field: '{'!' * 40}'"),
        (
            OK + b"A: b\r\n" * (MAX_FIELDS + 1) + b"\r\n",
            "the head of the answer has more than 1000 fields",
        ),
        (OK + b"A: " + b"b" * MAX_HEAD_SIZE, TOO_LARGE),
        (OK + b"A: " + b"b" * MAX_HEAD_SIZE + b"\r\n\r\n", TOO_LARGE),
    ],
)
def test_bytes_that_are_not_a_head(data: bytes, message: str) -> None:
    with pytest.raises(HttpError) as caught:
        read(data)
    assert str(caught.value) == message
    if len(data) < 10_000:
        with pytest.raises(HttpError) as caught:
            read(data, 1)
        assert str(caught.value).split(";")[0] == message.split(";")[0]


def test_the_largest_head() -> None:
    data = b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * MAX_FIELDS + b"\r\n"
    head, _ = read(data)
    assert head is not None
    assert len(head.fields) == MAX_FIELDS
    start = b"HTTP/1.1 200 OK\r\nA: "
    data = start + b"b" * (MAX_HEAD_SIZE - len(start) - 4) + b"\r\n\r\n"
    assert len(data) == MAX_HEAD_SIZE
    assert read(data, 1000)[0] is not None
    with pytest.raises(HttpError):
        read(data.replace(b"A: ", b"AA: "))


def test_heads_are_counted_together() -> None:
    """Otherwise a server could send interim answers forever."""
    reader = HeadReader()
    one = b"HTTP/1.1 102 Processing\r\n\r\n"
    for _ in range(MAX_HEAD_SIZE // len(one)):
        reader.feed(one)
    with pytest.raises(HttpError) as caught:
        reader.feed(one)
    assert str(caught.value) == TOO_LARGE


def test_a_head_in_single_bytes_is_linear() -> None:
    """The end is searched only in the new bytes."""
    reader = HeadReader()
    for byte in b"HTTP/1.1 200 OK\r\nA: " + b"b" * 2000:
        reader.feed(bytes([byte]))
    assert reader._searched == len(reader.rest)


@pytest.mark.parametrize(
    ("version", "connection", "keeps"),
    [
        ("1.1", "", True),
        ("1.1", "Close", False),
        ("1.1", "keep-alive, close", False),
        ("1.0", "", False),
        ("1.0", "Keep-Alive", True),
    ],
)
def test_whether_a_connection_is_kept(version: str, connection: str, keeps: bool) -> None:
    fields = [("Connection", connection)] if connection else []
    assert Head(version, 200, "", fields).keeps_connection is keeps


# Bodies


def whole(body: Body, parts: Iterable[bytes]) -> bytes:
    """Feed a body as a connection does, to its end or to the end of the bytes."""
    found = b""
    for part in parts:
        found += body.feed(part)
        if body.is_over or body.fault:
            break
    else:
        body.close()
    return found


def chunked(data: bytes, sizes: Iterable[int], extension: bytes = b"") -> bytes:
    wire, at = b"", 0
    for size in sizes:
        piece = data[at : at + size]
        if piece:
            wire += b"%x%b\r\n%b\r\n" % (len(piece), extension, piece)
        at += size
    if rest := data[at:]:
        wire += b"%X\r\n%b\r\n" % (len(rest), rest)
    return wire


ENDS = [b"0\r\n\r\n", b"000;x=y\r\nA: b\r\nC: d\r\n\r\n", b"0\n\n", b"0 \r\n\r\n"]


@example(data=b"", sizes=[], cuts=[], end=ENDS[0], extension=b"", surplus=b"")
@example(data=b"ab", sizes=[1], cuts=[1, 2, 3, 4, 5, 6], end=ENDS[1], extension=b"", surplus=b"x")
@given(
    data=st.binary(max_size=200),
    sizes=st.lists(st.integers(1, 40), max_size=8),
    cuts=CUTS,
    end=st.sampled_from(ENDS),
    extension=st.sampled_from([b"", b";a=b", b"  ", b' ; a="b;c"']),
    surplus=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n"]),
)
def test_chunked_bodies(
    data: bytes, sizes: list[int], cuts: list[int], end: bytes, extension: bytes, surplus: bytes
) -> None:
    wire = chunked(data, sizes, extension) + end + surplus
    body = ChunkedBody()
    found = b""
    for part in pieces(wire, cuts):
        assert not body.is_over or part in surplus
        found += body.feed(part) if not body.is_over else b""
    assert (found, body.is_over, body.fault) == (data, True, "")
    if not cuts:
        assert body.surplus == surplus
    # http.client returns the same, for bodies that it can read.
    file = io.BytesIO(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire)
    answer = http.client.HTTPResponse(FakeSocket(file))  # type: ignore[arg-type]
    answer.begin()
    assert answer.read() == data


@pytest.mark.parametrize("line", ["{:x}", "{:X}", "0{:x}", "{:x};a=b"])
def test_reads_that_are_one_chunk(line: str) -> None:
    """And reads that are one but for a byte."""
    for size in (*range(1, 600), *range(4080, 4120), *range(65520, 65560)):
        size_line, data = line.format(size).encode() + b"\r\n", b"x" * (size - 1) + b"\n"
        wire = size_line + data + b"\r\n"
        body = ChunkedBody()
        assert body.feed(wire) == body.feed(wire) == data
        assert body.feed(wire[:-1]) == body.feed(b"\n" + wire) == data
        assert body.feed(wire + b"0\r\n\r\n") == data
        assert (body.is_over, body.fault) == (True, "")
        broken = ChunkedBody()
        assert broken.feed(wire[:-1] + b"\r") == data
        assert "expected CR LF" in broken.fault


class FakeSocket:
    def __init__(self, file: io.BytesIO) -> None:
        self._file = file

    def makefile(self, _: str) -> io.BytesIO:
        return self._file


def test_a_chunked_body_is_returned_as_it_comes() -> None:
    body = ChunkedBody()
    assert [body.feed(bytes([byte])) for byte in b"3\r\nabc\r\n1\r\nd\r\n"] == [
        *[b""] * 3, b"a", b"b", b"c", *[b""] * 5, b"d", *[b""] * 2,
    ]  # fmt: skip


BROKEN = "the chunked body is broken: "
ENDED = "the connection ended before the whole body had arrived"


@pytest.mark.parametrize(
    ("wire", "data", "fault"),
    [
        (b"1\r\nab", b"a", BROKEN + "expected CR LF after a chunk of 1 bytes, not b'b'"),
        (b"1\r\na\rb", b"a", BROKEN + "expected CR LF after a chunk"),
        (b"1\r\na\r\nx\r\n", b"a", BROKEN + "expected the size of a chunk, not b'x"),
        (b"-1\r\n", b"", BROKEN + "expected the size of a chunk"),
        (b"+1\r\na\r\n", b"", BROKEN + "expected the size of a chunk"),
        (b"0x1\r\na\r\n", b"", BROKEN + "expected the size of a chunk"),
        (b"1_0\r\na\r\n", b"", BROKEN + "expected the size of a chunk"),
        (b"\r\n", b"", BROKEN + "expected the size of a chunk"),
        (b"f" * 16 + b"\r\n", b"", BROKEN + "expected the size of a chunk"),
        (b"1" + b" " * 20_000, b"", BROKEN + "expected the size of a chunk"),
        (b"0\r\n" + b"A: b\r\n" * 50_000, b"", "there are more than 256 KiB after the last chunk"),
        (b"0\r\n" + b"A" * 300_000, b"", "there are more than 256 KiB after the last chunk"),
        (b"5\r\nab", b"ab", ENDED),
        (b"5\r\nabcde\r\n", b"abcde", ENDED),
        (b"5\r\nabcde\r\n0", b"abcde", ENDED),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1 << 20])
def test_broken_chunks(wire: bytes, data: bytes, fault: str, size: int) -> None:
    """Everything before the fault is returned, and nothing after it."""
    body = ChunkedBody()
    size = max(size, len(wire) // 1000)
    parts = [wire[at : at + size] for at in range(0, len(wire), size)]
    assert whole(body, parts) == data
    assert body.fault.startswith(fault)
    assert not body.is_over
    assert body.feed(b"1\r\na\r\n") in (b"", b"1\r\na\r\n")  # nobody feeds it any more
    assert body.fault.startswith(fault)


@pytest.mark.parametrize("body", [UnsizedBody(), SizedBody(1), ChunkedBody()])
def test_a_body_that_has_not_begun(body: Body) -> None:
    assert (body.is_over, body.surplus, body.fault) == (False, b"", "")
    if isinstance(body, ChunkedBody):
        assert (body.problem, body.broken_at) == ("", 0)


def test_the_longest_lines_of_a_chunked_body() -> None:
    """16 KiB for the size of a chunk, 256 KiB after the last chunk."""
    for more, is_fault in ((0, False), (1, True)):
        body = ChunkedBody()
        body.feed(b"1;" + b"x" * (16 * 1024 - 2 + more))
        assert bool(body.fault) is is_fault
        body = ChunkedBody()
        body.feed(b"0\r\n" + b"A: b\r\n" * 10)
        body.feed(b"A" * (256 * 1024 - 60 + more))
        assert bool(body.fault) is is_fault
    assert begins_chunked(b"1;" + b"x" * (16 * 1024 - 3)) is None
    assert begins_chunked(b"1;" + b"x" * (16 * 1024 - 2)) is False


def test_the_last_chunk_ends_a_body() -> None:
    """What is missing after it does not matter (RFC 9112, section 8)."""
    body = ChunkedBody()
    body.feed(b"1\r\na\r\n0\r\nTrailer: x")
    assert not body.is_over
    body.close()
    assert (body.is_over, body.fault) == (True, "")


@given(data=st.binary(max_size=60), size=st.integers(0, 60), cuts=CUTS)
def test_sized_bodies(data: bytes, size: int, cuts: list[int]) -> None:
    body = SizedBody(size)
    assert body.is_over is (size == 0)
    found = whole(body, pieces(data, cuts)) if size else b""
    assert found == data[:size]
    assert body.is_over is (len(data) >= size)
    assert bool(body.fault) is (len(data) < size)
    if not cuts and size:
        assert body.surplus == data[size:]


def test_a_body_without_a_size_ends_with_the_connection() -> None:
    body = UnsizedBody()
    assert body.feed(b"a") == b"a"
    assert not body.is_over
    body.close()
    assert (body.is_over, body.fault) == (True, "")


@pytest.mark.parametrize(
    ("status", "method", "fields", "kind"),
    [
        (200, "GET", [], UnsizedBody),
        (200, "GET", [("content-length", "5")], SizedBody),
        (200, "GET", [("Content-Length", "5"), ("content-length", "5")], SizedBody),
        (200, "GET", [("Content-Length", "5, 5")], SizedBody),
        (200, "GET", [("Transfer-Encoding", "Chunked")], ChunkedBody),
        (200, "GET", [("Transfer-Encoding", "identity, chunked")], ChunkedBody),
        (200, "GET", [("Transfer-Encoding", "chunked"), ("Content-Length", "5")], ChunkedBody),
        (200, "GET", [("Transfer-Encoding", "identity")], UnsizedBody),
        (200, "GET", [("Content-Length", "9" * 18)], SizedBody),
        (204, "GET", [("Content-Length", "5")], SizedBody),
        (304, "GET", [("Transfer-Encoding", "chunked")], SizedBody),
        (200, "HEAD", [("Content-Length", "5")], SizedBody),
    ],
)
def test_the_framing_of_a_head(
    status: int, method: str, fields: list[tuple[str, str]], kind: type
) -> None:
    body = body_of(Head("1.1", status, "", fields), method)
    assert type(body) is kind
    assert body.is_over is (status in (204, 304) or method == "HEAD")


NO_SIZE = "the answer's Content-Length is no size: "


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([("Content-Length", "5"), ("Content-Length", "6")], NO_SIZE + "'5, 6'"),
        ([("Content-Length", "-1")], NO_SIZE + "'-1'"),
        ([("Content-Length", "+1")], NO_SIZE + "'+1'"),
        ([("Content-Length", "1_0")], NO_SIZE + "'1_0'"),
        ([("Content-Length", "\u0661")], NO_SIZE + "'\u0661'"),
        ([("Content-Length", "9" * 19)], NO_SIZE + f"'{'9' * 19}'"),
        ([("Content-Length", "9" * 50)], NO_SIZE + f"'{'9' * 40}'"),
        *(
            (
                [("Transfer-Encoding", coding)],
                f"the transfer coding {coding!r} is not supported",
            )
            for coding in ("gzip, chunked", "chunked, chunked")
        ),
    ],
)
def test_framings_that_are_not_supported(fields: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(HttpError) as caught:
        body_of(Head("1.1", 200, "", fields))
    assert str(caught.value) == message


# Compression


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def two_members(data: bytes) -> bytes:
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:])


FORMS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "two members": ("x-gzip", two_members),
    "gzip, and something behind it": ("gzip", lambda data: gzip.compress(data) + b"\0\0more"),
    "deflate": ("deflate", zlib.compress),
    "deflate, and something behind it": ("deflate", lambda data: zlib.compress(data) + b"more"),
    "raw deflate": ("deflate", raw_deflate),
}


def decompressed(coding: str, parts: Iterable[bytes]) -> tuple[bytes, Decompressor]:
    decompressor = Decompressor(coding)
    found = b""
    for part in parts:
        found += decompressor.feed(part)
        while decompressor.has_more:
            piece = decompressor.feed(b"")
            assert len(piece) <= 1 << 20
            found += piece
    return found, decompressor


@pytest.mark.parametrize("form", FORMS)
@example(data=b"", times=1, cuts=[])
@example(data=b"ab" * 500, times=3000, cuts=[1, 2, 3])
@given(data=st.binary(max_size=300), times=st.sampled_from([1, 7000]), cuts=CUTS)
def test_compression(form: str, data: bytes, times: int, cuts: list[int]) -> None:
    coding, compress = FORMS[form]
    wire = compress(data * times)
    found, decompressor = decompressed(coding, pieces(wire, cuts))
    assert found == data * times
    assert decompressor.is_whole


@pytest.mark.parametrize("form", ["gzip", "two members", "deflate", "raw deflate"])
def test_compressed_data_that_ends_early(form: str) -> None:
    coding, compress = FORMS[form]
    wire = compress(b"Hello, world. " * 9)
    for at in range(1, len(wire)):
        found, decompressor = decompressed(coding, [wire[:at]])
        assert (b"Hello, world. " * 9).startswith(found)
        # Two members that are cut between them look like one that is whole.
        assert not decompressor.is_whole or found == (b"Hello, world. " * 9)[:63]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_is_not_compressed(coding: str) -> None:
    with pytest.raises(HttpError, match=f"the body is no {coding}"):
        decompressed(coding, [b"data: no compression at all\n\n"])


def test_nothing_is_whole() -> None:
    assert decompressed("gzip", [b""])[1].is_whole


def test_codings_that_are_not_supported() -> None:
    undone: list[Any] = [decompressor_of(values) for values in (["gzip"], ["x-gzip"], ["deflate"])]
    assert all(isinstance(each, Decompressor) for each in undone)
    for values in ([], ["br"], ["zstd"], ["gzip", "gzip"]):
        assert decompressor_of(values) is None


# The strict mode, for files


STRICT = b"4;a=b\r\nWiki\r\n5  \r\npedia\r\n0\r\nA: b\r\n\r\nrest"


@given(CUTS)
def test_strict_chunks(cuts: list[int]) -> None:
    body = ChunkedBody(is_strict=True)
    made = [body.feed(piece) for piece in pieces(STRICT, cuts) if not body.is_over]
    assert b"".join(made) == b"Wikipedia"
    assert (body.is_over, body.fault, b"rest".startswith(body.surplus)) == (True, "", True)


@pytest.mark.parametrize(
    ("data", "at", "problem"),
    [
        (b"4\nWiki\r\n", 0, "expected the size of a chunk, not b'4\\nWiki"),
        (b"4\r\nWiki\n", 7, "expected CR LF after a chunk of 4 bytes, not b'\\n'"),
        (b"4\r\nWiki\r", 7, "expected CR LF after a chunk of 4 bytes, not b'\\r'"),
        (b"4\r\nWiki", 7, "expected CR LF after a chunk of 4 bytes, not the end"),
        (b"4\r\nWi", 5, "a chunk of 4 bytes ends after 2 bytes"),
        (b"4\r\nWiki\r\n", 9, "expected the size of a chunk, not the end"),
        (b"4\r\nWiki\r\n1", 9, "expected the size of a chunk, not b'1'"),
        (b"4\r\nWiki\r\nx\r\n", 9, "expected the size of a chunk, not b'x"),
        (
            b"0\r\nA: b\r\nHTTP/1.1 200 OK\r\n",
            9,
            "expected a blank line after the last chunk, not b",
        ),
    ],
)
@pytest.mark.parametrize("size", [1, 4, 1 << 20])
def test_where_strict_chunks_are_broken(data: bytes, at: int, problem: str, size: int) -> None:
    body = ChunkedBody(is_strict=True)
    for start in range(0, len(data), size):
        body.feed(data[start : start + size])
    body.close()
    assert not body.is_over
    assert body.fault
    assert body.broken_at == at
    assert body.problem.startswith(problem[: len(problem) if size > len(data) else 30])


def test_a_head_in_a_file() -> None:
    head = parse_head(b"HTTP/1.1 200\r\nno field\r\na: b\r\n c", is_strict=False)
    assert head == Head("1.1", 200, "", [("no field", ""), ("a", "b c")])
    with pytest.raises(HttpError, match="is no field"):
        parse_head(b"HTTP/1.1 200\r\nno field")
    with pytest.raises(HttpError, match="more than 1000 fields"):
        parse_fields(["a: b"] * 1001)


@pytest.mark.parametrize(
    ("data", "begins"),
    [
        *[(b"1a\r\n", True), (b"1a;x\r\n", True), (b"1a\n", False), (b"1a", None), (b"da", None)],
        *[(b"data", False), (b"", None), (b"1" * 17, False), (b"\r\n", False)],
    ],
)
def test_how_chunks_begin(data: bytes, begins: bool | None) -> None:
    assert begins_chunked(data) is begins
