"""Measure both builds of sseparse beside other parsers, and print a report."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import arguments
from ..contestants.contestant import BUILDS, before, builds
from ..contestants.forms import forms
from ..contestants.peers import NAIVE, PEERS, REQUIRED, YARDSTICK, peers
from . import compare
from .cases import CASES, CUTS, crossed, growth_cases
from .figures import FIGURES
from .header import header
from .measure import Result, Row, Spread, frozen, measure, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..contestants.contestant import Contestant

# The name of a contestant's second row, for which the loop reads type and data of each event.
READ = "  + type, data read"


def main(given: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _options(given)
    ours = [each for each in builds() if each.name in options.builds]
    others, missing = peers(options.peers)
    if options.required and (absent := [name for name in REQUIRED if name in missing]):
        print("\n".join(f"{name}, which is required: {missing[name]}" for name in absent))
        return 1
    if options.before:
        others.insert(0, options.before)
    head = header(_names(ours, options.builds), options.rounds, others, missing)
    show: Callable[[str], None] = _silent if options.json else _show
    show("\n".join(f"{name:20} {value}" for name, value in head.items()))

    results, figures = _measured(options, ours, others, show)
    cases = [_summary(result) for result in results]
    report: compare.Report = {"header": head, "cases": cases, "figures": figures}
    if options.compare:
        report["compared"] = _changes(options.compare, report)
        show(f"\n{compare.text(options.compare, report)}")
    written = json.dumps(report, indent=1)
    if options.save:
        options.save.write_text(f"{written}\n", encoding="utf-8")
    if options.json:
        print(written)
    return 0


def _changes(base: compare.Report, report: compare.Report) -> list[dict[str, Any]]:
    return [change._asdict() for change in compare.compare(base, report)]


def _names(ours: list[Contestant], wanted: Sequence[str]) -> str:
    names = ", ".join(each.name for each in ours) or "none"
    if "compiled" in wanted and "compiled" not in names:
        names += "; the imported sseparse is not compiled"
    return names


def _measured(
    options: argparse.Namespace,
    ours: list[Contestant],
    others: list[Contestant],
    show: Callable[[str], None],
) -> tuple[list[Result], list[dict[str, str | float | None]]]:
    """Measure the cases and judge the figures; show each result at once."""
    with frozen():
        results = []
        grown = BUILDS if options.cuts else None
        for case in options.cases:
            contestants = ours + others + (forms(options.builds) if case.forms else [])
            results.append(measure(case, contestants, options.rounds, grown))
            show(_table(results[-1]))
        if not options.figures:
            return results, []
        more = [measure(case, ours, options.rounds) for case in growth_cases(options.cases)]
    figures = [figure.judge(results + more) for figure in FIGURES]
    show("\nFigures to reach")
    show("\n".join(f"  {each['verdict']:13} {each['text']}" for each in figures))
    return results, figures


def _show(text: str) -> None:
    print(text, flush=True)


def _silent(_: str) -> None:
    pass


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments.parser("benchmarks", __doc__)
    cases = {case.name: case for case in CASES}
    for option, names, help_ in (
        ("--cases", list(cases), "the cases to measure"),
        ("--peers", list(PEERS), "the parsers to compare with"),
        ("--builds", list(BUILDS), "the builds of sseparse"),
    ):
        parser.add_argument(
            option,
            type=arguments.names(names),
            default=names,
            metavar="NAME,...",
            help=f"{help_}, of: {', '.join(names)}",
        )
    parser.add_argument(
        "--before",
        type=_before,
        metavar="FOLDER",
        help="also measure the build in this folder, made by python -m benchmarks.before",
    )
    parser.add_argument(
        "--cuts",
        type=arguments.names(list(CUTS)),
        metavar="NAME,...",
        help="measure each stream of the cases with each of these cuts, and the growth only of "
        f"sseparse; of: {', '.join(CUTS)}",
    )
    parser.add_argument(
        "--rounds", type=arguments.positive, default=9, metavar="N", help="9 by default"
    )
    parser.add_argument("--figures", action="store_true", help="also judge the goals")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument(
        "--save", type=arguments.writable, metavar="FILE", help="also write the JSON there"
    )
    parser.add_argument(
        "--compare",
        type=compare.read,
        metavar="BASE.json",
        help="print what became faster or slower since that report",
    )
    parser.add_argument(
        "--required", action="store_true", help=f"fail without one of: {', '.join(REQUIRED)}"
    )
    options = parser.parse_args(given)
    options.cases = [cases[name] for name in options.cases]
    if options.cuts:
        options.cases = crossed(options.cases, options.cuts)
    return options


def _before(folder: str) -> Contestant:
    try:
        return before(Path(folder))
    except (ImportError, OSError) as error:
        raise argparse.ArgumentTypeError(
            f"no build in {folder}: {error}; python -m benchmarks.before REV {folder} makes one"
        ) from error


def _summary(result: Result) -> dict[str, Any]:
    """Return the content of the table, for JSON."""
    rows = [
        {
            "name": row.name,
            "fault": row.fault,
            "note": row.note,
            **_times(result, row, reading=False),
            "growth_2": row.growth(2),
            "growth_4": row.growth(4),
            "peak_bytes": row.peak,
            "type_and_data_read": _times(result, row, reading=True),
        }
        for row in result.rows
    ]
    return {
        "name": result.case.name,
        "about": result.case.about,
        "events": result.events,
        "bytes": result.size,
        "rows": rows,
    }


def _times(result: Result, row: Row, reading: bool) -> dict[str, Any]:
    rounds = row.rounds(reading)
    times = spread(rounds) if rounds else None
    return {
        "ns_per_event": times and [each / result.events * 1e9 for each in times],
        "mb_per_s": times and result.size / times.median / 1e6,
        "to_httpx_sse": result.ratio(row.name, YARDSTICK, reading),
        "to_naive": result.ratio(row.name, NAIVE, reading),
    }


def _table(result: Result) -> str:
    case = result.case
    lines = [
        f"\n{case.name}: {case.about}; {result.events:,} events, {result.size:,} bytes",
        f"  {'':19} {'ns/event':>13} {'quartiles':>11} {'MB/s':>6} {'to httpx-sse':>18}"
        f" {'to naive':>8} {'x2':>5} {'x4':>5} {'peak, kB':>9}",
    ]
    for row in result.rows:
        if not row.seconds:
            lines.append(f"  {row.name:19} {row.fault}")
            continue
        note = row.fault or row.note
        lines.append(
            f"  {row.name:19} {_figures(result, row, reading=False)}"
            f" {_growth(row.growth(2))} {_growth(row.growth(4))}"
            f" {'-' if row.peak is None else format(row.peak / 1e3, ',.0f'):>9} {note}".rstrip()
        )
        if row.reading:
            lines.append(f"  {READ:19} {_figures(result, row, reading=True)}")
    return "\n".join(lines)


def _figures(result: Result, row: Row, reading: bool) -> str:
    times = spread(row.rounds(reading))
    quartiles = f"{times.low / times.median - 1:+.0%} {times.high / times.median - 1:+.0%}"
    naive = result.ratio(row.name, NAIVE, reading)
    return (
        f"{times.median / result.events * 1e9:13,.0f} {quartiles:>11}"
        f" {result.size / times.median / 1e6:6.0f}"
        f" {_ratio(result.ratio(row.name, YARDSTICK, reading))}"
        f" {'-' if naive is None else format(naive.median, '.2f'):>8}"
    )


def _ratio(ratio: Spread | None) -> str:
    text = "-" if ratio is None else f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"
    return f"{text:>18}"


def _growth(growth: float | None) -> str:
    return f"{'-' if growth is None else format(growth, '.2f'):>5}"
