"""python -m benchmarks.cassettes: answers have the size they should, and each way a figure."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import forms
import importable  # noqa: F401  # makes benchmarks importable
from benchmarks.recordings import cassettes
from sseparse.recording import streams

YAML: Any = vars(forms)["yaml"]


def test_a_short_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert cassettes.main(["--megabytes", "1", "--rounds", "1"]) == 0
    ways = 4 if hasattr(YAML, "CSafeLoader") else 2
    report = capsys.readouterr().out
    for size in cassettes.SIZES:
        assert f"\nanswers of {size:,} bytes: 1.0 MB, " in report
    assert report.count(" MB/s (median ") == ways * len(cassettes.SIZES)


@pytest.mark.parametrize("size", cassettes.SIZES)
def test_the_size_of_an_answer(size: int) -> None:
    data, events = cassettes.cassette(YAML, size, 1)
    found = list(streams(data))
    assert sum(len(list(each.events())) for each in found) == events
    bodies = {len(b"".join(data for _, data in each.reads)) for each in found}
    assert all(size <= each < size + 300 for each in bodies)


def test_what_is_missing(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.setitem(sys.modules, "yaml_ft", None)
    assert cassettes.main([]) == 1
    assert "PyYAML is not installed" in capsys.readouterr().err
