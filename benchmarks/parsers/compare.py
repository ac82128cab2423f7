"""What a change made faster or slower: two reports of ``python -m benchmarks``, side by side.

Compared is not a time but the ratio to httpx-sse, taken within the rounds of each run: a machine
that is slower today slows both sides of it. What is left is noise, of two kinds, and a difference
is faster or slower only if it is beyond both:

- within a run: how far it reaches from the one run's quartiles to the other's, 0 or not;
- between the runs: how far the ratio of a peer moved on that case, though nobody changed the peer.
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
    from collections.abc import Mapping

Report = dict[str, Any]
HEADER = ("sseparse", "commit", "Python", "machine", "rounds", "httpx-sse")
# What a ratio does not carry over from: another processor or interpreter suits one of the two more.
SAME = ("Python", "machine", "httpx-sse")


class Change(NamedTuple):
    """One build on one case, then and now.

    Attributes:
        case: The case's name.
        build: The build.
        before: Its ratio to httpx-sse in the base.
        after: The same in the new report.
        by: How much faster it is; below 0 slower. 0.1 is 10 %.
        low: ``by`` from the base's upper quartile to the new report's lower one.
        high: The other way round.
        drift: The most by which a peer of the same version moved, faster or slower, above 0;
            None if both reports have none that is right on the case.
        verdict: "faster" or "slower", or which noise it is within, or why that cannot be said.
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
    """Return the report in that file, as an argument of a command."""
    try:
        report: Report = json.loads(Path(path).read_text(encoding="utf-8"))
        text(report, report)  # what is no report shows here, before anything is measured
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        fault = f"{type(error).__name__}: {error}"
        raise argparse.ArgumentTypeError(f"no report in {path}: {fault}") from error
    return report


def compare(base: Report, report: Report) -> list[Change]:
    """Return the changes of every build on every stream that both reports have a ratio for."""
    then, now = _ratios(base, report), _ratios(report, base)
    # Another runtime does not share what slows Python down.
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
        "Compared with the base, by the ratio to httpx-sse, which a slower machine leaves alone"
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
            lines.append(
                f"  {build} not compared, for want of a ratio to httpx-sse on the same stream in"
                f" both: {', '.join(left)}"
            )
    return "\n".join(lines)


def _ratios(report: Report, other: Report) -> Mapping[tuple[str, str], Spread]:
    """Return the ratios of the one, on the cases whose stream the other has."""
    streams = {_stream(case) for case in other["cases"]}
    return {
        (case["name"], row["name"]): Spread(*row["to_httpx_sse"])
        for case in report["cases"]
        if _stream(case) in streams
        for row in case["rows"]
        if row["to_httpx_sse"] and not row["fault"]
    }


def _stream(case: dict[str, Any]) -> tuple[str, int, int]:
    # A commit may have made another stream of a case, under the old name.
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
        verdict = "one round shows no noise"
    elif low <= 0 <= high:
        verdict = "within the noise"
    elif drift is not None and _move(then, now) <= drift:
        verdict = "within what unchanged peers moved"
    else:
        verdict = "faster" if by > 0 else "slower"
    return Change(case, build, then.median, now.median, by, low, high, drift, verdict)
