"""Define the error that reports a fault of a recording."""

from __future__ import annotations

from typing import NamedTuple

from .._core import Error

__all__ = ["RecordingError", "Where"]


class RecordingError(Error):
    """Report a file that is broken, or that is no recording of event streams.

    Everything before the fault was returned before this error.

    Attributes:
        file: The name of the file in quotes, or a description of the source.
        place: The place of the fault, for example "byte 120" or "log.entries[3]"; "" if the fault
            concerns the whole file.
        problem: A description of the fault, with what was expected.
    """

    def __init__(self, file: str, place: str, problem: str) -> None:
        self.file = file
        self.place = place
        self.problem = problem
        super().__init__(file, place, problem)  # pickle and copy use them

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.place, self.problem) if part)


class Where(NamedTuple):
    """A part of a file, for messages. It makes the errors about this part.

    Attributes:
        file: The name of the file.
        part: The name of the part; "" for the whole file.
        counted: A text after each offset in a message. It is not empty if the file is compressed,
            and offsets are counted in the decompressed bytes.
    """

    file: str
    part: str = ""
    counted: str = ""

    def error(self, problem: str, offset: int | None = None) -> RecordingError:
        """Return an error about this part; the offset is in bytes."""
        at = "" if offset is None else f"byte {offset}{self.counted}"
        return RecordingError(self.file, _joined(self.part, at), problem)

    def within(self, part: str) -> Where:
        """Return the place of a smaller part inside this part."""
        return Where(self.file, _joined(self.part, part), self.counted)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
