"""How a parser is judged, in this process: right results, and the report of a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from planted import FAULTS, RIGHT, Here, broken, now
from sseparse._conformance import _cases, _judge, _subject

if TYPE_CHECKING:
    from collections.abc import Callable

# Each runs the judge on a parser.
pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def streams() -> list[_cases.Stream]:
    return [stream for stream in _cases.corpora() if stream.family != "mixed"]


@pytest.fixture
def judged(
    monkeypatch: pytest.MonkeyPatch, streams: list[_cases.Stream]
) -> Callable[[str], _judge.Report]:
    monkeypatch.setattr(_judge, "corpora", lambda: streams)
    monkeypatch.setattr(_judge, "GROWTH_SIZES", (2 * 1024, 2 * 1024))
    monkeypatch.setattr(_judge, "_LEAST_ROUNDS", 1)
    monkeypatch.setattr(_judge, "growths", lambda: _cases.growths()[:2])

    def judged(source: str) -> _judge.Report:
        families: list[str] = []
        subject: Any = Here(source)
        report: _judge.Report = now(
            _judge.judge(subject, "here", "a note", progress=families.append)
        )
        assert families == list(report.results) == [family.name for family in _cases.FAMILIES]
        assert report.parser == "here 1"
        assert report.note == "a note"
        return report

    return judged


def test_a_right_parser(judged: Callable[[str], _judge.Report]) -> None:
    report = judged(RIGHT)
    assert report.failing == []
    assert {name: result.text for name, result in report.results.items()} == {
        "BOM": "41/41",
        "line ends": "161/161",
        "UTF-8": "185/185",
        "fields": "107/107",
        "ids": "50/50",
        "retry": "39/39",
        "dispatch": "38/38",
        "mixed": "0/0",
        "promptness": "27/27",
        "limits": "9/9",
        "growth": "2/2",
    }


# The smallest failure for a fault: the family, its stream, the expected and the actual result.
SAID = {
    "the byte order mark is kept": (
        ("BOM", "tricky:bom_split_1_2", r"b'\xef\xbb\xbfdata: a\n\n'"),
        ("[('message', 'a')]", "[]"),
    ),
    "an LF after a CR ends another line": (
        ("line ends", "eventsource:1334", r"b'\n\ndata:a\r\n', byte by byte"),
        ("[]", "[('message', 'a')]"),
    ),
    "broken UTF-8 raises": (
        ("retry", "eventsource:9413", r"b'retry:700\nretry:\xff10\ndata:x\n\n'"),
        (
            "[('message', 'x'), 'retry 700']",
            "['retry None', \"UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position "
            '16: invalid start byte"]',
        ),
    ),
    "the id of a block without data is lost": (
        ("ids", "eventsource:240", r"b'id:1\n\ndata:b\n\n'"),
        (
            "[('message', 'b', '1'), \"last event ID '1'\"]",
            "[('message', 'b', ''), \"last event ID ''\"]",
        ),
    ),
    "events come with the next chunk": (
        ("promptness", "LF, the bytes of an event one by one", r"b'data: a\n\n', byte by byte"),
        (
            "events by the end of each chunk: [0, 0, 0, 0, 0, 0, 0, 0, 1]",
            "[0, 0, 0, 0, 0, 0, 0, 0, 0], and 1 at the end",
        ),
    ),
    "the limit is not kept": (
        (
            "limits",
            "data lines without end",
            f"b'data: {'x' * 54}' and 99940 bytes more, in 1000 chunks",
        ),
        ("an error by 20000 bytes at the latest", "0 events, no error after 100000 bytes"),
    ),
    "the limit counts the whole stream": (
        (
            "limits",
            "events below the limit",
            f"b'data: {'x' * 54}' and 100100 bytes more, in 20 chunks",
        ),
        ("20 events", "1 events, TooLargeError: 10000 after 10016 bytes"),
    ),
}


@pytest.mark.parametrize("fault", SAID)
def test_a_fault(judged: Callable[[str], _judge.Report], fault: str) -> None:
    report = judged(broken(fault))
    assert set(report.failing) == FAULTS[fault][1]
    for name, result in report.results.items():
        assert len(result.failures) == result.total - result.passed, name
        sizes = [failure.size for failure in result.failures]
        assert sizes == sorted(sizes)
    (family, *which), said = SAID[fault]
    smallest = report.results[family].smallest
    assert smallest is not None
    assert [smallest.name, smallest.stream] == which
    assert (smallest.expected, smallest.got) == said


def judge_one(source: str, family: str) -> _judge.Result:
    families = [each for each in _cases.FAMILIES if each.name == family]
    subject: Any = Here(source)
    report = now(_judge.judge(subject, "here", families=families))
    result: _judge.Result = report.results[family]
    return result


def test_a_parser_that_ends_events_late_and_raises() -> None:
    source = broken("events come with the next chunk").replace(
        "        name, _, value", "        raise_on[line]\n        name, _, value"
    )
    source = f"raise_on = dict.fromkeys(['data: a', 'id: 7', 'retry: 5', 'data: probe'])\n{source}"
    smallest = judge_one(source, "promptness").smallest
    assert smallest is not None
    assert smallest.name == "LF, the bytes of an event one by one"
    failures = judge_one(source, "promptness").failures
    [error] = [each.got for each in failures if each.name == "LF, all fields"]
    assert error == "[0, 0], KeyError: 'event: x'"


def test_events_that_come_late() -> None:
    failures = judge_one(broken("events come with the next chunk"), "promptness").failures
    got = {each.name: each.got for each in failures}
    assert got["LF, one event a chunk"] == "[0, 1, 2], and 1 at the end"
    assert got["CR, two events a chunk"] == "[0, 2], and 2 at the end"


@pytest.mark.parametrize(("most", "is_right"), [(19_000, True), (20_000, True), (20_001, False)])
def test_an_error_at_twice_the_limit_is_in_time(most: int, is_right: bool) -> None:
    source = f"""
def parse(chunks, max_event_size=None):
    taken = 0
    for chunk in chunks:
        taken += len(chunk)
        if taken >= {most}:
            raise ValueError(taken)
    return []
"""
    subject: Any = Here(source)
    judge = _judge._Judge(subject, now(subject.introduce()))
    case = _cases.Limited("x", [b"x" * 1000] * 50, breaks=True, events=None)
    result = now(_judge._run([case], judge.limit))
    assert result.passed == is_right
    if not is_right:
        assert result.smallest.expected == "an error by 20000 bytes at the latest"
        assert result.smallest.got == "0 events, ValueError: 21000 after 21000 bytes"


def test_limits_are_judged_where_the_first_answer_is_lost() -> None:
    subject: Any = Here(RIGHT)
    judge = _judge._Judge(subject, now(subject.introduce()))
    subject.lost = 1
    assert now(judge.limits()) == (9, 9, "", ())


def test_a_limit_that_is_not_offered() -> None:
    source = RIGHT.replace("max_event_size", "most")
    assert judge_one(source, "limits") == (0, 0, "no limit", ())


def test_a_parser_without_ids_and_retry(judged: Callable[[str], _judge.Report]) -> None:
    source = RIGHT.replace("                    last_event_id=self.last_event_id,\n", "")
    report = judged(source.replace("self.retry", "self._retry"))
    assert report.failing == []
    unmet = {name: result.text for name, result in report.results.items() if result.not_judged}
    assert unmet == {"ids": "n/a", "retry": "n/a"}


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_parser_that_is_lost(lost: int) -> None:
    """A family goes on after two losses, and not after three."""
    subject: Any = Here(RIGHT)
    now(subject.introduce())
    judge = _judge._Judge(subject, now(subject.introduce()))
    now(judge.record_plain())
    subject.lost = lost
    prompts = _cases.prompts()
    result = now(_judge._run(prompts, judge.prompt))
    assert (result.passed, result.total) == (len(prompts) - lost if lost < 3 else 0, len(prompts))
    assert len(result.failures) == lost
    assert {failure.got for failure in result.failures} == {"lost"}


def test_a_parser_that_is_lost_before_it_is_judged() -> None:
    subject: Any = Here(RIGHT)
    judge = _judge._Judge(subject, now(subject.introduce()))
    subject.lost = 1
    with pytest.raises(_subject.CannotRunError, match=r"^b'data: probe\\n\\n': lost$"):
        now(judge.record_plain())
    raising: Any = Here("def parse(chunks):\n    raise OSError(5)\n")
    with pytest.raises(_subject.CannotRunError, match=r"^it raises .*: OSError: 5$"):
        now(_judge.judge(raising, "here"))


def test_state_that_is_left_behind() -> None:
    """A parser that keeps the type of a block that was cut off."""
    shared = RIGHT
    for old, new in (
        ("class parse:", 'class parse:\n    kept = ""\n'),
        ("self.type = value", "parse.kept = value"),
        ("self.type or", "parse.kept or"),
        ('"", 0\n            return', '"", 0\n            parse.kept = ""\n            return'),
    ):
        assert old in shared
        shared = shared.replace(old, new)
    subject: Any = Here(shared)
    judge = _judge._Judge(subject, now(subject.introduce()))
    now(judge.record_plain())
    case = _cases.Stream("dispatch", "cut off", [b"event: x\n"], [], "", [None])
    after = _cases.Stream("dispatch", "after it", [b"data: a\n\n"], [("message", "a", "")], "", [])
    result = now(_judge._run([case, after], judge.stream))
    assert (result.passed, result.total) == (1, 2)
    assert result.failures == (
        (
            9,
            "cut off",
            r"b'event: x\n'",
            "no effect on the next stream",
            r"the next stream, b'data: probe\n\n', gives [('x', 'probe')]; in a new process "
            "[('message', 'probe')]",
        ),
    )


CASE = _cases.Stream(
    "retry", "x", [b"retry: 5\r", b"\n\ndata: a\n\n"], [("message", "a", "")], "", [5]
)


def test_each_way_to_cut_a_stream() -> None:
    source = RIGHT.replace(
        "part = decode(chunk)", "part = decode(chunk)\n            seen.append(chunk)"
    )
    subject: Any = Here(f"seen = []\n{source}\nparse.seen = seen\n")
    judge = _judge._Judge(subject, now(subject.introduce()))
    now(judge.record_plain())
    subject.parse.seen.clear()
    assert now(_judge._run([CASE], judge.stream)) == (1, 1, "", ())
    whole = b"".join(CASE.chunks)
    probe = b"data: probe\n\n"
    by_byte = [bytes([byte]) for byte in whole]
    assert subject.parse.seen == [whole, probe, *CASE.chunks, probe, *by_byte, probe]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [(0, "[('message', 'a', '')]"), (1, "no effect on the next stream")],
)
def test_a_parser_that_is_lost_over_a_stream(answers: int, expected: str) -> None:
    subject: Any = Here(RIGHT)
    judge = _judge._Judge(subject, now(subject.introduce()))
    now(judge.record_plain())
    ask = subject.ask

    async def lost_later(*arguments: Any, **options: Any) -> _subject.Answer:
        nonlocal answers
        subject.lost = answers == 0
        answers -= 1
        answer: _subject.Answer = await ask(*arguments, **options)
        return answer

    subject.ask = lost_later
    result = now(_judge._run([CASE], judge.stream))
    shown = r"b'retry: 5\r\n\ndata: a\n\n'"
    assert result == (0, 1, "", ((20, "x", shown, expected, "lost"),))


def test_a_parser_that_gives_retry_with_its_events() -> None:
    source = RIGHT.replace("self.retry", "self._retry").replace(
        "data=", "retry=self._retry,\n                    data="
    )
    assert judge_one(source, "retry").text != "n/a"
    subject: Any = Here(source)
    judge = _judge._Judge(subject, now(subject.introduce()))
    now(judge.record_plain())
    assert now(_judge._run([CASE], judge.stream)).passed == 1
    wrong = now(_judge._run([CASE._replace(retry=[6])], judge.stream)).smallest
    assert (wrong.expected, wrong.got) == (
        "[('message', 'a'), 'retry 6']",
        "[('message', 'a'), 'retry 5']",
    )


@pytest.mark.parametrize(
    ("chunks", "shown"),
    [
        ([], "b''"),
        ([b"a"], "b'a'"),
        ([b"a", b"", b"b"], "b'a' + b'' + b'b'"),
        ([b"a"] * 8, " + ".join(["b'a'"] * 8)),
        ([b"a"] * 9, "b'aaaaaaaaa', byte by byte"),
        ([b"ab"] + [b"a"] * 8, "b'abaaaaaaaa', in 9 chunks"),
        ([b"x" * 60], f"b'{'x' * 60}'"),
        ([b"x" * 61], f"b'{'x' * 60}' and 1 bytes more"),
    ],
)
def test_how_chunks_are_shown(chunks: list[bytes], shown: str) -> None:
    assert _judge._shown(chunks) == shown
