"""Every hypothesis strategy of the tests: hostile streams, the ways to cut them, what to encode."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

BOM = b"\xef\xbb\xbf"

line_ends = st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"])

# What the grammar and UTF-8 turn on, and what str.splitlines() would take for a line end.
_tokens = st.sampled_from(
    [
        *[b"data", b"event", b"id", b"retry", b":", b" ", b": "],
        *[b"\r", b"\n", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n"],
        *[b"\0", BOM, BOM[:1], BOM[:2], BOM[2:]],
        *[b"0", b"1", b"25", b"007", b"+", b"-", b"_", b"."],
        *["é".encode(), "€".encode(), "😀".encode(), "٣".encode(), "\ufffd".encode()],
        *[b"\x80", b"\xbf", b"\xc0\xaf", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f\x98"],
        *[b"\xf4\x90\x80\x80", b"\xf8\x88", b"\xff", b"\xfe\xff"],
        *[b"\x0b", b"\x0c", b"\x1c", b"\x1d", b"\x1e", "\x85".encode(), "\u2028".encode()],
        *[b"a", b"b", b"DATA", b"data2", b"{}"],
    ]
)
_values = st.lists(_tokens.filter(lambda token: not set(token) & {10, 13}), max_size=3)
_names = st.sampled_from(
    [b"data", b"data", b"data", b"event", b"id", b"id", b"retry", b"", b"other", b"Data", b" data"]
)


def _line(name: bytes, colon: bytes, value: list[bytes], end: bytes) -> bytes:
    return name + colon + b"".join(value) + end


_lines = st.builds(
    _line, _names, st.sampled_from([b": ", b": ", b":", b":  ", b""]), _values, line_ends
)
_blocks = st.builds(
    lambda lines, end: b"".join(lines) + end, st.lists(_lines, min_size=1, max_size=4), line_ends
)
_parts = st.one_of(_blocks, _lines, _tokens, line_ends, st.binary(max_size=4))
_starts = st.sampled_from([b"", b"", b"", BOM, BOM + BOM, BOM[:1], BOM[:2]])

# Streams out of whole blocks, lines, single tokens and arbitrary bytes.
short_streams = st.builds(
    lambda start, parts: start + b"".join(parts), _starts, st.lists(_parts, max_size=12)
)

# A run of plain events is what a parser takes a short cut on; what is around it must be seen.
_runs = st.builds(
    lambda block, length: block * (length // len(block) + 1),
    st.sampled_from([b"data: a\n\n", b"data: bcd\n\n", "data: é\n\n".encode()]) | _blocks,
    st.sampled_from([50, 1050]),
)
_long_streams = st.builds(lambda *parts: b"".join(parts), short_streams, _runs, _parts, _runs)

streams = st.one_of(*[short_streams] * 5, _long_streams)

# max_event_size, mostly so small that a stream breaks it.
limits = st.none() | st.integers(1, 12) | st.integers(1, 60)

# last_event_id as a reconnecting client gives it.
seeds = st.sampled_from(["", "", "7", "é", " "])


def cut(stream: bytes, positions: list[int]) -> list[bytes]:
    """Cut a stream at the positions; equal ones give empty chunks."""
    borders = [0, *sorted(positions), len(stream)]
    return [stream[start:end] for start, end in pairwise(borders)]


def cut_every(stream: bytes, size: int) -> list[bytes]:
    """Cut a stream into chunks of one size, the last one shorter."""
    return [stream[start : start + size] for start in range(0, len(stream), size)]


@st.composite
def cuts(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    """Draw a way to cut the stream: byte by byte, into equal chunks, or anywhere."""
    if draw(st.booleans()):
        return cut_every(stream, draw(st.sampled_from([1, 1, 2, 3, 7])))
    return cut(stream, draw(st.lists(st.integers(0, len(stream)), max_size=6)))


@st.composite
def cut_streams(draw: st.DrawFn) -> list[bytes]:
    """Draw a hostile stream in chunks."""
    return draw(cuts(draw(streams)))


cut_short_streams = short_streams.flatmap(cuts)


def _texts(forbidden: str = "") -> st.SearchStrategy[str]:
    """Texts that UTF-8 can write, biased to what could break out of a line."""
    alphabet = st.sampled_from(":: \r\n\0\ufeff\u2028\x85é😀da") | st.characters(
        exclude_categories=["Cs"]
    )
    return st.text(alphabet.filter(lambda char: char not in forbidden), max_size=12)


# Arguments that encode() must write so that they come back.
blocks: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "data": _texts(),
        "type": _texts("\r\n").filter(bool),
        "id": _texts("\r\n\0"),
        "retry": st.integers(0, 10**6) | st.integers(0, 10**600 - 1),
        "comment": _texts(),
    },
)

# Arguments some of which encode() must refuse.
hostile_arguments: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        name: st.text(st.sampled_from("a:\r\n\0\ud800") | st.characters(), max_size=4)
        | st.sampled_from([None, b"a", 0, True])
        for name in ("data", "type", "id", "comment")
    }
    | {"retry": st.sampled_from([None, 0, -1, True, "1", 1.0, 10**600 - 1, 10**600])},
)
