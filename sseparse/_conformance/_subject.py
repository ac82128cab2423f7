"""Run a parser under test in a process of its own, where it may hang, die or answer nonsense.

docs/conformance.rst describes the protocol: one line of JSON for a stream, and one for the answer.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

__all__ = [
    "FIRST",
    "Answer",
    "CannotRunError",
    "NoAnswerError",
    "Subject",
    "checked",
    "command_line",
    "python_command",
]

FIRST = [b"id: 7\nretry: 5\ndata: a\n\n"]  # a stream that shows what a parser reports

START_S = 60.0  # s, for the first answer: imports count
ANSWER_S = 10.0  # s, for each further one
# A time limit leaves out the time in which a process waits for a processor: the machine may be
# busy. But a process that waits for its own threads must not run forever.
_MAX_STRETCH = 6
_END_S = 5.0  # s, for a process to end after it was killed
_POLL_S = 0.1  # s, between two checks whether it has ended
_MAX_ANSWER = 16 * 1024 * 1024  # bytes
_MAX_STDERR = 64 * 1024  # bytes; the last ones are kept

# This runs the worker of this package, wherever the package is. A module in the working directory
# cannot replace one of the standard library: the worker adds that directory only for a parser that
# it imports from there.
_WORKER = (
    "import sys; sys.path[:] = [path for path in sys.path if path]; "
    "sys.path.insert(0, sys.argv[1]); "
    "from sseparse._conformance._worker import main; del sys.path[0]; main()"
)


class CannotRunError(Exception):
    """Report a parser that cannot be started, or breaks the protocol from the start."""


class NoAnswerError(Exception):
    """Report a stream without an answer; the process has ended, and the next stream starts one."""


class Answer(NamedTuple):
    """Hold the answer of a parser for one stream.

    Attributes:
        events: A list of events for each chunk that the parser took, and one for the events that
            the end of the stream completed.
        state: The keys ``last_event_id`` and ``retry``, if the parser knows them.
        error: What the parser raised, or None.
        is_limited: Whether the parser applied the limit of the request.
        parser: The parser's name for itself.
        seconds: The time that the parser reports; otherwise its processor time, if the system
            reports that; otherwise the time from request to answer.
    """

    events: list[list[dict[str, Any]]]
    state: dict[str, Any]
    error: str | None
    is_limited: bool
    parser: str | None
    seconds: float

    def all_events(self) -> list[dict[str, Any]]:
        return [event for each in self.events for event in each]


def python_command(target: str) -> list[str]:
    """Return the command that runs a ready adapter, or MODULE:FUNCTION."""
    return [sys.executable, "-c", _WORKER, str(Path(__file__).parents[2]), target]


def command_line(text: str) -> list[str]:
    """Split a command into arguments as a shell would."""
    return shlex.split(text)


class Subject:
    """Run one parser; its process starts with the first stream, and again after a failure."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._stderr = b""  # the last bytes of the process's standard error
        self._stderr_reader: asyncio.Task[None] | None = None

    async def introduce(self) -> Answer:
        """Send a first stream, and return the answer, which shows what the parser reports.

        Raises:
            CannotRunError: There is no answer, or it breaks the protocol.
        """
        try:
            return await self.ask(FIRST, time_limit=START_S)
        except NoAnswerError as error:
            raise CannotRunError(f"{error}{self._last_error_line()}") from error

    async def ask(
        self,
        chunks: Sequence[bytes],
        *,
        limit: int | None = None,
        time_limit: float | None = None,
    ) -> Answer:
        """Return the answer for one stream.

        Args:
            chunks: The stream.
            limit: The limit for the parser, which is the size of the largest event, in bytes.
            time_limit: Seconds to wait for the answer, without those in which the process waits for
                a processor, if the system reports them.

        Raises:
            NoAnswerError: The process ended, did not answer in time, or broke the protocol.
            CannotRunError: The process cannot be started.
        """
        request: dict[str, Any] = {"chunks": [base64.b64encode(each).decode() for each in chunks]}
        if limit is not None:
            request["limit"] = limit
        seconds = ANSWER_S if time_limit is None else time_limit
        if self._process is None:
            self._process = await self._start()
        begin = time.perf_counter()
        used = _schedule(self._process.pid).used
        try:
            line = await _within(seconds, self._process.pid, _exchange(self._process, request))
        except asyncio.TimeoutError as error:
            await self.stop()
            raise NoAnswerError(f"no answer within {seconds:g} s") from error
        except ValueError as error:
            await self.stop()
            raise NoAnswerError(f"an answer of more than {_MAX_ANSWER} bytes") from error
        if not line.endswith(b"\n"):
            status = await self.stop(kill=False)
            raise NoAnswerError(f"the process ended with status {status}")
        try:
            took = time.perf_counter() - begin
            # The process may be a shell that waits for the parser. It uses hardly any time itself.
            used = _schedule(self._process.pid).used - used
            return checked(json.loads(line), len(chunks), used if used > took / 50 else took)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            await self.stop()
            why = "no JSON" if isinstance(error, json.JSONDecodeError) else error
            shown = line[:60].decode("utf-8", "replace")
            raise NoAnswerError(f"not an answer ({why}): {shown!r}") from error

    async def stop(self, *, kill: bool = True) -> int | None:
        """End the process and the processes of its session; return its exit status."""
        process, self._process = self._process, None
        if process is None:
            return None
        if not kill:
            # The process has closed its output. It has probably ended, with a status as the reason.
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), 1)
        _kill(process)
        if self._stderr_reader is not None:
            await asyncio.wait([self._stderr_reader], timeout=_POLL_S)
            self._stderr_reader.cancel()
            self._stderr_reader = None
        # A child in a session of its own may hold the pipes open, and wait() would wait for their
        # end, so close them here. Closing the transport would hide the exit status from wait().
        transport: Any = process._transport  # type: ignore[attr-defined]
        for descriptor in (0, 1, 2):
            transport.get_pipe_transport(descriptor).close()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), _END_S)
        return process.returncode

    async def _start(self) -> asyncio.subprocess.Process:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_MAX_ANSWER,
                start_new_session=True,
            )
        except OSError as error:
            raise CannotRunError(f"cannot run {self._command[0]!r}: {error.strerror}") from error
        self._stderr = b""
        self._stderr_reader = asyncio.create_task(self._read_stderr(process))
        return process

    async def _read_stderr(self, process: asyncio.subprocess.Process) -> None:
        stream: Any = process.stderr
        while chunk := await stream.read(_MAX_STDERR):
            self._stderr = (self._stderr + chunk)[-_MAX_STDERR:]

    def _last_error_line(self) -> str:
        lines = [line.strip() for line in self._stderr.decode("utf-8", "replace").split("\n")]
        lines = [line for line in lines if line]
        errors = [line for line in lines if "Error" in line]
        return f"; standard error: {[*lines[-1:], *errors[-1:]][-1][:300]!r}" if lines else ""


async def _exchange(process: Any, request: dict[str, Any]) -> bytes:
    process.stdin.write(json.dumps(request).encode() + b"\n")
    with contextlib.suppress(ConnectionError):  # then the output has ended as well
        await process.stdin.drain()
    reading = asyncio.ensure_future(process.stdout.readline())
    try:
        # The output may stay open after the process has ended, because a child may hold it.
        while not reading.done() and process.returncode is None:
            await asyncio.wait([reading], timeout=_POLL_S)
        await asyncio.wait([reading], timeout=_POLL_S)
        return reading.result() if reading.done() else b""
    finally:
        reading.cancel()


async def _within(seconds: float, pid: int, exchange: Coroutine[Any, Any, bytes]) -> bytes:
    """Return the result, if it comes in time.

    Raises:
        asyncio.TimeoutError: The time is over, without that in which the process was waiting for a
            processor.
    """
    begin, waited = time.perf_counter(), _schedule(pid).waited
    running = asyncio.ensure_future(exchange)
    try:
        left = seconds
        while not running.done() and left > 0:
            await asyncio.wait([running], timeout=left)
            took = time.perf_counter() - begin
            left = min(seconds + _schedule(pid).waited - waited, seconds * _MAX_STRETCH) - took
        if not running.done():
            raise asyncio.TimeoutError
        return running.result()
    finally:
        running.cancel()


class _Schedule(NamedTuple):
    """Hold the processor time of a process, and the time that it waited for a processor, in s."""

    used: float
    waited: float


def _schedule(pid: int) -> _Schedule:
    """Return the times of a process; zeros if the system does not report them."""
    try:
        # Linux has them in ns. /proc/PID/stat has only hundredths of a second.
        used, waited = Path(f"/proc/{pid}/schedstat").read_bytes().split()[:2]
        return _Schedule(int(used) / 1e9, int(waited) / 1e9)
    except (OSError, ValueError):
        return _Schedule(0.0, 0.0)


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            # Kill the whole session, because a shell or a wrapper would leave the parser behind.
            os.killpg(process.pid, signal.SIGKILL)


def checked(answer: Any, chunks: int, seconds: float) -> Answer:
    """Check an answer, and return it as an Answer.

    Args:
        answer: The parsed JSON of the answer.
        chunks: How many chunks the stream had.
        seconds: The time to use if the answer reports none.

    Raises:
        ValueError: The answer breaks the protocol.
        TypeError: The answer breaks the protocol.
        OverflowError: The answer breaks the protocol.
        CannotRunError: The worker reports that it cannot run the parser.
    """
    if not isinstance(answer, dict):
        raise TypeError("it must be an object")
    if "cannot" in answer:
        raise CannotRunError(answer["cannot"])
    if not isinstance(answer.get("parser", ""), str):
        raise TypeError("parser must be a string")
    events = answer.get("events")
    if not isinstance(events, list) or not all(isinstance(each, list) for each in events):
        raise TypeError("events must be a list of lists, one for each chunk")
    if len(events) > chunks + 1:
        raise ValueError(f"events must be a list for each of {chunks} chunks, and one for the end")
    for event in (event for each in events for event in each):
        if not isinstance(event, dict) or not all(
            isinstance(event.get(name), str) for name in ("type", "data")
        ):
            raise TypeError("each event must have type and data, which are strings")
    return Answer(
        events,
        {key: answer[key] for key in ("last_event_id", "retry") if key in answer},
        answer.get("error") or None,
        answer.get("limited") is True,
        answer.get("parser"),
        float(answer.get("seconds", seconds)),
    )
