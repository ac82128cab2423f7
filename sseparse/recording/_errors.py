"""Define the error that reports a fault of a recording."""

from __future__ import annotations

from typing import NamedTuple

from .._core import Error

__all__ = ["RecordingError", "Where"]


class RecordingError(Error):
    """Report a file that is broken, or that is no recording of event streams.

    Everything before the fault has been delivered.

    Attributes:
        file: The name of the file as it is shown, or a description of the source.
        place: Where the fault is, for example "byte 120" or "log.entries[3]"; "" for the whole.
        problem: What is wrong, and what was expected.
    """

    def __init__(self, file: str, place: str, problem: str) -> None:
        self.file = file
        self.place = place
        self.problem = problem
        super().__init__(file, place, problem)  # pickle and copy use them

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.place, self.problem) if part)


class Where(NamedTuple):
    """A file, and a part of it; it makes the errors about that part.

    Attributes:
        file: The name of the file.
        part: The part; "" for all of it.
        counted: What positions are counted in, if it is not the file itself.
    """

    file: str
    part: str = ""
    counted: str = ""

    def error(self, problem: str, offset: int | None = None) -> RecordingError:
        """Return the error; the offset is one in the part, in bytes."""
        at = "" if offset is None else f"byte {offset}{self.counted}"
        return RecordingError(self.file, _joined(self.part, at), problem)

    def within(self, part: str) -> Where:
        """Return a part of this part."""
        return Where(self.file, _joined(self.part, part), self.counted)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
