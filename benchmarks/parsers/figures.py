"""The figures that the project sets itself. They are printed; no test asserts one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..contestants.contestant import BUILDS
from ..contestants.peers import BY_HAND, NAIVE, NODE, PEERS, YARDSTICK
from .measure import GROWTH, Result, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PARSERS = [name for name in PEERS if name not in (NAIVE, BY_HAND, NODE)]
# Reads so small that a peer which makes no call for a chunk gains by it: figures of their own.
SMALL_READS = (100, 1)
AIM = "aim: "
# The largest stream, in bytes, of which the growth is judged as if everything fitted into about
# 1 MB; above it page faults count.
SMALL = 2_000_000


class Measured(NamedTuple):
    """A figure, and the case and contestant that it is about."""

    value: float
    where: str


class Figure(NamedTuple):
    """One figure to reach.

    Attributes:
        text: What is measured.
        bar: What to reach; None where nothing is, and the figure is there to read others by.
        at_least: Whether the bar is a floor; else it is a ceiling.
        find: Takes the results, and returns all that this figure is about. The worst is judged.
    """

    text: str
    bar: float | None
    at_least: bool
    find: Callable[[Sequence[Result]], Iterable[Measured]]

    def judge(self, results: Sequence[Result]) -> dict[str, str | float | None]:
        """Return the worst that was measured, and whether it reaches the bar."""
        text = self.text
        if self.bar is not None:
            text += f": at {'least' if self.at_least else 'most'} {self.bar:g}"
        found = sorted(self.find(results), reverse=not self.at_least)
        if not found:
            return {"text": text, "bar": self.bar, "verdict": "not measured"}
        value, where = found[0]
        if self.bar is None:
            verdict = "to compare"
        else:
            met = value >= self.bar if self.at_least else value <= self.bar
            verdict = "met" if met else "not met"
        return {
            "text": f"{text}; {value:.2f} ({where})",
            "bar": self.bar,
            "value": value,
            "where": where,
            "verdict": verdict,
        }


def _ratio(build: str, others: list[str], bar: float, case: str = "", aim: str = "") -> Figure:
    """Return a figure for how many times as fast the build is, on one case or on each."""

    def find(results: Sequence[Result]) -> Iterable[Measured]:
        for result in results:
            for other in others:
                ratio = result.ratio(build, other)
                if ratio is not None and case in ("", result.case.name):
                    yield Measured(ratio.median, f"{result.case.name}, {other}")

    to = others[0] if len(others) == 1 else "every peer that is right"
    return Figure(f"{aim}{build}, to {to}, {case or 'every case'}", bar, True, find)


def _larger_reads(build: str, bar: float) -> Figure:
    """Return a figure for the build beside every peer, save where reads are tiny."""
    every = _ratio(build, PARSERS, bar)

    def find(results: Sequence[Result]) -> Iterable[Measured]:
        return every.find([each for each in results if each.case.cut not in SMALL_READS])

    return every._replace(text=f"{every.text} but 100-byte and 1-byte reads", find=find)


def _cost_of_reads(name: str, bar: float | None) -> Figure:
    """Return a figure for an event that comes alone, to one of many in a read."""

    def find(results: Sequence[Result]) -> Iterable[Measured]:
        cost = {
            result.case.name: spread(row.seconds[0]).median / result.events
            for result in results
            if (row := result.row(name)) and row.seconds
        }
        if "chat" in cost and "per-event" in cost:
            yield Measured(cost["per-event"] / cost["chat"], "per-event, chat")

    return Figure(f"{name}, time per event, per-event to chat", bar, False, find)


def _growth(text: str, bar: float, small: bool) -> Figure:
    """Return a figure for how much longer both builds take with four times the input."""

    def find(results: Sequence[Result]) -> Iterable[Measured]:
        for result in results:
            for build in BUILDS:
                row = result.row(build)
                growth = row and row.growth(GROWTH[-1])
                if growth and (result.size * GROWTH[-1] <= SMALL) == small:
                    yield Measured(growth, f"{result.case.name}, {build}")

    return Figure(text, bar, False, find)


def _peak(build: str, bar: float) -> Figure:
    """Return a figure for how much memory the largest event takes, to its size."""

    def find(results: Sequence[Result]) -> Iterable[Measured]:
        for result in results:
            row = result.row(build)
            if result.case.name == "8-mb-event" and row and row.peak is not None:
                yield Measured(row.peak / result.size, f"{row.peak / 1e6:.1f} MB")

    return Figure(
        f"{build}, peak above the chunks to the event's size, 8-mb-event", bar, False, find
    )


FIGURES = [
    _ratio("compiled", [YARDSTICK], 7.5, "chat"),
    _ratio("compiled", [YARDSTICK], 7.5, "per-event"),
    _ratio("compiled", [YARDSTICK], 4, "1-byte"),
    _ratio("compiled", [NAIVE], 2.2, "chat"),
    _ratio("compiled", PARSERS, 1),
    _ratio("pure", [YARDSTICK], 2, "chat"),
    _ratio("pure", [YARDSTICK], 1),
    _ratio("pure", ["launchdarkly"], 1.5, "chat"),
    _ratio("pure", ["launchdarkly"], 0.9, "tiny"),
    _ratio("pure", ["launchdarkly"], 0.9, "per-event"),
    _ratio("pure", ["launchdarkly"], 0.75, "100-byte"),
    _ratio("pure", ["launchdarkly"], 0.6, "1-byte"),
    _growth("growth at four times the input, about 1 MB", 5.5, True),
    _growth("growth at four times the input, tens of MB", 10, False),
    _peak("compiled", 2.2),
    _peak("pure", 3.2),
    _ratio("compiled", [YARDSTICK], 9, "chat", AIM),
    _ratio("compiled", [NAIVE], 3, "chat", AIM),
    _ratio("compiled", [BY_HAND], 0.625, "chat", AIM),  # within 1.6 times of its time
    _cost_of_reads("compiled", 1.6),
    # A call and a list for each event cost C as much, which has less else to do.
    _cost_of_reads(BY_HAND, None),
    _larger_reads("compiled", 0.95),
    _larger_reads("pure", 0.95),
]
