"""Draw a report as an SVG: how many times as fast as httpx-sse each contestant is, case by case.

The title gives the figure of a chat stream. sseparse is blue, and the other parsers are grey.

    python -m benchmarks.chart REPORT.json FILE.svg

``python -m benchmarks --save REPORT.json`` writes the report. The same report gives the same file,
if matplotlib is the same version. A contestant that is wrong on a case, or was not timed on it, has
no mark there.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .. import arguments
from ..contestants.contestant import BUILDS
from ..contestants.peers import BY_HAND, NAIVE, NODE, PEERS, YARDSTICK
from . import compare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .compare import Report

# People who confuse red and green can distinguish these colours (Okabe and Ito).
STYLES: dict[str, dict[str, Any]] = {
    "compiled": {"marker": "o", "color": "#0072b2", "s": 45},
    "pure": {"marker": "o", "facecolors": "white", "edgecolors": "#0072b2", "s": 45},
    NAIVE: {"marker": "x", "color": "#d55e00"},
    BY_HAND: {"marker": "+", "color": "#cc79a7"},
    NODE: {"marker": "s", "facecolors": "none", "edgecolors": "#009e73"},
}
PEER_MARKERS = "<>^vdpPX*hD8|"
# Slower marks stand at the edge, with their figure: they would take half of the chart.
SLOWEST = 0.3
# The case in the title.
ANSWERED = "chat"
LABELS = {
    **{build: f"sseparse, {build}" for build in BUILDS},
    NAIVE: "naive split, no parser",
    BY_HAND: "C by hand, no parser",
    NODE: "eventsource-parser: another runtime",
}


def points(report: Report) -> dict[str, list[tuple[str, float]]]:
    """Return the cases on which each contestant is right, with its ratio to httpx-sse.

    Of sseparse, only the two builds with ``iter_events`` are in the chart.
    """
    shown = [name for name in [*BUILDS, *PEERS] if name != YARDSTICK]
    found: dict[str, list[tuple[str, float]]] = {}
    for case in report["cases"]:
        for row in case["rows"]:
            if row["to_httpx_sse"] and not row["fault"] and row["name"] in shown:
                _, median, _ = row["to_httpx_sse"]
                found.setdefault(row["name"], []).append((case["name"], median))
    return found


def answer(report: Report) -> str:
    """Return the title: how many times as fast sseparse reads a chat stream."""
    ratios = {name: dict(marks).get(ANSWERED) for name, marks in points(report).items()}
    compiled, pure = (ratios.get(build) for build in BUILDS)
    if compiled is None:
        return f"How many times as fast as {YARDSTICK} each parser is"
    title = f"sseparse reads chat streams {compiled:.1f} times as fast as {YARDSTICK}"
    return title if pure is None else f"{title},\nand {pure:.1f} times in pure Python"


def draw(report: Report) -> Any:
    """Return the chart, as a figure of matplotlib."""
    cases = [case["name"] for case in report["cases"]]
    figure = import_module("matplotlib.figure").Figure(
        figsize=(6.5, 2.2 + 0.24 * len(cases)), layout="constrained"
    )
    axes = figure.subplots()
    axes.axvline(1, color="#666666", linewidth=1)
    found = points(report)
    by_row = axes.get_yaxis_transform()
    for case, ratio in found.get("compiled", []):
        axes.hlines(cases.index(case), 1, ratio, color="#b3d4e8", linewidth=5, zorder=1)
        # A column to the right of the chart.
        place = (1.01, cases.index(case))
        axes.text(*place, f"{ratio:.1f}", va="center", color="#0072b2", transform=by_row)
    peer_markers = iter(PEER_MARKERS)
    for name, marks in found.items():
        style = STYLES.get(name)
        if style is None:
            style = {"marker": next(peer_markers), "color": "#999999", "s": 24}
        axes.scatter(
            [max(ratio, SLOWEST) for _, ratio in marks],
            [cases.index(case) for case, _ in marks],
            label=LABELS.get(name, name),
            zorder=3 if name in BUILDS else 2,
            **style,
        )
        for case, ratio in marks:
            if ratio < SLOWEST:
                place = (SLOWEST * 1.05, cases.index(case))
                colour = style.get("color", style.get("edgecolors"))
                axes.text(*place, f"{ratio:.1g}", va="center", size=8, color=colour)
    axes.set_xscale("log")
    ticks = [each for each in (0.3, 1, 3, 10, 30) if _within(each, axes.get_xlim())]
    axes.set_xticks(ticks, [f"{each:g}" for each in ticks])
    axes.set_xticks([], minor=True)
    axes.set_yticks(range(len(cases)), cases)
    axes.set_ylim(len(cases) - 0.5, -0.5)
    axes.grid(axis="both", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    limits = axes.get_xlim()
    axes.axvspan(limits[0], 1, color="#f3f3f3", zorder=0)
    axes.set_xlim(limits)
    axes.set_xlabel(f"times as fast as {YARDSTICK} (1); to the right is faster")
    header = report["header"]
    figure.suptitle(answer(report), size=11, weight="bold", color="#0072b2")
    axes.set_title(f"{header['Python']}, {header['machine']}, commit {header['commit']}", size=7)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def main(given: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = arguments.parser("benchmarks.chart", __doc__)
    parser.add_argument("report", type=compare.read, metavar="REPORT.json")
    parser.add_argument("target", type=arguments.writable, metavar="FILE.svg")
    options = parser.parse_args(given)
    if not points(options.report):
        parser.error(f"the report has no ratio to {YARDSTICK}, so there is nothing to draw")
    # Text stays text, ids depend on the content only, and no date is written.
    with import_module("matplotlib").rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": "sseparse"}
    ):
        draw(options.report).savefig(options.target, format="svg", metadata={"Date": None})
    return 0
