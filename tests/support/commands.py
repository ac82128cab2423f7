"""The command ``sseparse`` in this process, or as a process on pipes."""

from __future__ import annotations

import contextlib
import io
import os
import selectors
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import sseparse
from sseparse._cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import ReadableBuffer

COMMAND = [sys.executable, "-m", "sseparse"]
# The same package as in this process, wherever the tests are run from, and Python's own defaults.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
    "PYTHONPATH": str(Path(sseparse.__file__).parents[1]),
    "LC_ALL": "C",
}
UNBUFFERED = {**ENVIRONMENT, "PYTHONUNBUFFERED": "1"}
TIME_LIMIT = 60  # s: a process that hangs fails its test


def run(
    *arguments: str | Path, stdin: bytes = b"", environment: dict[str, str] = ENVIRONMENT
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        env=environment,
        timeout=TIME_LIMIT,
        check=False,
    )


def run_in_shell(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a script in which "$@" is the command with the arguments."""
    return subprocess.run(
        ["sh", "-c", script, "sh", *COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=TIME_LIMIT,
        check=False,
    )


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let processes that are started inside end on Ctrl-C.

    If this process ignores it, as in a background job of a shell, they would ignore it, too.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def started(
    *arguments: str | Path,
    stdin: int,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    environment: dict[str, str] = ENVIRONMENT,
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        bufsize=0,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=environment,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            assert selector.select(TIME_LIMIT), f"no line came after {line!r}"
            byte = process.stdout.read(1)
            assert byte, f"the output ended after {line!r}"
            line += byte
    return line


def finish(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    out, err = process.communicate(timeout=TIME_LIMIT)
    return process.returncode, out, err


class Output(io.RawIOBase):
    """Standard output's binary stream, which records how it is used."""

    def __init__(self, takes: int | None = None) -> None:
        self.takes = takes  # bytes per write; None for all
        self.written = bytearray()
        self.writes: list[int] = []
        self.flushes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        part = bytes(data)[: self.takes]
        self.written += part
        self.writes.append(len(part))
        return len(part)

    def flush(self) -> None:
        self.flushes += 1


def call(*arguments: str | Path, output: Output | None = None) -> tuple[int, bytes, str]:
    """Run the command in this process; its status, standard output and standard error."""
    binary = Output() if output is None else output
    errors = io.StringIO()
    text = io.TextIOWrapper(binary)  # type: ignore[type-var] # Python takes a raw stream as well
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(errors):
        status = main(list(map(str, arguments)))
    printed = bytes(binary.written)
    text.detach()
    return status, printed, errors.getvalue()
