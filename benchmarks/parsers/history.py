"""Show how fast each build was in each record, and make a record of a report.

    python -m benchmarks.history
    python -m benchmarks.history REPORT.json benchmarks/records/MACHINE-PYTHON/DATE.json

The first command prints the ratios to httpx-sse, with a column for each record. Compare columns of
the same folder: another machine or Python changes a ratio by itself.

A record is a report in a few kB. It contains the time and the ratio of each contestant that was
right on a case. ``python -m benchmarks --compare`` and ``python -m benchmarks.chart`` read it like
any other report.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from .. import arguments
from ..contestants.contestant import BUILDS
from . import compare
from .header import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .compare import Report

RECORDS = ROOT / "benchmarks" / "records"


def record(report: Report) -> str:
    """Return the record of a report: JSON with one line for each case."""
    cases = []
    for case in report["cases"]:
        rows = [_row(row) for row in case["rows"] if row["to_httpx_sse"] and not row["fault"]]
        kept = {name: case[name] for name in ("name", "events", "bytes")}
        cases.append(json.dumps({**kept, "rows": rows}))
    lines = ",\n".join(cases)
    return f'{{"header": {json.dumps(report["header"])},\n"cases": [\n{lines}\n]}}\n'


def _row(row: dict[str, Any]) -> dict[str, Any]:
    _, median, _ = row["ns_per_event"]
    return {
        "name": row["name"],
        "fault": "",
        "ns_per_event": round(median),
        "to_httpx_sse": [float(f"{each:.3g}") for each in row["to_httpx_sse"]],
    }


def history(folder: Path = RECORDS) -> str:
    """Return a table with a column for each record: how many times as fast as httpx-sse."""
    lines, ratios = [], {}
    paths = sorted(folder.glob("*/*.json"))
    for number, path in enumerate(paths, 1):
        report = compare.read(str(path))
        commit = report["header"]["commit"]
        lines.append(f"{number:3}  {path.parent.name}, {path.stem}, commit {commit}")
        for case in report["cases"]:
            for row in case["rows"]:
                if row["name"] in BUILDS:
                    ratios[case["name"], row["name"], number] = f"{row['to_httpx_sse'][1]:.2f}"
    numbers = range(1, len(paths) + 1)
    lines.append(f"\n{'':29}" + "".join(f"{number:8}" for number in numbers))
    for case, build in dict.fromkeys((case, build) for case, build, _ in ratios):
        cells = "".join(f"{ratios.get((case, build, number), '-'):>8}" for number in numbers)
        lines.append(f"{case:20} {build:8}{cells}")
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.history",
        description="Print the ratios to httpx-sse in all records, or make a record of a report.",
    )
    parser.add_argument("report", nargs="?", type=compare.read, metavar="REPORT.json")
    parser.add_argument("record", nargs="?", type=arguments.writable, metavar="RECORD.json")
    options = parser.parse_args(given)
    if options.record:
        options.record.write_text(record(options.report), encoding="utf-8")
    elif options.report:
        parser.error("RECORD.json is missing: the file to write")
    else:
        print(history())
    return 0
