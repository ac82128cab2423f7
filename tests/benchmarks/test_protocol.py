"""The benchmark of the protocol of completions, at small size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import importable  # noqa: F401  before what it makes importable
from benchmarks.clients import protocol

if TYPE_CHECKING:
    import pytest


def test_all_reads_are_one_stream() -> None:
    cuts = protocol.reads_of(500)
    bodies = {b"".join(reads) for reads in cuts.values()}
    assert len(bodies) == 1
    assert len(cuts["one event per read"]) == 501
    assert bodies.pop().endswith(b"data: [DONE]\n\n")
    for reads in cuts.values():
        assert protocol.parse_and_decode(reads) == protocol.iterate(reads) == 500
    assert not cuts["4 KiB reads"][0].endswith(b"\n")


def test_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert protocol.main(["--rounds", "1", "--chunks", "50"]) == 0
    out = capsys.readouterr().out
    assert "feed + json" in out
    assert [line[:20].strip() for line in out.splitlines()[-3:]] == [
        "one event per read",
        "64 KiB reads",
        "4 KiB reads",
    ]
