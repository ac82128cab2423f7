"""Read the bodies that are in files beside a HAR.

Playwright writes such files with ``content: "attach"``, into the folder of the HAR, which has their
names. A HAR can come from anybody, so no file outside that folder is read.
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
    """Return a function that reads a file of a folder; if it cannot, it returns the reason as text.

    Args:
        folder: The folder; None if the HAR was given without its path.
        where: The HAR, for messages.
        limit: The most bytes of a file; the function raises a RecordingError for a larger one.
    """

    def read(name: str) -> bytes | str:
        if folder is None:
            return "which can be read only if the path of the HAR is given"
        try:
            path = _inside(folder, name)
            if path is None:
                return "which is outside the folder of the HAR, and is not read"
            if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  # a pipe would wait
                return "which is no file"
            with open(path, "rb") as file:  # noqa: PTH123  # as in _source
                data = file.read(limit + 1)
        except (FileNotFoundError, ValueError):  # for a NUL, or half of a character
            return "which is not in the folder of the HAR"
        except OSError as error:
            return f"which cannot be read: {error.strerror}"
        if len(data) > limit:
            problem = f"expected at most {limit} bytes (max_document); this is larger"
            raise where.within(repr(name)).error(problem)
        return data

    return read


def _inside(folder: str, name: str) -> str | None:
    """Return the path of a file in the folder, or below it; None if it is elsewhere."""
    if ".." in name.replace("\\", "/").split("/") or os.path.isabs(name):  # noqa: PTH117  # of text
        return None
    root = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(root, name))  # noqa: PTH118  # follows links
    return path if path.startswith(os.path.join(root, "")) else None  # noqa: PTH118
