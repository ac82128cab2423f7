"""Undo what compresses a recording: gzip, zlib, zstd, bzip2 and xz, without a limit of size.

Each step makes a bounded piece of output, so that a small file that decompresses to gigabytes takes
no more memory than any other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from ._source import READ_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from ._errors import Where

__all__ = ["compression_of", "decompressed"]

_XZ_MEMORY = 1 << 28  # bytes; a dictionary may ask for 4 GiB

# A run of equal bytes takes zstd 4 bytes for each 128 KiB, and zstandard has no limit for what one
# call returns. So this many bytes at once can become 32 MiB at most.
_ZSTANDARD_INPUT = 1024

# The first bytes. Those of zlib are the header of a stream with a window of 32 KiB, except one that
# is text ("x^").
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
# What may become one of them with more bytes.
_BEGUN = re.compile(
    rb"\x1f|x|\x28(?:\xb5\x2f?)?|[\x50-\x5f](?:\x2a\x4d?)?|\xfd(?:7(?:z(?:XZ?)?)?)?"
    rb"|B(?:Z(?:h(?:[1-9](?:1(?:A(?:Y(?:&(?:SY?)?)?)?)?|\x17(?:r(?:E(?:8P?)?)?)?)?)?)?)?"
)


class _Decompressor(Protocol):
    """What bz2, lzma and compression.zstd have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def compression_of(head: bytes) -> str | None:
    r"""Return which compression the first bytes are of; "" for none, None if more bytes decide.

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
    """Yield what the bytes decompress to, in pieces of 64 KiB at most.

    A file may consist of several members, one after the other.

    Args:
        chunks: The compressed bytes.
        kind: The name of the compression.
        where: The part of the file that the bytes are, for messages.
        members: Collects the offset at which each member begins, and the offset of its first byte
            in what comes out. Members that are close to each other are left out.
        start: Both offsets at the first of the bytes.

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
                    break  # padding, as of tapes
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
    """Return what makes a decompressor, and the errors that broken data raises."""
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
    """zlib in the words of the other decompressors."""

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
        # A full piece may be a part of what zlib could give without more input.
        self.needs_input = len(piece) < max_length and not inner.unconsumed_tail
        return piece


class _Zstandard:
    """zstandard in the words of the other decompressors."""

    def __init__(self, module: Any) -> None:
        self._inner = module.ZstdDecompressor().decompressobj()
        self._rest = b""  # input that was not given to it yet

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
