"""Compare two reports of ``python -m benchmarks``, to see what became faster or slower.

The ratios to httpx-sse are compared, not the times. A ratio is taken within each round of a run, so
a machine that is slower today does not change it. Noise remains. A build is reported as faster or
slower only if the change is larger than both kinds of noise:

- Noise within a run. The change, taken between the nearest quartiles of the two runs, must have the
  same sign as the change between the medians.
- Noise between runs. The change must be larger than that of any peer on the same case, because
  nobody changed the peers.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..contestants.contestant import BUILDS
from ..contestants.peers import NODE, YARDSTICK
from .measure import Spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Report = dict[str, Any]
HEADER = ("sseparse", "commit", "Python", "machine", "rounds", "httpx-sse")
# If one of these differs, the ratio can change by itself: another processor or interpreter may suit
# one of the two parsers better.
SAME = ("Python", "machine", "httpx-sse")


class Change(NamedTuple):
    """The change of one build on one case.

    Attributes:
        case: The case's name.
        build: The build.
        before: Its ratio to httpx-sse in the base.
        after: Its ratio to httpx-sse in the new report.
        by: The change of the ratio: 0.1 if the build is 10 % faster, below 0 if it is slower.
        low: The change from the base's upper quartile to the new report's lower quartile.
        high: The change from the base's lower quartile to the new report's upper quartile.
        drift: The largest change of a peer of the same version, in either direction; 0 or more.
            None if no peer of the same version is right on the case in both reports.
        verdict: "faster" or "slower", or the reason why it is neither.
    """

    case: str
    build: str
    before: float
    after: float
    by: float
    low: float
    high: float
    drift: float | None
    verdict: str


def read(path: str) -> Report:
    """Return the report in a file that the command line names."""
    try:
        report: Report = json.loads(Path(path).read_text(encoding="utf-8"))
        text(report, report)  # raises if it is not a report, before anything is measured
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        fault = f"{type(error).__name__}: {error}"
        raise argparse.ArgumentTypeError(f"no report in {path}: {fault}") from error
    return report


def compare(base: Report, report: Report) -> list[Change]:
    """Return the change of each build on each stream for which both reports have its ratio."""
    then, now = _ratios(base, report), _ratios(report, base)
    # Another runtime may slow down when Python does not.
    same = {
        name
        for name, version in base["header"].items()
        if report["header"].get(name) == version and name not in (YARDSTICK, NODE)
    }
    moves: dict[str, list[float]] = {}
    for case, name in now:
        if name in same and (case, name) in then:
            move = _move(then[case, name], now[case, name])
            moves.setdefault(case, []).append(move)
    return [
        _change(
            case, name, then[case, name], now[case, name], max(moves.get(case, []), default=None)
        )
        for case, name in now
        if name in BUILDS and (case, name) in then
    ]


def text(base: Report, report: Report) -> str:
    """Return the comparison as it is printed."""
    lines = [
        "Compared with the base, by the ratio to httpx-sse, which a slower machine does not change"
    ]
    for name in HEADER:
        then, now = (each["header"].get(name, "not measured") for each in (base, report))
        lines.append(f"  {name:10} {then}" + ("" if then == now else f"  ->  {now}"))
    if other := [name for name in SAME if base["header"].get(name) != report["header"].get(name)]:
        lines.append(
            f"  Not the same: {', '.join(other)}. A change below may come from that alone."
        )
    lines.append(f"\n  {'':28} {'base':>6} {'now':>6} {'change':>7} {'noise':>13} {'peers':>6}")
    changes = compare(base, report)
    for each in changes:
        lines.append(
            f"  {each.case:19} {each.build:8} {each.before:6.2f} {each.after:6.2f} {each.by:+7.1%}"
            f" {each.low:+6.0%} {each.high:+6.0%}"
            f" {'-' if each.drift is None else format(each.drift, '.0%'):>6} {each.verdict}"
        )
    return "\n".join([*lines, *_not_compared(base, report, changes)])


def _not_compared(base: Report, report: Report, changes: list[Change]) -> Iterator[str]:
    compared = {(each.case, each.build) for each in changes}
    for build in BUILDS:
        measured = [
            case["name"]
            for each in (base, report)
            for case in each["cases"]
            if build in (row["name"] for row in case["rows"])
        ]
        left = [name for name in dict.fromkeys(measured) if (name, build) not in compared]
        if left:
            yield (
                f"  {build} not compared, because one report has no ratio to httpx-sse on the same"
                f" stream: {', '.join(left)}"
            )


def _ratios(report: Report, other: Report) -> Mapping[tuple[str, str], Spread]:
    """Return the ratios of a report on the cases whose stream the other report has, too."""
    streams = {_stream(case) for case in other["cases"]}
    return {
        (case["name"], row["name"]): Spread(*row["to_httpx_sse"])
        for case in report["cases"]
        if _stream(case) in streams
        for row in case["rows"]
        if row["to_httpx_sse"] and not row["fault"]
    }


def _stream(case: dict[str, Any]) -> tuple[str, int, int]:
    # A commit may have changed the stream of a case without changing the name.
    return case["name"], case["events"], case["bytes"]


def _move(then: Spread, now: Spread) -> float:
    return max(now.median / then.median, then.median / now.median) - 1


def _change(case: str, build: str, then: Spread, now: Spread, drift: float | None) -> Change:
    by, low, high = (
        now.median / then.median - 1,
        now.low / then.high - 1,
        now.high / then.low - 1,
    )
    if then.low == then.high or now.low == now.high:
        verdict = "one round does not show the noise"
    elif low <= 0 <= high:
        verdict = "within the noise"
    elif drift is not None and _move(then, now) <= drift:
        verdict = "unchanged peers moved as much"
    else:
        verdict = "faster" if by > 0 else "slower"
    return Change(case, build, then.median, now.median, by, low, high, drift, verdict)
