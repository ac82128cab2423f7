"""Remove the layers of a body: compression, and the chunk sizes of HTTP/1.1, in any order.

A layer is recognised by the first bytes, and not by headers. Recorders often keep the header
``content-encoding: gzip`` after they decompress a body, and ``transfer-encoding: chunked`` after
they remove the chunk sizes.
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

_MAX_LAYERS = 5  # there are files that decompress to themselves, without an end


def chunked(cursor: Cursor, where: Where) -> Generator[bytes, None, None]:
    """Take a body with chunk sizes and its trailers, and yield the bytes without the sizes.

    Raises:
        RecordingError: A chunk size is broken, or the body ends too early.
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
    """Return the names of the layers, from the outside to the inside, and the bytes without them.

    No more bytes are read than are needed to recognise the layers.

    Args:
        chunks: The bytes with their layers.
        where: The part of the file with these bytes, for messages.
        members: A list for the members of the outermost layer; see ``decompressed``.

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
            raise where.error(f"it is compressed more than {_MAX_LAYERS} times")
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
    """Return the bytes without one layer; the arguments are those of ``decompressed``."""
    if name == "chunked":
        return _all_chunks(chunks, where)
    return decompressed(chunks, name, where, members, start)


def unwrapped(chunks: Generator[bytes, None, None], where: Where) -> Generator[bytes, None, None]:
    """Yield the bytes without their layers."""
    yield from layers(chunks, where)[1]


def _layer_of(head: bytes) -> str | None:
    """Return the layer that begins with these bytes; "" for none, None if undecided."""
    kind = compression_of(head)
    if kind:
        return kind
    sizes = begins_chunked(head)
    if sizes:
        return "chunked"
    return None if kind is None or sizes is None else ""


def _all_chunks(chunks: Generator[bytes, None, None], where: Where) -> Generator[bytes, None, None]:
    """Yield the body inside chunk sizes. Only white space may follow the body.

    Raises:
        RecordingError: Another byte follows, or as for ``chunked``.
    """
    cursor = Cursor(chunks)
    yield from chunked(cursor, where)
    while piece := cursor.some():
        if piece.strip():
            raise where.error("expected nothing after the last chunk", cursor.position - len(piece))


def _joined(head: list[bytes], rest: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    """Yield the chunks that were read first, and then the rest."""
    yield from head
    yield from rest
