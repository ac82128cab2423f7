"""The goals of the project. The report prints whether they are met; no test asserts one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..contestants.contestant import BEFORE, BUILDS
from ..contestants.peers import BY_HAND, NAIVE, NODE, PEERS, YARDSTICK
from .measure import GROWTH, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PARSERS = [name for name in PEERS if name not in (NAIVE, BY_HAND, NODE)]
LAUNCHDARKLY = "launchdarkly"
# With small reads most of the time goes into calls, and C needs fewer of them.
SMALL_READS = (100, 1)
# In bytes. The growth of larger streams has a figure of its own, because page faults add to it.
SMALL = 2_000_000


class Bars(NamedTuple):
    """The figures to reach on one case.

    Attributes:
        compiled: The least ratio of the compiled build to httpx-sse.
        pure: The least ratio of the pure build to httpx-sse.
        pure_to_launchdarkly: The least ratio of the pure build to launchdarkly.
        before: The most time of the compiled build, as a multiple of the time of the build before.
    """

    compiled: float
    pure: float
    pure_to_launchdarkly: float
    before: float


BARS = {
    "chat": Bars(7.4, 2.6, 1.7, 1.05),
    "chat/evt": Bars(7, 1.6, 0.9, 1.05),
    "chat/1448": Bars(5.5, 1.9, 1.2, 0.65),
    "chat/100": Bars(3.7, 1.5, 0.7, 1),
    "no-space": Bars(7, 2, 1.5, 0.75),
    "crlf": Bars(7, 2.4, 1.2, 0.75),
    "crlf/evt": Bars(6.5, 1.5, 0.85, 0.8),
    "chinese": Bars(3.8, 1.8, 1.2, 1),
    "chinese/evt": Bars(4.2, 1.5, 0.8, 1),
    "anthropic": Bars(7, 2.4, 1.7, 0.9),
    "anthropic/evt": Bars(6.5, 1.3, 0.9, 0.8),
    "responses": Bars(7, 2.4, 1.7, 0.9),
    "responses/evt": Bars(6.5, 1.3, 0.9, 0.8),
    "mcp": Bars(6, 1.8, 1, 0.55),
    "mcp/evt": Bars(6, 1.2, 0.75, 0.45),
    "spring": Bars(5.5, 1.2, 1, 0.85),
    "spring/evt": Bars(5, 1.1, 0.9, 0.85),
    "wikimedia": Bars(2.4, 1.1, 0.95, 1),
    "tool-calls": Bars(7.5, 2.4, 1.6, 1.05),
    "comments": Bars(6.5, 1.4, 1.2, 1.05),
    "three-lines": Bars(5, 1.3, 0.9, 1),
    "ids": Bars(6, 1.3, 1, 1),
}
# No block of these streams has the shape of the one before. The check for this must be cheap.
SHAPES = {"two-shapes": 1.1, "four-shapes": 1.1}


class Measured(NamedTuple):
    """A value, with its case and contestant; "" if the text of the figure names them."""

    value: float
    where: str = ""


class Figure(NamedTuple):
    """One figure to reach.

    Attributes:
        text: A description.
        bar: The value to reach; None if the value is only for comparison.
        at_least: True if the value must be at least the bar; False if it must be at most the bar.
        find: Takes the results and returns all values of this figure. The worst is judged.
    """

    text: str
    bar: float | None
    at_least: bool
    find: Callable[[Sequence[Result]], Iterable[Measured]]

    def judge(self, results: Sequence[Result]) -> dict[str, str | float | None]:
        """Return the worst value, and whether it reaches the bar."""
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
            "text": f"{text}; {value:.2f}" + (f" ({where})" if where else ""),
            "bar": self.bar,
            "value": value,
            "where": where,
            "verdict": verdict,
        }


def _ratio(build: str, other: str, case: str, bar: float) -> Figure:
    """Return the figure for the ratio of the build to another contestant, on one case."""

    def find(results: Sequence[Result]) -> Iterable[Measured]:
        for result in results:
            ratio = result.ratio(build, other)
            if ratio is not None and result.case.name == case:
                yield Measured(ratio.median)

    return Figure(f"{build}, to {other}, {case}", bar, True, find)


def _worst(build: str, others: list[str], bar: float) -> Figure:
    """Return the figure for the worst ratio of the build to the others, on all cases."""

    def find(results: Sequence[Result]) -> Iterable[Measured]:
        for result in results:
            for other in others:
                ratio = result.ratio(build, other)
                if ratio is not None:
                    yield Measured(ratio.median, f"{result.case.name}, {other}")

    to = others[0] if len(others) == 1 else "every peer that is right"
    return Figure(f"{build}, to {to}, every case", bar, True, find)


def _time(name: str, other: str, case: str, bar: float) -> Figure:
    """Return the figure for the time of a contestant, as a multiple of another's, on one case."""

    def find(results: Sequence[Result]) -> Iterable[Measured]:
        for result in results:
            ratio = result.ratio(other, name)
            if ratio is not None and result.case.name == case:
                yield Measured(ratio.median)

    return Figure(f"{name}, time to {other}, {case}", bar, False, find)


def _time_of_form(name: str, other: str, bar: float | None) -> Figure:
    """Return the figure for the time of a form, as a multiple of another's, on all cases."""

    def find(results: Sequence[Result]) -> Iterable[Measured]:
        for result in results:
            ratio = result.ratio(other, name)
            if ratio is not None:
                yield Measured(ratio.median, result.case.name)

    return Figure(f"{name}, time to {other}", bar, False, find)


def _time_to_c(build: str, bar: float) -> Figure:
    """Return the figure for the time of the build, as a multiple of the C extension's."""

    def find(results: Sequence[Result]) -> Iterable[Measured]:
        for result in results:
            ratio = result.ratio(BY_HAND, build)
            row = result.row(BY_HAND)
            if ratio is not None and row and not row.fault and result.case.cut not in SMALL_READS:
                yield Measured(ratio.median, result.case.name)

    where = "every case that it knows but 100-byte and 1-byte reads"
    return Figure(f"{build}, time to {BY_HAND}, {where}", bar, False, find)


def _growth(text: str, bar: float, small: bool) -> Figure:
    """Return the figure for the growth of both builds' time with four times the input."""

    def find(results: Sequence[Result]) -> Iterable[Measured]:
        for result in results:
            for build in BUILDS:
                row = result.row(build)
                growth = row and row.growth(GROWTH[-1])
                if growth and (result.size * GROWTH[-1] <= SMALL) == small:
                    yield Measured(growth, f"{result.case.name}, {build}")

    return Figure(text, bar, False, find)


def _peak(build: str, bar: float) -> Figure:
    """Return the figure for the memory of the largest event, as a multiple of its size."""

    def find(results: Sequence[Result]) -> Iterable[Measured]:
        for result in results:
            row = result.row(build)
            if result.case.name == "8-mb-event" and row and row.peak is not None:
                yield Measured(row.peak / result.size, f"{row.peak / 1e6:.1f} MB")

    return Figure(
        f"{build}, peak above the chunks to the event's size, 8-mb-event", bar, False, find
    )


def _bars(case: str, bars: Bars) -> list[Figure]:
    return [
        _ratio("compiled", YARDSTICK, case, bars.compiled),
        _ratio("pure", YARDSTICK, case, bars.pure),
        _ratio("pure", LAUNCHDARKLY, case, bars.pure_to_launchdarkly),
        _time("compiled", BEFORE, case, bars.before),
    ]


FIGURES = [
    *(figure for case, bars in BARS.items() for figure in _bars(case, bars)),
    *(_time("compiled", BEFORE, case, bar) for case, bar in SHAPES.items()),
    _ratio("compiled", YARDSTICK, "chat/1", 4),
    _ratio("pure", LAUNCHDARKLY, "chat/1", 0.6),
    _ratio("pure", LAUNCHDARKLY, "tiny", 0.9),
    _ratio("compiled", NAIVE, "chat", 2.2),
    _time_to_c("compiled", 2.4),
    _worst("compiled", PARSERS, 1),
    _worst("pure", [YARDSTICK], 1),
    _time_of_form("compiled-observer", "compiled-feed", 2),
    _time_of_form("compiled-blocks", "compiled-feed", 1.3),
    _time_of_form("pure-observer", "pure-feed", 3.5),
    _time_of_form("pure-blocks", "pure-feed", 1.5),
    _time_of_form("compiled-aiter", "compiled-async-feed", None),
    _time_of_form("pure-aiter", "pure-async-feed", None),
    _growth("growth at four times the input, about 1 MB", 5.5, True),
    _growth("growth at four times the input, tens of MB", 10, False),
    _peak("compiled", 2.2),
    _peak("pure", 3.2),
]
