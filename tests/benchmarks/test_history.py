"""The records of the benchmark's reports: made, read again, and shown beside each other."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

import importable  # before what it makes importable
from benchmarks.parsers import chart, compare, history

if TYPE_CHECKING:
    from pathlib import Path

CASES_OF_THE_README = ("chat", "chat/evt", "chat/100", "chat/1")
RECORDS = sorted(history.RECORDS.glob("*/*.json"))


def row(name: str, ratio: list[float] | None, fault: str = "") -> dict[str, Any]:
    times = ratio and [1000 / each for each in ratio]
    return {
        "name": name,
        "fault": fault,
        "note": "left out",
        "ns_per_event": times,
        "to_httpx_sse": ratio,
        "type_and_data_read": {"ns_per_event": times},
    }


def made_up(ratio: float) -> dict[str, Any]:
    rows = [
        row("compiled", [ratio - 0.1234, ratio, ratio + 0.1234]),
        row("httpx-sse", [1.0, 1.0, 1.0]),
        row("naive", [3.0, 3.0, 3.0], "wrong: other data"),
        row("c-by-hand", None, "not timed: raises NotImplementedError"),
    ]
    head = {"Python": "CPython 3.13.0", "machine": "none", "commit": f"commit{ratio:.0f}"}
    case = {"name": "chat", "about": "left out", "events": 1, "bytes": 9, "rows": rows}
    return {"header": head, "cases": [case], "figures": ["left out"]}


def test_a_record_leaves_out_wrong_results(tmp_path: Path) -> None:
    report, path = made_up(8.0), tmp_path / "record.json"
    path.write_text(history.record(report))
    assert "left out" not in path.read_text()
    record = compare.read(str(path))
    assert record["header"] == report["header"]
    [case] = record["cases"]
    assert (case["name"], case["events"], case["bytes"]) == ("chat", 1, 9)
    assert case["rows"] == [
        {"name": "compiled", "fault": "", "ns_per_event": 125, "to_httpx_sse": [7.88, 8.0, 8.12]},
        {"name": "httpx-sse", "fault": "", "ns_per_event": 1000, "to_httpx_sse": [1, 1, 1]},
    ]
    [change] = compare.compare(record, made_up(9.0))
    assert (change.build, change.before, change.after) == ("compiled", 8.0, 9.0)
    assert chart.points(record) == chart.points(report)


def test_the_history_has_a_column_for_each_record(tmp_path: Path) -> None:
    for folder, date, ratio in (("a", "2026-02-01", 9), ("a", "2026-01-01", 8), ("b", "x", 7)):
        (tmp_path / folder).mkdir(exist_ok=True)
        report = made_up(ratio)
        if folder == "b":
            report["cases"][0]["name"] = "tiny"
        (tmp_path / folder / f"{date}.json").write_text(history.record(report))
    records, table = history.history(tmp_path).split("\n\n")
    assert records.splitlines() == [
        "  1  a, 2026-01-01, commit commit8",
        "  2  a, 2026-02-01, commit commit9",
        "  3  b, x, commit commit7",
    ]
    assert [line.split() for line in table.splitlines()] == [
        ["1", "2", "3"],
        ["chat", "compiled", "8.00", "9.00", "-"],
        ["tiny", "compiled", "-", "-", "7.00"],
    ]
    assert len({len(line) for line in table.splitlines()}) == 1


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "report.json", tmp_path / "record.json"
    source.write_text(json.dumps(made_up(8.0)))
    assert history.main([str(source), str(target)]) == 0
    assert target.read_text() == history.record(made_up(8.0))
    assert history.main([]) == 0
    assert capsys.readouterr().out == f"{history.history()}\n"
    for arguments, message in (
        ([str(source)], "RECORD.json is missing"),
        ([str(source), str(tmp_path / "none" / "record.json")], "cannot write"),
        ([str(tmp_path / "none.json"), str(target)], "no report in"),
    ):
        with pytest.raises(SystemExit):
            history.main(arguments)
        assert message in capsys.readouterr().err


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_kept_record_is_where_its_header_says(path: Path) -> None:
    report = compare.read(str(path))
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", path.stem)
    version = report["header"]["Python"].replace(" ", "-").lower()
    assert path.parent.name.endswith(version.rpartition(".")[0])
    assert path.stat().st_size < 50_000


@pytest.mark.parametrize("name", ["benchmarks.txt", "benchmarks-3.11.txt"])
def test_the_reports_of_the_page_have_a_record(name: str) -> None:
    page = (importable.ROOT / "docs" / name).read_text(encoding="utf-8")
    heads = [compare.read(str(path))["header"] for path in RECORDS]
    lines = {line[:20].strip(): line[21:] for line in page.split("\n\n")[0].splitlines()}
    assert (lines["commit"], lines["Python"]) in [
        (each["commit"], each["Python"]) for each in heads
    ]


def test_the_readme_quotes_the_report_of_the_page() -> None:
    page = (importable.ROOT / "docs" / "benchmarks.txt").read_text(encoding="utf-8")
    readme = (importable.ROOT / "README.md").read_text(encoding="utf-8")
    tables = {table.partition(":")[0]: table for table in page.split("\n\n")}
    rows = {
        "sseparse, compiled": "compiled",
        "sseparse, pure": "pure",
        "httpx-sse 0.4.3": "httpx-sse",
        "launchdarkly-eventsource 1.7.4": "launchdarkly",
        '`split(b"\\n\\n")`, which is wrong': "naive",
    }
    for label, name in rows.items():
        [row] = [line for line in readme.splitlines() if line.startswith(f"| {label} |")]
        quoted = re.findall(r"([\d,]+) \(([\d.]+)\)", row)
        for case, (nanoseconds, ratio) in zip(CASES_OF_THE_README, quoted, strict=True):
            pattern = rf"^  {name} +{nanoseconds} +\S+ \S+ +\d+ +([\d.]+) \("
            found = re.search(pattern, tables[case], re.MULTILINE)
            assert found
            # Two digits are rounded to one.
            assert abs(float(found[1]) - float(ratio)) < 0.051
        if label[-1].isdigit():
            assert f"{label}\n" in page
