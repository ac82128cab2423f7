"""Define the hypothesis strategies; importing this module imports hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from ._chunks import _cut, rechunk

__all__ = ["chunkings", "short_streams", "streams"]

_BOM = b"\xef\xbb\xbf"

_line_ends = st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"])

# The tokens of the grammar, critical bytes of UTF-8, and line ends of str.splitlines().
_tokens = st.sampled_from(
    [
        *[b"data", b"event", b"id", b"retry", b":", b" ", b": "],
        *[b"\r", b"\n", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n"],
        *[b"\0", _BOM, _BOM[:1], _BOM[:2], _BOM[2:]],
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
    _line, _names, st.sampled_from([b": ", b": ", b":", b":  ", b""]), _values, _line_ends
)
_blocks = st.builds(
    lambda lines, end: b"".join(lines) + end, st.lists(_lines, min_size=1, max_size=4), _line_ends
)
_parts = st.one_of(_blocks, _lines, _tokens, _line_ends, st.binary(max_size=4))
_starts = st.sampled_from([b"", b"", b"", _BOM, _BOM + _BOM, _BOM[:1], _BOM[:2]])

# Streams made of whole blocks, lines, single tokens and arbitrary bytes.
short_streams = st.builds(
    lambda start, parts: start + b"".join(parts), _starts, st.lists(_parts, max_size=12)
)

# Parsers take short cuts in runs of plain events, and may miss what is around them.
_runs = st.builds(
    lambda block, length: block * (length // len(block) + 1),
    st.sampled_from([b"data: a\n\n", b"data: bcd\n\n", "data: é\n\n".encode()]) | _blocks,
    st.sampled_from([50, 1050]),
)
_long_streams = st.builds(lambda *parts: b"".join(parts), short_streams, _runs, _parts, _runs)

streams = st.one_of(*[short_streams] * 5, _long_streams)


@st.composite
def chunkings(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    """Draw a way to cut the stream: byte by byte, into equal chunks, or anywhere."""
    if draw(st.booleans()):
        return rechunk(stream, draw(st.sampled_from([1, 1, 2, 3, 7])))
    return _cut(stream, draw(st.lists(st.integers(0, len(stream)), max_size=6)))
