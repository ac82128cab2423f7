"""Take away what wraps a body: compression and the chunk sizes of HTTP/1.1, in any order.

The bytes say what wraps them. Headers do not: recordings keep the header ``content-encoding: gzip``
of bodies that they decompressed, and ``transfer-encoding: chunked`` of bodies without the sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._http1 import ChunkedBody, begins_chunked
from ._compressed import compression_of, decompressed
from ._cursor import Cursor

if TYPE_CHECKING:
    from collections.abc import Generator

    from ._errors import Where

__all__ = ["chunked", "layers", "unwrapped", "without_layer"]

_MAX_LAYERS = 5  # a file that contains itself has no end


def chunked(cursor: Cursor, where: Where) -> Generator[bytes, None, None]:
    """Yield the body that the chunks at the cursor hold, and take their end and the trailers.

    Raises:
        RecordingError: The framing is broken, or ends too early.
    """
    start = cursor.position
    body = ChunkedBody(is_strict=True)
    while not body.is_over:
        data = cursor.some()
        if not data:
            body.close()
        elif piece := body.feed(data):
            yield piece
        if body.fault:
            raise where.error(body.problem, start + body.broken_at)
    cursor.give_back(body.surplus)


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
    sizes = begins_chunked(head)
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
