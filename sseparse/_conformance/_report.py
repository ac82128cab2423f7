"""The results for people and for programs."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Any

from .. import __version__
from ._cases import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._judge import Report

__all__ = ["as_json", "as_text", "printable"]


def as_json(reports: Sequence[Report], missing: Mapping[str, str]) -> str:
    """Return one JSON object with everything."""
    content = {
        "sseparse": __version__,
        "python": platform.python_version(),
        "families": [family._asdict() for family in FAMILIES],
        "parsers": [_as_dict(report) for report in reports],
        "not run": dict(missing),
    }
    return json.dumps(content, indent=2) + "\n"


def _as_dict(report: Report) -> dict[str, Any]:
    families = {}
    for name, result in report.results.items():
        smallest = result.smallest
        families[name] = {
            "passed": result.passed,
            "total": result.total,
            "not judged": result.unmet or None,
            "smallest failing": smallest._asdict() if smallest else None,
        }
    return {"parser": report.parser, "note": report.note, "families": families}


def as_text(reports: Sequence[Report], missing: Mapping[str, str]) -> str:
    """Return a table, then what went wrong, then what the families stand on."""
    lines = [f"sseparse conformance {__version__}, Python {platform.python_version()}", ""]
    lines += _table(reports)
    lines += [f"not run: {name}: {why}" for name, why in missing.items()]
    for report in reports:
        if report.failing or report.note:
            lines += ["", report.parser]
            lines += [f"  {report.note}"] if report.note else []
        for name in report.failing:
            result = report.results[name]
            lines.append(f"  {name}: {result.text}")
            if result.smallest is not None:
                lines += [
                    f"    smallest  {result.smallest.stream}  ({result.smallest.name})",
                    f"    expected  {result.smallest.expected}",
                    f"    got       {result.smallest.got}",
                ]
    lines += ["", "The standard (WHATWG HTML):"]
    lines += [f"  {family.name}, {family.section}: {family.sentence}" for family in FAMILIES]
    return "".join(printable(line) + "\n" for line in lines)


def _table(reports: Sequence[Report]) -> list[str]:
    head = ["", *(family.name for family in FAMILIES)]
    rows = [
        [report.parser.partition(",")[0], *(report.results[name].text for name in head[1:])]
        for report in reports
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in (head, *rows)
    ]


def printable(line: str) -> str:
    """Escape what could drive a terminal; a parser's messages are not trusted."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
