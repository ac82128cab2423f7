"""Saved reports of the benchmark: comparing them and drawing them."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

import pytest

import importable  # noqa: F401  before what it makes importable
from benchmarks.contestants.contestant import BUILDS
from benchmarks.contestants.peers import PEERS
from benchmarks.parsers import chart, compare, report

if TYPE_CHECKING:
    from pathlib import Path


def made_up(**ratios: list[float] | None) -> dict[str, Any]:
    """Return a report with one case, and that ratio to httpx-sse for each contestant."""
    rows = [
        {"name": name, "to_httpx_sse": ratio, "fault": "", "note": ""}
        for name, ratio in ratios.items()
    ]
    head = {"Python": "CPython 3.13", "machine": "none", "commit": "a"}
    case = {"name": "chat", "events": 1, "bytes": 9, "rows": rows}
    return {"header": head, "cases": [case], "figures": []}


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ([1.9, 2.0, 2.1], [2.0, 2.2, 2.4], "within the noise"),
        ([1.9, 2.0, 2.1], [2.1, 2.2, 2.4], "within the noise"),
        ([1.9, 2.0, 2.1], [2.2, 2.3, 2.4], "faster"),
        ([1.9, 2.0, 2.1], [1.6, 1.7, 1.8], "slower"),
        ([2.0, 2.0, 2.0], [1.0, 1.0, 1.0], "one round does not show the noise"),
        ([1.9, 2.0, 2.1], [1.0, 1.0, 1.0], "one round does not show the noise"),
    ],
)
def test_a_change_within_the_noise_is_not_reported(
    before: list[float], after: list[float], verdict: str
) -> None:
    [change] = compare.compare(made_up(pure=before), made_up(pure=after))
    assert (change.case, change.build, change.verdict) == ("chat", "pure", verdict)
    assert (change.before, change.after) == (before[1], after[1])
    assert change.by == pytest.approx(after[1] / before[1] - 1)
    assert change.low <= change.by <= change.high
    assert change.high == pytest.approx(after[2] / before[0] - 1)


@pytest.mark.parametrize(
    ("peer", "before", "after", "drift", "verdict"),
    [
        ("openai", 2.0, 2.2, 0.1, "faster"),
        ("openai", 2.0, 2.6, 0.3, "unchanged peers moved as much"),
        ("openai", 2.6, 2.0, 0.3, "unchanged peers moved as much"),
        # Changed, or no measure for Python.
        ("assel", 2.0, 2.6, None, "faster"),
        ("eventsource-parser", 2.0, 2.6, None, "faster"),
        ("httpx-sse", 1.0, 1.0, None, "faster"),
    ],
)
def test_a_change_as_large_as_that_of_a_peer_is_not_reported(
    peer: str, before: float, after: float, drift: float | None, verdict: str
) -> None:
    base = made_up(**{"pure": [1.9, 2.0, 2.1], peer: [before] * 3})
    now = made_up(**{"pure": [2.3, 2.4, 2.5], peer: [after] * 3})
    for report_, version in ((base, "1"), (now, "2")):
        report_["header"] |= {"openai": "1", "eventsource-parser": "1", "assel": version}
    [change] = compare.compare(base, now)
    assert (change.drift, change.verdict) == (drift and pytest.approx(drift), verdict)


def test_compare_needs_a_ratio_of_a_build_on_both_sides() -> None:
    base = made_up(compiled=[7.0, 8.0, 9.0], pure=None, openai=[1.0, 2.0, 3.0])
    now = made_up(compiled=[3.0, 4.0, 5.0], pure=[1.0, 2.0, 3.0], openai=[1.0, 2.0, 3.0])
    assert [each.build for each in compare.compare(base, now)] == ["compiled"]
    now["header"]["commit"] = "b"
    lines = compare.text(base, now).splitlines()
    assert "  commit     a  ->  b" in lines
    assert "  Python     CPython 3.13" in lines
    numbers = ["8.00", "4.00", "-50.0%", "-67%", "-29%", "-"]
    assert lines[-2].split() == ["chat", "compiled", *numbers, "slower"]
    assert lines[-1].startswith("  pure not compared, because one report has no ratio")
    assert lines[-1].endswith(": chat")


def test_a_case_whose_stream_changed_is_not_compared() -> None:
    base, now = made_up(pure=[1.0, 2.0, 3.0]), made_up(pure=[4.0, 5.0, 6.0])
    assert len(compare.compare(base, now)) == 1
    now["cases"][0]["bytes"] = 10
    assert compare.compare(base, now) == []
    assert compare.text(base, now).endswith("on the same stream: chat")


@pytest.mark.parametrize("name", ["Python", "machine", "httpx-sse"])
def test_the_comparison_names_other_differences(name: str) -> None:
    base, now = made_up(pure=[1.0, 2.0, 3.0]), made_up(pure=[4.0, 5.0, 6.0])
    assert "Not the same" not in compare.text(base, now)
    now["header"][name] = "another"
    assert f"  Not the same: {name}. A change below may" in compare.text(base, now)


def test_the_chart_leaves_out_wrong_results_httpx_sse_and_other_forms() -> None:
    base = made_up(compiled=[7.0, 8.0, 9.0], openai=[1.0, 2.0, 3.0], naive=[1.0, 2.0, 3.0])
    others = made_up(**{"before": [1.0, 2.0, 3.0], "pure-feed": [1.0, 2.0, 3.0]})
    base["cases"][0]["rows"] += others["cases"][0]["rows"]
    base["cases"][0]["rows"][2]["fault"] = "wrong: other data"
    base["cases"] += made_up(**{"httpx-sse": [1.0, 1.0, 1.0], "pure": None})["cases"]
    assert chart.points(base) == {"compiled": [("chat", 8.0)], "openai": [("chat", 2.0)]}


def test_the_title_of_the_chart_gives_the_figures_of_the_chat_stream() -> None:
    times = "sseparse reads chat streams 8.0 times as fast as httpx-sse"
    base = made_up(compiled=[7.0, 8.0, 9.0], openai=[1.0, 2.0, 3.0])
    assert chart.answer(base) == times
    base = made_up(compiled=[7.0, 8.0, 9.0], pure=[1.0, 2.0, 3.0])
    assert chart.answer(base) == f"{times},\nand 2.0 times in pure Python"
    base = made_up(pure=[1.0, 2.0, 3.0])
    assert chart.answer(base) == "How many times as fast as httpx-sse each parser is"


def test_chart_is_the_same_for_the_same_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        pytest.skip("matplotlib is not installed")
    source = tmp_path / "report.json"
    names = [name for name in [*BUILDS, *PEERS] if name != "httpx-sse"]
    # The marks of the second case stand at the edge.
    report = made_up(**{name: [0.2, 0.4, 0.6] for name in names})
    report["cases"] += made_up(**{name: [0.01, 0.02, 0.03] for name in names})["cases"]
    report["cases"][1]["name"] = "crlf"
    source.write_text(json.dumps(report))
    files = [tmp_path / "1.svg", tmp_path / "2.svg"]
    for each in files:
        assert chart.main([str(source), str(each)]) == 0
    first, second = (each.read_text() for each in files)
    assert first == second
    for name in names:
        assert chart.LABELS.get(name, name) in first
    assert first.count(">0.02<") == len(names)
    with pytest.raises(SystemExit):
        chart.main([str(source)])
    assert "REPORT.json FILE.svg" in capsys.readouterr().err


def test_chart_of_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "report.json"
    source.write_text(json.dumps(made_up(pure=None)))
    with pytest.raises(SystemExit):
        chart.main([str(source), str(tmp_path / "1.svg")])
    assert "no ratio to httpx-sse, so there is nothing to draw" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "[]",
        "{}",
        '{"header": [], "cases": []}',
        '{"header": {}, "cases": 1}',
        '{"header": {}, "cases": [{"name": "chat"}]}',
        '{"header": {}, "cases": [{"name": "chat", "events": 1, "bytes": 1, "rows": [{}]}]}',
    ],
)
def test_a_file_that_is_no_report_is_refused(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "base.json"
    if content is not None:
        path.write_text(content)
    for refuse in (report.main, chart.main):
        with pytest.raises(SystemExit):
            refuse(["--compare", str(path)] if refuse is report.main else [str(path), "1.svg"])
        assert f"no report in {path}" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_refused_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "base.json"
    source.write_text(json.dumps(made_up(pure=[1.0, 2.0, 3.0])))
    path = tmp_path / "none" / "report"
    with pytest.raises(SystemExit):
        report.main(["--save", str(path)])
    assert f"cannot write {path}: No such file or directory" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        chart.main([str(source), str(path)])
    assert f"cannot write {path}: No such file or directory" in capsys.readouterr().err
