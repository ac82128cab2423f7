"""Read a zip file that contains a HAR and its bodies; Playwright writes such files."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._errors import Where

__all__ = ["har_files"]

# The exceptions of zipfile for a file that is broken or encrypted, or has another compression.
_FAULTS = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    LookupError,
    EOFError,
    OSError,
    OverflowError,
    zlib.error,
)


def har_files(
    data: bytes, where: Where, limit: int
) -> Iterator[tuple[str, bytes, Callable[[str], bytes | str]]]:
    """Yield the name and the bytes of each HAR file, and a function that reads a file beside it.

    The function takes the name of a file, and returns its bytes. If the file is missing, the
    function returns the reason as text.

    Args:
        data: The zip file.
        where: The zip file, for messages.
        limit: The largest size of a file in it, in bytes.

    Raises:
        RecordingError: The zip file is broken, contains no HAR file, or has one above the limit.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        names = [name for name in archive.namelist() if name.lower().endswith(".har")]
    except _FAULTS as error:
        raise where.error(f"the zip file is broken: {error}") from error
    if not names:
        raise where.error("this is a zip file without a HAR file; unpack it, and read its files")

    def read(name: str) -> bytes:
        try:
            with archive.open(name) as file:
                found = file.read(limit + 1)
        except _FAULTS as error:
            raise where.within(repr(name)).error(f"it cannot be unpacked: {error}") from error
        if len(found) > limit:
            problem = f"expected at most {limit} bytes (max_document); this is larger"
            raise where.within(repr(name)).error(problem)
        return found

    def beside(name: str) -> bytes | str:
        return read(name) if name in archive.NameToInfo else "which is not in the zip file"

    for name in names:
        yield repr(name), read(name), beside
