"""The command as a process: Ctrl-C at any time, a closed pipe, what it imports, its progress."""

from __future__ import annotations

import json
import os
import pty
import selectors
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import forms
from commands import COMMAND, ENVIRONMENT, TIME_LIMIT, finish, interruptible, run, started
from forms import Made

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Each starts the command as a process.
pytestmark = pytest.mark.thorough

ONE = b"data: one\n\n"
CHUNK = {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}
CHAT = b"data: %s\n\ndata: [DONE]\n\n" % json.dumps(CHUNK).encode()

# It ends the process as Ctrl-C does, during an import, during output, or when Python shuts down.
INTERRUPTED = """
import atexit, importlib.abc, io, os, signal, sys
when = sys.argv.pop(1)
signal.signal(signal.SIGINT, signal.SIG_IGN if when == "ignored" else signal.default_int_handler)

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == when or (when == "ignored" and name == "sseparse.recording"):
            interrupt()

class Output(io.TextIOWrapper):
    def flush(self):
        interrupt()

if when == "flush":
    sys.stdout = Output(sys.stdout.buffer)
elif when == "exit":
    atexit.register(interrupt)
from sseparse._cli import main
sys.meta_path.insert(0, Finder())
sys.exit(main())
"""


def run_code(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=TIME_LIMIT,
        check=False,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "recording"
    path.write_bytes(CHAT)
    return path


@pytest.mark.parametrize(
    ("when", "command"),
    [
        ("sseparse._cli._commands", "events"),
        ("argparse", "streams"),
        ("sseparse._cli._events", "events"),
        ("sseparse.recording", "streams"),
        ("sseparse.completions", "text"),
        ("sseparse._cli._chat", "chat"),
        ("sseparse._conformance", "conformance"),
        ("flush", "events"),
        ("exit", "events"),
    ],
)
def test_an_interrupt_at_any_time(when: str, command: str, path: Path) -> None:
    done = run_code(INTERRUPTED, when, command, path)
    assert (done.returncode, done.stderr) == (-int(signal.SIGINT), b"")


@pytest.mark.parametrize("way", ["module", "script"])
def test_an_interrupt_while_the_package_is_imported(way: str, tmp_path: Path) -> None:
    # Python imports this at its start.
    (tmp_path / "sitecustomize.py").write_text(
        INTERRUPTED.partition("from sseparse")[0].replace("sys.argv.pop(1)", "'sseparse._core'")
        + "sys.meta_path.insert(0, Finder())\n"
    )
    script = tmp_path / "sseparse"
    script.write_text("import sys; from sseparse._cli import main; sys.exit(main())\n")
    environment = {
        **ENVIRONMENT,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), ENVIRONMENT["PYTHONPATH"]]),
    }
    done = subprocess.run(
        [sys.executable, *(["-m", "sseparse"] if way == "module" else [script]), "--version"],
        capture_output=True,
        env=environment,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (-int(signal.SIGINT), b"")


def test_an_interrupt_of_another_program() -> None:
    """The library does not change the signals of programs that import it."""
    code = "import signal, sseparse; print(signal.getsignal(2) is signal.default_int_handler)"
    with interruptible():
        assert run_code(code).stdout == b"True\n"


def test_an_interrupt_that_is_ignored(path: Path) -> None:
    done = run_code(INTERRUPTED, "ignored", "events", path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"[DONE]" in done.stdout


def test_the_handler_is_as_before(path: Path) -> None:
    code = """
import signal, sys, threading
from sseparse._cli import main
assert main(["streams", sys.argv[1]]) == 0
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
statuses = []
thread = threading.Thread(target=lambda: statuses.append(main(["streams", sys.argv[1]])))
thread.start()
thread.join()
assert statuses == [0]
"""
    done = run_code(f"import signal\nsignal.signal(2, signal.default_int_handler)\n{code}", path)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_signals_of_a_module_that_imports_the_package_are_left_alone(tmp_path: Path) -> None:
    """While runpy imports its package, sys.argv looks as for this one."""
    package = tmp_path / "other"
    package.mkdir()
    (package / "__init__.py").write_text("import sseparse\n")
    (package / "__main__.py").write_text(
        "import signal\nassert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
    )
    path = os.pathsep.join([str(tmp_path), ENVIRONMENT.get("PYTHONPATH", "")])
    with interruptible():
        done = subprocess.run(
            [sys.executable, "-m", "other"],
            capture_output=True,
            timeout=TIME_LIMIT,
            env={**ENVIRONMENT, "PYTHONPATH": path},
        )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("command", "foreign"),
    [
        ("events", {"_streams", "_text", "_chat", "_conformance"}),
        ("streams", {"_events", "_text", "_chat", "_conformance"}),
        ("text", {"_events", "_streams", "_chat", "_conformance"}),
        ("--version", {"_inputs", "_events", "_streams", "_text", "_chat", "_conformance"}),
    ],
)
def test_only_the_subcommand_that_runs_is_imported(
    command: str, foreign: set[str], path: Path
) -> None:
    code = """
import sys
from sseparse._cli import main
main(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
"""
    loaded = set(run_code(code, command, *[path] * (command[0] != "-")).stderr.decode().split())
    assert not loaded & {f"sseparse._cli.{name}" for name in foreign}
    assert not loaded & {"rich", "urllib3", "asyncio", "yaml", "sseparse._conformance"}
    # platform, which the version needs, imports threading on Python 3.10.
    assert "threading" not in loaded or command == "--version"
    assert ("sseparse.completions" in loaded) == (command == "text")


@pytest.mark.parametrize("command", ["events", "streams", "text"])
@pytest.mark.parametrize("count", [1, 20_000])
def test_no_message_when_the_reader_has_closed_the_pipe(
    command: str, count: int, tmp_path: Path
) -> None:
    path = tmp_path / "recording"
    path.write_bytes(forms.curl_lengths([Made(CHAT)] * (count // 100 + 1)))
    source, sink = os.pipe()
    os.close(source)
    done = subprocess.run(
        [*COMMAND, command, path],
        stdout=sink,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        timeout=TIME_LIMIT,
        check=False,
    )
    os.close(sink)
    assert (done.returncode, done.stderr) == (141, b"")


# Progress


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Yield both ends of a terminal: ours, and that of the process."""
    ours, its = pty.openpty()
    yield ours, its
    os.close(ours)


def read_until(file: int, mark: bytes) -> bytes:
    found = b""
    with selectors.DefaultSelector() as selector:
        selector.register(file, selectors.EVENT_READ)
        while mark not in found:
            assert selector.select(TIME_LIMIT), found
            found += os.read(file, 65536)
    return found


@pytest.mark.parametrize("command", ["events", "streams"])
def test_progress_on_a_terminal(command: str, terminal: tuple[int, int]) -> None:
    pytest.importorskip("rich")
    ours, its = terminal
    source, sink = os.pipe()
    with started(command, stdin=source, stderr=its) as process:
        os.close(source)
        os.close(its)
        os.write(sink, ONE)
        # It comes after a second in which nothing else happens.
        assert b"standard input" in read_until(ours, b"11")
        os.write(sink, b"data: cut")
        os.close(sink)
        status, out, _ = finish(process)
    assert out.count(b"\n") == (1 if command == "events" else 2)
    assert status == (1 if command == "events" else 0)
    if command == "events":  # the message replaces the progress
        assert read_until(ours, b"dropped").count(b"sseparse: standard input: ") == 1


def test_ctrl_c_while_there_is_progress(terminal: tuple[int, int]) -> None:
    pytest.importorskip("rich")
    ours, its = terminal
    source, sink = os.pipe()
    with interruptible(), started("events", stdin=source, stderr=its) as process:
        os.close(source)
        os.close(its)
        shown = read_until(ours, b"standard input")
        process.send_signal(signal.SIGINT)
        assert finish(process)[0] == -int(signal.SIGINT)
    os.close(sink)
    assert b"\x1b[?25l" not in shown  # the cursor was not hidden


def test_no_progress_elsewhere(path: Path) -> None:
    assert run("events", path).stderr == b""


def test_data_on_a_terminal(terminal: tuple[int, int], tmp_path: Path) -> None:
    """The data is unchanged for a program, and escaped for people."""
    path = tmp_path / "stream"
    path.write_bytes("data: \x1b[2J\u202e\n\n".encode())
    assert run("events", "--data", path).stdout == "\x1b[2J\u202e\n".encode()
    ours, its = terminal
    with started("events", "--data", path, stdin=subprocess.DEVNULL, stdout=its) as process:
        os.close(its)
        assert process.wait(TIME_LIMIT) == 0
        assert read_until(ours, b"\n") == b"\\x1b[2J\\u202e\r\n"
