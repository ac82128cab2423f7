"""The memory that a call needs for a moment: at most 12 bytes per byte of a chunk, and its results.

``test_p7_memory`` and ``test_limits.py`` measure the memory that a parser keeps between calls.
"""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from sseparse import Observer, Parser, encode, parse
from sseparse.testing import rechunk

if TYPE_CHECKING:
    from collections.abc import Callable

# Tracing memory makes each of them slow.
pytestmark = pytest.mark.thorough

FORMS: dict[str, Callable[[], Any]] = {
    "Parser": Parser,
    "Observer": Observer,
    "Observer of blocks": lambda: Observer(lines=False),
}
EVERY_FORM = pytest.mark.parametrize("form", FORMS)

PER_BYTE = 12
# The memory that a call needs for any chunk, most of it when it first decodes broken UTF-8.
BASE = 8 * 1024

# The text that a chunk repeats.
UNITS = {
    "bare CRs": b"\r",
    "LFs": b"\n",
    "CRLFs": b"\r\n",
    "short events, CR": b"data: a\r\r",
    "short events, CR, without the space": b"data:\r\r",
    "short events, LF": b"data: a\n\n",
    "short events, LF, without the space": b"data:\n\n",
    "short events, CRLF": b"data: a\r\n\r\n",
    "events with an id": b"id: 1\ndata: a\n\n",
    "events that are not alike": b"data: a\n\nevent: b\ndata: c\n\ndata:d\n\n",
    "events of a thousand characters": encode("x" * 1000),
    "data lines": b"data: a\n",
    "empty data lines": b"data\n",
    "empty data lines, CR": b"data:\r",
    "non-ASCII": encode("é€😀"),
    "non-ASCII data lines": "data:é\n".encode(),
    "data lines of one character": "data:€\n".encode(),
    "data lines of two bytes": "data:ā\n".encode(),
    "broken UTF-8": b"data:\xff\n\n",
    "lines of broken UTF-8": b"\xff\n",
    "comments": b":\n",
    "fields that are ignored": b"x\n",
    "ids": b"id:1\n",
    "one long line": b"x",
    "one long line that is not ASCII": b"\xc3\xa9",
    "one long line of broken UTF-8": b"\xff",
}
# The text that the parser gets before the chunk.
BEFORE = {
    "nothing": b"",
    "blocks": b"data: a\n\n" * 3,
    "a block": b"data: a\n\n" * 2 + b"id: 1\ndata: b\n",
    "a line": b"data: a\n\n" * 2 + b"da",
}


def needed(call: Callable[[bytes], Any], chunk: bytes) -> int:
    """Return the peak memory of a call in bytes, less the memory of its result."""
    tracemalloc.start()
    try:
        result = call(chunk)
        now, peak = tracemalloc.get_traced_memory()
        del result
        return peak - now
    finally:
        tracemalloc.stop()


def is_within(limit: float, measure: Callable[[], int]) -> bool:
    """Return whether a call needs at most the given memory, the first or the second time.

    Each error raised in compiled code makes a code object, whose name is interned. At some call the
    interpreter's table of interned strings grows, which takes more than a MB.
    """
    return measure() <= limit or measure() <= limit


@pytest.mark.parametrize("size", [100, 70_000])
@pytest.mark.parametrize("unit", UNITS)
@EVERY_FORM
def test_a_call(form: str, unit: str, size: int) -> None:
    # Use every text before the chunk if that takes little time.
    for before in BEFORE.values() if size < 1_000 else [BEFORE["a line"]]:
        chunk = (UNITS[unit] * (size // len(UNITS[unit]) + 1))[:size]

        def measure(before: bytes = before, chunk: bytes = chunk) -> int:
            parser = FORMS[form]()
            parser.feed(before)
            return needed(parser.feed, chunk)

        assert is_within(PER_BYTE * size + BASE, measure)


@pytest.mark.parametrize("unit", UNITS)
@EVERY_FORM
def test_many_calls(form: str, unit: str) -> None:
    """All calls together need at no time more memory than one chunk needs."""
    chunks = rechunk(UNITS[unit] * (8_000 // len(UNITS[unit])), 1448)

    def measure() -> int:
        parser = FORMS[form]()
        return max(needed(parser.feed, chunk) for chunk in chunks)

    assert is_within(PER_BYTE * 1448 + BASE, measure)


@pytest.mark.parametrize("unit", UNITS)
def test_parse(unit: str) -> None:
    """parse() works in slices, so a stream of many MB needs no more memory than a slice."""
    stream = UNITS[unit] * (200_000 // len(UNITS[unit]))
    limit = PER_BYTE * 64 * 1024 + len(stream) // 2 + BASE
    assert is_within(limit, lambda: needed(parse, stream))


@pytest.mark.parametrize("end", [b"\n", b"\n\n", b"\r", b"\r\n\r\ndata: b\n\n"])
@EVERY_FORM
def test_the_chunk_that_ends_a_long_line(form: str, end: bytes) -> None:
    """At most two copies of the line exist, as bytes and as text, while it is decoded."""
    size = 1_000_000
    for start in (b"data: ", b"data: a\n\n" * 2 + b"data: ", b": ", b"x"):
        parser = FORMS[form]()
        line = start + b"x" * size
        for chunk in rechunk(line, 100_000):
            parser.feed(chunk)
        assert needed(parser.feed, end) <= 2.5 * size
