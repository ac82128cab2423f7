"""Read the forms that contain HTTP exchanges as they went over the wire, one after the other.

These files are read as they come. The end of an answer is found from its own headers (curl), from
the length of its record (WARC), or from the two lengths before the exchange (httprr).
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from ._bodies import begins_as_stream
from ._cursor import Cursor, limited
from ._http import Head, body_chunks, read_head, read_request
from ._layers import layers, unwrapped
from ._recording import Body, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ._errors import Where
    from ._recording import Recording
    from ._streams import Reader

__all__ = ["READERS"]

_LINE_LIMIT = 1 << 16  # bytes
_RECORD_LINES = 1000
_LENGTHS = re.compile(rb"([0-9]{1,18}) ([0-9]{1,18})\r?\n")
_LENGTH = re.compile(r"[0-9]{1,18}")


def read_answers(reader: Reader) -> Generator[Recording, None, None]:
    """Yield the event streams in a file of answers with their heads, as of ``curl -i``."""
    reader.set_form("HTTP answer")
    cursor, number = reader.cursor, 0
    while True:
        number += 1
        where = reader.where.within(f"answer {number}") if number > 1 else reader.where
        head = read_head(cursor, where)
        exchange = Exchange(status=head.status, headers=partial(list, head.headers))
        body = yield from _answer(reader, where, exchange, head, cursor, None)
        if body is not None and body.has_failed:
            return
        if not cursor.skip_line_ends():
            return


def read_warc(reader: Reader) -> Generator[Recording, None, None]:
    """Yield the event streams of a WARC file (ISO 28500)."""
    reader.set_form("WARC")
    cursor, number = reader.cursor, 0
    asked = ("", "")  # the URL and the method of the last request
    while cursor.skip_line_ends():
        number += 1
        where = reader.where.within(f"record {number}")
        fields = _record_head(cursor, where)
        if not _LENGTH.fullmatch(fields.get("content-length", "")):
            found = fields.get("content-length", "none")
            raise where.error(f"expected a Content-Length, not {found[:40]!r}", cursor.position)
        size, start = int(fields["content-length"]), cursor.position
        url = fields.get("warc-target-uri", "").strip("<>")
        kind = fields.get("warc-type", "").lower()
        inner = Cursor(limited(cursor, size), start)
        if kind == "request" and (line := inner.line(_LINE_LIMIT)):
            asked = url, line.split(b" ")[0].decode("latin-1")
        elif kind in ("response", "resource") and size:
            exchange = Exchange(url or None, started=fields.get("warc-date"))
            if asked[0] == url:
                exchange.method = asked[1]
            head = Head(200, [])
            if inner.starts_with(b"HTTP/"):
                head = read_head(inner, where)
                exchange.status = head.status
                exchange.headers = partial(list, head.headers)
            yield from _answer(reader, where, exchange, head, inner, size - inner.position + start)
        _finish(cursor, inner, start, size, where)


def read_httprr(reader: Reader) -> Generator[Recording, None, None]:
    """Yield the event streams of a trace of httprr, a package of Go's tools."""
    reader.set_form("httprr")
    cursor, number = reader.cursor, 0
    cursor.line(_LINE_LIMIT)
    while not cursor.is_at_end():
        number += 1
        where = reader.where.within(f"exchange {number}")
        at = cursor.position
        line = cursor.line(_LINE_LIMIT)
        match = _LENGTHS.fullmatch(line) if line else None
        if match is None:
            raise where.error(f"expected two lengths, not {(line or b'')[:40]!r}", at)
        size, start = int(match[1]), cursor.position
        inner = Cursor(limited(cursor, size), start)
        method, url = read_request(inner.line(_LINE_LIMIT) or b"", inner, where)
        _finish(cursor, inner, start, size, where)
        size, start = int(match[2]), cursor.position
        inner = Cursor(limited(cursor, size), start)
        head = read_head(inner, where)
        exchange = Exchange(url, method, head.status, partial(list, head.headers))
        yield from _answer(reader, where, exchange, head, inner, size - inner.position + start)
        _finish(cursor, inner, start, size, where)


READERS: dict[str, Callable[[Reader], Generator[Recording, None, None]]] = {
    "http": read_answers,
    "warc": read_warc,
    "httprr": read_httprr,
}


def _answer(
    reader: Reader, where: Where, exchange: Exchange, head: Head, cursor: Cursor, size: int | None
) -> Generator[Recording, None, Body | None]:
    """Take the body at the cursor, and yield its recording if it is an event stream.

    Args:
        reader: The reader of the file.
        where: The answer, for messages.
        exchange: The exchange with this answer.
        head: The status and the headers of the answer.
        cursor: A cursor at the body.
        size: The number of bytes that the record has for the body; None for no limit.
    """
    start = cursor.position
    framed = body_chunks(head, cursor, where)
    inner = Cursor(layers(framed, where)[1])
    body = None
    if begins_as_stream(inner):

        def again(cursor: Cursor) -> Generator[bytes, None, None]:
            if size is not None:
                cursor = Cursor(limited(cursor, size), start)
            return unwrapped(body_chunks(head, cursor, where), where)

        body = Body(reader.reopened(start, again), _rest(inner))
        yield reader.recording(where, exchange, body)
        body.leave()
    elif "event-stream" in head.header("content-type"):
        reader.skipped.append(f"{where.part or 'answer'}: the body is no event stream, or empty")
    for _ in framed:
        pass
    return body


def _finish(cursor: Cursor, inner: Cursor, start: int, size: int, where: Where) -> None:
    """Take the rest of a part of the file, and check that the file contains the whole part.

    Args:
        cursor: The cursor of the file.
        inner: A cursor that ends where the part ends.
        start: The offset of the part.
        size: The length of the part, in bytes.
        where: The part, for messages.

    Raises:
        RecordingError: The file ends before the part does.
    """
    while inner.some():
        pass
    if cursor.position != start + size:
        came = cursor.position - start
        raise where.error(f"expected {size} bytes, but the file ends after {came} of them", start)


def _record_head(cursor: Cursor, where: Where) -> dict[str, str]:
    """Take the head of a WARC record, and return its fields. The names are in lower case."""
    at = cursor.position
    line = cursor.line(_LINE_LIMIT) or b""
    if not line.startswith(b"WARC/"):
        raise where.error(f"expected a record (WARC/1.0), not {line[:40]!r}", at)
    fields: dict[str, str] = {}
    for _ in range(_RECORD_LINES):
        line = cursor.line(_LINE_LIMIT) or b""
        text = line.rstrip(b"\r\n").decode("utf-8", "replace")
        if line and not text:
            return fields
        name, colon, value = text.partition(":")
        if not colon:
            break
        fields[name.strip().lower()] = value.strip()
    raise where.error("expected the fields of a record and a blank line", cursor.position)


def _rest(cursor: Cursor) -> Generator[bytes, None, None]:
    while piece := cursor.some():
        yield piece
