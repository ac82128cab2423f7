"""Read HTTP answers as curl, proxies and archives write them: a head, and a body."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ._layers import chunked, is_chunked

if TYPE_CHECKING:
    from collections.abc import Generator

    from ._cursor import Cursor
    from ._errors import Where

__all__ = ["Head", "body_chunks", "read_head", "read_request"]

# What a head may have; servers refuse far smaller ones.
_HEAD_LIMIT = 1 << 18  # bytes
_HEAD_LINES = 2000
_STATUS = re.compile(rb"HTTP/[0-9.]{1,3} +([0-9]{3})(?![0-9])")
_REQUEST = re.compile(rb"([A-Z]{1,20}) (\S+) HTTP/[0-9.]{1,3}\r?\n")
_LENGTH = re.compile(r"[0-9]{1,18}")

Pairs = list[tuple[str, str]]


class Head(NamedTuple):
    """The status line and the headers of an answer."""

    status: int
    headers: Pairs

    def header(self, name: str) -> str:
        """Return the last header of this name, in lower case; "" if there is none."""
        return next((value for key, value in reversed(self.headers) if key.lower() == name), "")


def read_head(cursor: Cursor, where: Where) -> Head:
    """Take the head of the answer that the cursor is at.

    A 100, a redirect that was followed and a proxy's answer to CONNECT have no body: the head of
    the next answer comes directly after theirs. The last of these heads is returned.

    Raises:
        RecordingError: There is no head, or it does not end.
    """
    while True:
        at = cursor.position
        line = cursor.line(_HEAD_LIMIT)
        match = _STATUS.match(line) if line else None
        if match is None:
            what = repr((line or b"")[:40]) if line != b"" else "the end"
            raise where.error(f"expected a status line (HTTP/1.1 200 OK), not {what}", at)
        head = Head(int(match[1]), _read_headers(cursor, where))
        if not cursor.starts_with(b"HTTP/"):
            return head


def read_request(line: bytes, cursor: Cursor, where: Where) -> tuple[str, str]:
    """Take the headers of a request after its first line; return its method and its URL."""
    match = _REQUEST.match(line)
    if match is None:
        raise where.error(f"expected the first line of a request, not {line[:40]!r}")
    method, target = match[1].decode(), match[2].decode("utf-8", "replace")
    head = Head(0, _read_headers(cursor, where))
    # A request that did not go through a proxy names the host in a header.
    return method, head.header("host") + target if target.startswith("/") else target


def body_chunks(head: Head, cursor: Cursor, where: Where) -> Generator[bytes, None, None]:
    """Yield the body at the cursor, to its end, where the next answer or nothing follows.

    The chunk sizes, if they are there, and the length are honoured as far as the bytes agree with
    them. A body that was decompressed has the length of another one.

    Raises:
        RecordingError: The body ends too early.
    """
    start = cursor.head(lambda held: is_chunked(held) is not None)
    if is_chunked(start):
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


def _read_headers(cursor: Cursor, where: Where) -> Pairs:
    """Take header lines and the blank line after them."""
    start = cursor.position
    fields: list[list[str]] = []  # the lines of each
    for _ in range(_HEAD_LINES):
        line = cursor.line(_HEAD_LIMIT)
        if not line or cursor.position - start > _HEAD_LIMIT:
            what = "the end" if line == b"" else f"more than {_HEAD_LIMIT} bytes of headers"
            raise where.error(f"expected a blank line after the headers, not {what}", start)
        text = line.rstrip(b"\r\n").decode("latin-1")
        if not text:
            pairs = (" ".join(lines).partition(":") for lines in fields)
            return [(name.strip(), value.strip()) for name, _, value in pairs]
        if text[0] in " \t" and fields:
            fields[-1].append(text.strip())  # the rest of the line before (RFC 9112, section 5.2)
        else:
            fields.append([text])
    raise where.error(f"expected fewer than {_HEAD_LINES} lines of headers", start)
