"""Calls that do not end, at every point: by an interrupt, by lack of memory, by another thread.

After the call the parser is as it was before, or as after the whole call, or it refuses further
calls. So it never returns an event that is not in the stream.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib.util
import pickle
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

import sseparse
from running import IS_SOAK, load_copy, run_python
from sseparse import Observer, Parser
from sseparse.testing import rechunk

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

# Each interrupts the core at every point.
pytestmark = pytest.mark.thorough

FORMS: dict[str, Callable[..., Any]] = {
    "Parser": lambda sse, **options: sse.Parser(**options),
    "Observer": lambda sse, **options: sse.Observer(**options),
}
EVERY_FORM = pytest.mark.parametrize("form", FORMS)
TRACED = pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="tracing each instruction needs CPython 3.11 or newer",  # 3.10 leaves some out
)

# The chunks before, and the chunks whose calls are interrupted, one at a time.
CASES: dict[str, tuple[list[bytes], list[bytes]]] = {
    "a byte order mark": ([], rechunk(b"\xef\xbb\xbfdata: a\nda", [2, 1])),
    "not a byte order mark": ([], rechunk(b"\xef\xbbdata: a\n\ndata: b\nda", [1, 1])),
    "a held line": ([b"id: 1\nda"], [b"ta: a", b"b", b"c\n\nid: 2\n"]),
    "a long held line": ([b"id: 1\ndata: " + b"x" * 50], [b"y" * 20, b"z\n\n: c\nid: 2\r\n\r"]),
    "a line feed to swallow": ([b"id: 1\rdata: a\r\r"], [b"\ndata: b\r", b"\n\rdata"]),
    "one block in each chunk": ([b"data: a\n\n" * 2], [b"data: b\n\n", b"data: \xff\n\n"]),
    "a block and a half": ([b"data: a\n\n" * 2 + b"da"], [b"ta: b\n\nda", b"ta: c\n\ndata: d"]),
    "blocks alike": ([b"id: 1\ndata: a\n\n" * 2], [b"id: 2\ndata: b\n\nid: 3\ndata: c\n\nid: 4"]),
    "blocks alike, many": ([b"data:a\n\n" * 2], [b"data:b\n\n" * 5 + b"data: c\n\n"]),
    "data lines": ([b"id: 1\n"], [b"data: a\ndata\ndata: b\ndata: c\n", b"\ndata: d\nid: 2\n\n"]),
    "retry": ([b"retry: 1\nid: 1\n\n"], [b"retry: 2\nretry: x\nid: 2\n\n: c\n", b"\n"]),
    "a chunk in pieces": ([b"id: 1\n\n"], [b"id: 2\n\nid: 3\ndata: " + b"b" * 40 + b"\ndata"]),
}
# The parser learns a template in this case.
LEARNING = {"a block to learn from": ([b"id: 1\nda"], [b"ta: a\n\n", b"event: e\ndata: b\n\ndat"])}

# Each call is followed by these chunks. They show the effects of an incomplete call.
AFTER = [b"x: y\n\n", b"data: z\n\nid", b"\n\n"]


class InterruptedError_(BaseException):  # noqa: N801  # no parser catches a BaseException
    """Stand for the exception that a signal handler raises."""


def interrupted(call: Callable[[], object], folder: str, at: int) -> int:
    """Call, and interrupt it before the given instruction; return how many instructions it has."""
    points = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal points
        if not frame.f_code.co_filename.startswith(folder):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            points += 1
            if points == at:
                raise InterruptedError_
        return trace

    # CPython 3.12 reports instructions where a frame asked for it before settrace().
    sys._getframe().f_trace_opcodes = True
    earlier = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except InterruptedError_:
        pass
    except Exception as error:  # the copy of the core has an error class of its own
        assert type(error).__name__ == "EventTooLargeError"
    finally:
        sys.settrace(earlier)
    return points


def rest_of(parser: Any, chunks: list[bytes]) -> list[Any]:
    """Feed the chunks, close the parser, and return all results and states."""
    seen: list[Any] = [(parser.last_event_id, parser.retry)]
    for chunk in chunks:
        try:
            seen.append([repr(each) for each in parser.feed(chunk)])
        except Exception as error:
            seen.append((type(error).__name__, *error.args))
        seen.append((parser.last_event_id, parser.retry))
    try:
        seen.append(parser.close())
    except RuntimeError as error:
        seen.append((type(error).__name__, *error.args))
    return seen


def is_refused(parser: Any, last_event_id: str) -> bool:
    """Return whether the parser refuses further calls; if it does, assert that it always does."""
    assert parser.last_event_id is not None
    try:
        parser.feed(b"")
    except RuntimeError:
        pass
    except Exception:
        return False  # the stream exceeded the limit
    else:
        return False
    for call in (lambda: parser.feed(b"\n\n"), parser.close, lambda: parser.feed(b"")):
        with pytest.raises(RuntimeError, match="an earlier call did not end"):
            call()
    assert parser.last_event_id == last_event_id
    return True


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Copy the core as pure Python, in which a call can be interrupted at any point.

    Its pieces are short, so that even a short chunk has many of them.
    """
    folder = tmp_path_factory.mktemp("interrupted")
    small: Any = {"_PIECE": "16", "_SHORT": "12", "_LINES_TO_JOIN": "2"}
    small.update({"SPLIT_FROM": "20", "RUN": "1"})
    return load_copy(folder, "core_to_interrupt", **small)


def state_after(parser: Any, remaining: list[bytes], ends: dict[str, list[Any]]) -> str:
    """Return the name of the end that the parser reaches, or "refused"."""
    before = ends["not made"][0][0]
    # An empty chunk changes nothing, but a parser that refuses calls raises for it.
    if is_refused(parser, before):
        return "refused"
    rest = rest_of(parser, remaining)
    assert rest in ends.values()
    return "whole" if rest == ends["whole"] else "not made"


@pytest.mark.parametrize(
    ("case", "limit"),
    [
        *[(case, None) for case in (*CASES, *LEARNING)],
        *[("a long held line", 30), ("data lines", 30), ("a chunk in pieces", 30)],
    ],
)
@EVERY_FORM
@TRACED
def test_an_interrupted_call(core: Any, form: str, case: str, limit: int | None) -> None:
    before, chunks = {**CASES, **LEARNING}[case]
    folder = str(core.__path__[0])

    def fed(chunks: list[bytes]) -> Any:
        parser = FORMS[form](core, max_event_size=limit)
        for chunk in chunks:
            with contextlib.suppress(core.EventTooLargeError):
                parser.feed(chunk)
        return parser

    for number, chunk in enumerate(chunks):
        first, remaining = before + chunks[:number], chunks[number + 1 :] + AFTER
        ends = {
            "not made": rest_of(fed(first), remaining),
            "whole": rest_of(fed([*first, chunk]), remaining),
        }
        points = interrupted(functools.partial(fed(first).feed, chunk), folder, 0)
        assert points > 20
        states = []
        for at in [*range(1, points, 1 if IS_SOAK else 5), points]:
            parser = fed(first)
            assert interrupted(functools.partial(parser.feed, chunk), folder, at) == at
            states.append(state_after(parser, remaining, ends))
        # Early interrupts change nothing, later ones leave the call incomplete, the last complete.
        order = ["not made", "refused", "whole"]
        if ends["not made"] != ends["whole"]:
            assert states == sorted(states, key=order.index)
            assert states[0] == "not made"
            assert states[-1] == "whole"


@EVERY_FORM
@TRACED
@pytest.mark.parametrize("stream", [b"", b"data: a\n\n", b"id: 1\ndata: a\ndata: b\ndata: c\nda"])
def test_an_interrupted_close(core: Any, form: str, stream: bytes) -> None:
    folder = str(core.__path__[0])

    def fed() -> Any:
        parser = FORMS[form](core)
        parser.feed(stream)
        return parser

    pending = fed().close()
    points = interrupted(fed().close, folder, 0)
    closed = 0
    for at in range(1, points + 1):
        for then in (b"", b"\n\n"):
            parser, other = fed(), fed()
            assert interrupted(parser.close, folder, at) == at
            try:
                came = [repr(each) for each in parser.feed(then)]
            except RuntimeError:
                closed += 1
                assert parser.close() == pending
            else:  # the parser is still open
                assert came == [repr(each) for each in other.feed(then)]
                assert parser.close() == other.close()
    assert 0 < closed < 2 * points


# Lack of memory, in the installed build, at each allocation of a call in turn. LEARNING is left
# out, because CPython crashes if it has no memory for a generator, as in ``all(... for ...)``.

NO_MEMORY = """
import sys
sys.path.insert(0, sys.argv[1])
import _testcapi
from sseparse import EventTooLargeError, Observer, Parser

def rest_of(parser, chunks):
    seen = [parser.last_event_id]
    for chunk in chunks:
        try:
            seen.append([repr(each) for each in parser.feed(chunk)])
        except EventTooLargeError as error:
            seen.append(repr(error))
        seen.append(parser.last_event_id)
    return [*seen, parser.close()]

FORMS = [
    lambda: Parser(max_event_size=LIMIT),
    lambda: Observer(max_event_size=LIMIT),
    lambda: Observer(max_event_size=LIMIT, lines=False),
]
AFTER = [b"x: y\\n\\n", b"data: z\\n\\nid", b"\\n\\n"]

def fed(form, chunks):
    parser = form()
    for chunk in chunks:
        try:
            parser.feed(chunk)
        except EventTooLargeError:
            pass
    return parser

def run(form, before, chunk):
    ends = [rest_of(fed(form, each), AFTER) for each in (before, [*before, chunk])]
    failures = calm = at = 0
    while calm < 20:
        parser = fed(form, before)
        last_event_id = parser.last_event_id
        failed = False
        _testcapi.set_nomemory(at, at + 1)
        try:
            parser.feed(chunk)
        except (MemoryError, SystemError):  # the second is how CPython reports some
            failed = True
        except EventTooLargeError:
            pass
        finally:
            _testcapi.remove_mem_hooks()
        at += 1
        if not failed:
            calm += 1
            assert rest_of(parser, AFTER) == ends[1], (before, chunk, at)
            continue
        calm = 0
        failures += 1
        now = parser.last_event_id
        try:
            parser.feed(b"")
        except RuntimeError:
            assert now == last_event_id, (before, chunk, at)
            for call in (lambda: parser.feed(b"\\n\\n"), parser.close):
                try:
                    call()
                except RuntimeError:
                    pass
                else:
                    raise AssertionError((before, chunk, at))
            continue
        except EventTooLargeError:
            pass
        assert rest_of(parser, AFTER) in ends, (before, chunk, at)
    return failures

failures = 0
for form in FORMS:
    for before, chunks in CASES:
        for number, chunk in enumerate(chunks):
            failures += run(form, before + chunks[:number], chunk)
print(failures)
"""


@pytest.mark.skipif(
    importlib.util.find_spec("_testcapi") is None,
    reason="this Python has no _testcapi, which makes allocations fail",
)
@pytest.mark.parametrize("limit", [None, 30])
def test_a_call_out_of_memory(limit: int | None) -> None:
    given = f"LIMIT, CASES = {limit}, {[*CASES.values()]!r}\n"
    assert int(run_python(given + NO_MEMORY)) > 50


# Two threads in one parser are a mistake, but it must not hang or crash.

MET = """
import sys
sys.path.insert(0, sys.argv[1])
sys.path.insert(0, FOLDER)
import core_to_meet as core

def met(parser, chunk, other, at):
    # Give the parser a chunk and, from within that call, at the given point, another one.
    points = 0
    def trace(frame, event, _):
        nonlocal points
        if not frame.f_code.co_filename.startswith(FOLDER):
            return None
        points += 1
        assert points < 100_000, "an endless loop"
        if points == at:
            try:
                parser.feed(other)
            except Exception:
                pass
        return trace
    sys.settrace(trace)
    try:
        parser.feed(chunk)
    except Exception:
        pass
    finally:
        sys.settrace(None)
    try:
        parser.close()
    except RuntimeError:
        pass
    return points

total = 0
for limit in (None, 30):
    for before, chunks in CASES:
        for other in (b"data: other\\n\\n" * 3, b"data: y\\n" * 2 + b"x" * 9):
            at = 0
            while True:
                parser = core.Parser(max_event_size=limit)
                for chunk in before if limit is None else []:
                    parser.feed(chunk)
                at += 1
                if met(parser, chunks[0], other, at) < at:
                    break
                total += 1
print(total)
"""


def test_a_call_met_at_each_point_by_one_of_another_thread(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("met")
    load_copy(folder, "core_to_meet", _PIECE="16", _SHORT="12", _LINES_TO_JOIN="2")
    given = f"FOLDER, CASES = {str(folder)!r}, {[*CASES.values()]!r}\n"
    assert int(run_python(given + MET)) > 500


@pytest.mark.parametrize("parser_class", [Parser, Observer])
def test_two_threads(parser_class: Any) -> None:
    """Each call returns events or raises, and each call ends."""
    parser = parser_class(max_event_size=200)
    chunks = [
        b"data: a\n\n" * 20,
        b"id: 1\nda",
        b"ta: b",
        b"x" * 50,
        b"\r",
        b"\n: c\n\n",
        b"y" * 99,
    ]
    unexpected: list[Exception] = []
    begin = threading.Barrier(2, timeout=20)

    def feed() -> None:
        begin.wait()
        for _ in range(100):
            for chunk in chunks:
                try:
                    parser.feed(chunk)
                except (RuntimeError, sseparse.EventTooLargeError):
                    return
                except Exception as error:
                    unexpected.append(error)
                    return

    threads = [threading.Thread(target=feed, daemon=True) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    finally:
        sys.setswitchinterval(interval)
    assert [thread.is_alive() for thread in threads] == [False, False]
    assert unexpected == []


# A parser cannot be copied, because it is in the middle of a stream.


@pytest.mark.parametrize("parser_class", [Parser, Observer])
@pytest.mark.parametrize(
    "again",
    [
        copy.copy,
        copy.deepcopy,
        *[
            lambda parser, protocol=protocol: pickle.dumps(parser, protocol)
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        ],
    ],
)
def test_a_parser_cannot_be_copied(parser_class: Any, again: Callable[[Any], Any]) -> None:
    parser = parser_class()
    found = parser.feed(b"data: a")
    with pytest.raises(
        TypeError, match=f"^a {parser_class.__name__} cannot be copied or pickled: "
    ):
        again(parser)
    found = parser.feed(b"\n\n")
    assert found == parser_class().feed(b"data: a\n\n")
