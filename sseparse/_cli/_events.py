"""``sseparse events``: a recorded or running stream to JSON lines."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import stat
import sys
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING

from .._errors import EventTooLargeError
from .._items import ByteOrderMark, Comment, Field, NoData
from .._parser import Event, Parser
from ._stopped import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .._items import Observed

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

# How other things than an event stream begin, and what to say about them. No event stream begins
# so, nor is any line complete before these bytes are told apart.
_FOREIGN = {
    b"HTTP/": (
        "holds a whole HTTP response, with its headers; "
        "save the body alone, with curl -N and without -i"
    ),
    b"\x1f\x8b": "is compressed; decompress it first: gzip -dc FILE | sseparse events",
    b"\x28\xb5\x2f\xfd": "is compressed; decompress it first: zstd -dc FILE | sseparse events",
}

_KINDS = {
    Event: "event",
    Comment: "comment",
    Field: "field",
    NoData: "no_data",
    ByteOrderMark: "byte_order_mark",
}

# JSON lets these through and terminals act on them: DEL and the C1 controls (CSI, OSC, ...), the
# line and paragraph separators, and the characters that Unicode calls Bidi_Control, with which a
# text can make the rest of its line look like something else. JSON escapes the C0 controls itself.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

_encode = json.JSONEncoder(ensure_ascii=False).encode


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
        help="print everything on the wire, fields and comments too, with byte offsets",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if sys.stdout is None:
        raise BrokenPipeError("standard output is closed")
    source, name = _open(arguments.file)
    with source:
        is_running = not stat.S_ISREG(os.fstat(source.fileno()).st_mode)
        parser = Parser()
        total = 0
        for chunk in _chunks(source, name):
            total += len(chunk)
            items: Sequence[Event | Observed]
            stopped = None
            try:
                items = parser.observe(chunk) if arguments.all else parser.feed(chunk)
            except EventTooLargeError as error:
                items = error.observed or error.events
                stopped = StoppedError(
                    1,
                    f"{name}: the byte at offset {error.offset} makes an event larger than "
                    f"{error.limit} bytes; if you trust the sender, read it in Python with "
                    "sseparse.Parser(max_event_size=None)",
                )
            _write(map(_line, items))
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
    """Return the input, unbuffered, and what to call it."""
    name = "standard input" if path == "-" else repr(path)  # it may hold control characters
    try:
        if path != "-":
            return io.FileIO(path), name
        if sys.stdin is None:
            raise StoppedError(2, f"{name}: it is closed")
        return io.FileIO(sys.stdin.fileno(), closefd=False), name
    except OSError as error:
        raise _unreadable(name, error) from error


def _chunks(source: io.FileIO, name: str) -> Iterator[bytes]:
    """Yield what each read brings, and refuse what is not an event stream.

    The first bytes are held until it is clear what they begin.
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
    # Not FileIO.read, whose None for a source that would block looks like the end.
    try:
        return os.read(source.fileno(), _READ_SIZE)
    except OSError as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: OSError) -> StoppedError:
    return StoppedError(2, f"{name}: {error.strerror}")


def _line(item: Event | Observed) -> str:
    if isinstance(item, Event):
        # Faster than encoding a dict, and most of what the command does.
        return (
            f'{{"type": {_quote(item.type)}, "data": {_quote(item.data)}, '
            f'"last_event_id": {_quote(item.last_event_id)}}}\n'
        )
    where = item._asdict()
    seen = where.pop("item")
    if isinstance(seen, Event):
        fields = {"type": seen.type, "data": seen.data, "last_event_id": seen.last_event_id}
    else:
        fields = seen._asdict()
    return _safe(_encode({"kind": _KINDS[type(seen)], **fields, **where})) + "\n"


def _quote(text: str) -> str:
    if text.isascii():
        return encode_basestring_ascii(text)  # the faster of the two; it escapes DEL as well
    quoted = encode_basestring(text)
    # Spares most text the search: a tenth of the time for a stream with some non-ASCII text.
    return quoted if quoted.isprintable() else _safe(quoted)


def _safe(quoted: str) -> str:
    return _UNSAFE.sub(_escape, quoted)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _write(lines: Iterable[str]) -> None:
    """Write the lines in batches, so that neither many lines nor long ones pile up in memory.

    A stream can name a long id once and have every event carry it.
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
    # Under PYTHONUNBUFFERED the binary stream is raw, and takes what it can.
    view = memoryview(batch)
    while view:
        view = view[sys.stdout.buffer.write(view) :]
