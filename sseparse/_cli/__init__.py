"""Run the command ``sseparse``, and do what all subcommands have in common.

A subcommand is a module with a function ``add_to``. It adds an argument parser, whose default
``run`` is a function that takes the parsed arguments. ``run`` writes its results to
``sys.stdout.buffer`` and returns. To report a fault, it raises StoppedError. An OSError that leaves
it is reported as a fault of standard output.
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
    """Run the command and return its exit status; Ctrl-C ends the process by its signal.

    Args:
        argv: The arguments, by default those of ``sys.argv``.
    """
    message = ""
    try:
        try:
            status = _run(argv)
        except StoppedError as stopped:
            status, message = stopped.status, str(stopped)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_output(sys.stdout)
        return 141  # the status that a shell shows for a program that SIGPIPE ended
    except OSError as error:
        _discard_output(sys.stdout)
        status, message = 2, f"standard output: {error.strerror}"
    except KeyboardInterrupt:
        # A shell leaves its loop only if the signal itself ended the program.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
        return 130  # only reached if the signal is blocked
    if message:
        _write_error(message)
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


def _write_error(message: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"sseparse: {message}\n")
        sys.stderr.flush()
    except OSError:
        _discard_output(sys.stderr)


def _discard_output(stream: TextIO | None) -> None:
    """Discard the output that the stream still buffers.

    Otherwise the interpreter would flush it at exit, and fail with a message and status of its own.
    """
    if stream is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
