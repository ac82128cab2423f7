"""Run ``sseparse conformance``, which reports by family what a parser gets right."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .._conformance import _report, _run
from .._conformance._cases import FAMILIES
from .._safe_text import one_line
from ._output import put, write_error
from ._stopped import StoppedError

if TYPE_CHECKING:
    import argparse

__all__ = ["add_to", "run"]

_DESCRIPTION = """\
Run a parser on the conformance corpora, at several cuts, and on streams that test promptness,
limits and growth. Each parser runs in a process of its own. The default parser is sseparse.
"""

_EPILOG = """\
examples:
  sseparse conformance
  sseparse conformance --against httpx-sse --failures ids
  sseparse conformance --against my_parser:events

The last one judges a parser of your own. It runs in the folder of my_parser.py:

  def events(chunks):              # an iterable of bytes
      parser = MyParser()
      for chunk in chunks:
          yield from parser.feed(chunk)   # each has .type and .data, both str

exit status:
  0    every parser passed every stream that applies to it
  1    a parser failed on at least one stream
  2    wrong usage; the parser cannot be run; the output cannot be written
  130  ended by Ctrl-C
  141  nobody reads the output any more
"""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--against",
        metavar="PARSER",
        help="MODULE:FUNCTION, a function that takes an iterable of bytes and returns events; "
        "or the name of a ready adapter, such as httpx-sse",
    )
    which.add_argument(
        "--command",
        metavar="COMMAND",
        help="a program that reads streams and writes their events, as JSON lines",
    )
    which.add_argument(
        "--peers", action="store_true", help="run all ready adapters whose parser is installed"
    )
    parser.add_argument(
        "--failures",
        metavar="FAMILY",
        choices=[family.name for family in FAMILIES],
        help="list all failures of a family, such as ids, instead of the smallest one",
    )
    parser.add_argument("-j", "--json", action="store_true", help="print the whole report as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Run the parsers, and print the report."""
    try:
        if arguments.peers:
            targets = _run.peers()
        elif arguments.command is not None:
            targets = [_run.command(arguments.command)]
        else:
            targets = [_run.against(arguments.against or "sseparse")]
    except ValueError as error:
        option = "--command" if arguments.command is not None else "--against"
        raise StoppedError(2, f"{option}: {error}") from error
    try:
        reports, missing = _run.run(targets, _progress)
    except OSError as error:
        # Nothing has been written to standard output yet, so it is not the cause.
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise StoppedError(2, one_line(message)) from error
    finally:
        _progress("")
    if missing and not arguments.peers:
        [(name, why)] = missing.items()
        raise StoppedError(2, one_line(f"{name}: {why}"))
    write = _report.as_json if arguments.json else _report.as_text
    put(write(reports, missing, arguments.failures).encode())
    failed = [report.parser.partition(",")[0] for report in reports if report.failing]
    if failed:
        raise StoppedError(1, one_line(f"not everything passed: {', '.join(failed)}"))


def _progress(text: str) -> None:
    """Replace the current line of the terminal, if standard error is one."""
    if sys.stderr is not None and sys.stderr.isatty():
        write_error(f"\r\x1b[K{one_line(text)[: _report.WIDTH - 1]}")
