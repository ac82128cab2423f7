"""Run the command ``sseparse``, and handle Ctrl-C for all subcommands.

A subcommand is a module with two functions: ``add_to`` adds its options to an argument parser, and
``run`` takes the parsed arguments. ``run`` writes its results with ``_output`` and returns. To
report a fault, it raises StoppedError. An OSError that leaves it is reported as a fault of standard
output. Only the module of the subcommand that runs is imported::

    _stopped, _output ◄ _progress ◄ _inputs ◄ _events, _streams, _text (with _apis)
    _chat, _conformance
    _commands, which imports one of these
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; Ctrl-C ends the process by its signal.

    Args:
        argv: The arguments, by default those of ``sys.argv``. In that case Ctrl-C ends the process
            without a traceback also afterwards, while the interpreter shuts down.
    """
    before = _end_on_interrupt()
    try:
        from ._commands import run_command

        return run_command(argv)
    except KeyboardInterrupt:
        # A shell leaves its loop only if the signal itself ended the program.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
        return 130  # only reached if the signal is blocked
    finally:
        if argv is not None and before is not None:
            signal.signal(signal.SIGINT, before)


def _end_on_interrupt() -> signal._HANDLER:
    """Let Ctrl-C end the process as it ends programs without a handler; return the one before.

    If it is ignored, as in a background job of a shell, it stays ignored. For a subcommand that has
    to clean up, ``_commands`` turns it into an exception.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        return None
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    except ValueError:  # this is not the main thread
        return None
    return before
