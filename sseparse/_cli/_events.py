"""Run ``sseparse events``, which prints a recorded or running stream as JSON lines."""

from __future__ import annotations

import argparse
import io
import os
import re
import stat
import sys
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING

from .._core import EventTooLargeError, Observer, Parser
from ._stopped import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from .._core import Event, Item

__all__ = ["add_to"]

_READ_SIZE = 64 * 1024  # bytes
_BATCH_SIZE = 64 * 1024  # characters

_EXIT_STATUS = """\
exit status:
  0    the whole stream was read and printed
  1    the stream is at fault: it ends inside an event, an event is larger than
       64 MiB, or the input is not an event stream
  2    wrong usage; the input cannot be read; the output cannot be written
  130  ended by Ctrl-C
  141  nobody reads the output any more
"""

# The first bytes of input that is no event stream, each with an advice for the user. They are
# recognised before a line is complete.
_FOREIGN = {
    b"HTTP/": (
        "holds a whole HTTP response, with its headers; "
        "save the body alone, with curl -N and without -i"
    ),
    b"\x1f\x8b": "is compressed; decompress it first: gzip -dc FILE | sseparse events",
    b"\x28\xb5\x2f\xfd": "is compressed; decompress it first: zstd -dc FILE | sseparse events",
}

# Characters that JSON does not escape, but terminals obey: DEL and the C1 controls (CSI, OSC, ...),
# the line and paragraph separators, and Unicode's Bidi_Control characters, which can make the rest
# of a line look different. JSON escapes the C0 controls itself.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

# Item.terminator as JSON; that of a byte order mark is "".
_TERMINATORS = {"\n": r'"\n"', "\r": r'"\r"', "": '""'}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this subcommand."""
    text = "Print the events of a stream as JSON lines with type, data and last_event_id."
    parser = commands.add_parser(
        "events",
        help=text,
        description=text,
        allow_abbrev=False,
        epilog=_EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="default, and -: standard input"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="print every line and every block of lines, ignored ones too, with byte offsets",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if sys.stdout is None:
        raise BrokenPipeError("standard output is closed")
    source, name = _open(arguments.file)
    with source:
        is_running = not stat.S_ISREG(os.fstat(source.fileno()).st_mode)
        parser = Observer() if arguments.all else Parser()
        to_lines: Callable[[Any], Iterator[str]] = _item_lines if arguments.all else _event_lines
        total = 0
        for chunk in _chunks(source, name):
            total += len(chunk)
            found: list[Any]
            stopped = None
            try:
                found = parser.feed(chunk)
            except EventTooLargeError as error:
                found = error.items if arguments.all else error.events
                stopped = StoppedError(
                    1,
                    f"{name}: the byte at offset {error.offset} makes an event larger than "
                    f"{error.limit} bytes; if you trust the sender, read it in Python with "
                    f"sseparse.{type(parser).__name__}(max_event_size=None)",
                )
            _write(to_lines(found))
            if stopped:
                raise stopped
            if is_running:
                sys.stdout.buffer.flush()
    pending = parser.close()
    if pending:
        raise StoppedError(
            1,
            f"{name}: the stream ends inside an event, which begins at offset {pending.start}; "
            f"bytes dropped: {total - pending.start}",
        )


def _open(path: str) -> tuple[io.FileIO, str]:
    """Return the input, unbuffered, and its name for messages."""
    name = "standard input" if path == "-" else repr(path)  # a path may have control characters
    try:
        if path != "-":
            return io.FileIO(path), name
        if sys.stdin is None:
            raise StoppedError(2, f"{name}: it is closed")
        return io.FileIO(sys.stdin.fileno(), closefd=False), name
    except OSError as error:
        raise _unreadable(name, error) from error


def _chunks(source: io.FileIO, name: str) -> Iterator[bytes]:
    """Yield the bytes of each read, and raise StoppedError if they are not an event stream.

    The first bytes are held until they can be recognised.
    """
    head = b""
    while any(mark.startswith(head) for mark in _FOREIGN):
        chunk = _read(source, name)
        if not chunk:
            yield head
            return
        head += chunk
        for mark, advice in _FOREIGN.items():
            if head.startswith(mark):
                raise StoppedError(1, f"{name}: it {advice}")
    yield head
    while chunk := _read(source, name):
        yield chunk


def _read(source: io.FileIO, name: str) -> bytes:
    # FileIO.read would return None for a source that would block, which looks like the end.
    try:
        return os.read(source.fileno(), _READ_SIZE)
    except OSError as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: OSError) -> StoppedError:
    return StoppedError(2, f"{name}: {error.strerror}")


def _event_lines(events: Iterable[Event]) -> Iterator[str]:
    # The command spends most of its time here. Formatting by hand is faster than encoding a dict.
    for event in events:
        yield (
            f'{{"type": {_quote(event.type)}, "data": {_quote(event.data)}, '
            f'"last_event_id": {_quote(event.last_event_id)}}}\n'
        )


def _item_lines(items: Iterable[Item]) -> Iterator[str]:
    # A block with one data line has the same str as that line. Quoting it only once saves a quarter
    # of this function's time.
    value: str | None = None
    quoted = "null"
    for item in items:
        kind = item.kind
        place = (
            f'"start": {item.start}, "end": {item.end}, '
            f'"terminator": {_TERMINATORS[item.terminator]}'
        )
        if kind == "block":
            data, retry = item.data, item.retry
            yield (
                f'{{"kind": "block", "event": {_quote_or_null(item.event)}, '
                f'"data": {quoted if data is value else _quote_or_null(data)}, '
                f'"id": {_quote_or_null(item.id)}, "retry": {"null" if retry is None else retry}, '
                f'"comments": [{", ".join(map(_quote, item.comments or ()))}], '
                f'"last_event_id": {_quote_or_null(item.last_event_id)}, '
                f'"block_start": {item.block_start}, {place}}}\n'
            )
        elif kind == "byte order mark":
            yield f'{{"kind": "byte order mark", {place}}}\n'
        else:
            value = item.value
            quoted = _quote_or_null(value)
            own = f'"value": {quoted}, "separator": "{item.separator}"'
            if kind == "field":
                name, reason = _quote_or_null(item.name), _quote_or_null(item.reason)
                own = f'"name": {name}, {own}, "reason": {reason}'
            replaced = "true" if item.replaced else "false"
            yield f'{{"kind": "{kind}", {own}, {place}, "replaced": {replaced}}}\n'


def _quote_or_null(text: str | None) -> str:
    return "null" if text is None else _quote(text)


def _quote(text: str) -> str:
    if text.isascii():
        return encode_basestring_ascii(text)  # the faster one, which escapes DEL as well
    quoted = encode_basestring(text)
    # isprintable() makes the search unnecessary for most text. That saves a tenth of the time for a
    # stream with some non-ASCII text.
    return quoted if quoted.isprintable() else _UNSAFE.sub(_escape, quoted)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _write(lines: Iterable[str]) -> None:
    """Write the lines in batches, so that they do not fill the memory.

    A long id that the stream sends once is in the line of every later event.
    """
    batch: list[str] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if size >= _BATCH_SIZE:
            _put("".join(batch).encode())
            batch.clear()
            size = 0
    _put("".join(batch).encode())


def _put(batch: bytes) -> None:
    # Under PYTHONUNBUFFERED the binary stream is raw, and may write only a part of the bytes.
    view = memoryview(batch)
    while view:
        view = view[sys.stdout.buffer.write(view) :]
