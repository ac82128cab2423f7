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

# Processor time leaves out the work of other processes; it is used if its clock is fine enough.
# Parsing waits for nothing, so on an idle machine processor time is the time that passes.
CLOCK = "process_time" if time.get_clock_info("process_time").resolution < 1e-6 else "perf_counter"
GROWTH = (1, 2, 4)
# A timed run repeats the parse for this long, so that the resolution of the clock and the scheduler
# does not matter. The documentation promises 20 ms: later runs are faster than the first.
WORK_S = 0.030
# A contestant that needs longer for one parse is quadratic there, and is not timed on the case.
TOO_SLOW_S = 5.0
# A larger stream, which is for the growth only, gets no further round after this time.
GROWTH_BUDGET_S = 3.0
# If the largest stream of a case has this size, in bytes, the memory that was freed is given back
# to the system before each parse (with glibc only). Otherwise a parse of 8 MB gets the pages of the
# parse before, and one of 32 MB needs new ones: the time seems to grow 18 times where it grows 3
# times.
LARGE = 4_000_000


class Spread(NamedTuple):
    """The median of some rounds and the quartiles around it."""

    low: float
    median: float
    high: float


class Row(NamedTuple):
    """The measurements of one contestant on one case.

    Attributes:
        name: The contestant.
        fault: The reason why it is not timed, or the fault of its events; "" if they are right.
        seconds: The time of one parse in each round, in s: a list for the size of the case, one for
            twice and one for four times the size. Only the first if the growth was not measured;
            empty if the contestant was not timed.
        peak: The most memory that one parse used at a time, in bytes, without the chunks; None if
            the contestant was not timed, or runs in another process.
        note: The contestant's note about its figures.
        reading: The time of one parse in each round, in s, with type and data read.
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
        """Return how many times as long the larger input took: the median of the rounds."""
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
        """Return how many times as fast as the yardstick it is; None if one of them has no time.

        The rounds are paired: if the machine is slow for a while, both are.

        Args:
            name: The contestant.
            yardstick: The contestant that it is compared with.
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
    """One timed run in each round: a number of parses of one stream by one contestant."""

    contestant: Contestant
    chunks: list[bytes]
    fresh: bool
    reading: bool
    times: int
    seconds: list[float]


@contextlib.contextmanager
def frozen() -> Iterator[None]:
    """Hide all modules that have been imported so far from the garbage collector.

    The collector would go through all their objects. Then a figure would depend on which peers are
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
    """Check the contestants on the case, time them, and measure how the time grows with the input.

    Args:
        case: The case.
        contestants: The contestants. The result has their rows in this order.
        rounds: The number of rounds.
        grown: The names of the contestants whose growth is measured; None for all.
    """
    streams = [case.blocks(case.units * times) for times in GROWTH]
    points = [case.chunks(blocks) for blocks in streams]
    faults = {each.name: fault(each, streams[0], points[0]) for each in contestants}
    fresh = sum(map(len, points[-1])) >= LARGE
    runs = []
    for each in contestants:
        if not faults[each.name].startswith("not timed"):
            sizes = points if grown is None or each.name in grown else points[:1]
            runs += _runs(each, sizes, fresh)
    for _ in range(rounds):
        for run in runs:
            if run.chunks is points[0] or sum(run.seconds) * run.times < GROWTH_BUDGET_S:
                run.seconds.append(
                    _seconds(run.contestant, run.chunks, run.times, run.fresh, run.reading)
                )
    rows = [
        _row(each, faults[each.name], [run for run in runs if run.contestant is each])
        for each in contestants
    ]
    events, _ = expected(streams[0])
    return Result(case, events, sum(map(len, points[0])), rows)


def _runs(contestant: Contestant, sizes: list[list[bytes]], fresh: bool) -> list[Run]:
    wanted = [(chunks, False) for chunks in sizes]
    if contestant.loop is None:
        wanted.insert(1, (sizes[0], True))
    return [
        Run(
            *(contestant, chunks, fresh, reading),
            times=_repeats(contestant, chunks, fresh, reading),
            seconds=[],
        )
        for chunks, reading in wanted
    ]


def _row(contestant: Contestant, fault: str, runs: list[Run]) -> Row:
    return Row(
        contestant.name,
        fault,
        [run.seconds for run in runs if not run.reading],
        peak(contestant, runs[0].chunks) if runs and contestant.seconds is None else None,
        contestant.note,
        tuple(seconds for run in runs if run.reading for seconds in run.seconds),
    )


def fault(contestant: Contestant, blocks: list[Block], chunks: list[bytes]) -> str:
    """Return the fault of the events that the contestant returns for the chunks; "" if none.

    It begins with "not timed" if a time would mean nothing.
    """
    deadline = time.monotonic() + TOO_SLOW_S
    try:
        batches = contestant.batches(_until(deadline, chunks))
        found = [contestant.data(event) for batch in batches for event in batch]
    except TimeoutError:
        return f"not timed: over {TOO_SLOW_S:.0f} s"
    except Exception as error:  # any exception of a peer is its result
        return f"not timed: raises {type(error).__name__}"
    data = [each for each in found if each is not None]
    events, right = expected(blocks)
    if len(data) != events:
        return f"wrong: {len(data)} events instead of {events}"
    return "" if digest(data) == right else "wrong: other data"


def consume(contestant: Contestant, chunks: Iterable[bytes], reading: bool = False) -> None:
    """Parse the chunks and read the events with a plain ``for``. This is the timed code.

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
    """Return the number of events, or of an Observer's items, that the contestant returns."""
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


# There is a loop for each name of the attribute that holds the type, which reads it as a program
# does. One loop with getattr() would take longer than the reading.


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
    """Return the most memory that a parse of the chunks allocated at a time, in bytes."""
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
