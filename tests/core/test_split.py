"""Each way through simple blocks, whatever the build and the length of the text would choose.

From _SPLIT_FROM characters on the pure build cuts them with one split(); few generated streams are
that long, so here the border is 0. And with COMPILED set it goes the way of the compiled build. In
that one the constants are part of the code, and the tests run as elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import test_properties

import reference
from running import feed_all
from sseparse import Event, Parser, _parser

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "prop",
    [
        test_properties.test_p1_any_split,
        test_properties.test_p2_reference,
        test_properties.test_p5_prefix,
    ],
)
def test_properties_hold(
    prop: Callable[[], None], compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_parser, "COMPILED", compiled)
    monkeypatch.setattr(_parser, "_SPLIT_FROM", 0)
    prop()


@pytest.mark.parametrize(
    "stream",
    [
        b"data: a",
        b"data: a\n",
        b"data: \n\n",
        b"data: a\n\n\n",
        b"data: a\n\ndata: b\ndata: c\n\ndata: d\n\n",
        b"data: a\n\nid: 1\ndata: b\n\ndata: c\n\n",
        b"data: a\n\ndata: b\n\n: comment\n\ndata: c",
        b"data: \xc3\xa9\n\ndata: \xff\n\n",
        b"data: a\r\n\r\ndata: b\r\n\r\n",
        b"DATA: a\n\ndata: b\n\n",
        b"data: a\n\nDATA: b\n\n",
        # As mutants write the texts that are looked for.
        b"XXdata: XXa\n\ndata: b\n\n",
        b"data: aXX\n\nXXdata: b\n\n",
        b"data: aXX\n\ndata: XXb\n\n",
        b"id: 1\nXXdata: XXa\n\n",
        # A value that would be a field, if a line began there.
        b"data: id\n\ndata: b\n\n",
        # A space, but a place too late.
        b"data:a b\n\ndata:c d\ndata: e\n\n",
        b"data: data: event: id: a\n\ndata: data\n\ndata: b\n\n",
    ],
)
@pytest.mark.parametrize("split_from", [0, 1024])
@pytest.mark.parametrize("compiled", [False, True])
def test_blocks_that_end_the_short_way(
    stream: bytes, compiled: bool, split_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_parser, "COMPILED", compiled)
    monkeypatch.setattr(_parser, "_SPLIT_FROM", split_from)
    expected = reference.outcome(stream, last_event_id="7")._replace(observed=[])
    assert feed_all([stream], last_event_id="7") == expected


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_border(extra: int) -> None:
    stream = b"data: a\n\ndata: " + b"b" * (1024 - 17 + extra) + b"\n\n"
    assert len(stream) == 1024 + extra
    assert Parser().feed(stream)[0] == Event("message", "a", "")
    assert len(Parser().feed(stream)) == 2


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    "lines",
    [
        [b"data: held", b"", b"data: b", b"", b"data: c", b"", b"data: d"],
        [b"data: held", b"data: more", b"", b"data: b", b"", b"data: c"],
        [b"data: held", b"", b"", b"id: 1", b"data: b", b"", b""],
        [b": held", b"", b": none", b"data: b"],
        [b": held", b"data: b"],
        [b": held", b"id: 1", b"", b"data: b", b""],
        [b"data: \xc3\xa9", b"", b"data: \xc3\xa9", b"", b"data: b"],
        [b"event: held", b"", b"data: b", b""],
        [b": held"],
        # Bytes with the value of the place of a line end.
        [b"data: " + b"\4" * 9, b"", b"data: b", b"", b"data: c"],
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_a_long_chunk_that_ends_what_is_held(
    lines: list[bytes], end: bytes, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_parser, "COMPILED", compiled)
    short = end.join(lines)
    rest = bytes(set(range(256)) - {10, 13}) * 5
    long = end.join([*lines, rest])
    longer = end.join([*lines, rest, b"data: last", b"", b"data"])
    for stream in (short, long, longer, longer + end):
        expected = reference.outcome(stream)._replace(observed=[])
        for cut in range(len(short)):
            assert feed_all([stream[:cut], stream[cut:]]) == expected


@pytest.mark.parametrize("compiled", [False, True])
def test_what_differs_from_data_in_one_place(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_parser, "COMPILED", compiled)
    event = b"data: b\n\n"
    # The last rest is "data: " backwards, less the d: a place before the text is one at its end.
    rests = [b"", b"\n", event, b"\n" + event, b"\n\n :ata"]
    for place in range(6):
        for other in (b"x", b"DATA: "[place : place + 1], b"ebub;!"[place : place + 1]):
            line = b"data: a"[:place] + other + b"data: a"[place + 1 :] + b"\n"
            streams = [before + line + rest for before in (b"", event) for rest in rests]
            for stream in streams:
                assert feed_all([stream]) == reference.outcome(stream)._replace(observed=[])
