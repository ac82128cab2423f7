"""Take away what wraps a body: compression and the chunk sizes of HTTP/1.1, in any order.

The bytes say what wraps them. Headers do not: recordings keep the header ``content-encoding: gzip``
of bodies that they decompressed, and ``transfer-encoding: chunked`` of bodies without the sizes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._compressed import compression_of, decompressed
from ._cursor import Cursor

if TYPE_CHECKING:
    from collections.abc import Generator

    from ._errors import Where

__all__ = ["chunked", "is_chunked", "layers", "unwrapped", "without_layer"]

_MAX_LAYERS = 5  # a file that contains itself has no end
_LINE_LIMIT = 8192  # bytes of a chunk size with its extensions, or of a trailer
_TRAILERS = 1000

# RFC 9112, section 7.1. curl and wget pad the sizes that some servers send with spaces.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_SIZE_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,15}[ \t]*(?:;[^\r\n]*)?\r?")


def is_chunked(head: bytes) -> bool | None:
    r"""Tell whether the first bytes are a chunk size; None if more bytes decide.

    >>> is_chunked(b"1a\r\n"), is_chunked(b"da"), is_chunked(b"data")
    (True, None, False)
    """
    if _SIZE.match(head):
        return True
    return None if len(head) < _LINE_LIMIT and _SIZE_BEGUN.fullmatch(head) else False


def chunked(cursor: Cursor, where: Where) -> Generator[bytes, None, None]:
    """Yield the body that the chunks at the cursor hold, and take their end and the trailers.

    Raises:
        RecordingError: The framing is broken, or ends too early.
    """
    while True:
        at = cursor.position
        line = cursor.line(_LINE_LIMIT)
        match = _SIZE.fullmatch(line) if line else None
        if match is None:
            what = (
                "the end" if line == b"" else "a line too long" if line is None else repr(line[:40])
            )
            raise where.error(f"expected the size of a chunk, not {what}", at)
        size = int(match[1], 16)
        if not size:
            break
        missing = size
        while missing:
            piece = cursor.some(missing)
            if not piece:
                problem = f"a chunk of {size} bytes ends after {size - missing} bytes"
                raise where.error(problem, cursor.position)
            missing -= len(piece)
            yield piece
        end = cursor.line(2)
        if end != b"\r\n":
            what = "other bytes" if end is None else repr(end) if end else "the end"
            problem = f"expected CR LF after a chunk of {size} bytes, not {what}"
            raise where.error(problem, cursor.position)
    for _ in range(_TRAILERS):
        line = cursor.line(_LINE_LIMIT)
        if line is not None and not line.rstrip(b"\r\n"):
            return  # also where the file ends without the blank line: the body is complete
        if line is None or b":" not in line:
            break
    raise where.error("expected a blank line after the last chunk", cursor.position)


def layers(
    chunks: Generator[bytes, None, None],
    where: Where,
    members: list[tuple[int, int]] | None = None,
) -> tuple[list[str], Generator[bytes, None, None]]:
    """Return what wraps the bytes, from the outside to the inside, and the bytes without it.

    No more is read than decides. ``members`` collects those of the outermost layer; see
    ``decompressed``.

    Raises:
        RecordingError: The first bytes of a layer are broken.
    """
    names: list[str] = []
    while True:
        head: list[bytes] = []
        kind: str | None = None
        for chunk in chunks:
            head.append(chunk)
            kind = _layer_of(b"".join(head))
            if kind is not None:
                break
        chunks = _joined(head, chunks)
        if not kind:
            return names, chunks
        if len(names) == _MAX_LAYERS:
            raise where.error(f"it is wrapped more than {_MAX_LAYERS} times")
        names.append(kind)
        chunks = without_layer(chunks, kind, where, members)
        members = None


def without_layer(
    chunks: Generator[bytes, None, None],
    name: str,
    where: Where,
    members: list[tuple[int, int]] | None = None,
    start: tuple[int, int] = (0, 0),
) -> Generator[bytes, None, None]:
    """Return the bytes without a layer; the arguments are those of ``decompressed``."""
    if name == "chunked":
        return _all_chunks(chunks, where)
    return decompressed(chunks, name, where, members, start)


def unwrapped(chunks: Generator[bytes, None, None], where: Where) -> Generator[bytes, None, None]:
    """Yield the bytes without their layers."""
    yield from layers(chunks, where)[1]


def _layer_of(head: bytes) -> str | None:
    """Return the layer that begins with these bytes; "" for none, None if more bytes decide."""
    kind = compression_of(head)
    if kind:
        return kind
    sizes = is_chunked(head)
    if sizes:
        return "chunked"
    return None if kind is None or sizes is None else ""


def _all_chunks(chunks: Generator[bytes, None, None], where: Where) -> Generator[bytes, None, None]:
    """Yield the body in chunks to which nothing is added."""
    cursor = Cursor(chunks)
    yield from chunked(cursor, where)
    while piece := cursor.some():
        if piece.strip():
            raise where.error("expected nothing after the last chunk", cursor.position - len(piece))


def _joined(head: list[bytes], rest: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    """Yield the head as the chunks that it came in, and then the rest."""
    yield from head
    yield from rest
