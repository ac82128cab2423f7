"""Each way through simple blocks, whatever the build and the length of the text would choose.

From _SPLIT_FROM characters on the pure build cuts them with one split(); few generated streams are
that long, so here the border is 0. And with COMPILED set it goes the way of the compiled build. In
that one the constants are part of the code, and the tests run as elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import test_properties
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
    ],
)
def test_blocks_that_end_the_short_way(stream: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    searched = feed_all([stream])
    monkeypatch.setattr(_parser, "_SPLIT_FROM", 0)
    assert feed_all([stream]) == searched


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_border(extra: int) -> None:
    stream = b"data: a\n\ndata: " + b"b" * (1024 - 17 + extra) + b"\n\n"
    assert len(stream) == 1024 + extra
    assert Parser().feed(stream)[0] == Event("message", "a", "")
    assert len(Parser().feed(stream)) == 2
