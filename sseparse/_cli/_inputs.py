"""Read the files of the command line, and report their faults."""

from __future__ import annotations

import argparse
import io
import os
import re
import stat
import sys
from typing import TYPE_CHECKING, TypeVar

from .._safe_text import one_line, quoted
from ..recording import RecordingError, streams
from ..recording._errors import Where
from ._output import complain, note
from ._progress import Progress
from ._stopped import StoppedError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from .._core import Pending
    from ..recording import Recording, Streams
    from ..recording._recording import StrayLines

__all__ = ["MIB", "Faults", "Found", "add_options", "check", "recordings", "size_of", "unfinished"]

_T = TypeVar("_T")

# Forms with one stream and nothing else.
_SINGLE = frozenset({"raw body", "lines of JSON"})
# Forms that are read as they come. After a fault, the rest of such a file cannot be read.
_AS_THEY_COME = frozenset({*_SINGLE, "HTTP answer", "WARC", "httprr"})
MIB = 1024 * 1024
_MAX_DOCUMENT = 256  # MiB
_NOTES = 10  # lines of Streams.skipped that are printed
_SHOWN = 40  # characters of an unfinished event
_BOM_SIZE = 3  # bytes

# The ends of the library's messages that name an argument. The command names its option instead.
_OPTIONS = {
    "json_lines=True reads each line as an event": "--json-lines reads each line as an event",
    "(max_document)": "(--max-document)",
    "(max_document); this one is larger": "(--max-document); this one is larger",
    "(max_document); this is larger": "(--max-document); this is larger",
}
_OPTION = re.compile("|".join(f"{re.escape(each)}$" for each in _OPTIONS))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of all subcommands that read recordings."""
    parser.add_argument(
        "files",
        nargs="*",
        default=["-"],
        metavar="FILE",
        help="recordings in any form; default, and -: standard input",
    )
    parser.add_argument(
        "-n",
        "--stream",
        type=_number,
        metavar="N",
        help="take only this stream of each file, from 1",
    )
    parser.add_argument(
        "--json-lines",
        action="store_true",
        help="each line is JSON: the data of one event, or a line that 'events' printed",
    )
    parser.add_argument(
        "--max-document",
        type=_number,
        metavar="BYTES",
        default=_MAX_DOCUMENT * MIB,
        help=f"refuse larger JSON, YAML and zip files (default: {_MAX_DOCUMENT} MiB)",
    )


def size_of(text: str) -> int | None:
    """Return the value of an option that is a number of bytes, or "none" for no limit."""
    return None if text == "none" else _number(text)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 19 and int(text)):
        raise argparse.ArgumentTypeError(f"expected a number from 1, not {text!r}")
    return int(text)


class Faults:
    """The faults of the inputs: each is a line on standard error, and the worst is the status."""

    def __init__(self) -> None:
        self._status = 0

    def report(self, fault: StoppedError) -> None:
        """Report a fault; the command continues with the rest."""
        complain(str(fault))
        self._status = max(self._status, fault.status)

    def end(self) -> None:
        """End the command with the status.

        Raises:
            StoppedError: There was a fault.
        """
        if self._status:
            raise StoppedError(self._status, "")


class Input(io.FileIO):
    """A file of the command line, which counts the bytes that are read.

    Attributes:
        path: Its path; None for standard input.
        label: Its name in messages.
        is_running: Whether it is no regular file, so more bytes may arrive later.
    """

    def __init__(self, path: str, progress: Progress) -> None:
        self.path = None if path == "-" else path
        # A path may contain control characters.
        self.label = "standard input" if self.path is None else repr(path)
        try:
            if self.path is not None:
                super().__init__(path)
            elif sys.stdin is None:
                raise StoppedError(2, f"{self.label}: it is closed")
            else:
                super().__init__(sys.stdin.fileno(), closefd=False)
            found = os.fstat(self.fileno())
        except OSError as error:
            raise StoppedError(2, f"{self.label}: {error.strerror}") from error
        self.is_running = not stat.S_ISREG(found.st_mode)
        self._progress = progress
        progress.name = one_line(self.label)
        progress.done = 0
        progress.size = None if self.is_running else found.st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, and count the bytes."""
        data = super().read(size)
        if data:
            self._progress.done += len(data)
        return data


class Found:
    """A recording of one of the files.

    Attributes:
        recording: The recording.
        is_single: Whether its form has one stream and nothing else.
        is_running: Whether more bytes of the file may arrive later.
        is_broken: Whether a fault of the file was found in this recording.
        label: Its name in messages.
        path: The path of its file, if there are several files; else None.
    """

    def __init__(self, recording: Recording, source: Input, path: str | None) -> None:
        self.recording = recording
        self.is_running = source.is_running
        self.is_broken = False
        self.form = recording.form.partition(",")[0]
        self.is_single = self.form in _SINGLE
        self.path = path
        self._source = source
        part = "" if self.is_single else f": stream {recording.number}"
        self.label = f"{source.label}{part}"

    def reads(self) -> Generator[tuple[int | None, bytes], None, None]:
        """Yield the reads.

        Raises:
            StoppedError: The file is broken, or cannot be read.
        """
        try:
            yield from guarded(self.recording.reads, self._source.label)
        except StoppedError:  # a StoppedError that the caller raises does not come here
            self.is_broken = True
            raise

    @property
    def title(self) -> str:
        """The beginning of a readable line about the recording: its file and number, if needed."""
        file = "" if self.path is None else f"{one_line(self.path)}: "
        return file if self.is_single else f"{file}{self.recording.number}: "

    @property
    def prefix(self) -> str:
        """The beginning of a JSON line about the recording: its file and number, if needed."""
        file = "" if self.path is None else f'"file": {quoted(self.path)}, '
        return file if self.is_single else f'{file}"stream": {self.recording.number}, '


def recordings(arguments: argparse.Namespace, faults: Faults) -> Iterator[Found]:
    """Yield the recordings of the files, and report the faults of the files."""
    has_many = len(arguments.files) > 1
    with Progress() as progress:
        for path in arguments.files:
            try:
                with Input(path, progress) as source:
                    yield from _recordings_of(source, path if has_many else None, arguments)
            except StoppedError as fault:
                faults.report(fault)


def _recordings_of(
    source: Input, path: str | None, arguments: argparse.Namespace
) -> Iterator[Found]:
    found = streams(source, json_lines=arguments.json_lines, max_document=arguments.max_document)
    number = 0
    for recording in guarded(found, source.label):
        number = recording.number
        if arguments.stream in (None, number):
            one = Found(recording, source, path)
            if recording.damage:
                note(f"sseparse: {one.label}: {recording.damage}")
            yield one
            if arguments.stream or (one.is_broken and one.form in _AS_THEY_COME):
                return
    if arguments.stream:
        held = f"{number} stream{'s' * (number != 1)}"
        missing = f"{source.label}: there is no stream {arguments.stream}"
        raise StoppedError(1, f"{missing}; the file has {held}")
    _judge(found, number, source.label)


def _judge(found: Streams, number: int, label: str) -> None:
    """Report the answers that a file calls event streams, but that have no such body.

    Raises:
        StoppedError: The file contains no event stream.
    """
    skipped = found.skipped
    if not number:
        reasons = "".join(f"; {each}" for each in skipped[:_NOTES])
        form = found.form.partition(",")[0]
        raise StoppedError(1, f"{label}: there is no event stream in it ({form}){reasons}")
    for each in skipped[:_NOTES]:
        note(f"sseparse: {label}: {each}")
    if len(skipped) > _NOTES:
        note(f"sseparse: {label}: {len(skipped) - _NOTES} more like these")


def unfinished(pending: Pending, total: int, label: str) -> StoppedError:
    """Return the fault of a stream that ends inside an event.

    Args:
        pending: The unfinished block.
        total: The size of the stream, in bytes.
        label: The name of the stream in messages.
    """
    lines = pending.data.count("\n") + 1
    if pending.start <= _BOM_SIZE and lines > 1:
        return StoppedError(
            1,
            f"{label}: the stream has no blank line, so no event ends: {lines} data lines are "
            "pending, and 'sseparse events --flush' prints them as one event; if each of them is "
            "an event, put a blank line after each: sed G FILE",
        )
    text = pending.data or pending.line.decode("utf-8", "replace")
    shown = text[:_SHOWN] + "..." * (len(text) > _SHOWN)
    return StoppedError(
        1,
        f"{label}: the stream ends inside an event, which begins at offset {pending.start}; bytes "
        f"dropped: {total - pending.start}; pending is {shown!r}, and 'sseparse events --flush' "
        "prints it",
    )


def check(strays: StrayLines, found: Found) -> None:
    """Check a stream without an event for a line that is no field, comment or blank line.

    Raises:
        StoppedError: There is such a line.
    """
    try:
        strays.check(Where("", found.recording.place))
    except RecordingError as error:
        raise _fault_of(error, found.label) from error


def guarded(items: Iterable[_T], label: str) -> Generator[_T, None, None]:
    """Yield the items of an iterable that reads a recording.

    Raises:
        StoppedError: The iterable raised RecordingError or OSError.
    """
    try:
        yield from items
    except RecordingError as error:
        raise _fault_of(error, label) from error
    except OSError as error:
        raise StoppedError(2, f"{label}: {error.strerror}") from error


def _fault_of(error: RecordingError, label: str) -> StoppedError:
    """Return the fault for an error; its message names options instead of arguments."""
    problem = _OPTION.sub(lambda match: _OPTIONS[match[0]], error.problem)
    return StoppedError(1, ": ".join(part for part in (label, error.place, problem) if part))
