"""Measure contestants on a case: check them first, then time them in interleaved rounds."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import statistics
import time
import tracemalloc
from typing import TYPE_CHECKING, NamedTuple

from .cases import Case, digest, expected

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from ..contestants.contestant import Batches, Contestant
    from .streams import Block

# What another process does meanwhile is not the parser's cost, where the system tells them apart
# finely enough. Parsing waits for nothing, so on an idle machine this is the time that passes.
CLOCK = "process_time" if time.get_clock_info("process_time").resolution < 1e-6 else "perf_counter"
GROWTH = (1, 2, 4)
# A timed run parses the stream as often as it takes to be this long, so that the clock's and the
# scheduler's grain does not show. Half as long again as promised: warm runs are faster.
WORK_S = 0.030
# A contestant that needs longer for one parse is not timed on the case: it is quadratic there.
TOO_SLOW_S = 5.0
# Larger streams, measured for the growth only, get no further round after this much time.
GROWTH_BUDGET_S = 3.0
# Where the largest stream of a case has this size, in bytes, each parse of the case begins with the
# memory that earlier ones freed given back to the system (glibc; elsewhere it is not done). Else a
# parse of 8 MB pays for no page, since it gets those of the one before, and one of 32 MB for all:
# growth by 18 where there is growth by 3.
LARGE = 4_000_000


class Spread(NamedTuple):
    """The median of some rounds and the quartiles around it."""

    low: float
    median: float
    high: float


class Row(NamedTuple):
    """What one contestant did on one case.

    Attributes:
        name: The contestant.
        fault: Why it is not timed, or what is wrong with its events; "" if they are right.
        seconds: The time of one parse, in s, for once, twice and four times the units of the case:
            a list of rounds each. Only once where its growth was not measured; empty where it was
            not timed.
        peak: The most memory that one parse held at a time, in bytes, without the chunks; None
            where it was not timed, or runs in another process.
        note: What the figures mean, as the contestant says.
    """

    name: str
    fault: str
    seconds: list[list[float]]
    peak: int | None
    note: str = ""
    reading: Sequence[float] = ()

    def rounds(self, reading: bool = False) -> Sequence[float]:
        """Return the time of one parse, in s, by round: with type and data read, or without."""
        if reading:
            return self.reading
        return self.seconds[0] if self.seconds else []

    def growth(self, times: int) -> float | None:
        """Return the median over the rounds of how much longer that many times the input took."""
        if not self.seconds:
            return None
        larger = self.seconds[GROWTH.index(times)] if len(self.seconds) > 1 else []
        pairs = zip(self.seconds[0], larger, strict=False)  # the larger may have had fewer rounds
        return spread([b / a for a, b in pairs]).median if larger else None


class Result(NamedTuple):
    case: Case
    events: int
    size: int
    rows: list[Row]

    def row(self, name: str) -> Row | None:
        return next((row for row in self.rows if row.name == name), None)

    def ratio(self, name: str, yardstick: str, reading: bool = False) -> Spread | None:
        """Return how many times as fast as the yardstick it is; None if either gives no figure.

        The rounds are paired: what slows the machine down for a while slows both.

        Args:
            name: The contestant.
            yardstick: The one that it is compared with.
            reading: Whether both read type and data of each event.
        """
        row, other = self.row(name), self.row(yardstick)
        if row is None or other is None or other.fault:
            return None
        taken, others = row.rounds(reading), other.rounds(reading)
        if not taken or not others:
            return None
        return spread([b / a for a, b in zip(taken, others, strict=True)])


class Run(NamedTuple):
    """What is timed in each round: some parses of one stream by one contestant."""

    contestant: Contestant
    chunks: list[bytes]
    fresh: bool
    reading: bool
    times: int
    seconds: list[float]


@contextlib.contextmanager
def frozen() -> Iterator[None]:
    """Keep what has been imported so far out of the garbage collector's sight.

    The collector would go through all of it, so that a figure would depend on which peers are
    installed, and a collection before each timed run would take longer than the run.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def spread(values: Sequence[float]) -> Spread:
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    return Spread(*statistics.quantiles(values, method="inclusive"))


def measure(
    case: Case, contestants: list[Contestant], rounds: int, grown: Container[str] | None = None
) -> Result:
    """Check and time the contestants on the case, and see how their time grows with the input.

    Args:
        case: The case.
        contestants: In the order of the result's rows.
        rounds: How often each is timed.
        grown: The names of those whose growth is measured; None for all.
    """
    streams = [case.blocks(case.units * times) for times in GROWTH]
    points = [case.chunks(blocks) for blocks in streams]
    faults = {each.name: fault(each, streams[0], points[0]) for each in contestants}
    timed = [each for each in contestants if not faults[each.name].startswith("not timed")]
    fresh = sum(map(len, points[-1])) >= LARGE
    runs = []
    for each in timed:
        sizes = points if grown is None or each.name in grown else points[:1]
        wanted = [(chunks, False) for chunks in sizes]
        if each.loop is None:
            wanted.insert(1, (points[0], True))
        for chunks, reading in wanted:
            times = _repeats(each, chunks, fresh, reading)
            runs.append(Run(each, chunks, fresh, reading, times, []))
    for _ in range(rounds):
        for run in runs:
            if run.chunks is points[0] or sum(run.seconds) * run.times < GROWTH_BUDGET_S:
                run.seconds.append(
                    _seconds(run.contestant, run.chunks, run.times, run.fresh, run.reading)
                )
    rows = []
    for each in contestants:
        own = [run for run in runs if run.contestant is each]
        rows.append(
            Row(
                each.name,
                faults[each.name],
                [run.seconds for run in own if not run.reading],
                peak(each, points[0]) if own and each.seconds is None else None,
                each.note,
                tuple(seconds for run in own if run.reading for seconds in run.seconds),
            )
        )
    events, _ = expected(streams[0])
    return Result(case, events, sum(map(len, points[0])), rows)


def fault(contestant: Contestant, blocks: list[Block], chunks: list[bytes]) -> str:
    """Return what is wrong with the events that the contestant makes of the chunks; "" if nothing.

    It begins with "not timed" where a time would say nothing.
    """
    deadline = time.monotonic() + TOO_SLOW_S
    try:
        batches = contestant.batches(_until(deadline, chunks))
        found = [contestant.data(event) for batch in batches for event in batch]
    except TimeoutError:
        return f"not timed: over {TOO_SLOW_S:.0f} s"
    except Exception as error:  # whatever a peer raises is its result
        return f"not timed: raises {type(error).__name__}"
    data = [each for each in found if each is not None]
    events, right = expected(blocks)
    if len(data) != events:
        return f"wrong: {len(data)} events instead of {events}"
    return "" if digest(data) == right else "wrong: other data"


def consume(contestant: Contestant, chunks: Iterable[bytes], reading: bool = False) -> None:
    """Read what the contestant makes of the chunks with a plain ``for``; this is what is timed.

    Args:
        contestant: The contestant.
        chunks: One stream.
        reading: Whether type and data of each event are read, too.
    """
    if contestant.loop is not None:
        contestant.loop(chunks)
    elif reading:
        _LOOPS[contestant.type](contestant.batches(chunks))
    else:
        _iterate(contestant.batches(chunks))


def count(contestant: Contestant, chunks: Iterable[bytes], reading: bool = False) -> int:
    """Return how many events, or an Observer's items, the contestant makes of the chunks."""
    if contestant.loop is not None:
        return contestant.loop(chunks)
    batches = [list(batch) for batch in contestant.batches(chunks)]
    if reading:
        _LOOPS[contestant.type](batches)
    return sum(map(len, batches))


def _iterate(batches: Batches) -> None:
    for batch in batches:
        for _ in batch:
            pass


# A loop for each name that the type has, in which the attributes are read as a program reads them:
# a loop for all, with getattr(), would take longer than the reading.


def _read_event(batches: Batches) -> None:
    for batch in batches:
        for event in batch:
            _type = event.event
            _data = event.data


def _read_type(batches: Batches) -> None:
    for batch in batches:
        for event in batch:
            _type = event.type
            _data = event.data


def _read_name(batches: Batches) -> None:
    for batch in batches:
        for event in batch:
            _type = event.name
            _data = event.data


_LOOPS = {"": _iterate, "event": _read_event, "type": _read_type, "name": _read_name}


def peak(contestant: Contestant, chunks: list[bytes]) -> int:
    """Return the most bytes that a parse of the chunks allocated at a time."""
    gc.collect()
    tracemalloc.start()
    try:
        consume(contestant, chunks)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _repeats(contestant: Contestant, chunks: list[bytes], fresh: bool, reading: bool) -> int:
    return int(WORK_S / _seconds(contestant, chunks, 1, fresh, reading)) + 1


def _seconds(
    contestant: Contestant, chunks: list[bytes], times: int, fresh: bool, reading: bool
) -> float:
    if contestant.seconds is not None:
        return contestant.seconds(chunks, times, reading)
    clock = getattr(time, CLOCK)
    elapsed = 0.0
    gc.collect()
    for _ in range(times):
        if fresh:
            _give_back()
        start = clock()
        consume(contestant, chunks, reading)
        elapsed += clock() - start
    return elapsed / times


def _give_back() -> None:
    with contextlib.suppress(AttributeError, OSError, TypeError):  # there is no glibc
        ctypes.CDLL(None).malloc_trim(0)


def _until(deadline: float, chunks: list[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if time.monotonic() > deadline:
            raise TimeoutError
        yield chunk
