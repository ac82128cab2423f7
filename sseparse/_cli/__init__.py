"""The command ``sseparse``: what is common to all of its subcommands.

A subcommand is a module with ``add_to``, which adds a parser whose default ``run`` takes the parsed
arguments. It writes its results to ``sys.stdout.buffer``, and returns when all went well; what else
it has to say it raises as a StoppedError. An OSError that leaves it is a fault of standard output.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
from typing import TYPE_CHECKING

from .. import __version__
from .._core import COMPILED
from . import _chat, _conformance, _events
from ._stopped import StoppedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; Ctrl-C ends the process as the signal does.

    Args:
        argv: The arguments, by default those of ``sys.argv``.
    """
    complaint = ""
    try:
        try:
            status = _run(argv)
        except StoppedError as stopped:
            status, complaint = stopped.status, str(stopped)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _give_up(sys.stdout)
        return 141  # what a shell shows for a program that SIGPIPE ended
    except OSError as error:
        _give_up(sys.stdout)
        status, complaint = 2, f"standard output: {error.strerror}"
    except KeyboardInterrupt:
        # A shell leaves its loop only if the signal itself ended the program.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
        return 130  # where the signal is blocked
    if complaint:
        _complain(complaint)
    return status


def _run(argv: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog="sseparse", description="Read streams of Server-Sent Events.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _events.add_to(commands)
    _chat.add_to(commands)
    _conformance.add_to(commands)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as ended:  # --help, --version, or wrong usage
        return int(ended.code or 0)
    arguments.run(arguments)
    return 0


def _version() -> str:
    build = "compiled" if COMPILED else "pure"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"sseparse {__version__} ({build}, {python})"


def _complain(complaint: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"sseparse: {complaint}\n")
        sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr)


def _give_up(stream: TextIO | None) -> None:
    """Send to nowhere what the stream still buffers.

    The interpreter flushes it again at exit, which would fail with a message and status of its own.
    """
    if stream is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
