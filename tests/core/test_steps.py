"""The functions that process each kind of stream, and how often each is called.

The results do not depend on the functions, so only these counts show which ones were used. A change
of these numbers is no fault, but it must be intended and worth it: see python -m benchmarks.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from running import load_copy
from sseparse.testing import rechunk

if TYPE_CHECKING:
    from collections.abc import Callable

# The functions that are counted: for single lines, for learning, for blocks that are alike, and for
# text that is not ASCII.
COUNTED = ("_line", "_take_data", "learn", "_take_alike", "take", "take_split", "whole", "utf8")

DATA = b'data: {"a": 1}\n\n'
TYPED = b"event: e\ndata: a\n\n"
KINDS = [b"event: %d\ndata: a\n\n" % n for n in range(6)]

STREAMS: dict[str, list[bytes]] = {
    "data": [DATA * 200],
    "data, an event per read": [DATA] * 50,
    "data, half an event per read": rechunk(DATA * 50, len(DATA) // 2),
    "data, 511 bytes per read": rechunk(DATA * 200, 511),
    "data, 512 bytes per read": rechunk(DATA * 200, 512),
    "data, 1448 bytes per read": rechunk(DATA * 500, 1448),
    "data of 505 bytes, cut in it": rechunk((b"data: " + b"x" * 497 + b"\n\n") * 20, 500),
    "data of 506 bytes, cut in it": rechunk((b"data: " + b"x" * 498 + b"\n\n") * 20, 500),
    "data without the space": [DATA.replace(b" ", b"") * 200],
    "data, CRLF": [DATA.replace(b"\n", b"\r\n") * 200],
    "data, CR": [DATA.replace(b"\n", b"\r") * 50],
    "data that is not ASCII": ["data: é\n\n".encode() * 200],
    "ASCII after a read that is not": ["data: é\n\n".encode() * 10, DATA * 200],
    "typed": [TYPED * 200],
    "typed, an event per read": [TYPED] * 50,
    "ids": [b"".join(b"id: %d\ndata: a\n\n" % n for n in range(100))],
    "ids, CRLF": [b"".join(b"id: %d\r\ndata: a\r\n\r\n" % n for n in range(100))],
    "ids, an event per read": [b"id: %d\ndata: a\n\n" % n for n in range(50)],
    "two data lines": [b"data: a\ndata: b\n\n" * 100],
    "comments": [(b": ping\n\n" * 3 + DATA) * 50],
    "two kinds by turns": [(DATA + TYPED) * 100],
    "two of one kind, one of another": [(DATA * 2 + TYPED) * 100],
    "four kinds by turns": [b"".join(KINDS[:4]) * 50],
    "six kinds by turns": [b"".join(KINDS) * 50],
    "nothing that can be learnt": [b"data: a\nevent: e\n\n" * 100],
    "nothing, then data": [b"data: a\nevent: e\n\n" * 100 + DATA * 200],
    "data, then nothing": [DATA * 100 + b"data: a\nevent: e\n\n" * 100],
    "a long run, then others by turns": [DATA * 500 + (DATA * 5 + TYPED) * 50],
    "data lines of one event": [b"data: a\n" * 500 + b"\n"],
    "data lines without the space": [b"data:a\n" * 500 + b"\n"],
    "the same between others with it": [b"\n" + DATA + b"data:a\n" * 500 + b"\n" + DATA],
    "data lines and others": [(b"data: a\n" * 5 + b": ping\n") * 100 + b"\n"],
    "a line in pieces": [b"data: a", *[b"b" * 100] * 20, b"\n\n"],
}

# The counts in pure Python, and in pure Python with the constants of the compiled build.
EXPECTED: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "data": (
        {"_line": 1, "learn": 1, "_take_alike": 3, "take": 1, "take_split": 1},
        {"_line": 1, "learn": 1, "_take_alike": 2, "take": 1},
    ),
    "data, an event per read": (
        {"_line": 1, "learn": 1, "_take_alike": 1, "whole": 49, "utf8": 49},
        {"_line": 1, "learn": 1, "_take_alike": 1, "whole": 49, "utf8": 49},
    ),
    "data, half an event per read": (
        {"_line": 1, "learn": 1, "_take_alike": 1, "whole": 147, "utf8": 49},
        {"_line": 1, "learn": 1, "_take_alike": 50, "take": 49, "whole": 49},
    ),
    "data, 511 bytes per read": (
        {"_line": 2, "learn": 1, "_take_alike": 30, "take": 25, "take_split": 4},
        {"_line": 2, "learn": 1, "_take_alike": 9, "take": 8},
    ),
    "data, 512 bytes per read": (
        {"_line": 1, "learn": 1, "_take_alike": 70, "take": 69, "whole": 6},
        {"_line": 1, "learn": 1, "_take_alike": 8, "take": 7, "whole": 6},
    ),
    "data, 1448 bytes per read": (
        {"_line": 1, "learn": 1, "_take_alike": 8, "take": 1, "take_split": 6, "whole": 2},
        {"_line": 1, "learn": 1, "_take_alike": 7, "take": 6, "whole": 2},
    ),
    "data of 505 bytes, cut in it": (
        {"_line": 1, "learn": 1, "_take_alike": 19, "take": 18, "whole": 1, "utf8": 1},
        {"_line": 1, "learn": 1, "_take_alike": 20, "take": 19},
    ),
    "data of 506 bytes, cut in it": (
        {"_line": 1, "learn": 1, "_take_alike": 19, "take": 18, "whole": 1, "utf8": 1},
        {"_line": 1, "learn": 1, "_take_alike": 20, "take": 19},
    ),
    "data without the space": (
        {"_line": 1, "learn": 1, "_take_alike": 3, "take": 1, "take_split": 1},
        {"_line": 1, "learn": 1, "_take_alike": 2, "take": 1},
    ),
    "data, CRLF": (
        {"_line": 1, "learn": 1, "_take_alike": 3, "take": 1, "take_split": 1},
        {"_line": 1, "learn": 1, "_take_alike": 2, "take": 1},
    ),
    "data, CR": (
        {"_line": 50, "learn": 5, "_take_alike": 50},
        {"_line": 50, "learn": 5, "_take_alike": 50},
    ),
    "data that is not ASCII": (
        {"_line": 1, "learn": 1, "_take_alike": 3, "take": 1, "take_split": 1, "utf8": 200},
        {"_line": 1, "learn": 1, "_take_alike": 2, "take": 1, "utf8": 200},
    ),
    "ASCII after a read that is not": (
        {
            "_line": 1,
            "learn": 1,
            "_take_alike": 5,
            "take": 3,
            "take_split": 1,
            "whole": 1,
            "utf8": 10,
        },
        {"_line": 1, "learn": 1, "_take_alike": 3, "take": 2, "whole": 1, "utf8": 10},
    ),
    "typed": (
        {"_line": 2, "learn": 1, "_take_alike": 3, "take": 1, "take_split": 1},
        {"_line": 2, "learn": 1, "_take_alike": 2, "take": 1},
    ),
    "typed, an event per read": (
        {"_line": 2, "learn": 1, "_take_alike": 1, "whole": 49, "utf8": 49},
        {"_line": 2, "learn": 1, "_take_alike": 1, "whole": 49, "utf8": 49},
    ),
    "ids": (
        {"_line": 2, "learn": 1, "_take_alike": 2, "take": 1},
        {"_line": 2, "learn": 1, "_take_alike": 2, "take": 1},
    ),
    "ids, CRLF": (
        {"_line": 2, "learn": 1, "_take_alike": 2, "take": 1},
        {"_line": 2, "learn": 1, "_take_alike": 2, "take": 1},
    ),
    "ids, an event per read": (
        {"_line": 2, "learn": 1, "_take_alike": 50, "take": 49},
        {"_line": 2, "learn": 1, "_take_alike": 50, "take": 49},
    ),
    "two data lines": (
        {"_line": 1, "_take_data": 1, "learn": 1, "_take_alike": 2, "take": 1},
        {"_line": 2, "learn": 1, "_take_alike": 2, "take": 1},
    ),
    "comments": (
        {"_line": 1, "learn": 1, "_take_alike": 50, "take": 49},
        {"_line": 1, "learn": 1, "_take_alike": 50, "take": 49},
    ),
    "two kinds by turns": (
        {"_line": 5, "learn": 2, "_take_alike": 200, "take": 197},
        {"_line": 5, "learn": 2, "_take_alike": 200, "take": 197},
    ),
    "two of one kind, one of another": (
        {"_line": 5, "learn": 2, "_take_alike": 201, "take": 198},
        {"_line": 5, "learn": 2, "_take_alike": 201, "take": 198},
    ),
    "four kinds by turns": (
        {"_line": 30, "learn": 4, "_take_alike": 200, "take": 185},
        {"_line": 30, "learn": 4, "_take_alike": 200, "take": 185},
    ),
    "six kinds by turns": (
        {"_line": 248, "learn": 53, "_take_alike": 300, "take": 176},
        {"_line": 248, "learn": 53, "_take_alike": 300, "take": 176},
    ),
    "nothing that can be learnt": (
        {"_line": 200, "_take_data": 72, "learn": 6, "_take_alike": 100},
        {"_line": 200, "learn": 6, "_take_alike": 100},
    ),
    "nothing, then data": (
        {
            "_line": 227,
            "_take_data": 100,
            "learn": 7,
            "_take_alike": 129,
            "take": 1,
            "take_split": 1,
        },
        {"_line": 227, "learn": 7, "_take_alike": 128, "take": 1},
    ),
    "data, then nothing": (
        {"_line": 201, "_take_data": 7, "learn": 8, "_take_alike": 103, "take": 9, "take_split": 2},
        {"_line": 201, "learn": 8, "_take_alike": 102, "take": 9},
    ),
    "a long run, then others by turns": (
        {"_line": 5, "learn": 2, "_take_alike": 196, "take": 148, "take_split": 46},
        {"_line": 5, "learn": 2, "_take_alike": 101, "take": 98},
    ),
    "data lines of one event": (
        {"_line": 1, "_take_data": 1, "learn": 1, "_take_alike": 1},
        {"_line": 500, "learn": 1, "_take_alike": 1},
    ),
    "data lines without the space": (
        {"_line": 1, "_take_data": 1, "learn": 1, "_take_alike": 1},
        {"_line": 500, "learn": 1, "_take_alike": 1},
    ),
    "the same between others with it": (
        {"_line": 2, "_take_data": 1, "learn": 1, "_take_alike": 3, "take": 1},
        {"_line": 501, "learn": 1, "_take_alike": 3, "take": 1},
    ),
    "data lines and others": (
        {"_line": 500, "_take_data": 8, "learn": 1, "_take_alike": 1},
        {"_line": 500, "learn": 1, "_take_alike": 1},
    ),
    "a line in pieces": (
        {"_line": 1, "learn": 1, "_take_alike": 1},
        {"_line": 1, "learn": 1, "_take_alike": 1},
    ),
}


def steps(parser_class: Callable[[], Any], folder: str, chunks: list[bytes]) -> dict[str, int]:
    """Return how often each function was called."""
    called: Counter[str] = Counter()

    def profile(frame: Any, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(folder):
            called[frame.f_code.co_name] += 1

    feed = parser_class().feed
    earlier = sys.getprofile()
    sys.setprofile(profile)
    try:
        for chunk in chunks:
            feed(chunk)
    finally:
        sys.setprofile(earlier)
    return {name: called[name] for name in COUNTED if called[name]}


@pytest.fixture(scope="module")
def cores(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, str]]:
    folder = tmp_path_factory.mktemp("steps")
    copies = [load_copy(folder, "steps_pure"), load_copy(folder, "steps", COMPILED="True")]
    return [(copy.Parser, str(folder / copy.__name__)) for copy in copies]


@pytest.mark.parametrize("stream", STREAMS)
def test_steps(cores: list[tuple[Any, str]], stream: str) -> None:
    taken = tuple(steps(parser, folder, STREAMS[stream]) for parser, folder in cores)
    assert taken == EXPECTED[stream]
