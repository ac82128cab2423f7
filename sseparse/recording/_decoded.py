"""Decompress a source, and read it again from any position."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from ._layers import layers, without_layer

if TYPE_CHECKING:
    from collections.abc import Generator

    from ._errors import Where
    from ._source import Source

__all__ = ["Decoded"]


class Decoded:
    """The bytes of a source, without compression and the chunk sizes of HTTP.

    Attributes:
        names: The names of the layers, from the outside to the inside; see ``layers``.
        live: The first iteration over the bytes.
    """

    def __init__(self, source: Source, where: Where) -> None:
        self._source = source
        self._where = where
        # Two offsets for each member of the compressed file: that of the member, and that of its
        # first byte in the decompressed bytes. The first iteration adds them.
        self._members: list[tuple[int, int]] = []
        self.names: list[str]
        self.live: Generator[bytes, None, None]
        self.names, self.live = layers(source.chunks(), where, self._members)

    @property
    def can_seek(self) -> bool:
        """Whether the source can be read more than once."""
        return self._source.can_seek

    def open(self, start: int) -> Generator[bytes, None, None]:
        """Return another iteration over the bytes, from an offset on.

        A compressed file with one member is decompressed from its start. WARC files have many
        members. A file with many members is decompressed from the last one that begins before the
        offset.
        """
        if not self.names:
            return self._source.chunks(start)
        offsets = [made for _, made in self._members]
        index = bisect_right(offsets, start) - 1
        begin = self._members[index] if index >= 0 and len(self.names) == 1 else (0, 0)
        chunks = self._source.chunks(begin[0])
        chunks = without_layer(chunks, self.names[0], self._where, None, begin)
        for name in self.names[1:]:
            chunks = without_layer(chunks, name, self._where)
        return _skipped(chunks, start - begin[1])


def _skipped(chunks: Generator[bytes, None, None], size: int) -> Generator[bytes, None, None]:
    """Yield the chunks without the first ``size`` bytes."""
    for chunk in chunks:
        if size < len(chunk):
            yield chunk[size:] if size else chunk
        size = max(0, size - len(chunk))
