"""Run ``sseparse streams``, which lists the event streams in files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .._core import EventTooLargeError, Parser
from .._safe_text import json_text, one_line
from ..recording._recording import StrayLines
from ._inputs import Faults, add_options, check, recordings
from ._output import flush, write_lines
from ._stopped import StoppedError

if TYPE_CHECKING:
    import argparse

    from ._inputs import Found

__all__ = ["add_to", "run"]

_DESCRIPTION = """\
List the event streams in files of any form: the number of each, its status, events and bytes, how
it ends, its form, and its method and URL.
"""

_EPILOG = """\
how a stream ends:
  done        its last event is [DONE]
  whole       its last event has its blank line
  unfinished  it ends inside an event; 'sseparse events --flush' prints that event, too
  empty       there is no event in it
  broken      the file has a fault there; see standard error

examples:
  sseparse streams cassettes/*.yaml
  sseparse streams -j session.har | jq -r 'select(.status != 200) | .url'

exit status:
  0    every stream was listed
  1    a file is broken, or contains no event stream
  2    wrong usage; the input cannot be read; the output cannot be written
  130  ended by Ctrl-C
  141  nobody reads the output any more
"""

_HEADINGS = ("stream", "status", "events", "bytes", "end", "form", "request")


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    add_options(parser)
    parser.add_argument(
        "-j", "--json", action="store_true", help="print JSON lines, with all fields"
    )


def run(arguments: argparse.Namespace) -> None:
    """List the streams of the files."""
    faults = Faults()
    path: str | None = None
    has_headings = arguments.json
    for found in recordings(arguments, faults):
        counted = fault = None
        try:
            counted = _count(found)
        except StoppedError as stopped:
            fault = stopped
        if not has_headings:
            _write(_row(_HEADINGS))
            has_headings = True
        if found.path != path and not arguments.json:
            path = found.path
            _write(f"{one_line(path or '')}:\n")
        if counted is not None and arguments.json:
            _write(_json_line(found, counted))
        elif counted is not None:
            _write(_line(found, counted))
        fault = fault or (counted.fault if counted else None)
        if fault:
            faults.report(fault)
        elif found.is_running:
            flush()
    faults.end()


class _Counted(NamedTuple):
    """The counts of a stream.

    Attributes:
        events: How many events it has.
        bytes: How many bytes.
        reads: How many reads.
        end: How it ends.
        fault: The fault of the file at its end, or None.
    """

    events: int
    bytes: int
    reads: int
    end: str
    fault: StoppedError | None = None


def _count(found: Found) -> _Counted:
    """Read a stream.

    Raises:
        StoppedError: The stream has no event, and a line that is no field, comment or blank line.
    """
    parser = Parser()
    strays: StrayLines | None = StrayLines()
    events = size = reads = 0
    last = ""
    try:
        for _, data in found.reads():
            came = parser.feed(data)
            size += len(data)
            reads += 1
            if came:
                events += len(came)
                last = came[-1].data
                strays = None
            elif strays is not None:
                strays = strays.after(data)
    except StoppedError as fault:
        return _Counted(events, size, reads, "broken", fault)
    except EventTooLargeError as error:
        too_large = StoppedError(1, f"{found.label}: {error}")
        return _Counted(events + len(error.events), size, reads, "broken", too_large)
    if strays is not None:
        check(strays, found)
    if parser.close():
        end = "unfinished"
    elif not events:
        end = "empty"
    else:
        end = "done" if last.strip() == "[DONE]" else "whole"
    return _Counted(events, size, reads, end)


def _line(found: Found, counted: _Counted) -> str:
    recording = found.recording
    request = " ".join(each for each in (recording.method, recording.url) if each)
    status = "-" if recording.status is None else str(recording.status)
    numbers = (str(recording.number), status, str(counted.events), str(counted.bytes))
    return _row((*numbers, counted.end, recording.form, request or "-"))


def _row(cells: tuple[str, ...]) -> str:
    number, status, events, size, end, form, request = map(one_line, cells)
    row = f"{number:>6} {status:>6} {events:>7} {size:>10}  {end:10}  {form:16}  {request}"
    return f"{row.rstrip()}\n"


def _json_line(found: Found, counted: _Counted) -> str:
    recording = found.recording
    started = recording.started
    fields: dict[str, Any] = {
        **({} if found.path is None else {"file": found.path}),
        "stream": recording.number,
        "form": recording.form,
        "place": recording.place,
        "method": recording.method,
        "url": recording.url,
        "status": recording.status,
        "headers": dict(recording.headers),
        "started": None if started is None else started.isoformat(),
        "events": counted.events,
        "bytes": counted.bytes,
        "reads": counted.reads,
        "end": counted.end,
        "damage": recording.damage,
        "fault": None if counted.fault is None else str(counted.fault),
    }
    return f"{json_text(fields)}\n"


def _write(line: str) -> None:
    write_lines([line], str.encode)
