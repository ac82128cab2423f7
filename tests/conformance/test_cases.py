"""The streams of the conformance runner: those of the corpora, and those that it makes."""

from __future__ import annotations

import lzma
import runpy
from typing import Any

import pytest

from corpora import DATA, eventsource, tricky
from sseparse._conformance import _cases, _standard

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
def test_the_reconnection_times_that_are_compared(retry: Any, allowed: list[int | None]) -> None:
    assert _cases._retries(retry) == allowed


# The package has a part of the corpora, and no answers.


ORIGINALS = {f"eventsource:{each['id']}": each for each in eventsource()}
ORIGINALS |= {f"tricky:{each['name']}": each for each in tricky()}


def chunks_of(original: dict[str, Any]) -> list[bytes]:
    chunks = original.get("chunks") or [original["stream"]]
    return [chunk.encode("latin-1") for chunk in chunks]


def test_the_answers_are_those_that_browsers_confirmed() -> None:
    assert len(ORIGINALS) == 2657
    open_retry = set()
    for name, original in ORIGINALS.items():
        events, last_event_id, retry = _standard.answer(b"".join(chunks_of(original)))
        assert [list(event) for event in events] == original["events"], name
        assert last_event_id == original["last_event_id"], name
        if retry == "any" != original["retry"]:
            open_retry.add(name)
        else:
            assert retry == original["retry"], name
    # The corpus has the number before the empty value there, as if that were ignored.
    assert open_retry == {"eventsource:3578"}


def test_the_streams_of_the_corpora() -> None:
    streams = _cases.corpora()
    names = [stream.name for stream in streams]
    assert len(set(names)) == len(names)
    for family, name, chunks, events, last_event_id, retry in streams:
        original = ORIGINALS[name]
        assert family == original.get("family", family)
        assert chunks == chunks_of(original), name
        assert [list(event) for event in events] == original["events"], name
        assert last_event_id == original["last_event_id"], name
        assert retry == _cases._retries(original["retry"]), name


def test_what_the_package_leaves_out_is_random() -> None:
    left_out = ORIGINALS.keys() - {stream.name for stream in _cases.corpora()}
    tags = {ORIGINALS[name]["tags"][0] for name in left_out}
    assert tags == {"grammar", "mutated", "rc-grammar"}


def test_the_streams_are_those_that_the_script_writes() -> None:
    """Another version of the library may compress them to other bytes."""
    make = runpy.run_path(str(DATA / "make_streams.py"))
    written = make["packed"](make["content"]())
    file = (_cases.DATA / "streams.json.xz").read_bytes()
    assert lzma.decompress(file) == lzma.decompress(written)
