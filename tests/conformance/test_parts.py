"""The conformance runner between the parser and the judge: answers, the worker, targets."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sseparse
from planted import now
from sseparse._conformance import (
    _in_process,
    _peers,
    _run,
    _subject,
    _worker,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# The time limit.


def within(monkeypatch: pytest.MonkeyPatch, waited: Callable[[int], float]) -> bytes:
    """Return what comes from an exchange that ends when the system is asked for the third time.

    ``waited`` is given how often the system was asked, and returns what it reports.
    """
    ended = asyncio.Event()
    calls = 0

    def schedule(pid: int) -> _subject._Schedule:
        nonlocal calls
        assert pid == 5
        calls += 1
        if calls == 3:
            ended.set()
        return _subject._Schedule(0.0, waited(calls))

    async def exchange() -> bytes:
        await ended.wait()
        return b"answer\n"

    monkeypatch.setattr(_subject, "_schedule", schedule)
    return asyncio.run(_subject._within(0.01, 5, exchange()))


def test_a_time_limit_leaves_out_the_time_without_a_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_subject, "_MAX_STRETCH", 1e6)
    assert within(monkeypatch, lambda calls: calls * 0.5) == b"answer\n"


@pytest.mark.parametrize("waited", [lambda _: 0.0, lambda _: 60.0, lambda calls: 60.0 / calls])
def test_a_time_limit_without_a_wait_for_a_processor(
    waited: Callable[[int], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is a wait before the exchange. The third is of a process that ends meanwhile."""
    monkeypatch.setattr(_subject, "_MAX_STRETCH", 1e6)
    with pytest.raises(asyncio.TimeoutError):
        within(monkeypatch, waited)


def test_a_time_limit_stretches_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_subject, "_MAX_STRETCH", 1)
    with pytest.raises(asyncio.TimeoutError):
        within(monkeypatch, lambda calls: calls * 60.0)


def test_the_times_of_a_process() -> None:
    """Without Linux's /proc these times are zeros."""
    reported = Path("/proc/self/schedstat").exists()
    before = _subject._schedule(os.getpid())
    begin = time.process_time()
    while time.process_time() - begin < 0.02:
        pass
    after = _subject._schedule(os.getpid())
    assert (after.used - before.used > 0.01) is reported
    assert after.waited >= before.waited >= 0
    assert _subject._schedule(2**22 + 1) == (0.0, 0.0)  # beyond the largest number


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
def test_wrong_answers(answer: Any, error: Exception) -> None:
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
def test_the_last_error_of_a_process(complaint: bytes, said: str) -> None:
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


def test_the_answer_of_a_parser() -> None:
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


def test_the_values_of_an_event() -> None:
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


def test_the_progress_names_parser_and_family(monkeypatch: pytest.MonkeyPatch) -> None:
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
