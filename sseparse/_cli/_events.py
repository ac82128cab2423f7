"""Run ``sseparse events``, which prints recorded or running streams.

A program gets JSON lines, whose making is most of the work; a person gets what ``_readable`` makes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .._core import DEFAULT_MAX_EVENT_SIZE, EventTooLargeError, Observer, Parser
from .._safe_text import json_bytes, printable, quoted
from ..recording._recording import StrayLines
from ._inputs import MIB, Faults, add_options, check, recordings, size_of, unfinished
from ._output import flush, painter, write_lines
from ._readable import event_lines, item_lines
from ._stopped import StoppedError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from .._core import Event, Item
    from ._inputs import Found

__all__ = ["add_to", "run"]

_DESCRIPTION = """\
Print the events of a stream: as JSON lines with type, data and last_event_id, and on a terminal as
lines that are easy to read.

A file may have any form of recording: a raw body, the output of curl -i, cassettes of VCR.py and
others, HAR, WARC, compressed or not. Lines of forms that can hold several streams have
the number of the stream, and those of several files the name of the file.
"""

_EPILOG = """\
examples:
  curl -sN https://example.com/stream | sseparse events
  sseparse events cassette.yaml session.har body.sse.gz
  sseparse events --all body.sse
  sseparse events -d -n 2 cassette.yaml | jq .

exit status:
  0    every stream was read and printed
  1    a stream is at fault: it ends inside an event, an event is larger than
       the limit, the file is broken, or there is no event stream in it
  2    wrong usage; the input cannot be read; the output cannot be written
  130  ended by Ctrl-C
  141  nobody reads the output any more
"""

# Item.terminator as JSON; that of a byte order mark is "".
_TERMINATORS = {"\n": r'"\n"', "\r": r'"\r"', "": '""'}


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    add_options(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "-a",
        "--all",
        action="store_true",
        help="print every line and every block of lines, ignored ones too, with byte offsets",
    )
    what.add_argument(
        "-d",
        "--data",
        action="store_true",
        help="print the data of each event as it is, and a line feed",
    )
    parser.add_argument(
        "-j", "--json", action="store_true", help="print JSON lines on a terminal, too"
    )
    parser.add_argument(
        "-f",
        "--flush",
        action="store_true",
        help="print also an event that lacks its blank line at the end of the stream",
    )
    parser.add_argument(
        "--max-event-size",
        type=size_of,
        metavar="BYTES",
        default=DEFAULT_MAX_EVENT_SIZE,
        help=f"refuse larger events (default: {DEFAULT_MAX_EVENT_SIZE // MIB} MiB; none: no limit)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Print the events of the files."""
    if arguments.data and arguments.json:
        raise StoppedError(2, "--data and --json exclude each other")
    faults = Faults()
    for found in recordings(arguments, faults):
        try:
            _Printer(found, arguments).print()
        except StoppedError as fault:
            faults.report(fault)
    faults.end()


class _Printer:
    """Prints one stream."""

    def __init__(self, found: Found, arguments: argparse.Namespace) -> None:
        self._found = found
        is_terminal = sys.stdout.isatty()
        is_for_people = is_terminal and not arguments.json
        self._prefix = found.title if is_for_people else found.prefix
        self._paint = painter(sys.stdout) if is_for_people else None
        self._is_all = arguments.all
        self._is_data = arguments.data
        self._has_flush = arguments.flush
        kind = Observer if arguments.all else Parser
        self._parser: Any = kind(max_event_size=arguments.max_event_size)
        self._is_terminal = is_terminal
        # What looks for lines that are no part of an event stream; None once an event has come.
        self._strays: StrayLines | None = StrayLines()
        self._total = 0  # bytes
        self._last = b""  # read
        self._end = 0  # of the last block, in bytes from the start

    def print(self) -> None:
        """Print the stream.

        Raises:
            StoppedError: Something is wrong with it.
        """
        feed = self._feed
        is_running = self._found.is_running
        for _, data in self._found.reads():
            feed(data)
            if is_running:
                flush()
        if self._has_flush and self._may_flush():
            # The parser takes an LF behind a CR as a part of the line end.
            before = self._total
            self._feed(b"\n" if self._last.endswith(b"\n") else b"\n\n")
            self._total = before
        self._judge()

    def _feed(self, data: bytes) -> None:
        stopped = None
        try:
            items = self._parser.feed(data)
        except EventTooLargeError as error:
            items = error.items if self._is_all else error.events
            stopped = self._too_large(error)
        self._total += len(data)
        self._last = data or self._last
        if self._strays is not None:
            self._strays = None if self._has_events(items) else self._strays.after(data)
        self._write(items)
        if stopped:
            raise stopped

    def _has_events(self, items: list[Any]) -> bool:
        if not self._is_all:
            return bool(items)
        return any(item.kind == "block" and item.data is not None for item in items)

    def _write(self, items: list[Any]) -> None:
        if self._is_all and items and items[-1].kind == "block":
            self._end = items[-1].end
        if self._is_data:
            # As it is, for the next program; a terminal would obey what is in it.
            texts = (f"{event.data}\n" for event in items)
            write_lines(map(printable, texts) if self._is_terminal else texts, str.encode)
        elif self._paint is not None:
            lines = item_lines if self._is_all else event_lines
            write_lines(lines(items, self._prefix, self._paint), str.encode)
        else:
            as_json = _item_lines if self._is_all else _event_lines
            write_lines(as_json(items, self._prefix), json_bytes)

    def _may_flush(self) -> bool:
        """Tell whether the stream does not end with a blank line, as far as that is known."""
        return not self._is_all or self._total - self._end > self._last.endswith(b"\n")

    def _judge(self) -> None:
        """Report what is wrong with the end of the stream, or with all of it."""
        if self._strays is not None:
            check(self._strays, self._found)
        pending = self._parser.close()
        if pending and not self._has_flush:
            raise unfinished(pending, self._total, self._found.label)

    def _too_large(self, error: EventTooLargeError) -> StoppedError:
        return StoppedError(
            1,
            f"{self._found.label}: the byte at offset {error.offset} makes an event larger than "
            f"{error.limit} bytes; if you trust the sender, --max-event-size none reads it",
        )


def _event_lines(events: Iterable[Event], prefix: str) -> Iterator[str]:
    # The command spends most of its time here. Formatting by hand is faster than encoding a dict.
    for event in events:
        yield (
            f'{{{prefix}"type": {quoted(event.type)}, "data": {quoted(event.data)}, '
            f'"last_event_id": {quoted(event.last_event_id)}}}\n'
        )


def _item_lines(items: Iterable[Item], prefix: str) -> Iterator[str]:
    # A block with one data line has the same str as that line. Quoting it only once saves a quarter
    # of this function's time.
    value: str | None = None
    text = "null"
    for item in items:
        kind = item.kind
        place = (
            f'"start": {item.start}, "end": {item.end}, '
            f'"terminator": {_TERMINATORS[item.terminator]}'
        )
        if kind == "block":
            data, retry = item.data, item.retry
            yield (
                f'{{{prefix}"kind": "block", "event": {_quoted_or_null(item.event)}, '
                f'"data": {text if data is value else _quoted_or_null(data)}, '
                f'"id": {_quoted_or_null(item.id)}, '
                f'"retry": {"null" if retry is None else retry}, '
                f'"comments": [{", ".join(map(quoted, item.comments or ()))}], '
                f'"last_event_id": {_quoted_or_null(item.last_event_id)}, '
                f'"block_start": {item.block_start}, {place}}}\n'
            )
        elif kind == "byte order mark":
            yield f'{{{prefix}"kind": "byte order mark", {place}}}\n'
        else:
            value = item.value
            text = _quoted_or_null(value)
            own = f'"value": {text}, "separator": "{item.separator}"'
            if kind == "field":
                name, reason = _quoted_or_null(item.name), _quoted_or_null(item.reason)
                own = f'"name": {name}, {own}, "reason": {reason}'
            replaced = "true" if item.replaced else "false"
            yield f'{{{prefix}"kind": "{kind}", {own}, {place}, "replaced": {replaced}}}\n'


def _quoted_or_null(text: str | None) -> str:
    return "null" if text is None else quoted(text)
