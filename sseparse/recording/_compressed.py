"""Decompress a recording: gzip, zlib, zstd, bzip2 and xz. Its size has no limit.

Each step returns a piece of bounded size. So a small file that decompresses to gigabytes takes no
more memory than any other file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from ._source import READ_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from ._errors import Where

__all__ = ["compression_of", "decompressed"]

_XZ_MEMORY = 1 << 28  # bytes; without a limit, a file could make xz take 4 GiB

# The bytes that one call of zstandard gets. zstandard has no limit for the size of its output, and
# zstd compresses 128 KiB of equal bytes to 4 bytes. So one call returns at most 32 MiB.
_ZSTANDARD_INPUT = 1024

# The first bytes of each compression. Those of zlib are the headers of streams with a window of 32
# KiB, except the header "x^": a text can begin with it.
_MAGIC = {
    "gzip": rb"\x1f\x8b",
    "zlib": rb"x[\x01\x9c\xda]",
    "zstd": rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18",
    "bzip2": rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)",
    "xz": rb"\xfd7zXZ\x00",
}
_MAGICS = re.compile(
    b"|".join(b"(?P<%b>%b)" % (name.encode(), mark) for name, mark in _MAGIC.items())
)
# Beginnings of these that are too short to decide.
_BEGUN = re.compile(
    rb"\x1f|x|\x28(?:\xb5\x2f?)?|[\x50-\x5f](?:\x2a\x4d?)?|\xfd(?:7(?:z(?:XZ?)?)?)?"
    rb"|B(?:Z(?:h(?:[1-9](?:1(?:A(?:Y(?:&(?:SY?)?)?)?)?|\x17(?:r(?:E(?:8P?)?)?)?)?)?)?)?"
)


class _Decompressor(Protocol):
    """The interface of the decompressors of bz2, lzma and compression.zstd."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def compression_of(head: bytes) -> str | None:
    r"""Return the compression that begins with these bytes; "" for none, None if undecided.

    >>> compression_of(b"\x1f\x8b"), compression_of(b"data"), compression_of(b"BZ")
    ('gzip', '', None)
    """
    if match := _MAGICS.match(head):
        return match.lastgroup
    return None if not head or _BEGUN.fullmatch(head) else ""


def decompressed(
    chunks: Iterable[bytes],
    kind: str,
    where: Where,
    members: list[tuple[int, int]] | None = None,
    start: tuple[int, int] = (0, 0),
) -> Generator[bytes, None, None]:
    """Yield the decompressed bytes, in pieces of at most 64 KiB; zstandard may return larger ones.

    A compressed file may consist of several members, one after the other.

    Args:
        chunks: The compressed bytes.
        kind: The name of the compression.
        where: The part of the file with these bytes, for messages.
        members: A list that gets two offsets for each member: that of the member, and that of its
            first byte in the decompressed bytes. A member is left out if it begins less than 64 KiB
            of decompressed bytes after the one before it in the list.
        start: These two offsets for the first byte of ``chunks``.

    Raises:
        RecordingError: The bytes are broken, or end too early.
    """
    new, errors = _codec(kind, where)
    position, made = start
    decompressor: _Decompressor | None = None
    for chunk in chunks:
        data = chunk
        position += len(chunk)
        while data:
            if decompressor is None:
                if kind == "gzip" and made and not (data := data.lstrip(b"\0")):
                    break  # zeros after the last member: programs for tapes add them
                decompressor = new()
                if members is not None and (not members or made - members[-1][1] >= READ_SIZE):
                    members.append((position - len(data), made))
            try:
                piece = decompressor.decompress(data, READ_SIZE)
                while piece or not (decompressor.needs_input or decompressor.eof):
                    made += len(piece)
                    if piece:
                        yield piece
                    if decompressor.needs_input or decompressor.eof:
                        break
                    piece = decompressor.decompress(b"", READ_SIZE)
                data = decompressor.unused_data if decompressor.eof else b""
            except errors as error:
                at = position - len(data)
                raise where.error(f"the {kind} data is broken: {error}", at) from error
            if decompressor.eof:
                decompressor = None
    if decompressor is not None:
        raise where.error(f"the {kind} data ends before its end mark", position)


def _codec(
    kind: str, where: Where
) -> tuple[Callable[[], _Decompressor], tuple[type[BaseException], ...]]:
    """Return a function that makes a decompressor, and the errors that it raises."""
    if kind in ("gzip", "zlib"):
        import zlib

        return (lambda: _Zlib(31 if kind == "gzip" else 15)), (zlib.error,)
    if kind == "bzip2":
        import bz2

        return bz2.BZ2Decompressor, (OSError, ValueError)
    if kind == "xz":
        import lzma

        return (lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY)), (lzma.LZMAError,)
    return _zstd(where)


def _zstd(where: Where) -> tuple[Callable[[], _Decompressor], tuple[type[BaseException], ...]]:
    from importlib import import_module

    try:
        module: Any = import_module("compression.zstd")  # Python 3.14
    except ImportError:
        try:
            module = import_module("zstandard")
        except ImportError as error:
            problem = "reading zstd needs zstandard: pip install 'sseparse[recordings]'"
            raise where.error(problem) from error
        return (lambda: _Zstandard(module)), (module.ZstdError,)
    return module.ZstdDecompressor, (module.ZstdError,)


class _Zlib:
    """zlib with the interface ``_Decompressor``."""

    def __init__(self, wbits: int) -> None:
        import zlib

        self._inner = zlib.decompressobj(wbits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        inner = self._inner
        piece = inner.decompress(inner.unconsumed_tail + data, max_length)
        # If the piece is full, zlib may have more output without more input.
        self.needs_input = len(piece) < max_length and not inner.unconsumed_tail
        return piece


class _Zstandard:
    """zstandard with the interface ``_Decompressor``."""

    def __init__(self, module: Any) -> None:
        self._inner = module.ZstdDecompressor().decompressobj()
        self._rest = b""  # the input that zstandard has not got yet

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        return not self._rest

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data) + self._rest

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:  # noqa: ARG002
        rest = self._rest + data
        self._rest = rest[_ZSTANDARD_INPUT:]
        return bytes(self._inner.decompress(rest[:_ZSTANDARD_INPUT]))
