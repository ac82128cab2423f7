"""Measure both builds of sseparse beside other parsers, and print what came out."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sseparse

from .cases import CASES, growth_cases
from .figures import FIGURES
from .measure import CLOCK, Result, Spread, measure, spread
from .peers import BUILDS, NAIVE, PEERS, YARDSTICK, builds, peers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _options(arguments)
    ours = [each for each in builds() if each.name in options.builds]
    others, missing = peers(options.peers)
    names = ", ".join(each.name for each in ours) or "none"
    if "compiled" in options.builds and "compiled" not in names:
        names += "; the sseparse that was found is not compiled"
    header = {
        "sseparse": sseparse.__version__,
        "commit": _commit(),
        "builds": names,
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": _machine(),
        "rounds": f"{options.rounds}, timed with {CLOCK}",
        **{each.name: each.version for each in others},
        **{name: f"left out: {reason}" for name, reason in missing.items()},
    }
    if not options.json:
        print("\n".join(f"{name:20} {value}" for name, value in header.items()), flush=True)

    results = []
    for case in options.cases:
        results.append(measure(case, ours + others, options.rounds))
        if not options.json:
            print(_table(results[-1]), flush=True)
    figures = []
    if options.figures:
        grown = [measure(case, ours, options.rounds) for case in growth_cases(options.cases)]
        figures = [figure.judge(results + grown) for figure in FIGURES]
        if not options.json:
            print("\nFigures to reach")
            print("\n".join(f"  {each['verdict']:13} {each['text']}" for each in figures))
    if options.json:
        cases = [_summary(result) for result in results]
        print(json.dumps({"header": header, "cases": cases, "figures": figures}, indent=1))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    cases = {case.name: case for case in CASES}
    for option, names, help_ in (
        ("--cases", list(cases), "the cases to measure"),
        ("--peers", list(PEERS), "the parsers to compare with"),
        ("--builds", list(BUILDS), "the builds of sseparse"),
    ):
        parser.add_argument(
            option,
            type=_names(names),
            default=names,
            metavar="NAME,...",
            help=f"{help_}, of: {', '.join(names)}",
        )
    parser.add_argument("--rounds", type=_positive, default=9, metavar="N", help="9 by default")
    parser.add_argument("--figures", action="store_true", help="judge the figures to reach as well")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args(arguments)
    options.cases = [cases[name] for name in options.cases]
    return options


def _names(known: Sequence[str]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        given = [name for name in text.split(",") if name]
        if unknown := [name for name in given if name not in known]:
            raise argparse.ArgumentTypeError(f"no {unknown[0]!r}; there are {', '.join(known)}")
        return given

    return names


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def _commit(root: Path = ROOT) -> str:
    """Return the commit of the checkout, if what is measured is its source."""
    source = root / "sseparse" / "_parser.py"
    measured = Path(sseparse.__file__).with_name("_parser.py")
    if not source.exists() or source.read_bytes() != measured.read_bytes():
        return "unknown; what is measured is not the source in this folder"
    if not (root / ".git").exists():
        return "unknown; this folder is not a git checkout"
    try:
        commit = _git(root, "rev-parse", "--short", "HEAD")
        changes = _git(root, "status", "--porcelain", "sseparse")
    except (OSError, subprocess.CalledProcessError):
        return "unknown; git does not tell"
    return commit + (", with changes" if changes else "")


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL).strip()


def _machine() -> str:
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        model = named[0] if named else model
    return f"{platform.system()} {platform.machine()}, {model}, {os.cpu_count()} cores"


def _summary(result: Result) -> dict[str, Any]:
    """Return what the table shows, as JSON knows it."""
    rows = []
    for row in result.rows:
        times = spread(row.seconds[0]) if row.seconds else None
        rows.append(
            {
                "name": row.name,
                "fault": row.fault,
                "ns_per_event": times and [each / result.events * 1e9 for each in times],
                "mb_per_s": times and result.size / times.median / 1e6,
                "to_httpx_sse": result.ratio(row.name, YARDSTICK),
                "to_naive": result.ratio(row.name, NAIVE),
                "growth_2": row.growth(2),
                "growth_4": row.growth(4),
                "peak_bytes": row.peak,
            }
        )
    name, about, *_ = result.case
    return {
        "name": name,
        "about": about,
        "events": result.events,
        "bytes": result.size,
        "rows": rows,
    }


def _table(result: Result) -> str:
    case = result.case
    lines = [
        f"\n{case.name}: {case.about}; {result.events:,} events, {result.size:,} bytes",
        f"  {'':18} {'ns/event':>13} {'quartiles':>11} {'MB/s':>6} {'to httpx-sse':>18}"
        f" {'to naive':>8} {'x2':>5} {'x4':>5} {'peak, kB':>9}",
    ]
    for row in result.rows:
        if not row.seconds:
            lines.append(f"  {row.name:18} {row.fault}")
            continue
        times = spread(row.seconds[0])
        quartiles = f"{times.low / times.median - 1:+.0%} {times.high / times.median - 1:+.0%}"
        naive = result.ratio(row.name, NAIVE)
        # The split is right on some streams, which does not make it a parser.
        note = row.fault or ("right on this stream only" if row.name == NAIVE else "")
        lines.append(
            f"  {row.name:18} {times.median / result.events * 1e9:13,.0f} {quartiles:>11}"
            f" {result.size / times.median / 1e6:6.0f} {_ratio(result.ratio(row.name, YARDSTICK))}"
            f" {'-' if naive is None else format(naive.median, '.2f'):>8}"
            f" {_growth(row.growth(2))} {_growth(row.growth(4))}"
            f" {(row.peak or 0) / 1e3:9,.0f} {note}".rstrip()
        )
    return "\n".join(lines)


def _ratio(ratio: Spread | None) -> str:
    text = "-" if ratio is None else f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"
    return f"{text:>18}"


def _growth(growth: float | None) -> str:
    return f"{'-' if growth is None else format(growth, '.2f'):>5}"
