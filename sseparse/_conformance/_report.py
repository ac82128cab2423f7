"""Write the results as text and as JSON."""

from __future__ import annotations

import platform
import textwrap
from typing import TYPE_CHECKING, Any

from .. import __version__
from .._safe_text import json_text, one_line
from ._cases import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._judge import Report

__all__ = ["as_json", "as_text", "failures"]

WIDTH = 80  # characters


def as_json(
    reports: Sequence[Report], missing: Mapping[str, str], all_of: str | None = None
) -> str:
    """Return the results as one JSON object; the arguments are those of ``as_text``."""
    content = {
        "sseparse": __version__,
        "python": platform.python_version(),
        "families": [family._asdict() for family in FAMILIES],
        "parsers": [_as_dict(report, all_of) for report in reports],
        "not run": dict(missing),
    }
    return json_text(content, indent=2) + "\n"


def _as_dict(report: Report, all_of: str | None) -> dict[str, Any]:
    families: dict[str, dict[str, Any]] = {}
    for name, result in report.results.items():
        smallest = result.smallest
        families[name] = {
            "passed": result.passed,
            "total": result.total,
            "not judged": result.not_judged or None,
            "smallest failing": smallest._asdict() if smallest else None,
        }
        if name == all_of:
            families[name]["failing"] = [failure._asdict() for failure in result.failures]
    return {"parser": report.parser, "note": report.note, "families": families}


def as_text(
    reports: Sequence[Report], missing: Mapping[str, str], all_of: str | None = None
) -> str:
    """Return a table, then the failures, then the standard's sentence for each family.

    Args:
        reports: The results of each parser.
        missing: The reasons why other parsers could not be run, by name.
        all_of: The family whose failures are all listed. Other families list the smallest.
    """
    lines = [f"sseparse conformance {__version__}, Python {platform.python_version()}", ""]
    lines += _table(reports)
    for name, why in missing.items():
        lines += _wrapped(f"not run: {name}: {why}", "  ")
    for report in reports:
        if report.failing or report.note:
            lines += ["", report.parser]
            lines += _wrapped(f"  {report.note}", "  ") if report.note else []
        lines += failures(report, all_of)
    lines += ["", "The standard (WHATWG HTML):"]
    for family in FAMILIES:
        lines += _wrapped(f"  {family.name}, {family.section}: {family.sentence}", "    ")
    return "".join(line + "\n" for line in lines)


def failures(report: Report, all_of: str | None = None) -> list[str]:
    """Return lines that describe the smallest failure of each family, or all of ``all_of``."""
    lines = []
    for name in report.failing:
        result = report.results[name]
        lines.append(f"  {name}: {result.text}")
        shown = result.failures if name == all_of else result.failures[:1]
        for failure in shown:
            which = "stream  " if name == all_of else "smallest"
            lines += _cut(f"    {which}  {failure.stream}  ({failure.name})")
            lines += _cut(f"    expected  {failure.expected}")
            lines += _cut(f"    got       {failure.got}")
    return lines


def _table(reports: Sequence[Report]) -> list[str]:
    """Return the results as one or more tables that fit the width."""
    names = [report.parser.partition(",")[0] for report in reports]
    first = ["", *names]
    columns = [
        [family.name, *(report.results[family.name].text for report in reports)]
        for family in FAMILIES
    ]
    columns.append(["all", *(report.total.text for report in reports)])
    lines: list[str] = []
    while columns:
        shown = [first]
        while columns and (len(shown) == 1 or _width([*shown, columns[0]]) <= WIDTH):
            shown.append(columns.pop(0))
        widths = [max(map(len, column)) for column in shown]
        for row in zip(*shown, strict=True):
            cells = [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]
            lines.append(one_line("  ".join(cells).rstrip()))
        lines += [""] if columns else []
    return lines


def _width(columns: list[list[str]]) -> int:
    return sum(max(map(len, column)) + 2 for column in columns) - 2


def _wrapped(text: str, indent: str) -> list[str]:
    """Break prose between words."""
    return textwrap.wrap(one_line(text), WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def _cut(text: str) -> list[str]:
    """Break text whose spaces count at any character, and indent all lines but the first."""
    text, indent = one_line(text), " " * 14
    lines = [text[:WIDTH]]
    rest = text[WIDTH:]
    step = WIDTH - len(indent)
    return lines + [indent + rest[at : at + step] for at in range(0, len(rest), step)]
