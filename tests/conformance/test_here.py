"""The conformance runner's parts in this process: each stream, each check, each text, exactly."""

from __future__ import annotations

import base64
import io
import json
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sseparse
from planted import FAULTS, RIGHT, broken
from sseparse._conformance import (
    _cases,
    _in_process,
    _judge,
    _peers,
    _report,
    _run,
    _subject,
    _worker,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

# The streams.

ENDS = {"LF": b"\n", "CRLF": b"\r\n", "CR": b"\r"}
# With LF; and how many events must have come by the end of each chunk.
PROMPT: dict[str, tuple[list[bytes], list[int]]] = {
    "one event a chunk": ([b"data: a\n\n"] * 3, [1, 2, 3]),
    "two events a chunk": ([b"data: a\n\ndata: a\n\n"] * 2, [2, 4]),
    "all fields": ([b"event: x\nid: 1\ndata: a\ndata: b\n\n"] * 2, [1, 2]),
    "the blank line by itself": ([b"data: a\n", b"\n"] * 2, [0, 1, 1, 2]),
    "an event and the half of one": ([b"data: a\n\ndata", b": a\n\n"], [1, 2]),
    "a comment afterwards": ([b"data: a\n\n", b": ping\n", b"data: a\n\n"], [1, 1, 2]),
    "a long event": ([b"data: " + b"x" * 99_999, b"\n", b"\n"], [0, 0, 1]),
    "the bytes of an event one by one": (
        [b"d", b"a", b"t", b"a", b":", b" ", b"a", b"\n", b"\n"],
        [0, 0, 0, 0, 0, 0, 0, 0, 1],
    ),
}


def test_the_streams_of_promptness() -> None:
    expected = [
        _cases.Prompt(f"{name}, {what}", [chunk.replace(b"\n", end) for chunk in chunks], due)
        for name, end in ENDS.items()
        for what, (chunks, due) in PROMPT.items()
    ]
    expected += [
        _cases.Prompt("LF, then CR", [b"data: a\n\r"] * 2, [1, 2]),
        _cases.Prompt("CRLF, then LF", [b"data: a\r\n\n"] * 2, [1, 2]),
        _cases.Prompt("LF, then CRLF", [b"data: a\n\r\n"] * 2, [1, 2]),
    ]
    assert _cases.prompts() == expected


def test_the_streams_of_limits() -> None:
    endless, half = [b"x" * 1000] * 100, b"data: " + b"x" * 5000 + b"\n\n"
    assert _cases.limited() == [
        ("an endless line", [b"data: ", *endless], True, None),
        ("an endless type", [b"event: ", *endless], True, None),
        ("data lines without end", [b"data: " + b"x" * 93 + b"\n"] * 1000, True, None),
        ("a line that is not UTF-8", [b"data: ", *[b"\xff" * 1000] * 100], True, None),
        ("a long line without a field", [*endless, b"\n", half], True, 1),
        ("a long comment", [b": ", *endless, b"\n", half], True, 1),
        ("events below the limit", [half] * 20, False, 20),
        ("events below the limit in one chunk", [half * 20], False, 20),
        ("comments between events", [half, *[b": ping\n"] * 9000], False, 1),
    ]


def test_the_streams_of_growth() -> None:
    assert [(case.name, case.chunks(96)) for case in _cases.growths()] == [
        ("one line, 16 bytes a chunk", [b"data: ", *[b"x" * 16] * 6, b"\n\n"]),
        ("data lines of one event, in one chunk", [b"data: word\n" * 8 + b"\n"]),
        (
            "data lines of one event, one a chunk",
            [*[b"data: some ten words more\n"] * 3, b"\n"],
        ),
        ("comments, one a chunk", [b": keep-alive and so on\n"] * 4),
        ("events, in one chunk", [b"data: word\n\n" * 8]),
        ("events ended by CR, in one chunk", [b"data: word\r\r" * 8]),
    ]


@pytest.mark.parametrize(
    ("retry", "allowed"),
    [(None, [None]), ("any", []), (0, [0]), (2**53 - 1, [2**53 - 1]), (2**53, []), (10**99, [])],
)
def test_what_retry_may_be(retry: Any, allowed: list[int | None]) -> None:
    assert _cases._retries(retry) == allowed


# The judge, and a parser in this process that may have a limit and be lost.


class Here:
    """A Subject whose process is a name space."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.parse: Any = None
        self.lost = 0  # so many of the next answers do not come

    async def introduce(self) -> _subject.Answer:
        return await self.ask(_subject.FIRST)

    async def ask(
        self, chunks: Sequence[bytes], *, limit: int | None = None, **_: float
    ) -> _subject.Answer:
        if self.lost:
            self.lost -= 1
            await self.stop()
            raise _subject.NoAnswerError("lost")
        if self.parse is None:
            names: dict[str, Any] = {}
            exec(self.source, names)
            self.parse = names["parse"]
        adapter = _peers.Adapter(self.parse, _worker.read, "max_event_size" in self.source)
        answer = {**_worker.answer(adapter, [*chunks], limit), "parser": "here 1"}
        return _subject.checked(answer, len(chunks), 0.0)

    async def stop(self) -> None:
        self.parse = None


def now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return the result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("it waits")


@pytest.fixture(scope="module")
def streams() -> list[_cases.Stream]:
    return [stream for stream in _cases.corpora() if stream.family != "mixed"]


@pytest.fixture
def judged(
    monkeypatch: pytest.MonkeyPatch, streams: list[_cases.Stream]
) -> Callable[[str], _judge.Report]:
    monkeypatch.setattr(_judge, "corpora", lambda: streams)
    monkeypatch.setattr(_judge, "GROWTH_SIZES", (2 * 1024, 2 * 1024))
    monkeypatch.setattr(_judge, "_ROUNDS", 1)
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


# What the smallest failure of a fault says: the family, its stream, what is expected, what came.
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


def test_what_is_left_behind() -> None:
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


class Timed(Here):
    """A parser that reports the time that a test gives."""

    def __init__(self, seconds: Callable[[int], float]) -> None:
        super().__init__(RIGHT)
        self.seconds = seconds
        self.asked: list[int] = []

    async def ask(self, chunks: Sequence[bytes], **options: Any) -> _subject.Answer:
        answer = await super().ask(chunks, **options)
        size = sum(map(len, chunks))
        self.asked.append(size)
        return answer._replace(seconds=self.seconds(size))


@pytest.mark.parametrize(
    ("seconds", "got"),
    [
        (lambda size: size / 1e6, None),
        (lambda _: 0.0, None),
        # 39 times, but not 40; and what takes no longer than a tenth of a second.
        (lambda size: 0.02 if size < 9999 else 0.79, None),
        (
            lambda size: 0.02 if size < 9999 else 0.8,
            "40.0 times: 0.020 s for 8192 bytes, 0.800 s for 131072",
        ),
        (lambda size: 0.0 if size < 131_073 else 0.1, None),
        (
            lambda size: 0.0 if size < 131_073 else 0.11,
            "0.000 s for 131072 bytes, 0.110 s for 2097152",
        ),
        (
            lambda size: (size / 1e5) ** 2,
            "256.0 times: 0.027 s for 16384 bytes, 6.872 s for 262144",
        ),
    ],
)
def test_growth(seconds: Callable[[int], float], got: str | None) -> None:
    subject: Any = Timed(seconds)
    judge = _judge._Judge(subject, now(subject.introduce()))
    result = now(_judge._run([_cases.Growth("x", lambda size: [b":" * size])], judge.growth))
    if got is None:
        assert result == (1, 1, "", ())
    else:
        assert result.passed == 0
        assert result.smallest.expected == "about 16 times the time for 16 times the bytes"
        assert result.smallest.got == got


def test_growth_of_what_takes_little_is_measured_several_times() -> None:
    subject: Any = Timed(lambda size: size / 131_072 / 200)
    judge = _judge._Judge(subject, now(subject.introduce()))
    subject.asked.clear()
    now(judge.growth(_cases.Growth("x", lambda size: [b":" * size])))
    # The size is doubled until it takes a hundredth of a second, here up to the largest; then it
    # is parsed twice, for that takes as long.
    sizes = [8192, 16384, 32768, 65536]
    assert subject.asked == [*sizes, 131_072, 131_072, 131_072 * 16]


def test_growth_of_a_parser_that_raises() -> None:
    source = RIGHT.replace("pieces, held = [line], len(line)", "raise ValueError(line)")
    subject: Any = Here(RIGHT)
    judge = _judge._Judge(subject, now(subject.introduce()))
    subject.parse, subject.source = None, source
    result = now(_judge._run(_cases.growths()[:1], judge.growth))
    assert (result.smallest.expected, result.smallest.got) == ("no error", "ValueError: ")


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


# Answers.

EVENT = {"type": "message", "data": "a"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"events": []}, ([], {}, None, False, None, 2.5)),
        (
            {
                "events": [[EVENT], []],
                "last_event_id": "7",
                "retry": None,
                "error": "",
                "limited": 1,
                "parser": "p",
                "seconds": 3,
            },
            ([[EVENT], []], {"last_event_id": "7", "retry": None}, None, False, "p", 3.0),
        ),
        (
            {"events": [[], [], []], "error": "E", "limited": True},
            ([[], [], []], {}, "E", True, None, 2.5),
        ),
    ],
)
def test_an_answer(answer: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert _subject.checked(answer, 2, 2.5) == expected


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([], TypeError("it must be an object")),
        ({"cannot": "why"}, _subject.CannotRunError("why")),
        ({"events": [], "parser": None}, TypeError("parser must be a string")),
        ({}, TypeError("events must be a list of lists, one for each chunk")),
        ({"events": [{}]}, TypeError("events must be a list of lists, one for each chunk")),
        (
            {"events": [[], [], [], []]},
            ValueError("events must be a list for each of 2 chunks, and one for the end"),
        ),
        (
            {"events": [[], [5]]},
            TypeError("each event must have type and data, which are strings"),
        ),
        (
            {"events": [[EVENT], [{"type": "message"}]]},
            TypeError("each event must have type and data, which are strings"),
        ),
        (
            {"events": [[{"type": b"", "data": ""}]]},
            TypeError("each event must have type and data, which are strings"),
        ),
    ],
)
def test_what_is_no_answer(answer: Any, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        _subject.checked(answer, 2, 2.5)
    assert str(caught.value) == str(error)


@pytest.mark.parametrize(
    ("complaint", "said"),
    [
        (b"", ""),
        (b" \n\n", ""),
        (b"one\n two \n", "; standard error: 'two'"),
        (b"TheError: 5\n  frame\n", "; standard error: 'TheError: 5'"),
        (b"AnError\nTheError\nlast\n", "; standard error: 'TheError'"),
        (b"\xff", "; standard error: '\ufffd'"),
        (b"x" * 301, f"; standard error: '{'x' * 300}'"),
    ],
)
def test_what_a_process_complained_of(complaint: bytes, said: str) -> None:
    subject = _subject.Subject([])
    subject._stderr = complaint
    assert subject._last_error_line() == said


# The worker's end of the protocol.


def answered(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    target: str,
    *requests: dict[str, Any],
) -> list[dict[str, Any]]:
    """Run the worker's main function on requests; it redirects standard output."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "argv", ["-c", "folder", target])
    monkeypatch.setattr(sys, "path", [*sys.path])
    opened: list[Any] = []

    def opening(*arguments: Any, **options: Any) -> Any:
        opened.append(open(*arguments, **options))  # noqa: PTH123, SIM115
        return opened[-1]

    monkeypatch.setattr(os, "fdopen", opening)
    output = os.dup(1)
    try:
        _worker.main()
        sys.stdout.write("not an answer\n")
        os.write(1, b"not an answer\n")
    finally:
        os.dup2(output, 1)
        os.close(output)
        for file in opened:
            file.close()
    out, err = capfd.readouterr()
    assert err.count("not an answer\n") == 2
    return [json.loads(line) for line in out.splitlines()]


def encoded(*chunks: bytes) -> list[str]:
    return [base64.b64encode(chunk).decode() for chunk in chunks]


PLANTED = """
def parse(chunks, max_event_size=5):
    for chunk in chunks:
        print("it is read")
        yield {"type": str(max_event_size), "data": "é", "other": chunk}

class Some:
    one = 1
"""


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The name of a module in the working directory, a new one for each test."""
    name = f"planted_{abs(hash(request.node.nodeid))}"
    (tmp_path / f"{name}.py").write_text(PLANTED, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return name


def test_the_worker(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], module: str
) -> None:
    target = f"{module}:parse"
    first, second = answered(
        monkeypatch,
        capfd,
        target,
        {"chunks": encoded(b"\xff", b"")},
        {"chunks": encoded(b"x"), "limit": 7},
    )
    event = {"type": "5", "data": "é", "other": repr(b"\xff")}
    assert first.pop("seconds") >= 0
    assert first == {"events": [[event], [{**event, "other": "b''"}], []], "parser": target}
    assert second.pop("seconds") >= 0
    assert second == {
        "events": [[{"type": "7", "data": "é", "other": "b'x'"}], []],
        "limited": True,
        "parser": target,
    }


def test_the_worker_of_a_ready_adapter(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    [answer] = answered(
        monkeypatch, capfd, "sseparse", {"chunks": encoded(b"id: 1\nretry: 2\ndata: a\n\n")}
    )
    assert answer.pop("parser").startswith(f"sseparse {sseparse.__version__}")
    assert answer.pop("seconds") >= 0
    event = {"type": "message", "data": "a", "last_event_id": "1"}
    assert answer == {"events": [[event], []], "last_event_id": "1", "retry": 2}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nosuch", "the module {module!r} has no 'nosuch'"),
        ("Some.two", "the module {module!r} has no 'Some.two'"),
        ("Some.one", "'{module}:Some.one' cannot be called"),
    ],
)
def test_the_worker_cannot(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    module: str,
    path: str,
    said: str,
) -> None:
    [answer] = answered(monkeypatch, capfd, f"{module}:{path}", {"chunks": []})
    assert answer == {"cannot": said.format(module=module)}


def test_the_worker_cannot_import(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], module: str, tmp_path: Path
) -> None:
    (tmp_path / f"{module}.py").write_text("raise OSError(5)")
    [answer] = answered(monkeypatch, capfd, f"{module}:parse")
    assert answer == {
        "cannot": f"cannot import the module {module!r} of '{module}:parse', MODULE:FUNCTION, "
        f"with {sys.executable}: OSError: 5"
    }


def test_the_worker_of_a_peer_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def load() -> Any:
        raise ImportError("No module named 'absent'")

    peer = _peers.PEERS["requests-sse"]
    monkeypatch.setitem(_peers.PEERS, "absent", peer._replace(load=load, packages=("a", "b")))
    [answer] = answered(monkeypatch, capfd, "absent")
    assert answer == {
        "cannot": "absent is not installed (No module named 'absent'): pip install a b"
    }


def test_a_parser_written_in_c_has_no_limit() -> None:
    adapter, name = _worker._load("builtins:iter")
    assert (adapter.parse, adapter.has_limit, name) == (iter, False, "builtins:iter")


def answer_of(parse: Any, chunks: list[bytes]) -> dict[str, Any]:
    found = _worker.answer(_peers.Adapter(parse, _worker.read), chunks, 5)
    assert found.pop("seconds") >= 0
    return found


def test_what_a_parser_gives() -> None:
    a, b = {"type": "a"}, {"type": "b"}

    def late(chunks: Any) -> Any:
        yield a
        list(chunks)
        yield b

    assert answer_of(late, [b"x", b"y"]) == {"events": [[a], [], [], [b]]}
    assert answer_of(lambda _: [], [b"x"]) == {"events": []}
    assert answer_of(lambda _: 5, [b"x"]) == {
        "events": [],
        "error": "TypeError: 'int' object is not iterable",
    }
    assert answer_of(lambda _: [a, a], [b"x"]) == {"events": [[a, a]]}


def test_events_without_end_are_an_error() -> None:
    def endless(_: Any) -> Any:
        while True:
            yield {}

    found = answer_of(endless, [b"abc", b"d"])
    assert found == {
        "events": [[{}] * 5],
        "error": "OverflowError: more events than the stream has bytes",
    }

    def raising(_: Any) -> Any:
        raise ValueError("x" * 300)

    assert answer_of(raising, []) == {"events": [], "error": f"ValueError: {'x' * 188}"}


def test_what_is_read_of_an_event() -> None:
    event = sseparse.Event("t", "d", "1")
    assert _worker.read(event) == {"type": "t", "data": "d", "last_event_id": "1"}
    assert _worker.read({"x": 1}) == {"x": 1}
    [item] = sseparse.Observer(lines=False).feed(b"retry: 1\ndata\n\n")
    assert _worker.read(item) == {"data": "", "last_event_id": "", "retry": 1}


def test_a_subject_in_this_process() -> None:
    subject = _in_process.InProcess(lambda chunks: [EVENT for _ in chunks])
    answer = now(subject.introduce())
    assert answer == ([[], [EVENT]], {}, None, False, None, answer.seconds)
    assert answer.seconds >= 0
    for events, why in [
        ([5], "each event must have type and data, which are strings"),
        ([EVENT | {"type": 5}], "each event must have type and data, which are strings"),
    ]:
        wrong = _in_process.InProcess(lambda _, events=events: events)  # type: ignore[misc]
        with pytest.raises(_subject.NoAnswerError) as caught:
            now(wrong.ask([b"", b""]))
        assert str(caught.value) == f"not an answer ({why})"
        with pytest.raises(_subject.CannotRunError) as told:
            now(wrong.introduce())
        assert str(told.value) == f"not an answer ({why})"


# Which parsers, and how they are started.


def test_the_targets() -> None:
    command = _run.against("sseparse").command
    assert command[:2] == [sys.executable, "-c"]
    assert command[3:] == [str(Path(_run.__file__).parents[2]), "sseparse"]
    assert _run.against("a:b").command[-1] == "a:b"
    assert _run.against("a:b")[::2] == ("a:b", "")
    node = _run.against("eventsource-parser")
    assert node.name == "eventsource-parser"
    assert node.command[0] == "node"
    assert Path(node.command[1]).is_file()
    for name, peer in _peers.PEERS.items():
        assert _run.against(name)[::2] == (name, peer.note)
    names = [target.name for target in _run.peers()]
    assert names == [*_peers.PEERS, "eventsource-parser"]
    with pytest.raises(ValueError, match=r"^'x' is neither MODULE:FUNCTION nor one of ") as caught:
        _run.against("x")
    assert str(caught.value).partition(" one of ")[2] == ", ".join(names)
    assert _run.command("a 'b c'") == ("a 'b c'", ["a", "b c"], "")
    for empty in ("", "  "):
        with pytest.raises(ValueError, match=r"^the command is empty$"):
            _run.command(empty)


def test_what_is_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def judge(
        subject: _subject.Subject, *arguments: str, progress: Callable[[str], None]
    ) -> object:
        assert isinstance(subject, _subject.Subject)
        progress("BOM")
        if "b" in arguments:
            raise _subject.CannotRunError("why")
        return arguments

    monkeypatch.setattr(_run, "judge", judge)
    told: list[str] = []
    targets = [_run.Target("a", [], "a note"), _run.Target("b", [])]
    done: Any = _run.run(targets, told.append)
    assert done == ([("a", "a note")], {"b": "why"})
    assert told == ["a: BOM", "b: BOM"]


# The report.

LONG = "a sentence of several words " * 6
FAILURE = _judge.Failure(5, "mixed:1", r"b'\x1b" + "x" * 90 + "'", "[]", "\x1b[31m")
OTHER = _judge.Failure(7, "mixed:2", "b''", "expected", "got")


def test_the_report() -> None:
    names = [family.name for family in _cases.FAMILIES]
    results = {name: _judge.Result(3, 3) for name in names}
    results["mixed"] = _judge.Result(1, 3, "", (FAILURE, OTHER))
    results["limits"] = _judge.Result(0, 0, "no limit")
    report = _judge.Report("one 1.0, pure", results, LONG.strip())
    title = f"sseparse conformance {sseparse.__version__}, Python {platform.python_version()}"
    table = [
        title,
        "",
        "         BOM  line ends  UTF-8  fields  ids  retry  dispatch  mixed  promptness",
        "one 1.0  3/3        3/3    3/3     3/3  3/3    3/3       3/3    1/3         3/3",
        "",
        "           limits  growth    all",
        "one 1.0  no limit     3/3  28/30",
        "not run: absent: why",
        "",
        "one 1.0, pure",
        "  a sentence of several words a sentence of several words a sentence of several",
        "  words a sentence of several words a sentence of several words a sentence of",
        "  several words",
        "  mixed: 1/3",
    ]
    first = [
        rf"    smallest  b'\x1b{'x' * 60}",
        f"              {'x' * 30}'  (mixed:1)",
        "    expected  []",
        r"    got       \x1b[31m",
    ]
    lines = _report.as_text([report], {"absent": "why"}).splitlines()
    place = lines.index("The standard (WHATWG HTML):")
    assert lines[: place - 1] == [*table, *first]
    assert lines[place - 1] == ""
    assert lines[place + 1 : place + 4] == [
        "  BOM, 9.2.6: The UTF-8 decode algorithm strips one leading UTF-8 Byte Order",
        "    Mark (BOM), if any.",
        "  line ends, 9.2.5: end-of-line = ( cr lf / cr / lf )",
    ]
    words = " ".join(" ".join(lines[place + 1 :]).split())
    sentences = [f"{each.name}, {each.section}: {each.sentence}" for each in _cases.FAMILIES]
    assert words == " ".join(sentences)
    lines = _report.as_text([report], {}, all_of="mixed").splitlines()
    assert "not run: absent: why" not in lines
    start = lines.index("  mixed: 1/3")
    assert lines[start + 1 : start + 8] == [
        first[0].replace("smallest", "stream  "),
        *first[1:],
        "    stream    b''  (mixed:2)",
        "    expected  expected",
        "    got       got",
    ]


def test_a_report_that_has_nothing_to_say() -> None:
    results = {family.name: _judge.Result(3, 3) for family in _cases.FAMILIES}
    lines = _report.as_text([_judge.Report("one", results)], {}).splitlines()
    assert lines[lines.index("one     3/3     3/3  33/33") + 1 :][:2] == [
        "",
        "The standard (WHATWG HTML):",
    ]


def test_the_report_as_json() -> None:
    results = {
        "BOM": _judge.Result(3, 3),
        "mixed": _judge.Result(1, 3, "", (FAILURE, OTHER)),
        "limits": _judge.Result(0, 0, "no limit"),
    }
    text = _report.as_json([_judge.Report("one", results, "note")], {"absent": "why"}, "mixed")
    assert text.startswith('{\n  "sseparse": ')
    assert text.endswith("}\n")
    failures = [failure._asdict() for failure in (FAILURE, OTHER)]
    families = {
        "BOM": {"passed": 3, "total": 3, "not judged": None, "smallest failing": None},
        "mixed": {
            "passed": 1,
            "total": 3,
            "not judged": None,
            "smallest failing": failures[0],
            "failing": failures,
        },
        "limits": {"passed": 0, "total": 0, "not judged": "no limit", "smallest failing": None},
    }
    assert json.loads(text) == {
        "sseparse": sseparse.__version__,
        "python": platform.python_version(),
        "families": [family._asdict() for family in _cases.FAMILIES],
        "parsers": [{"parser": "one", "note": "note", "families": families}],
        "not run": {"absent": "why"},
    }
