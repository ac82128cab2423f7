"""The streams that the conformance runner makes, each of them whole."""

from __future__ import annotations

from typing import Any

import pytest

from sseparse._conformance import _cases

ENDS = {"LF": b"\n", "CRLF": b"\r\n", "CR": b"\r"}
# With LF; and how many events must have come by the end of each chunk.
PROMPT: dict[str, tuple[list[bytes], list[int]]] = {
    "one event a chunk": ([b"data: a\n\n"] * 3, [1, 2, 3]),
    "two events a chunk": ([b"data: a\n\ndata: a\n\n"] * 2, [2, 4]),
    "all fields": ([b"event: x\nid: 1\ndata: a\ndata: b\n\n"] * 2, [1, 2]),
    "the blank line by itself": ([b"data: a\n", b"\n"] * 2, [0, 1, 1, 2]),
    "an event and the half of one": ([b"data: a\n\ndata", b": a\n\n"], [1, 2]),
    "a comment afterwards": ([b"data: a\n\n", b": ping\n", b"data: a\n\n"], [1, 1, 2]),
    "a long event": ([b"data: " + b"x" * 99_999, b"\n", b"\n"], [0, 0, 1]),
    "the bytes of an event one by one": (
        [b"d", b"a", b"t", b"a", b":", b" ", b"a", b"\n", b"\n"],
        [0, 0, 0, 0, 0, 0, 0, 0, 1],
    ),
}


def test_the_streams_of_promptness() -> None:
    expected = [
        _cases.Prompt(f"{name}, {what}", [chunk.replace(b"\n", end) for chunk in chunks], due)
        for name, end in ENDS.items()
        for what, (chunks, due) in PROMPT.items()
    ]
    expected += [
        _cases.Prompt("LF, then CR", [b"data: a\n\r"] * 2, [1, 2]),
        _cases.Prompt("CRLF, then LF", [b"data: a\r\n\n"] * 2, [1, 2]),
        _cases.Prompt("LF, then CRLF", [b"data: a\n\r\n"] * 2, [1, 2]),
    ]
    assert _cases.prompts() == expected


def test_the_streams_of_limits() -> None:
    endless, half = [b"x" * 1000] * 100, b"data: " + b"x" * 5000 + b"\n\n"
    assert _cases.limited() == [
        ("an endless line", [b"data: ", *endless], True, None),
        ("an endless type", [b"event: ", *endless], True, None),
        ("data lines without end", [b"data: " + b"x" * 93 + b"\n"] * 1000, True, None),
        ("a line that is not UTF-8", [b"data: ", *[b"\xff" * 1000] * 100], True, None),
        ("a long line without a field", [*endless, b"\n", half], True, 1),
        ("a long comment", [b": ", *endless, b"\n", half], True, 1),
        ("events below the limit", [half] * 20, False, 20),
        ("events below the limit in one chunk", [half * 20], False, 20),
        ("comments between events", [half, *[b": ping\n"] * 9000], False, 1),
    ]


def test_the_streams_of_growth() -> None:
    assert [(case.name, case.chunks(96)) for case in _cases.growths()] == [
        ("one line, 16 bytes a chunk", [b"data: ", *[b"x" * 16] * 6, b"\n\n"]),
        ("data lines of one event, in one chunk", [b"data: word\n" * 8 + b"\n"]),
        (
            "data lines of one event, one a chunk",
            [*[b"data: some ten words more\n"] * 3, b"\n"],
        ),
        ("comments, one a chunk", [b": keep-alive and so on\n"] * 4),
        ("events, in one chunk", [b"data: word\n\n" * 8]),
        ("events ended by CR, in one chunk", [b"data: word\r\r" * 8]),
    ]


@pytest.mark.parametrize(
    ("retry", "allowed"),
    [(None, [None]), ("any", []), (0, [0]), (2**53 - 1, [2**53 - 1]), (2**53, []), (10**99, [])],
)
def test_what_retry_may_be(retry: Any, allowed: list[int | None]) -> None:
    assert _cases._retries(retry) == allowed
