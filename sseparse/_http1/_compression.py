"""Decompress bodies (RFC 9110, section 8.4), as far as the standard library can."""

from __future__ import annotations

from typing import Any

from ._errors import HttpError

# Bytes that are returned at once: a body may decompress to a thousand times its size.
_MAX_PIECE = 1024 * 1024
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's names for the containers
_GZIP_MAGIC = b"\x1f\x8b"
_CODINGS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}


class Decompressor:
    """Decompress gzip, in one or several members, and deflate, with or without zlib's container.

    Attributes:
        is_whole: Whether the bytes so far end where the compressed data does.
        has_more: Whether ``feed(b"")`` returns more bytes, or raises.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._zlib: Any = None  # of the member that is being read; None between members
        self._error: type[Exception] = HttpError  # what it raises
        self._container = _CODINGS[coding]
        self._held = b""  # bytes not used yet: a piece was full, or there were too few
        self._goes_on = False  # whether the held bytes may give more. By _step.
        self._next = b""  # the piece that the next call returns. By feed.
        self._fault: HttpError | None = None  # the next call raises it. By feed.
        self._is_first = True  # no member has ended
        self.is_whole = True
        self.has_more = False

    def feed(self, data: bytes) -> bytes:
        """Return the decompressed bytes, 1 MiB at most; see ``has_more``.

        Raises:
            HttpError: The bytes are not compressed in this way.
        """
        if self._fault is not None:
            raise self._fault
        self._held += data
        piece = self._next or self._piece()
        self._next = b""
        if self._goes_on:  # only the next piece shows whether there is more
            try:
                self._next = self._piece()
            except HttpError as fault:  # everything before it is returned first
                self._fault = fault
        self.has_more = bool(self._next or self._fault)
        return piece

    def _piece(self) -> bytes:
        """Return the next piece; b"" if too little is held."""
        piece = self._step()
        while self._goes_on and not piece:  # after the end of a member
            piece = self._step()
        return piece

    def _step(self) -> bytes:
        data, self._held, self._goes_on = self._held, b"", False
        if self._zlib is None and not self._begin(data):
            return b""
        try:
            piece: bytes = self._zlib.decompress(data, _MAX_PIECE)
        except self._error as error:
            raise HttpError(f"the body is no {self._coding}: {error}") from error
        self._held = self._zlib.unconsumed_tail
        self._goes_on = len(piece) == _MAX_PIECE
        if self._zlib.eof:
            self._held, self._zlib = self._zlib.unused_data, None
            self.is_whole, self._is_first = True, False
            self._goes_on = bool(self._held)
        return piece

    def _begin(self, data: bytes) -> bool:
        """Begin the member that begins with these bytes; tell whether there is one."""
        has_another = self._container == _GZIP and _GZIP_MAGIC.startswith(data[:2])
        if not (self._is_first or has_another):
            self.is_whole = True  # bytes after the compressed data do not matter
            return False
        if len(data) < 2:
            self._held, self.is_whole = data, not data and self.is_whole
            return False
        container = self._container
        if container == _ZLIB and not (data[0] & 15 == 8 and (data[0] * 256 + data[1]) % 31 == 0):
            container = _RAW  # the meaning of the name for some servers
        import zlib  # here, because heads and chunks do not need it

        self._zlib, self.is_whole = zlib.decompressobj(container), False
        self._error = zlib.error
        return True


def decompressor_of(head_values: list[str]) -> Decompressor | None:
    """Return a decompressor for a ``Content-Encoding``; None if it is not supported."""
    if len(head_values) == 1 and head_values[0] in _CODINGS:
        return Decompressor(head_values[0])
    return None
