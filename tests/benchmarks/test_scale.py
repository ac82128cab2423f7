"""python -m benchmarks.scale: each way counts the same events, and the report has all figures."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

import importable  # noqa: F401  # makes benchmarks importable
from benchmarks.recordings import scale


def test_a_short_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module in (("pyarrow", "pyarrow"), ("duckdb", "duckdb"), ("httpx-sse", "httpx_sse")):
        pytest.importorskip(module, reason=f"{name} is not installed")
    # Processes would import this module under a name that they do not know.
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(scale, "ProcessPoolExecutor", ThreadPoolExecutor)
    assert scale.main(["--megabytes", "1", "--rounds", "1", "--files", "100"]) == 0
    report = capsys.readouterr().out
    for name in scale.STREAMS:
        assert re.search(rf"(?m)^{name}: [\d,]+ events, 1 MB, one process$", report)
    assert report.count("times as fast as httpx-sse") == 14
    assert report.count("s in two: ") == 2
    assert re.search(r"(?m)^ +100 files: +1 tasks, planned in \d+ ms; ", report)
    assert "1,000 files" not in report


def test_what_is_missing(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert scale.main([]) == 1
    assert "duckdb is not installed" in capsys.readouterr().err
