"""Read HTTP answers as curl, proxies and archives write them.

The head of an answer is its status line and its headers. The body comes after the head.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._http1 import MAX_HEAD_SIZE, HttpError, begins_chunked, parse_fields, parse_head
from ._layers import chunked

if TYPE_CHECKING:
    from collections.abc import Generator

    from ._cursor import Cursor
    from ._errors import Where

__all__ = ["Head", "body_chunks", "read_head", "read_request"]

_SHOWN = 40  # bytes that a message shows if they are no head
_REQUEST = re.compile(rb"([A-Z]{1,20}) (\S+) HTTP/[0-9.]{1,3}\r?\n")
_LENGTH = re.compile(r"[0-9]{1,18}")

Pairs = list[tuple[str, str]]


class Head(NamedTuple):
    """The status line and the headers of an answer."""

    status: int
    headers: Pairs

    def header(self, name: str) -> str:
        """Return the value of the last header of this name; "" if there is none.

        Args:
            name: The name in lower case.
        """
        return next((value for key, value in reversed(self.headers) if key.lower() == name), "")


def read_head(cursor: Cursor, where: Where) -> Head:
    """Take the head of the answer at the cursor.

    Some answers have no body in the file: a status 100, a redirect that was followed, and a proxy's
    answer to CONNECT. The head of the next answer follows directly. All these heads are taken, and
    the last one is returned.

    Raises:
        RecordingError: There is no head, or it has no blank line at its end.
    """
    while True:
        start = cursor.position
        if not cursor.starts_with(b"HTTP/"):
            found = cursor.head(lambda held: b"\n" in held or len(held) >= _SHOWN)[:_SHOWN]
            what = repr(found) if found else "the end"
            raise where.error(f"expected a status line (HTTP/1.1 200 OK), not {what}", start)
        try:
            head = parse_head(b"".join(_head_lines(cursor, where)), is_strict=False)
        except HttpError as error:
            raise where.error(str(error), start) from error
        if not cursor.starts_with(b"HTTP/"):
            return Head(head.status, head.fields)


def read_request(line: bytes, cursor: Cursor, where: Where) -> tuple[str, str]:
    """Take the headers of a request, and return the method and the URL of the request.

    Args:
        line: The first line of the request.
        cursor: A cursor after this line.
        where: The exchange, for messages.

    Raises:
        RecordingError: The first line or the headers are broken.
    """
    match = _REQUEST.match(line)
    if match is None:
        raise where.error(f"expected the first line of a request, not {line[:40]!r}")
    method, target = match[1].decode(), match[2].decode("utf-8", "replace")
    lines = [each.decode("latin-1") for each in _head_lines(cursor, where)]
    try:
        head = Head(0, parse_fields(lines, is_strict=False))
    except HttpError as error:
        raise where.error(str(error), cursor.position) from error
    # A request without a proxy has only a path in its first line. The host is in a header.
    return method, head.header("host") + target if target.startswith("/") else target


def body_chunks(head: Head, cursor: Cursor, where: Where) -> Generator[bytes, None, None]:
    """Take the body at the cursor, and yield its chunks. The next answer or nothing follows it.

    If the body begins with a chunk size of HTTP/1.1, the last chunk ends it. Otherwise
    ``content-length`` counts if the next answer or the end of the file follows there. If other
    bytes follow, the length is not that of this body, for example because the recorder decompressed
    it. Then the body is everything up to the end of the file.

    Raises:
        RecordingError: The body ends too early.
    """
    start = cursor.head(lambda held: begins_chunked(held) is not None)
    if begins_chunked(start):
        yield from chunked(cursor, where)
        return
    length = head.header("content-length").strip()
    missing = int(length) if _LENGTH.fullmatch(length) else None
    while missing:
        piece = cursor.some(missing)
        if not piece:
            if head.header("content-encoding").strip().lower() in ("", "identity"):
                problem = f"a body of {length} bytes (content-length) lacks {missing} bytes"
                raise where.error(problem, cursor.position)
            return
        missing -= len(piece)
        yield piece
    if missing == 0 and cursor.starts_with(b"HTTP/"):
        return
    while piece := cursor.some():
        yield piece


def _head_lines(cursor: Cursor, where: Where) -> list[bytes]:
    """Take the lines of a head and the blank line after them, and return the lines."""
    start = cursor.position
    lines: list[bytes] = []
    while True:
        line = cursor.line(MAX_HEAD_SIZE)
        if line is None or cursor.position - start > MAX_HEAD_SIZE:
            what = f"more than {MAX_HEAD_SIZE} bytes of them"
            raise where.error(f"expected a blank line after the headers, not {what}", start)
        if not line.rstrip(b"\r\n"):
            if not line:
                raise where.error("expected a blank line after the headers, not the end", start)
            if lines:
                lines[-1] = lines[-1].rstrip(b"\r\n")
            return lines
        lines.append(line)
