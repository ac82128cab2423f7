"""The hypothesis strategies that the tests need besides those of sseparse.testing."""

from __future__ import annotations

import itertools
import random
import re
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from sseparse.testing import chunkings, hostile_streams, rechunk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BOM = b"\xef\xbb\xbf"

# Runs of blocks that are alike. A parser's mistakes hide in its special code for them.

_SHAPES: list[list[bytes]] = [
    *[[b"data: %b"], [b"data:%b"], [b"data:  %b"], [b"data"], [b"id: %b"]],
    *[[b"event: x", b"data: %b"], [b"event:x", b"data:%b"], [b"event", b"data: %b"]],
    *[[b"id: %b", b"data: %b"], [b"id:%b", b"event: x", b"data: %b"], [b"id", b"data: %b"]],
    *[[b"event: x", b"id: %b", b"data: %b"], [b"data: %b", b"id: %b", b"data:%b"]],
    *[[b"data: %b", b"data: %b"], [b"data:%b", b"data: %b", b"data: %b"], [b"data: %b", b"id: %b"]],
    *[[b"data: %b", b"event: x"], [b"data: %b", b": c"], [b"data: a", b"data: %b"]],
    *[[b": c", b"data: %b"], [b": %b", b"data: %b"], [b"event: x", b":c", b"y: z", b"data: %b"]],
    *[
        [b"retry: %b", b"data: %b"],
        [b"event: %b", b"data: %b"],
        [b"id: %b", b"id: %b", b"data: %b"],
    ],
    *[["event: é".encode(), b"data: %b"], [b"y: \xff", b"data: %b"], [b"id: %b", b":", b"data:%b"]],
]
_LINES = sorted({line for shape in _SHAPES for line in shape})
_PLAIN = [b"1", b"a", b"bc", b"{}", b"", b"a: b", b"data: x", b"x" * 40, "é€".encode(), b"\xff"]
_VALUES = [
    *_PLAIN,
    *[b" a", b" ", b"1\0", b"\0", b"\xe2\x82", BOM, "\ufffd".encode()],
    *[b"a\rb", b"a\nb", b"a\r\nb", b"\r", b"\n", b"a\r", b"a\rdata: b"],
]
# Bytes that may be between two blocks.
_BETWEEN = [
    *[b"\n", b"\r", b"\r\n", b"\n\r", b": c\n", b": c\n\n", b":\r\n", b"retry: 1\n", b"\0", b" "],
    *[b"id: 7\n\n", b"id: 8\r\r", b"event: y\n", b"data: z\n", b"data: z\r\n\r\n", BOM, b"\xff\n"],
]
_LINE_ENDS = [b"\n", b"\n", b"\r\n", b"\r\n", b"\r"]
# More characters than the threshold from which pure Python cuts with split().
_LONG = 1100


def _fill(shape: list[bytes], values: list[bytes], end: bytes, number: int) -> list[bytes]:
    """Return the given number of blocks, which use the given values in turn."""
    value = itertools.cycle(values)
    block = end.join(shape) + end + end
    holes = block.count(b"%b")
    return [block % tuple(itertools.islice(value, holes)) for _ in range(number)]


def _run(choose: Callable[[Sequence[Any]], Any], long: bool) -> bytes:
    """Return some blocks that are alike, and some that are nearly alike."""
    shape = choose(_SHAPES)
    if choose(range(3)) == 0:
        shape = [choose(_LINES) for _ in range(choose(range(1, 5)))]
    end = choose(_LINE_ENDS)
    values = [choose(_PLAIN) for _ in range(choose(range(1, 6)))]
    plain = b"".join(_fill(shape, values, end, choose(range(2, 6))))
    if long:
        plain *= _LONG // len(plain) + 1
    values = [choose(_VALUES) for _ in range(choose(range(1, 6)))]
    blocks = _fill(shape, values, end, choose(range(1, 5)))
    for _ in range(choose([0, 1, 1, 2])):
        at = choose(range(len(blocks)))
        blocks[at] = _missed(choose, blocks[at], end)
    after = choose([b"", plain])
    return bytes(choose([b"", b"", b"", BOM]) + plain + b"".join(blocks) + after)


def _missed(choose: Callable[[Sequence[Any]], Any], block: bytes, end: bytes) -> bytes:
    """Return a block that is nearly like the given one."""
    miss = choose(range(6))
    if miss == 0:
        return bytes(choose(_BETWEEN) + block)
    if miss == 1:  # another blank line, or none
        return block.removesuffix(end) + bytes(choose([b"\n", b"\r", b"\r\n", b""]))
    if miss == 2:  # other line ends
        return block.replace(end, choose(_LINE_ENDS), choose([1, 2, 3]))
    if miss == 3:  # lines in another order
        return end.join(reversed(block.removesuffix(end + end).split(end))) + end + end
    if miss == 4:
        return block.replace(b": ", choose([b":", b":  ", b""]), 1)
    place = choose(range(len(block)))  # something else in the place of any byte
    return block[:place] + bytes(choose([b"", *_BETWEEN])) + block[place + 1 :]


@st.composite
def _drawn_runs(draw: st.DrawFn) -> bytes:
    """Draw a run choice by choice, so that hypothesis can make it smaller."""
    return _run(lambda options: draw(st.sampled_from(options)), long=False)


def _chance_runs(long: bool) -> st.SearchStrategy[bytes]:
    """Return runs that a seed decides; they are made quickly, and all differ."""
    return st.integers(0, 2**32 - 1).map(lambda seed: _run(random.Random(seed).choice, long))


def at_blank_lines(stream: bytes, moved: int = 0) -> list[bytes]:
    """Cut a stream after each blank line, as servers send it, or ``moved`` bytes later."""
    ends = [found.end() + moved for found in re.finditer(rb"(?:\r\n|\r|\n){2}", stream)]
    borders = [0, *[end for end in ends if 0 < end < len(stream)], len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(borders)]


def cuts(stream: bytes) -> st.SearchStrategy[list[bytes]]:
    """Return a strategy for the ways to cut a stream: not at all, after each block, anywhere."""
    return st.one_of(
        st.sampled_from([[stream], rechunk(stream, 1)]),
        st.just(at_blank_lines(stream)),
        st.sampled_from([-1, 1, -2, 2, 5]).map(lambda moved: at_blank_lines(stream, moved)),
        chunkings(stream),
    )


runs = st.one_of(_drawn_runs(), _chance_runs(False), _chance_runs(False), _chance_runs(True))
streams = st.one_of(hostile_streams(), runs)
short_streams = st.one_of(hostile_streams(short=True), _drawn_runs(), _chance_runs(False))
cut_streams = streams.flatmap(cuts)
cut_short_streams = short_streams.flatmap(cuts)

# max_event_size, mostly so small that a stream exceeds it.
limits = st.none() | st.integers(1, 12) | st.integers(1, 60)

# last_event_id, as a reconnecting client passes it.
seeds = st.sampled_from(["", "", "7", "é", " "])


def _texts(forbidden: str = "") -> st.SearchStrategy[str]:
    """Return texts that UTF-8 can write, often with characters that could end a line."""
    alphabet = st.sampled_from(":: \r\n\0\ufeff\u2028\x85é😀da") | st.characters(
        exclude_categories=["Cs"]
    )
    return st.text(alphabet.filter(lambda char: char not in forbidden), max_size=12)


# Arguments of encode() that a parser must read back.
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

# Arguments of encode(), some of which it must refuse.
hostile_arguments: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        name: st.text(st.sampled_from("a:\r\n\0\ud800") | st.characters(), max_size=4)
        | st.sampled_from([None, b"a", 0, True])
        for name in ("data", "type", "id", "comment")
    }
    | {"retry": st.sampled_from([None, 0, -1, True, "1", 1.0, 10**600 - 1, 10**600])},
)
