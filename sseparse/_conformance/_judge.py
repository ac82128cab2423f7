"""Run one parser on all streams, and count by family which ones it gets right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ._cases import (
    FAMILIES,
    LIMIT,
    Growth,
    Limited,
    Prompt,
    Stream,
    corpora,
    growths,
    limited,
    prompts,
)
from ._subject import START_S, Answer, CannotRunError, NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ._cases import Family
    from ._in_process import InProcess
    from ._subject import Subject

__all__ = ["Failure", "Report", "Result", "judge", "silent"]

# Growth is judged by the least times at a small size, at NEAR times and at FACTOR times that size.
# The small size is GROWTH_SIZES[0], doubled up to GROWTH_SIZES[1] until it takes BASE_S. If even
# the largest takes less, it is parsed several times.
#
# A disturbance only adds time, so the least of several times comes closer to the undisturbed one.
# Each round measures both sizes. A parser passes after _LEAST_ROUNDS at the earliest, and fails
# after _ROUNDS.
# - Linear work takes FACTOR times as long, quadratic work FACTOR**2 times. QUADRATIC is half-way
#   between them as powers of FACTOR, so a ratio may be wrong by a factor below 4.
# - At NEAR times the size, linear work takes 4 times as long, quadratic work 16 times.
#   QUADRATIC_NEAR is closer to 16, because it only spares the large size, with which a quadratic
#   parser would spend seconds, and might reach the time limit.
# - If the ratio at FACTOR is within a factor of UNDECIDED of QUADRATIC, linear and quadratic work
#   are mixed. Then the sizes are doubled until one of them prevails, the small size is
#   GROWTH_SIZES[1], or the time exceeds LONG_S.
# - A time of at most NEGLIGIBLE_S passes.
GROWTH_SIZES = (8 * 1024, 128 * 1024)
BASE_S = 0.01
NEAR = 4
QUADRATIC_NEAR = 11.0
FACTOR = 16
QUADRATIC = 64.0
UNDECIDED = 2.0
LONG_S = 1.5
NEGLIGIBLE_S = 0.1
_LEAST_ROUNDS = 3
_ROUNDS = 6
_MAX_REPEATS = 20
# After a parser has died or hung this often in one family, the rest of the family is not run.
_MAX_LOSSES = 3
# How many bytes of a chunk a message shows.
_SHOWN = 60

_PROBE = [b"data: probe\n\n"]
_NO_EFFECT = "no effect on the next stream"
# The families in which the last event ID and the reconnection time are compared, too.
_IDS = {"ids", "mixed"}
_RETRY = {"retry", "mixed"}


class Failure(NamedTuple):
    """Describe a stream that failed, as text, with its size in bytes."""

    size: int
    name: str
    stream: str
    expected: str
    got: str


class Result(NamedTuple):
    """Hold the result of one family.

    Attributes:
        passed: How many of its streams passed.
        total: How many streams it has; 0 if the family is not judged.
        not_judged: Why the family is not judged; empty if it is.
        failures: The streams that failed, the smallest first.
    """

    passed: int
    total: int
    not_judged: str = ""
    failures: tuple[Failure, ...] = ()

    @property
    def smallest(self) -> Failure | None:
        return self.failures[0] if self.failures else None

    @property
    def text(self) -> str:
        return self.not_judged or f"{self.passed}/{self.total}"


class Report(NamedTuple):
    """Hold the results of one parser by family, with the parser's name and a note."""

    parser: str
    results: dict[str, Result]
    note: str = ""

    @property
    def failing(self) -> list[str]:
        return [name for name, result in self.results.items() if result.passed < result.total]

    @property
    def total(self) -> Result:
        """The sum of all families."""
        results = self.results.values()
        return Result(sum(each.passed for each in results), sum(each.total for each in results))


class _Wrong(Exception):  # noqa: N818  it carries a result
    """Report a case that failed, with the expected and the actual result."""

    def __init__(self, chunks: list[bytes], expected: object, got: object) -> None:
        super().__init__()
        self.chunks = chunks
        self.expected = str(expected)
        self.got = str(got)


def silent(_: str) -> None:
    """Show no progress."""


async def judge(
    subject: Subject | InProcess,
    name: str,
    note: str = "",
    *,
    families: Sequence[Family] = FAMILIES,
    progress: Callable[[str], None] = silent,
) -> Report:
    """Run one parser on the families.

    Args:
        subject: The parser.
        name: The name to use if the parser gives no name of its own.
        note: A note on differences in meaning.
        families: Some of FAMILIES.
        progress: Is called with the name of each family before the family is run.

    Raises:
        CannotRunError: The parser cannot be started, or breaks the protocol from the start.
    """
    first = await subject.introduce()
    if first.error is not None:
        raise CannotRunError(f"it raises on a plain stream: {first.error}")
    judge = _Judge(subject, first)
    await judge.record_plain()
    streams = corpora()
    results = {}
    for family in families:
        progress(family.name)
        if family.name in judge.unknown:
            results[family.name] = Result(0, 0, "n/a")
        elif family.name == "promptness":
            results[family.name] = await _run(prompts(), judge.prompt)
        elif family.name == "limits":
            results[family.name] = await judge.limits()
        elif family.name == "growth":
            results[family.name] = await _run(growths(), judge.growth)
        else:
            cases = [stream for stream in streams if stream.family == family.name]
            results[family.name] = await _run(cases, judge.stream)
    return Report(first.parser or name, results, note)


async def _run(cases: list[Any], check: Callable[[Any], Awaitable[None]]) -> Result:
    passed = losses = 0
    failures = []
    for case in cases:
        try:
            if losses < _MAX_LOSSES:
                await check(case)
                passed += 1
        except _Wrong as wrong:
            size, shown = sum(map(len, wrong.chunks)), _shown(wrong.chunks)
            failures.append(Failure(size, case.name, shown, wrong.expected, wrong.got))
            losses += isinstance(wrong.__cause__, NoAnswerError)
    failures.sort(key=lambda failure: failure.size)
    return Result(passed, len(cases), "", tuple(failures))


class _Judge:
    """Check single cases; each check raises _Wrong if the case fails."""

    def __init__(self, subject: Subject | InProcess, first: Answer) -> None:
        self._subject = subject
        self._plain: object = None
        seen = first.all_events()
        self.unknown: set[str] = set()  # the families about values that the parser does not report
        if not any("last_event_id" in event for event in seen):
            self.unknown.add("ids")
        if "retry" not in first.state and not any("retry" in event for event in seen):
            self.unknown.add("retry")

    async def stream(self, case: Stream) -> None:
        """Judge a stream whole, as the corpus cuts it, and byte by byte."""
        whole = b"".join(case.chunks)
        ways = [[whole]]
        if len(case.chunks) > 1:
            ways.append(case.chunks)
        if len(whole) > 1:
            ways.append([whole[at : at + 1] for at in range(len(whole))])
        for chunks in ways:
            expected, got = self._outcomes(case, await self._ask(chunks, case.events))
            effect = await self._effect_on_next(chunks)
            if expected != got:
                raise _Wrong(chunks, expected, got)
            if effect:
                raise _Wrong(chunks, _NO_EFFECT, effect)

    async def record_plain(self) -> None:
        """Record the result of a plain stream, right or wrong, in a new process.

        Raises:
            CannotRunError: There is no answer.
        """
        await self._subject.stop()
        try:
            self._plain = await self._result_of_plain(time_limit=START_S)
        except NoAnswerError as error:
            raise CannotRunError(f"{_PROBE[0]!r}: {error}") from error

    async def _result_of_plain(self, **options: Any) -> object:
        answer = await self._subject.ask(_PROBE, **options)
        return answer.error or [(event["type"], event["data"]) for event in answer.all_events()]

    async def _effect_on_next(self, chunks: list[bytes]) -> str:
        """Send a plain stream, and describe how its result differs; state may be shared."""
        try:
            result = await self._result_of_plain()
        except NoAnswerError as error:
            raise _Wrong(chunks, _NO_EFFECT, error) from error
        if result == self._plain:
            return ""
        # Later streams get a new process, because this is not their fault.
        await self._subject.stop()
        return f"the next stream, {_PROBE[0]!r}, gives {result}; in a new process {self._plain}"

    async def _ask(self, chunks: list[bytes], expected: object, **options: Any) -> Answer:
        try:
            return await self._subject.ask(chunks, **options)
        except NoAnswerError as error:
            raise _Wrong(chunks, expected, error) from error

    def _outcomes(self, case: Stream, answer: Answer) -> tuple[list[Any], list[Any]]:
        """Return the expected and the actual result, as far as this family compares them."""
        ids = "ids" not in self.unknown and case.family in _IDS
        expected: list[Any] = [event if ids else event[:2] for event in case.events]
        got: list[Any] = []
        last_event_id, retry = "", None
        for event in answer.all_events():
            if event.get("last_event_id") is not None:
                last_event_id = event["last_event_id"]
            if event.get("retry") is not None:
                retry = event["retry"]
            parts = (event["type"], event["data"], last_event_id)
            got.append(parts if ids else parts[:2])
        committed = answer.state.get("last_event_id", case.last_event_id) or ""
        if ids and committed != case.last_event_id:
            expected.append(f"last event ID {case.last_event_id!r}")
            got.append(f"last event ID {committed!r}")
        retry = answer.state.get("retry", retry)
        compares_retry = "retry" not in self.unknown and case.family in _RETRY
        if compares_retry and case.retry not in ([], [retry]):
            expected.append(f"retry {case.retry[0]!r}")
            got.append(f"retry {retry!r}")
        if answer.error is not None:
            got.append(answer.error)
        return expected, got

    async def prompt(self, case: Prompt) -> None:
        answer = await self._ask(case.chunks, f"events by the end of each chunk: {case.due}")
        came = []
        for number in range(len(case.chunks)):
            came.append(sum(map(len, answer.events[: number + 1])))
        if came != case.due or answer.error is not None:
            after = len(answer.all_events()) - came[-1]
            late = f"{came}, and {after} at the end" if after else f"{came}"
            raise _Wrong(
                case.chunks,
                f"events by the end of each chunk: {case.due}",
                late if answer.error is None else f"{late}, {answer.error}",
            )

    async def limits(self) -> Result:
        """Judge the limit; the result of a parser without a limit is "no limit"."""
        try:
            offered = await self._subject.ask(_PROBE, limit=LIMIT)
        except NoAnswerError:
            return await _run(limited(), self.limit)
        return await _run(limited(), self.limit) if offered.is_limited else _NO_LIMIT

    async def limit(self, case: Limited) -> None:
        either = [f"an error by {2 * LIMIT} bytes at the latest"] if case.breaks else []
        either += [f"{case.events} events"] if case.events is not None else []
        expected = " or ".join(either)
        answer = await self._ask(case.chunks, expected, limit=LIMIT)
        came = len(answer.all_events())
        taken = sum(map(len, case.chunks[: len(answer.events)]))
        got = f"{came} events, {answer.error or 'no error'} after {taken} bytes"
        if answer.error is not None:
            right = case.breaks and taken <= 2 * LIMIT
        else:
            right = came == case.events
        if not right:
            raise _Wrong(case.chunks, expected, got)

    async def growth(self, case: Growth) -> None:
        size = await self._growth_size(case)
        await self._compare(case, size, NEAR, QUADRATIC_NEAR)
        while not await self._compare(case, size, FACTOR, QUADRATIC):
            size *= 2

    async def _growth_size(self, case: Growth) -> int:
        """Return the small size. Of two times the lesser counts, so that one delay does not."""
        size, largest = GROWTH_SIZES
        while size < largest:
            chunks = case.chunks(size)
            if min(await self._time(chunks), await self._time(chunks)) >= BASE_S:
                break
            size *= 2
        return size

    async def _compare(self, case: Growth, size: int, factor: int, quadratic: float) -> bool:
        """Compare the least times for a size and for a multiple of it; return whether that decides.

        Raises:
            _Wrong: After all rounds the larger still takes ``quadratic`` times as long.
        """
        small, large = case.chunks(size), case.chunks(size * factor)
        shorter = longer = float("inf")
        for number in range(1, _ROUNDS + 1):
            shorter = min(shorter, await self._time(small, BASE_S))
            longer = min(longer, await self._time(large))
            if longer <= NEGLIGIBLE_S:
                return True
            # Longer streams, or longer times, would take too much.
            is_last = factor != FACTOR or size >= GROWTH_SIZES[1] or longer >= LONG_S
            margin = 1.0 if is_last else UNDECIDED
            if number >= _LEAST_ROUNDS and longer * margin < quadratic * shorter:
                return True
        if longer < quadratic * shorter * margin:
            return False
        # With a coarse clock the small size may have taken no time at all.
        ratio = f"{longer / shorter:.1f} times: " if shorter > 0 else ""
        raise _Wrong(
            large,
            f"about {factor} times the time for {factor} times the bytes",
            f"{ratio}{shorter:.3f} s for {size} bytes, {longer:.3f} s for {size * factor}",
        )

    async def _time(self, chunks: list[bytes], least: float = 0.0) -> float:
        """Return the mean time for the chunks in s, of runs that take ``least`` seconds in all."""
        times: list[float] = []
        while not times or (sum(times) < least and len(times) < _MAX_REPEATS):
            answer = await self._ask(chunks, "a time in proportion to the bytes")
            if answer.error is not None:
                raise _Wrong(chunks, "no error", answer.error)
            times.append(answer.seconds)
        return sum(times) / len(times)


_NO_LIMIT = Result(0, 0, "no limit")


def _shown(chunks: list[bytes]) -> str:
    """Return the chunks as text that fits into a few lines."""
    if len(chunks) > 8:
        whole = b"".join(chunks)
        if all(len(chunk) == 1 for chunk in chunks):
            return f"{_bytes(whole)}, byte by byte"
        return f"{_bytes(whole)}, in {len(chunks)} chunks"
    return " + ".join(map(_bytes, chunks)) or "b''"


def _bytes(chunk: bytes) -> str:
    more = len(chunk) - _SHOWN
    return f"{chunk[:_SHOWN]!r} and {more} bytes more" if more > 0 else repr(chunk)
