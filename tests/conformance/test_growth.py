"""The verdict on growth, from times that the tests give, with no clock."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

import pytest

from planted import RIGHT, Here, now
from sseparse._conformance import _cases, _judge, _subject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Timed(Here):
    """A parser that reports the time that a test gives for a size, and for how often it came."""

    def __init__(self, seconds: Callable[[int, int], float]) -> None:
        super().__init__(RIGHT)
        self.seconds = seconds
        self.asked: list[int] = []

    async def ask(self, chunks: Sequence[bytes], **options: Any) -> _subject.Answer:
        answer = await super().ask(chunks, **options)
        size = sum(map(len, chunks))
        self.asked.append(size)
        return answer._replace(seconds=self.seconds(size, self.asked.count(size)))


def judge_growth(seconds: Callable[[int, int], float]) -> tuple[_judge.Result, list[int]]:
    """Return the result of a growth stream, and the sizes that were measured, in order."""
    subject: Any = Timed(seconds)
    judge = _judge._Judge(subject, now(subject.introduce()))
    subject.asked.clear()
    result = now(_judge._run([_cases.Growth("x", lambda size: [b":" * size])], judge.growth))
    return result, subject.asked


KIB = 1024
NEAR = "about 4 times the time for 4 times the bytes"
FAR = "about 16 times the time for 16 times the bytes"


def steps(small: float, near: float, far: float) -> Callable[[int, int], float]:
    """Return times for 8 KiB and for 4 and 16 times that."""
    times = {8 * KIB: small, 32 * KIB: near, 128 * KIB: far}
    return lambda size, _: times.get(size, 0.0)


@pytest.mark.parametrize(
    ("seconds", "expected", "got"),
    [
        (lambda size, _: size / 1e6, None, None),
        (lambda *_: 0.0, None, None),
        # The borders: 11 times at the near size, 64 times at the large size, 0.1 s.
        (steps(0.0625, 0.6874, 3.999), None, None),
        (steps(0.0625, 0.6875, 0), NEAR, "11.0 times: 0.062 s for 8192 bytes, 0.688 s for 32768"),
        (steps(0.0625, 0.1, 4.0), FAR, "64.0 times: 0.062 s for 8192 bytes, 4.000 s for 131072"),
        (steps(0.01, 0.11, 0), NEAR, "11.0 times: 0.010 s for 8192 bytes, 0.110 s for 32768"),
        # A clock that is too coarse for the small size.
        (lambda size, _: 0.0 if size < 131_073 else 0.1, None, None),
        (
            lambda size, _: 0.0 if size < 131_073 else 0.11,
            NEAR,
            "0.000 s for 131072 bytes, 0.110 s for 524288",
        ),
        (
            lambda size, _: (size / 1e5) ** 2,
            NEAR,
            "16.0 times: 0.027 s for 16384 bytes, 0.429 s for 65536",
        ),
    ],
)
def test_growth(
    seconds: Callable[[int, int], float], expected: str | None, got: str | None
) -> None:
    result, _ = judge_growth(seconds)
    if expected is None:
        assert result == (1, 1, "", ())
    else:
        assert result.smallest is not None
        assert (result.smallest.expected, result.smallest.got) == (expected, got)


def linear(size: int) -> float:
    return size / KIB / 800  # 10 ms for 8 KiB


def quadratic(size: int) -> float:
    return linear(size) ** 2 * 100  # 10 ms for 8 KiB


def disturbed(
    work: Callable[[int], float], of: Callable[[int], bool], rounds: int, factor: float
) -> Callable[[int, int], float]:
    """Return times of work, of which the first ``rounds`` of some sizes are too long."""
    return lambda size, count: work(size) * (factor if of(size) and count <= rounds else 1)


def is_small(size: int) -> bool:
    return size == 8 * KIB


def is_larger(size: int) -> bool:
    return size > 8 * KIB


def test_one_round_of_six_without_a_disturbance_shows_linear_growth() -> None:
    """However large the disturbance of the other rounds is."""
    assert judge_growth(disturbed(linear, is_larger, 5, 1000))[0].passed == 1
    result, asked = judge_growth(disturbed(linear, is_larger, 6, 1000))
    assert result.passed == 0
    assert asked[2:] == [8 * KIB, 32 * KIB] * 6


def test_one_round_of_three_without_a_disturbance_shows_quadratic_growth() -> None:
    """Two of the times of the small size choose it, so it has two more."""
    assert judge_growth(disturbed(quadratic, is_small, 2 + 2, 1000))[0].passed == 0
    result, asked = judge_growth(disturbed(quadratic, is_small, 99, 1000))
    assert result.passed == 1
    assert asked[2:] == [8 * KIB, 32 * KIB] * 3 + [8 * KIB, 128 * KIB] * 3


@pytest.mark.parametrize("work", [linear, quadratic])
@pytest.mark.parametrize("of", [is_small, is_larger])
def test_growth_may_be_measured_wrong_by_a_factor_below_four(
    work: Callable[[int], float], of: Callable[[int], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_judge, "QUADRATIC_NEAR", float("inf"))
    result, asked = judge_growth(disturbed(work, of, 99, 3.9))
    assert result.passed == (work is linear)
    assert max(asked) >= 128 * KIB


@pytest.mark.parametrize("of", [is_small, is_larger])
def test_growth_at_the_near_size_may_be_measured_wrong(of: Callable[[int], bool]) -> None:
    """By a factor of 2.7, which is 11 to 4. Only the large size decides what is nearer."""
    assert judge_growth(disturbed(linear, of, 99, 2.7))[0].passed == 1
    result, asked = judge_growth(disturbed(quadratic, is_small, 99, 2.7))
    assert result.passed == 0
    assert max(asked) == 128 * KIB


def test_growth_is_measured_at_both_sizes_in_turn() -> None:
    """Quadratic growth does not reach the large size, which would take seconds."""
    result, asked = judge_growth(lambda size, _: quadratic(size))
    assert result.passed == 0
    assert asked == [8 * KIB] * 2 + [8 * KIB, 32 * KIB] * _judge._ROUNDS


def test_growth_of_a_fast_parser_is_measured_several_times() -> None:
    result, asked = judge_growth(lambda size, _: size / (128 * KIB) / 150)
    assert result.passed == 1
    # The size is doubled until it takes a hundredth of a second, here up to the largest. Parsing
    # that twice takes as long.
    choosing = [size * KIB for size in (8, 8, 16, 16, 32, 32, 64, 64)]
    # The time for 512 KiB can be neglected at once; the time for 2 MiB cannot.
    near, far = [*[128 * KIB] * 2, 512 * KIB], [*[128 * KIB] * 2, 2048 * KIB]
    assert asked == [*choosing, *near, *far * 3]


@pytest.mark.parametrize(
    ("share", "sizes", "passed"),
    [
        # How much of the time for 8 KiB is quadratic, and the large sizes that are measured.
        (0.01, {128}, 1),  # 18 times
        (0.08, {128, 256, 512}, 0),  # 35, 52 and 78 times; the last takes over 1.5 s
        (0.25, {128, 256}, 0),  # 76 and 112 times; the last takes over 1.5 s
        (0.47, {128}, 0),  # 129 times
    ],
)
def test_growth_that_is_undecided_is_measured_with_more(
    share: float, sizes: set[int], passed: int
) -> None:
    def seconds(size: int, _: int) -> float:
        units = size / KIB / 8
        return (units * (1 - share) + units**2 * share) / 100

    result, asked = judge_growth(seconds)
    assert result.passed == passed
    assert {size // KIB for size in asked if asked[-1] >= size >= 128 * KIB} == sizes


def test_growth_that_stays_undecided_is_judged_at_the_largest_size() -> None:
    """Where a ratio of 64 decides."""
    for ratio, passed in ((63.9, 1), (64.1, 0)):
        power = log(ratio, 16)

        def seconds(size: int, _: int, power: float = power) -> float:
            return float((size / KIB / 8) ** power / 1000)

        result, asked = judge_growth(seconds)
        assert result.passed == passed
        assert max(asked) == 2048 * KIB


def test_one_delay_does_not_choose_the_size_of_growth() -> None:
    _, asked = judge_growth(lambda size, count: 5.0 if count == 1 else size / (128 * KIB) / 200)
    assert 128 * KIB in asked


def test_growth_of_a_parser_that_raises() -> None:
    source = RIGHT.replace("pieces, held = [line], len(line)", "raise ValueError(line)")
    subject: Any = Here(RIGHT)
    judge = _judge._Judge(subject, now(subject.introduce()))
    subject.parse, subject.source = None, source
    result = now(_judge._run(_cases.growths()[:1], judge.growth))
    assert (result.smallest.expected, result.smallest.got) == ("no error", "ValueError: ")
