"""A parser under test, in a process of its own: it may hang, die or answer nonsense.

The protocol is in docs/conformance.rst: one JSON object a line for a stream, one for its answer.
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
    from collections.abc import Sequence

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
_END_S = 5.0  # s, for a process to end after it was killed
_LOOK_S = 0.1  # s, between two looks whether it has ended
_MAX_ANSWER = 16 * 1024 * 1024  # bytes
_MAX_COMPLAINT = 64 * 1024  # bytes of standard error that are kept: the last ones

# The worker of this very package, wherever that is. No module in the working directory is taken for
# one of the standard library: the worker adds the directory only for a parser that comes from it.
_WORKER = (
    "import sys; sys.path[:] = [path for path in sys.path if path]; "
    "sys.path.insert(0, sys.argv[1]); "
    "from sseparse._conformance._worker import main; del sys.path[0]; main()"
)


class CannotRunError(Exception):
    """The parser cannot be started, or does not keep to the protocol from the start."""


class NoAnswerError(Exception):
    """One stream got no answer; the process is gone, and the next stream starts another."""


class Answer(NamedTuple):
    """What a parser made of one stream.

    Attributes:
        events: A list for each chunk, as far as it came, and one for what the end brought.
        state: The keys ``last_event_id`` and ``retry``, where the parser knows them.
        error: What it raised, or None.
        is_limited: Whether it kept to the limit that was asked for.
        parser: What it calls itself.
        seconds: What it took, by its own count, else in processor time where the system says it,
            else from question to answer.
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
    """Return the command that serves a ready adapter, or MODULE:FUNCTION."""
    return [sys.executable, "-c", _WORKER, str(Path(__file__).parents[2]), target]


def command_line(text: str) -> list[str]:
    """Split a command as a shell would, without one."""
    return shlex.split(text)


class Subject:
    """One parser; its process is started when it is asked, and again after it was lost."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._complaint = b""  # the last of its standard error
        self._listener: asyncio.Task[None] | None = None  # which reads that

    async def introduce(self) -> Answer:
        """Ask for a first stream, which shows what the parser can tell.

        Raises:
            CannotRunError: There is no proper answer.
        """
        try:
            return await self.ask(FIRST, time_limit=START_S)
        except NoAnswerError as error:
            raise CannotRunError(f"{error}{self._last_complaint()}") from error

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
            limit: The size of an event, in bytes, that the parser shall not exceed.
            time_limit: Seconds to wait.

        Raises:
            NoAnswerError: The process ended, was silent for too long, or answered something else.
            CannotRunError: The process cannot be started.
        """
        request: dict[str, Any] = {"chunks": [base64.b64encode(each).decode() for each in chunks]}
        if limit is not None:
            request["limit"] = limit
        seconds = ANSWER_S if time_limit is None else time_limit
        if self._process is None:
            self._process = await self._start()
        begin = time.perf_counter()
        try:
            used = _processor_s(self._process.pid)
            line = await asyncio.wait_for(_exchange(self._process, request), seconds)
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
            # A shell that waits for the parser uses no processor time worth mentioning.
            used = _processor_s(self._process.pid) - used
            return checked(json.loads(line), len(chunks), used if used > took / 50 else took)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            await self.stop()
            why = "no JSON" if isinstance(error, json.JSONDecodeError) else error
            shown = line[:60].decode("utf-8", "replace")
            raise NoAnswerError(f"not an answer ({why}): {shown!r}") from error

    async def stop(self, *, kill: bool = True) -> int | None:
        """End the process, and what it has started; return its exit status."""
        process, self._process = self._process, None
        if process is None:
            return None
        if not kill:
            # It has closed its output: most likely it has ended, and its status says why.
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), 1)
        _kill(process)
        if self._listener is not None:
            await asyncio.wait([self._listener], timeout=_LOOK_S)
            self._listener.cancel()
            self._listener = None
        # What it started in a session of its own may hold its pipes open, and wait() would wait for
        # their end. To close the transport itself would take the exit status away from wait().
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
        self._complaint = b""
        self._listener = asyncio.create_task(self._listen(process))
        return process

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        stream: Any = process.stderr
        while chunk := await stream.read(_MAX_COMPLAINT):
            self._complaint = (self._complaint + chunk)[-_MAX_COMPLAINT:]

    def _last_complaint(self) -> str:
        lines = self._complaint.decode("utf-8", "replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        errors = [line for line in said if "Error" in line]
        return f"; it said: {[*said[-1:], *errors[-1:]][-1][:300]!r}" if said else ""


async def _exchange(process: Any, request: dict[str, Any]) -> bytes:
    process.stdin.write(json.dumps(request).encode() + b"\n")
    with contextlib.suppress(ConnectionError):  # then its output has ended as well
        await process.stdin.drain()
    reading = asyncio.ensure_future(process.stdout.readline())
    try:
        # The output may stay open although the process has ended: what it started may hold it.
        while not reading.done() and process.returncode is None:
            await asyncio.wait([reading], timeout=_LOOK_S)
        await asyncio.wait([reading], timeout=_LOOK_S)
        return reading.result() if reading.done() else b""
    finally:
        reading.cancel()


def _processor_s(pid: int) -> float:
    """Return the processor time that a process has used, in s; 0 where the system does not say."""
    try:
        # Linux: the first number is in ns. Those of /proc/PID/stat are in hundredths of a second.
        return int(Path(f"/proc/{pid}/schedstat").read_bytes().split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            # The whole session: a shell or a wrapper must not leave the parser behind.
            os.killpg(process.pid, signal.SIGKILL)


def checked(answer: Any, chunks: int, seconds: float) -> Answer:
    """Check an answer.

    Args:
        answer: What the JSON of the answer contains.
        chunks: How many chunks the stream had.
        seconds: The time that counts where the answer has none of its own.

    Raises:
        ValueError: It does not keep to the protocol. A TypeError or OverflowError says so as well.
        CannotRunError: The worker says that it cannot run the parser.
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
