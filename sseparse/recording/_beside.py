"""Read the bodies that are in files beside a HAR.

With ``content: "attach"``, Playwright writes each body into a file in the folder of the HAR. The
HAR contains the names of these files. Someone hostile may have written the HAR, so no file outside
its folder is read.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._errors import Where

__all__ = ["files_in"]


def files_in(folder: str | None, where: Where, limit: int) -> Callable[[str], bytes | str]:
    """Return a function that reads the files in a folder.

    The function takes the name of a file, and returns its bytes. If the file cannot be read, the
    function returns the reason as text. It raises RecordingError for a file above the limit.

    Args:
        folder: The folder; None if the path of the HAR is not known.
        where: The HAR, for messages.
        limit: The largest size of a file, in bytes.
    """

    def read(name: str) -> bytes | str:
        if folder is None:
            return "which can be read only if the path of the HAR is given"
        try:
            path = _inside(folder, name)
            if path is None:
                return "which is outside the folder of the HAR, and is not read"
            if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  # a pipe would block
                return "which is not a regular file"
            with open(path, "rb") as file:  # noqa: PTH123  # as in _source
                data = file.read(limit + 1)
        except (FileNotFoundError, ValueError):  # ValueError: a NUL or a surrogate in the name
            return "which is not in the folder of the HAR"
        except OSError as error:
            return f"which cannot be read: {error.strerror}"
        if len(data) > limit:
            problem = f"expected at most {limit} bytes (max_document); this is larger"
            raise where.within(repr(name)).error(problem)
        return data

    return read


def _inside(folder: str, name: str) -> str | None:
    """Return the path of a file in the folder or its subfolders; None for any other file."""
    if ".." in name.replace("\\", "/").split("/") or os.path.isabs(name):  # noqa: PTH117  # of text
        return None
    root = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(root, name))  # noqa: PTH118  # follows links
    return path if path.startswith(os.path.join(root, "")) else None  # noqa: PTH118
