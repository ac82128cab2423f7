"""Read the command line, run a subcommand, and say with which status it ended."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from ._output import complain, discard, note
from ._stopped import StoppedError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["run_command"]


class _Command(NamedTuple):
    """A subcommand.

    Attributes:
        help: What it does.
        cleans_up: Whether Ctrl-C is an exception inside it, so that it ends what it began.
    """

    help: str
    cleans_up: bool = False


_COMMANDS = {
    "events": _Command("Print the events of recorded or running streams."),
    "streams": _Command("List the event streams in files of any form."),
    "text": _Command("Print the answers in recorded streams of chat completions."),
    "chat": _Command("Ask an OpenAI-compatible server, and print its answer as it comes.", True),
    "conformance": _Command("Test a parser with the conformance corpora.", True),
}


_EXAMPLES = """\
examples:
  curl -sN https://example.com/stream | sseparse events
  sseparse streams cassettes/*.yaml
  sseparse text answer.sse
  sseparse chat "Say hello." --base-url http://127.0.0.1:8080/v1

'sseparse COMMAND --help' has the options, more examples, and the exit statuses.
"""


def run_command(argv: Sequence[str] | None) -> int:
    """Run the command and return its exit status."""
    message = ""
    try:
        try:
            status = _run(sys.argv[1:] if argv is None else argv)
        except StoppedError as stopped:
            status, message = stopped.status, str(stopped)
        if sys.stdout is not None:
            sys.stdout.flush()
        if message:
            complain(message)
    except BrokenPipeError:
        discard(sys.stdout)
        return 141  # the status that a shell shows for a program that SIGPIPE ended
    except OSError as error:
        discard(sys.stdout)
        complain(f"standard output: {error.strerror}")
        return 2
    return status


def _run(argv: Sequence[str]) -> int:
    chosen = next((each for each in argv if not each.startswith("-")), "")
    module: Any = import_module(f"._{chosen}", __package__) if chosen in _COMMANDS else None
    parser = argparse.ArgumentParser(
        prog="sseparse",
        description="Read streams of Server-Sent Events.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, command in _COMMANDS.items():
        options = commands.add_parser(
            name,
            help=command.help,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if name == chosen:
            module.add_to(options)
            if not {"-h", "--help"}.isdisjoint(argv):
                options.description = _filled(options.description or "")
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as ended:  # --help, --version, or wrong usage
        return int(ended.code or 0)
    if chosen not in _COMMANDS:
        note(parser.format_help().rstrip())
        return 2
    if sys.stdout is None:
        raise BrokenPipeError("standard output is closed")
    before = signal.getsignal(signal.SIGINT)
    if not _COMMANDS[chosen].cleans_up or before is not signal.SIG_DFL:
        module.run(arguments)
        return 0
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        module.run(arguments)
    finally:
        signal.signal(signal.SIGINT, before)
    return 0


def _filled(text: str) -> str:
    """Return paragraphs with lines as long as argparse's own; the epilogs keep their lines."""
    import textwrap

    width = max(shutil.get_terminal_size().columns - 2, 20)  # a terminal may say that it has none
    return "\n\n".join(textwrap.fill(each, width) for each in text.split("\n\n"))


class _Version(argparse.Action):
    """Print what is not known without an import that takes time."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002
        values: object,  # noqa: ARG002
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        import platform

        from .. import __version__
        from .._core import COMPILED

        build = "compiled" if COMPILED else "pure"
        python = f"{platform.python_implementation()} {platform.python_version()}"
        print(f"sseparse {__version__} ({build}, {python})", file=sys.stdout or sys.stderr)
        parser.exit()
