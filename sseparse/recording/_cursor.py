"""Read lines and parts of a given length from bytes that come in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["Cursor", "limited"]


class Cursor:
    """A position in bytes that come in chunks. "To take" bytes is to move the position past them.

    The cursor holds the bytes that were read but not taken.

    Attributes:
        position: The offset of the next byte.
    """

    def __init__(self, chunks: Generator[bytes, None, None], position: int = 0) -> None:
        self.position: int = position
        self._chunks = chunks
        self._held = b""  # the bytes that were read last
        self._at = 0  # the bytes of _held before this index have been taken

    def head(self, is_enough: Callable[[bytes], bool]) -> bytes:
        """Return the next bytes as soon as they are enough; at the end, all bytes. Take nothing.

        ``is_enough`` first gets 512 bytes, and then more. It does not get all held bytes at once: a
        copy of these for each of many small parts of a file would take too long.
        """
        size = 512
        while True:
            head = self._held[self._at : self._at + size]
            if is_enough(head):
                return head
            if len(head) == size:
                size *= 8
            elif not self._fill():
                return head

    def starts_with(self, prefix: bytes) -> bool:
        """Tell whether the next bytes are these. Take nothing, and read only until it is clear."""
        while True:
            head = self._held[self._at : self._at + len(prefix)]
            if len(head) == len(prefix) or not prefix.startswith(head) or not self._fill():
                return head == prefix

    def is_at_end(self) -> bool:
        """Tell whether there are no more bytes."""
        return self._at == len(self._held) and not self._fill()

    def skip_line_ends(self) -> bool:
        """Take all CR and LF at the position; return whether another byte follows."""
        while not self.is_at_end():
            if self._held[self._at] not in b"\r\n":
                return True
            rest = len(self._held[self._at :].lstrip(b"\r\n"))
            self._take(len(self._held) - self._at - rest)
        return False

    def line(self, limit: int) -> bytes | None:
        """Take a line with its LF; at the end, the rest. None if it is longer than the limit."""
        pieces: list[bytes] = []
        missing = limit
        while True:
            end = self._held.find(b"\n", self._at, self._at + missing)
            pieces.append(self._take((end + 1 if end >= 0 else len(self._held)) - self._at))
            missing -= len(pieces[-1])
            if end < 0 and missing <= 0:
                return None
            if end >= 0 or not self._fill():
                return b"".join(pieces)

    def peek_line(self, limit: int) -> bytes:
        """Return the next line, or the first bytes of a line above the limit. Take nothing."""
        pieces = [self._held[self._at :]]
        size = len(pieces[0])
        while b"\n" not in pieces[-1] and size < limit and self._fill_anew():
            pieces.append(self._held)
            size += len(self._held)
        self._held, self._at = b"".join(pieces), 0
        return self._held[: self._held.find(b"\n") + 1] or self._held

    def some(self, limit: int | None = None) -> bytes:
        """Take the held bytes; if there are none, those of the next read. b"" at the end."""
        if self._at == len(self._held) and not self._fill():
            return b""
        held = len(self._held) - self._at
        return self._take(held if limit is None else min(limit, held))

    def give_back(self, data: bytes) -> None:
        """Put back the bytes that were taken last."""
        self.position -= len(data)
        self._held = data + self._held[self._at :]
        self._at = 0

    def _fill(self) -> bool:
        """Read one more chunk; return False at the end."""
        rest = self._held[self._at :]
        if not self._fill_anew():
            return False
        if rest:
            self._held = rest + self._held
        return True

    def _fill_anew(self) -> bool:
        """Read one more chunk, and hold only this; return False at the end."""
        for chunk in self._chunks:
            self._held = chunk
            self._at = 0
            return True
        return False

    def _take(self, size: int) -> bytes:
        start = self._at
        self._at += size
        self.position += size
        return self._held if size == len(self._held) else self._held[start : self._at]


def limited(cursor: Cursor, size: int) -> Generator[bytes, None, None]:
    """Take this many bytes from the cursor, or all if there are fewer, and yield them."""
    while size and (piece := cursor.some(size)):
        size -= len(piece)
        yield piece
