"""The compression of bodies (RFC 9110, section 8.4), as far as the standard library undoes it."""

from __future__ import annotations

from typing import Any

from ._errors import HttpError

# Bytes that are decompressed at once: a few of a body can stand for a thousand times as many.
_MAX_PIECE = 1024 * 1024
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's names for the containers
_GZIP_MAGIC = b"\x1f\x8b"
_CODINGS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}


class Decompressor:
    """Undoes gzip, in one or several members, and deflate, with or without zlib's container.

    Attributes:
        is_whole: Whether what was fed ends where the compressed data does.
        has_more: Whether ``feed(b"")`` returns more of what was fed before, or raises.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._zlib: Any = None  # of the member that is being read; None between members
        self._error: type[Exception] = HttpError  # what it raises
        self._container = _CODINGS[coding]
        self._held = b""  # what was fed and not used: a piece was full, or too little was there
        self._goes_on = False  # whether there may be more in what is held. By _step.
        self._next = b""  # the piece that the next call returns. By feed.
        self._fault: HttpError | None = None  # what the next call raises. By feed.
        self._is_first = True  # no member has ended
        self.is_whole = True
        self.has_more = False

    def feed(self, data: bytes) -> bytes:
        """Return what the bytes stand for, 1 MiB of it at most; see ``has_more``.

        Raises:
            HttpError: They are not compressed that way.
        """
        if self._fault is not None:
            raise self._fault
        self._held += data
        piece = self._next or self._piece()
        self._next = b""
        if self._goes_on:  # only who looks knows whether it does
            try:
                self._next = self._piece()
            except HttpError as fault:  # what came before it is returned first
                self._fault = fault
        self.has_more = bool(self._next or self._fault)
        return piece

    def _piece(self) -> bytes:
        """Return the next piece; b"" if too little is held."""
        piece = self._step()
        while self._goes_on and not piece:  # behind the end of a member
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
            self.is_whole = True  # what is behind the compressed data says nothing
            return False
        if len(data) < 2:
            self._held, self.is_whole = data, not data and self.is_whole
            return False
        container = self._container
        if container == _ZLIB and not (data[0] & 15 == 8 and (data[0] * 256 + data[1]) % 31 == 0):
            container = _RAW  # as some servers understood the name
        import zlib  # here, because heads and chunks are read without it

        self._zlib, self.is_whole = zlib.decompressobj(container), False
        self._error = zlib.error
        return True


def decompressor_of(head_values: list[str]) -> Decompressor | None:
    """Return what undoes the codings of a ``Content-Encoding``; None if nothing here does."""
    if len(head_values) == 1 and head_values[0] in _CODINGS:
        return Decompressor(head_values[0])
    return None
