"""Read the bytes of a recording from a path, an open file or memory."""

from __future__ import annotations

import errno
import io
import os
import stat
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["READ_SIZE", "BinaryFile", "Source", "source_of"]

READ_SIZE = 64 * 1024  # bytes


class BinaryFile(Protocol):
    """A file opened in binary mode, a pipe, or the answer of an HTTP library.

    If the object also has ``read1``, ``seekable``, ``seek`` and ``tell``, these are used.
    """

    def read(self, size: int, /) -> bytes | None:
        """Return at most ``size`` bytes; b"" at the end."""


class Source:
    """Bytes that can be read several times from any position, or only once from the start.

    Attributes:
        name: The name in messages.
        can_seek: Whether ``chunks`` can be called more than once, and with a start.
        size: The number of bytes; None if it is not known before they are read.
        folder: The folder of a regular file whose path is known; otherwise None.
    """

    name: str
    can_seek: bool
    size: int | None
    folder: str | None = None

    def chunks(self, start: int = 0) -> Generator[bytes, None, None]:
        """Yield the bytes from a position on, one chunk for each read."""
        raise NotImplementedError


class _Path(Source):
    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self.name = repr(self._path)  # a path may contain control characters
        found = os.stat(self._path)  # noqa: PTH116  # a str has no stat()
        self.can_seek = stat.S_ISREG(found.st_mode)  # a named pipe can be read once
        # Files in /proc have the size 0, but may have bytes.
        self.size = found.st_size or None if self.can_seek else None
        if self.can_seek:
            self.folder = _folder_of(self._path)

    def chunks(self, start: int = 0) -> Generator[bytes, None, None]:
        with open(self._path, "rb", buffering=0) as file:  # noqa: PTH123  # a str has no open()
            if start:
                file.seek(start)
            while data := file.read(READ_SIZE):
                yield data


class _File(Source):
    def __init__(self, file: Any) -> None:
        self._read = getattr(file, "read1", file.read)
        self._file = file
        name = getattr(file, "name", None)
        self.name = repr(name) if isinstance(name, str) else "the file"
        self.can_seek = bool(getattr(file, "seekable", bool)())
        # The recording begins at the current position of the file.
        self._base = file.tell() if self.can_seek else 0
        self.size = _size_on_disk(file) if self.can_seek else None
        if self.size is not None:
            self.size = max(0, self.size - self._base)
        if self.can_seek and _is_path_of(name, file):
            self.folder = _folder_of(name)

    def chunks(self, start: int = 0) -> Generator[bytes, None, None]:
        position = self._base + start
        while True:
            if self.can_seek:
                self._file.seek(position)  # another iteration may have moved the position
            data = self._read(READ_SIZE)
            if data is None:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            if isinstance(data, str):
                raise TypeError("expected a file opened in binary mode, not in text mode")
            if not data:
                return
            position += len(data)
            yield bytes(data)


class _Memory(Source):
    name = "the bytes"
    can_seek = True

    def __init__(self, data: Any) -> None:
        self._view = memoryview(data).cast("B")
        self.size = len(self._view)

    def chunks(self, start: int = 0) -> Generator[bytes, None, None]:
        for at in range(start, len(self._view), READ_SIZE):
            yield bytes(self._view[at : at + READ_SIZE])


def _folder_of(path: Any) -> str:
    return os.path.dirname(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100, PTH120


def _is_path_of(name: object, file: Any) -> bool:
    """Tell whether this name is a path that still leads to the open file."""
    try:
        return isinstance(name, str) and os.path.samestat(
            os.stat(name),  # noqa: PTH116
            os.fstat(file.fileno()),
        )
    except (AttributeError, OSError, ValueError):
        return False


def _size_on_disk(file: Any) -> int | None:
    """Return the size of a regular file; None for any other object with the methods of a file."""
    try:
        found = os.fstat(file.fileno())
    except (AttributeError, OSError):
        return None
    # The object that gzip.open returns decompresses. The size on disk is not the size of its bytes.
    is_itself = isinstance(file, (io.FileIO, io.BufferedReader))
    return (found.st_size or None) if is_itself and stat.S_ISREG(found.st_mode) else None


def source_of(source: Any) -> Source:
    """Return the source for a path, a file opened in binary mode, or a bytes-like object.

    Raises:
        OSError: The path cannot be opened.
        TypeError: The object is none of these.
    """
    if isinstance(source, (str, os.PathLike)):
        return _Path(source)
    if hasattr(source, "read") and not hasattr(source, "resize"):  # a mmap has both
        return _File(source)
    try:
        return _Memory(source)
    except TypeError as error:
        kind = type(source).__name__
        raise TypeError(f"expected a path, a binary file or bytes, not {kind}") from error
