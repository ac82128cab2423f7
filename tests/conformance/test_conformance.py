"""``sseparse conformance``: sseparse passes, it finds planted faults, and no parser can stop it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import reference
from planted import FAULTS, RIGHT, broken
from running import PACKAGE
from sseparse import __version__
from sseparse._cli import main
from sseparse._conformance import _cases, _judge, _peers, _report, _run, _subject
from sseparse._core import COMPILED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Each runs a parser on the corpora, most in a process of its own.
pytestmark = pytest.mark.thorough

DOCS = Path(__file__).parents[2] / "docs"
FAMILIES = [family.name for family in _cases.FAMILIES]


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the mixed streams, which are most of them, and measure growth at smaller sizes."""
    streams = [stream for stream in _cases.corpora() if stream.family != "mixed"]
    monkeypatch.setattr(_judge, "corpora", lambda: streams)
    monkeypatch.setattr(_judge, "GROWTH_SIZES", (2 * 1024, 2 * 1024))
    monkeypatch.setattr(_judge, "_LEAST_ROUNDS", 1)
    monkeypatch.setattr(_judge, "growths", lambda: _cases.growths()[:2])


@pytest.fixture(autouse=True)
def _nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Assert that asyncio logs nothing, as it does if two places wait for one process."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call")] == []


def report(target: _run.Target) -> _judge.Report:
    reports, missing = _run.run([target])
    assert missing == {}
    [one] = reports
    return one


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], _judge.Report]:
    """Return a function that runs a source as the module ``planted`` in the working directory."""
    monkeypatch.chdir(tmp_path)

    def run(source: str) -> _judge.Report:
        (tmp_path / "planted.py").write_text(source, encoding="utf-8")
        return report(_run.against("planted:parse"))

    return run


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(planted: Callable[[str], _judge.Report], fault: str) -> None:
    found = planted(broken(fault))
    assert set(found.failing) == FAULTS[fault][1]


def test_the_parser_to_break_is_right(planted: Callable[[str], _judge.Report]) -> None:
    assert planted(RIGHT).failing == []


def run_command(*arguments: str) -> int:
    return main(["conformance", *arguments])


def test_this_parser_passes_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command("--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert [family["name"] for family in content["families"]] == FAMILIES
    [parser] = content["parsers"]
    assert parser["parser"].startswith("sseparse ")
    families = parser["families"]
    assert list(families) == FAMILIES
    assert all(each["passed"] == each["total"] > 0 for each in families.values())
    streams = sum(families[name]["total"] for name in FAMILIES[:8])
    assert streams == len(_cases.corpora()) == 1186


# iter_events with a limit. Its result has no attribute retry.
LIMITED = """
import sseparse

def parse(chunks, *, max_event_size=None):
    return sseparse.iter_events(chunks, sseparse.Parser(max_event_size=max_event_size))
"""


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("target", ["planted:parse", "sseparse:iter_events"])
def test_the_table(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planted.py").write_text(LIMITED)
    assert run_command("--against", target) == 0
    _, _, head, row, _, more, again, *_ = capsys.readouterr().out.splitlines()
    families = re.split("  +", f"{head.strip()}  {more.strip()}")
    assert families == [*FAMILIES, "all"]
    name, *results = re.split("  +", row)
    results += re.split("  +", again)[1:]
    assert name == target
    passed, _, total = results.pop().partition("/")
    assert passed == total
    words = {"retry": "n/a"}
    if target == "sseparse:iter_events":  # it does not take max_event_size
        words["limits"] = "no limit"
    for family, result in zip(FAMILIES, results, strict=True):
        passed, _, total = result.partition("/")
        assert (result == words[family]) if family in words else (passed == total)


@pytest.mark.usefixtures("_quick")
def test_the_smallest_failing_stream_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planted.py").write_text(broken("the byte order mark is kept"))
    assert run_command("--against", "planted:parse") == 1
    out, err = capsys.readouterr()
    assert err == "sseparse: not everything passed: planted:parse\n"
    shown = re.search(r"^  BOM: (\d+)/41\n    smallest  (.*)  \(.*\)\n(.*)\n(.*)$", out, re.M)
    assert shown is not None
    assert (shown[2], shown[3], shown[4]) == (
        r"b'\xef\xbb\xbfdata: a\n\n'",
        "    expected  [('message', 'a')]",
        "    got       []",
    )
    assert "  BOM, 9.2.6: The UTF-8 decode algorithm strips one leading UTF-8 Byte Order" in out


@pytest.mark.usefixtures("_quick")
def test_all_failures_of_a_family_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planted.py").write_text(broken("retry takes what int() takes"))
    assert run_command("--against", "planted:parse", "--failures", "retry") == 1
    lines = capsys.readouterr().out.splitlines()
    [head] = [line for line in lines if line.startswith("  retry: ")]
    passed, _, total = head.removeprefix("  retry: ").partition("/")
    assert sum(line.startswith("    stream    ") for line in lines) == int(total) - int(passed) > 1
    assert max(map(len, lines)) <= 80


def test_a_table_of_many_parsers_fits_80_columns() -> None:
    results = {name: _judge.Result(2036, 2036) for name in FAMILIES}
    failure = _judge.Failure(5, "mixed:1", "b'" + "x " * 99 + "'", "y" * 300, "z" * 80)
    results["mixed"] = _judge.Result(2035, 2036, "", (failure,))
    reports = [_judge.Report(f"eventsource-parser 4.1.{n}", results, "a note " * 40) for n in "12"]
    text = _report.as_text(reports, {"absent": "why " * 50})
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert [name for line in lines for name in re.split("  +", line.strip())].count("limits") == 1
    assert f"{2036 * len(FAMILIES) - 1}/{2036 * len(FAMILIES)}" in text
    assert "x " * 99 in "".join(line[14:] if line[:14].isspace() else line for line in lines)


def test_a_fault_of_a_file_is_not_blamed_on_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(_cases, "DATA", tmp_path)
    assert run_command() == 2
    missing = tmp_path / "streams.json.xz"
    assert capsys.readouterr().err == f"sseparse: {missing}: No such file or directory\n"


def test_from_a_zip_file(tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "package"), "zip", PACKAGE.parent, "sseparse")
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from sseparse._conformance import _cases, _judge, _run\n"
        "assert '.zip' in _cases.__file__ and len(_cases.corpora()) == 1186\n"
        "_judge.corpora = _judge.growths = list\n"
        "reports, missing = _run.run([_run.against('sseparse')])\n"
        "print([report.failing for report in reports], missing)\n"
    )
    command = [sys.executable, "-I", "-c", code, "", archive]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=60)
    assert printed.stdout == "[[]] {}\n"


def test_every_family_has_a_sentence_and_streams() -> None:
    for family in _cases.FAMILIES:
        assert family.sentence
        assert re.match(r"\d\.\d", family.section)
    streams = _cases.corpora()
    assert {stream.family for stream in streams} == set(FAMILIES[:8])
    for stream in streams:
        state = reference.interpret(b"".join(stream.chunks))
        assert stream.events == state.dispatched
        assert stream.last_event_id == state.last_event_id_string
        assert stream.retry in ([], [state.reconnection_time])


def test_the_page_lists_the_families() -> None:
    page = (DOCS / "conformance.rst").read_text(encoding="utf-8")
    assert re.findall(r"^   \* - (.+)$", page, re.MULTILINE) == ["family", *FAMILIES]


def test_promptness_demands_what_the_reference_says() -> None:
    for case in _cases.prompts():
        so_far = b""
        for chunk, due in zip(case.chunks, case.due, strict=True):
            so_far += chunk
            assert len(reference.interpret(so_far).dispatched) == due, case.name


def test_limits_demand_what_the_reference_says() -> None:
    for case in _cases.limited():
        stream = b"".join(case.chunks)
        offset = reference.offending(stream, _cases.LIMIT)
        assert (offset is not None) is case.breaks, case.name
        if case.events is not None:
            assert len(reference.interpret(stream).dispatched) == case.events
    assert {case.events for case in _cases.limited() if case.breaks} == {None, 1}


# A chunk of the streams above begins or continues a line, and may end it.
SKIPS = """
def skips(chunks):
    is_ignored, at_start = False, True
    for chunk in chunks:
        if at_start:
            is_ignored = chunk[:1] not in b"dier"
        at_start = chunk.endswith(b"\\n")
        yield at_start * b":\\n" if is_ignored else chunk

class parse:"""


def test_what_is_ignored_may_be_skipped(
    planted: Callable[[str], _judge.Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_judge, "corpora", list)
    monkeypatch.setattr(_judge, "growths", list)
    found = planted(
        RIGHT.replace("class parse:", SKIPS).replace("in self.chunks:", "in skips(self.chunks):")
    )
    assert found.results["limits"].smallest is None
    assert found.results["limits"].total > 0


SHAPES = """
def none(chunks):
    list(chunks)

def endless(chunks):
    while True:
        yield {"type": "message", "data": ""}

def tuples(chunks):
    return [("message", chunk) for chunk in chunks]
"""


@pytest.mark.parametrize(
    ("against", "message"),
    [
        ("nosuch:parse", r"nosuch:parse: cannot import the module 'nosuch' .* No module named"),
        ("json:nosuch", r"json:nosuch: the module 'json' has no 'nosuch'"),
        ("json:__name__", r"'json:__name__' cannot be called"),
        ("planted:parse", r"cannot import the module 'planted' .*: SyntaxError: "),
        ("raising:parse", r"it raises on a plain stream: ValueError: no\\x1b"),
        ("shapes:none", r"it raises on a plain stream: TypeError: 'NoneType' object is not iter"),
        (
            "shapes:endless",
            r"it raises on a plain stream: .* more events than the stream has bytes",
        ),
        (
            "shapes:tuples",
            r"not an answer \(each event must have type and data, which are strings\)",
        ),
        ("builtins:dict", r"it raises on a plain stream: ValueError: dictionary update"),
        ("exits:parse", r"the process ended with status 7; standard error: 'TheError: seven'"),
        ("nosuch", r"--against: 'nosuch' is neither MODULE:FUNCTION nor one of sseparse, httpx-s"),
    ],
)
def test_a_parser_that_cannot_be_run_is_reported(
    against: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planted.py").write_text("def parse(")
    (tmp_path / "shapes.py").write_text(SHAPES)
    (tmp_path / "raising.py").write_text("def parse(chunks):\n    raise ValueError('no\\x1b')\n")
    exits = "import os, sys\nprint('TheError: seven', file=sys.stderr, flush=True)\nos._exit(7)\n"
    (tmp_path / "exits.py").write_text(exits)
    assert run_command("--against", against) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(f"sseparse: .*{message}.*\n", err)


def test_a_peer_that_is_not_installed_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "assel.py").write_text("raise ModuleNotFoundError('No module named assel')")
    assert run_command("--against", "assel") == 2
    assert capsys.readouterr().err == (
        "sseparse: assel: assel is not installed (No module named assel): pip install assel\n"
    )


ADAPTER = f"""
import base64, json, os, sys, threading
sys.path.insert(0, {str(PACKAGE.parent)!r})
import sseparse
for line in sys.stdin:
    request = json.loads(line)
    chunks = [base64.b64decode(chunk) for chunk in request["chunks"]]
    stream = b"".join(chunks)
    parser = sseparse.Parser(max_event_size=request.get("limit"))
    answer = {{"events": [], "parser": "mine 1.0", "limited": True}}
    EVIL
    try:
        for chunk in chunks:
            answer["events"].append([
                {{"type": e.type, "data": e.data, "last_event_id": e.last_event_id}}
                for e in parser.feed(chunk)
            ])
    except sseparse.Error as error:
        answer["error"] = str(error)
    answer["retry"] = parser.retry
    print(json.dumps(answer), flush=True)
"""


def adapter(
    folder: Path, evil: str = "pass", *, old: str = "EVIL", new: str = "EVIL"
) -> _run.Target:
    """Return an adapter in Python for the protocol, which runs ``evil`` before it answers."""
    path = folder / "adapter.py"
    path.write_text(ADAPTER.replace(old, new).replace("EVIL", evil), encoding="utf-8")
    return _run.command(shlex.join([sys.executable, str(path)]))


@pytest.mark.usefixtures("_quick")
def test_a_command(tmp_path: Path) -> None:
    found = report(adapter(tmp_path))
    assert found.parser == "mine 1.0"
    assert found.failing == []
    assert found.results["retry"].total > 0
    assert found.results["limits"].total > 0


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"limited": True', '"limited": True, "error": ""'),
        ('"limited": True', '"limited": True, "error": None'),
        (
            'answer["retry"] = parser.retry',
            'answer["retry"], answer["last_event_id"] = parser.retry, parser.last_event_id or None',
        ),
        (
            'answer["retry"] = parser.retry',
            'answer["retry"] = parser.retry and float(f"{parser.retry:.15g}")',
        ),
    ],
)
def test_a_right_parser_in_another_language_passes(tmp_path: Path, old: str, new: str) -> None:
    assert old in ADAPTER
    assert report(adapter(tmp_path, old=old, new=new)).failing == []


NUL = r'if b"\0" in stream: '


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize(
    ("evil", "got"),
    [
        ("print('garbage', flush=True); continue", r"not an answer \(no JSON\): 'garbage\\n'"),
        ("print('[' * 10**6, flush=True); continue", r"not an answer \(.*\): '\[+'"),
        ("print('[]', flush=True); continue", r"not an answer \(it must be an object\): '\[\]"),
        ("print('{}', flush=True); continue", r"not an answer \(events must be a list of lists"),
        (
            'print(\'{"events": [{"type": "message", "data": ""}]}\', flush=True); continue',
            r"not an answer \(events must be a list of lists, one for each chunk\): ",
        ),
        (
            'print(\'{"events": [[{"type": 1, "data": ""}]]}\', flush=True); continue',
            r"not an answer \(each event must have type and data, which are strings\): ",
        ),
        (
            "print('{\"events\": [[],[],[],[],[]]}', flush=True); continue",
            r"not an answer \(events must be a list for each of 1 chunks, and one for the end\): ",
        ),
        (
            "answer['parser'] = 5",
            r"not an answer \(parser must be a string\): ",
        ),
        ("answer['seconds'] = 10**400", r"not an answer \(int too large to convert to float\): "),
        ("os.close(0); print('{', end='', flush=True); threading.Event().wait()", "no answer wi"),
        ("os._exit(3)", "the process ended with status 3"),
        ("os.kill(os.getpid(), 9)", "the process ended with status -9"),
        ("threading.Event().wait()", "no answer within 0.5 s"),
    ],
)
def test_a_command_that_fails_here_and_there(
    evil: str, got: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [case for case in _cases.corpora() if case.family == "ids"]
    with_nul = [case for case in streams if b"\0" in b"".join(case.chunks)]
    with_nul = with_nul[: _judge._MAX_LOSSES - 1]
    streams = [*with_nul, *(case for case in streams if b"\0" not in b"".join(case.chunks))]
    monkeypatch.setattr(_judge, "corpora", lambda: streams)
    monkeypatch.setattr(_judge, "growths", list)
    monkeypatch.setattr(_subject, "ANSWER_S", 0.5)
    result = report(adapter(tmp_path, NUL + evil)).results["ids"]
    assert (result.passed, result.total) == (len(streams) - len(with_nul), len(streams))
    assert result.smallest is not None
    assert re.match(got, result.smallest.got)


def test_a_command_that_fails_often_does_not_get_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = tmp_path / "count"
    evil = f"""if stream and b"retry: 5" not in stream and b"probe" not in stream:
        open({str(count)!r}, "a").write("x"); os._exit(1)"""
    monkeypatch.setattr(_judge, "growths", list)
    found = report(adapter(tmp_path, evil))
    assert found.results["BOM"][:2] == (0, 41)
    assert found.results["mixed"][:2] == (0, 565)
    # The family growth has no streams in this test.
    asked = len(FAMILIES) - 1
    assert len(count.read_text()) == asked * _judge._MAX_LOSSES


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("nosuch-program", "nosuch-program: cannot run 'nosuch-program': No such file or"),
        ("", "--command: the command is empty"),
        ("'", "--command: No closing quotation"),
        (f"{sys.executable} -c 'print(1)'", r"not an answer \(it must be an object\): '1\\n'"),
        (f"{sys.executable} -c 'pass'", "the process ended with status 0"),
        (
            f"{sys.executable} -c 'import threading; threading.Event().wait()'",
            "no answer within 2 s",
        ),
    ],
)
def test_a_command_that_is_no_adapter(
    command: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_subject, "START_S", 2.0)
    assert run_command("--command", command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(f"sseparse: .*{message}.*\n", err)


def test_state_that_a_parser_shares_between_streams_is_found(
    planted: Callable[[str], _judge.Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [case for case in _cases.corpora() if case.family == "mixed"]
    streams = [case for case in streams if case.chunks[-1][-1:] >= b"\xc2"]
    assert streams
    monkeypatch.setattr(_judge, "corpora", lambda: streams)
    monkeypatch.setattr(_judge, "growths", list)
    found = planted(
        RIGHT.replace(
            "        decode = codecs",
            "        decode = parse.decode\n        codecs",
        ).replace(
            "class parse:",
            "class parse:\n    decode = codecs.getincrementaldecoder('utf-8')('replace').decode\n",
        )
    )
    result = found.results["mixed"]
    assert result.passed < result.total
    assert result.smallest is not None
    assert result.smallest.expected == "no effect on the next stream"
    assert "the next stream, b'data: probe" in result.smallest.got


def test_a_parser_that_is_always_wrong_is_not_reported_to_share_state(
    planted: Callable[[str], _judge.Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [case for case in _cases.corpora() if case.family == "line ends" and not case.events]
    assert streams
    monkeypatch.setattr(_judge, "corpora", lambda: streams)
    monkeypatch.setattr(_judge, "growths", list)
    found = planted(RIGHT.replace('value.removeprefix(" ")', "value"))
    assert found.results["line ends"][:2] == (len(streams), len(streams))


def test_a_clock_that_is_too_coarse_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_judge, "corpora", list)
    monkeypatch.setattr(_judge, "GROWTH_SIZES", (2 * 1024, 2 * 1024))
    evil = "answer['seconds'] = len(stream) // 30_000"
    result = report(adapter(tmp_path, evil)).results["growth"]
    assert result.passed == 0
    assert result.smallest is not None
    assert result.smallest.got == "0.000 s for 2048 bytes, 1.000 s for 32768"


ORPHAN = """subprocess.Popen(
        [sys.executable, "-c", "import threading; threading.Event().wait(60)"],
        start_new_session=True,
    ); os._exit(3)"""


@pytest.mark.parametrize("when", ["True", "b'probe' in stream"])
def test_nobody_waits_for_an_orphan_that_holds_the_pipes(
    when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_subject, "START_S", 50.0)
    target = adapter(tmp_path, f"if {when}: import subprocess; {ORPHAN}")
    begin = time.monotonic()
    reports, missing = _run.run([target])
    assert (reports, list(missing)) == ([], [target.name])
    assert "the process ended with status 3" in missing[target.name]
    # The orphan lives for 60 s, and the runner waits up to 50 s for an answer.
    assert time.monotonic() - begin < 40


def test_the_last_lines_of_a_large_standard_error_are_kept(tmp_path: Path) -> None:
    evil = "print('x' * 2**20, 'the last Error', sep=chr(10), file=sys.stderr); os._exit(1)"

    async def ask() -> tuple[str, int]:
        subject = _subject.Subject(adapter(tmp_path, evil).command)
        with pytest.raises(_subject.CannotRunError) as caught:
            await subject.introduce()
        return str(caught.value), len(subject._stderr)

    message, kept = asyncio.run(ask())
    assert message == "the process ended with status 1; standard error: 'the last Error'"
    assert kept == _subject._MAX_STDERR


def test_an_answer_that_is_too_long(tmp_path: Path) -> None:
    evil = "print('[' * (2**24 + 2**16), flush=True); continue"
    _, missing = _run.run([adapter(tmp_path, evil)])
    [message] = missing.values()
    assert message.startswith("an answer of more than 16777216 bytes")


def test_no_module_of_the_working_directory_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_judge, "corpora", list)
    monkeypatch.setattr(_judge, "growths", list)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for name in ("base64", "inspect", "json", "sseparse"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('it was run')")
    assert report(_run.against("sseparse")).failing == []


@pytest.mark.usefixtures("_quick")
def test_an_error_after_the_right_events_is_a_failure(
    planted: Callable[[str], _judge.Report],
) -> None:
    """Only a large stream, as in the family growth, causes this error."""
    source = f"""{RIGHT}
class parse(parse):
    def __init__(self, chunks, **options):
        self.count = 0
        super().__init__(self.counted(chunks), **options)

    def counted(self, chunks):
        for chunk in chunks:
            self.count += len(chunk)
            yield chunk

    def __iter__(self):
        yield from super().__iter__()
        if self.count > 30_000:
            raise ValueError(5)
"""
    result = planted(source).results["growth"]
    assert result.smallest is not None
    assert result.smallest.got == "ValueError: 5"


def test_ctrl_c_ends_the_parser_too(tmp_path: Path) -> None:
    fifo, path = tmp_path / "fifo", tmp_path / "silent.py"
    os.mkfifo(fifo)
    path.write_text(
        "import os, sys, threading\n"
        "sys.stdin.readline()\n"
        f"with open({str(fifo)!r}, 'w') as file: file.write(str(os.getpid()))\n"
        "threading.Event().wait()\n"
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from sseparse._cli import main\n"
        "sys.exit(main(['conformance', '--command', sys.argv[2]]))\n"
    )
    command = shlex.join([sys.executable, str(path)])
    asked = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    with (
        subprocess.Popen(
            [sys.executable, "-c", code, str(PACKAGE.parent), command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
        selectors.DefaultSelector() as selector,
    ):
        selector.register(asked, selectors.EVENT_READ)
        assert selector.select(60)
        parser = int(os.read(asked, 20))
        os.close(asked)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (-signal.SIGINT, b"", b"")
    with pytest.raises(ProcessLookupError):
        os.kill(parser, 0)


STREAM = [b"id: 1\nda", b"ta: one\n\nevent: x\ndata: two\ndata: li", b"nes\n\n"]


HAVE_A_LIMIT = ("sseparse", "httpx2", "axio-sse")


@pytest.mark.parametrize("name", _peers.PEERS)
def test_a_ready_adapter(name: str) -> None:
    peer = _peers.PEERS[name]
    try:
        installed = [f"{package} {metadata.version(package)}" for package in peer.packages]
    except metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not installed")
    build = "compiled" if COMPILED else "pure"
    shown = ", ".join(installed or [f"sseparse {__version__} ({build})"])
    assert _peers.versions(peer) == shown
    assert shown.startswith(f"{name} ")
    adapter = peer.load()
    assert adapter.has_limit is (name in HAVE_A_LIMIT)
    came: list[tuple[int, dict[str, Any]]] = []
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        for chunk in STREAM:
            taken += 1
            yield chunk

    for event in adapter.parse(chunks()):
        came.append((taken, adapter.read(event)))
    assert [(when, found["type"], found["data"]) for when, found in came] == [
        (2, "message", "one"),
        (3, "x", "two\nlines"),
    ]
    assert came[0][1]["last_event_id"] == "1"
    assert came[1][1]["last_event_id"] in ("1", None)
    large = list(adapter.parse([b"data: x\n\n" * 40_000]))  # aiohttp pauses the connection for it
    assert len(large) == 40_000
    if adapter.has_limit:
        # Each peer raises an exception of its own.
        with pytest.raises(Exception, match=r"\b100\b"):
            list(adapter.parse([b"data: " + b"x" * 200, b"\n\n"], max_event_size=100))


def test_a_coroutine_without_an_event_loop_must_not_wait() -> None:
    async def returns() -> int:
        return 7

    assert _peers.result(returns()) == 7
    with pytest.raises(RuntimeError, match="the coroutine waits"):
        _peers.result(asyncio.sleep(0))


STAND_IN = """
exports.createParser = ({ onEvent, onRetry, onError, maxBufferSize }) => {
  let rest = "";
  return {
    feed(text) {
      const blocks = (rest + text).split("\\n\\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const id = /^id: (.*)$/m.exec(block);
        const retry = /^retry: (.*)$/m.exec(block);
        if (retry) onRetry(Number(retry[1]));
        onEvent({ id: id?.[1], event: undefined, data: /^data: (.*)$/m.exec(block)[1] });
      }
      if (rest.length > maxBufferSize)
        onError({ type: "max-buffer-size-exceeded", message: "too much" });
    },
  };
};
"""


def test_the_adapter_for_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "node_modules" / "eventsource-parser"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "0.0.9", "main": "index.js"}')
    (package / "index.js").write_text(STAND_IN)
    monkeypatch.chdir(tmp_path)

    async def ask() -> list[_subject.Answer]:
        subject = _subject.Subject(_run.against("eventsource-parser").command)
        try:
            return [
                await subject.introduce(),
                await subject.ask([b"data: \xe2\x82", b"\xac\n\n", b"data: b"]),
                await subject.ask([b"data: ", b"x" * 50, b"x"], limit=20),
            ]
        finally:
            await subject.stop()

    if shutil.which("node") is None:
        with pytest.raises(_subject.CannotRunError, match="cannot run 'node'"):
            asyncio.run(ask())
        return
    first, second, third = asyncio.run(ask())
    assert first.parser == "eventsource-parser 0.0.9"
    assert first.all_events() == [{"type": "message", "data": "a", "last_event_id": "7"}]
    assert first.state == {"retry": 5}
    event = {"type": "message", "data": "€", "last_event_id": None}
    assert second.events == [[], [event], []]
    assert (second.error, second.is_limited) == (None, False)
    assert (third.events, third.error, third.is_limited) == ([[], []], "too much", True)


def test_all_peers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    streams = [case for case in _cases.corpora() if case.family == "dispatch"][:5]
    monkeypatch.setattr(_judge, "corpora", lambda: streams)
    monkeypatch.setattr(_judge, "growths", list)
    targets = [
        _run.against("sseparse"),
        adapter(tmp_path, "stream == b'' or chunks.pop()"),
        _run.Target("absent", ["nosuch-program"]),
    ]
    monkeypatch.setattr(_run, "peers", lambda: targets)
    assert run_command("--peers") == 1
    out, err = capsys.readouterr()
    assert err == "sseparse: not everything passed: mine 1.0\n"
    assert "\nnot run: absent: cannot run 'nosuch-program': " in out
    assert [line.split()[0] for line in out.splitlines()[3:5]] == ["sseparse", "mine"]


def test_the_ready_adapters_are_all_run_for_the_page() -> None:
    page = (DOCS / "conformance.txt").read_text(encoding="utf-8")
    rows = page.split("\n\n")[1].splitlines()[1:]
    assert [row.split()[0] for row in rows] == [target.name for target in _run.peers()]
    root = DOCS.parent
    files = root / "pyproject.toml", root / "benchmarks/contestants/node/package.json"
    pinned = "".join(file.read_text(encoding="utf-8") for file in files)
    for row in rows[1:]:
        name, version = row.split()[:2]
        assert f'"{name}=={version}' in pinned or f'"{name}": "{version}"' in pinned
    words = " ".join(page.split())
    for target in _run.peers():
        assert target.note in words
    assert page.endswith(_report.as_text([], {}).partition("The standard")[2])
