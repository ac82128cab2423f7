"""Split a recording into ranges, each of which any process can parse on its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from .._core import DEFAULT_MAX_EVENT_SIZE, Event, Observer, Parser
from ._errors import RecordingError, Where
from ._recording import carried_events, fed
from ._source import READ_SIZE
from ._streams import streams

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from typing import BinaryIO

    from .._core import EventTooLargeError, Pending
    from ._recording import Read

__all__ = ["Part", "Range", "RangeEvents", "split"]

_T = TypeVar("_T")

_BOM = b"\xef\xbb\xbf"

# The end of a line, and a blank line. After it nothing is left of what came before, except the last
# event ID and the reconnection time. The LF of a CRLF is an end of a line by itself, so a search
# may begin inside of a CRLF; a CR before an LF is none.
_BLANK_LINE = re.compile(rb"(?:\n|\r(?!\n))(?:\r\n?|\n)")
_LINE_END = re.compile(rb"[\r\n]")

# How the lines begin that change what an event stream keeps from block to block. They leave out
# what cannot be valid as far as the window shows it: an ID with NUL, and a time with other than
# digits. An Observer decides about the rest.
_FIELDS = {
    "id": rb"id(?=[:\r\n])(?![^\r\n]*\0)",
    "retry": rb"retry: ?(?=[0-9])(?![0-9]*[^0-9\r\n])",
}
_LONGEST = len(b"retry: 0")  # bytes that the patterns need to match


class Part(NamedTuple):
    """A stream, or a part of one that begins after a blank line.

    Attributes:
        where: The stream, for messages.
        reads: What the reads brought.
        number: The number of the stream in its file, from 1.
        url: The URL of the request, or None.
        status: The status of the answer, or None.
        has_offsets: Whether the file holds the bytes that the reads bring.
        start: The offset in the stream at which the reads begin.
        last_event_id: The last event ID at that offset.
        is_whole: Whether the reads are a whole stream.
    """

    where: Where
    reads: Iterable[Read]
    number: int = 1
    url: str | None = None
    status: int | None = None
    has_offsets: bool = True
    start: int = 0
    last_event_id: str = ""
    is_whole: bool = True

    @property
    def shift(self) -> int:
        """What to add to the offsets of a parser that ``fed`` feeds."""
        return self.start - 1 if self.start else 0

    def fed(
        self,
        feed: Callable[[bytes], list[_T]],
        carried: Callable[[EventTooLargeError], list[_T]],
        flush: bool,
    ) -> Generator[tuple[int, int | None, list[_T]], None, None]:
        """Feed a new parser with this ``last_event_id``; the arguments are those of ``fed``."""
        if self.start:
            # It changes nothing, and a byte order mark after it is none (9.2.5).
            feed(b"\n")
        return fed(
            self.reads,
            feed,
            carried,
            self.where,
            flush=flush,
            is_whole=self.is_whole,
            shift=self.shift,
        )


class RangeEvents(Iterator[Event]):
    """The events of a range, as an iterator.

    Attributes:
        last_event_id: The last event ID after what has been read. At the end it is that of the next
            range.
        retry: The reconnection time after what has been read, in ms, or None.
        pending: At the end, what the range left unfinished, or None. Only the last range of a file
            can leave something. ``start`` in it is an offset in the stream.

    Where a range has several streams, these are the ones of the stream that is being read.
    """

    def __init__(self, part: Range, flush: bool, max_event_size: int | None) -> None:
        self.last_event_id: str = part.last_event_id
        self.retry: int | None = part.retry
        self.pending: Pending | None = None
        self._events = self._read(part, flush, max_event_size)

    def __next__(self) -> Event:
        return next(self._events)

    def _read(
        self, range: Range, flush: bool, max_event_size: int | None
    ) -> Generator[Event, None, None]:
        for part in range.parts():
            parser = Parser(last_event_id=part.last_event_id, max_event_size=max_event_size)
            self.retry = range.retry
            self.pending = None
            try:
                for _, _, events in part.fed(parser.feed, carried_events, flush):
                    self._keep(parser)
                    yield from events
            finally:
                self._keep(parser)
            pending = parser.close()
            self.pending = pending and pending._replace(start=pending.start + part.shift)

    def _keep(self, parser: Parser) -> None:
        self.last_event_id = parser.last_event_id
        if parser.retry is not None:
            self.retry = parser.retry


@dataclass(frozen=True)
class Range:
    r"""A range of a recording, which can be parsed on its own, also in another process.

    Ranges can be pickled. They hold no bytes: the process that parses one opens the file.

    Attributes:
        path: The file.
        first: The number of the first stream in the range, from 1.
        last: The number of the last one; None for all up to the end of the file.
        start: Where the range begins in a raw file, in bytes. None if it has whole streams.
        end: The byte after the range; None as for ``start``.
        last_event_id: The last event ID at ``start``.
        retry: The reconnection time at ``start``, in ms; None if the stream sent none before.

    >>> import pathlib, tempfile
    >>> from sseparse.recording import split
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "a.sse")
    ...     _ = path.write_bytes(b"id: 7\ndata: 1\n\ndata: 2\n\n")
    ...     for part in split(path, 2):
    ...         print(part.start, part.end, repr(part.last_event_id))
    ...         print([event.data for event in part.events()])
    0 15 ''
    ['1']
    15 24 '7'
    ['2']
    """

    path: str
    first: int = 1
    last: int | None = None
    start: int | None = None
    end: int | None = None
    last_event_id: str = ""
    retry: int | None = None

    def events(
        self, *, flush: bool = False, max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE
    ) -> RangeEvents:
        """Return an iterator of the events of the range.

        Args:
            flush: Whether to dispatch an event that a stream leaves without its blank line.
            max_event_size: As for ``sseparse.Parser``. The serial parse ends at an event that is
                too large; ranges after it know nothing of that.

        Raises:
            RecordingError: From the iterator, as for ``Recording.events``; or a raw file has become
                shorter than it was.
            OSError: From the iterator: the file cannot be read.
        """
        return RangeEvents(self, flush, max_event_size)

    def parts(self) -> Iterator[Part]:
        """Yield the streams in the range, or the part of one; each is to be read before the next.

        Raises:
            RecordingError: As for ``streams``.
            OSError: The file cannot be opened.
        """
        if self.start is not None:
            yield Part(
                Where(repr(self.path)),
                self._reads(),
                start=self.start,
                last_event_id=self.last_event_id,
                is_whole=False,  # split() has looked at the stream as a whole
            )
            return
        with streams(self.path) as found:
            for recording in found:
                if self.last is not None and recording.number > self.last:
                    break
                if recording.number >= self.first:
                    yield Part(
                        recording._where,
                        recording.reads,
                        recording.number,
                        recording.url,
                        recording.status,
                        not recording._body.is_made,
                    )

    def _reads(self) -> Iterator[Read]:
        start, end = self.start or 0, self.end or 0
        with open(self.path, "rb", buffering=0) as file:  # noqa: PTH123  # a str has no open()
            file.seek(start)
            while start < end:
                data = file.read(min(READ_SIZE, end - start))
                if not data:
                    problem = f"the file had {end} bytes or more when it was split, and now ends"
                    raise Where(repr(self.path)).error(problem, start)
                start += len(data)
                yield None, data


def split(path: str | os.PathLike[str], n: int) -> list[Range]:
    """Return at most n ranges of a recording, for as many processes or machines.

    Their events, one range after the other, are those of the file, for every n. A raw body that is
    not compressed is cut at blank lines, near the bytes at which n equal parts begin; what has no
    blank line there is not cut. The bytes are searched once, for the ID and the reconnection time
    that each range begins with. Files of other forms are split by stream, and each range is read by
    going through the file up to its last stream; a document (JSON, YAML, zip) is parsed for each.

    Args:
        path: A file that can be sought.
        n: The number of ranges, at least 1.

    Raises:
        RecordingError: As for ``streams``, if the file has no stream before the fault. If it has
            one, the last range raises it. Also where a raw body has no event, and a line that is no
            part of an event stream.
        OSError: The file cannot be opened or read.
        TypeError: ``path`` is no path, or ``n`` is no int.
        ValueError: ``n`` is less than 1, or the path is one of a pipe.
    """
    if type(n) is not int:
        raise TypeError(f"n must be an int, not {type(n).__name__}")
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    path = os.fspath(path)
    if Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir()):
        raise ValueError(f"{path!r} is no regular file, so no part of it can be read by itself")
    count = 0
    with streams(path) as found:
        try:
            for recording in found:
                count += 1
                if found.form == "raw body":
                    _check(recording.events())
                    return _raw_ranges(path, n)
        except RecordingError:
            if not count or found.form == "raw body":
                raise
    number = min(n, count)
    firsts = [count * part // number + 1 for part in range(number)]
    lasts = [following - 1 for following in firsts[1:]]
    # The last range goes on to the end of the file, and so to what is broken there.
    return list(map(Range, [path] * number, firsts, [*lasts, None]))


def _check(events: Generator[Event, None, None]) -> None:
    """Raise if there is no event, and a line that is no part of an event stream."""
    try:
        next(events, None)
    except RecordingError as error:
        if error.__cause__ is None:  # else the events are too large, which a range reports
            raise
    events.close()


def _raw_ranges(path: str, n: int) -> list[Range]:
    """Return the ranges of a raw body."""
    with open(path, "rb") as file:  # noqa: PTH123  # a str has no open()
        size = file.seek(0, os.SEEK_END)
        if not size:  # a file that the kernel makes up has the size 0, too
            return [Range(path)]
        cuts = [0, *_cuts(file, size, min(n, size)), size]
        ranges: list[Range] = []
        id, retry = "", None
        for start, end in pairwise(cuts):
            if ranges:
                id, retry = _state_at(file, start, ranges[-1])
            ranges.append(Range(path, 1, 1, start, end, id, retry))
    return ranges


def _cuts(file: BinaryIO, size: int, n: int) -> Iterator[int]:
    """Yield for each n-th part of the file the offset after a blank line that is near its end."""
    cut = 0
    for part in range(1, n):
        target = size * part // n
        if target <= cut:
            continue
        # One that ends at the target, also with CRLF, is found, too.
        found = _after_blank_line(file, max(cut, target - 3))
        if found is None or found >= size:
            return
        cut = found
        yield cut


def _after_blank_line(file: BinaryIO, position: int) -> int | None:
    """Return the offset after the first blank line that is found from a position on, or None."""
    while True:
        file.seek(position)
        window = file.read(READ_SIZE)
        match = _BLANK_LINE.search(window)
        is_end = len(window) < READ_SIZE
        if match and (is_end or match.end() < len(window)):
            return position + match.end()
        if is_end:
            return None
        # An LF may follow a CR that ends the window, and a blank line may have begun.
        position += match.start() if match else len(window) - 2


def _state_at(file: BinaryIO, end: int, before: Range) -> tuple[str, int | None]:
    """Return the last event ID and the reconnection time after a range, which ends at ``end``.

    The range ends with a blank line, so the last valid line of each field counts (9.2.6). It is
    searched from the end to the start, so no more lines are looked at than necessary.
    """
    start = before.start or 0
    id, retry = before.last_event_id, before.retry
    sought = set(_FIELDS)
    window_end = end
    while window_end > start and sought:
        window_start = max(start, window_end - READ_SIZE)
        if window_start <= len(_BOM):
            window_start = start  # so that no window begins inside of a byte order mark
        for name, line in _lines(file, window_start, window_end, end, sought):
            if name not in sought:
                continue
            observer = Observer(max_event_size=None)
            # After a blank line, a byte order mark would be none.
            field = observer.feed(b"\n" + line + b"\n")[-1]
            if field.reason is None:
                sought.remove(name)
                if name == "id":
                    id = field.value or ""
                else:
                    retry = observer.retry
        window_end = window_start
    return id, retry


def _lines(
    file: BinaryIO, start: int, end: int, limit: int, names: set[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield the lines of these fields that begin in [start, end), the last one first.

    Args:
        file: The file.
        start: The first offset.
        end: The offset after the last one.
        limit: Where the range ends.
        names: The names of the fields.
    """
    base = max(start - 1, 0)  # a line begins after the end of another
    file.seek(base)
    window = file.read(min(end + _LONGEST, limit) - base)
    if start == 0:
        # The first line begins without one (9.2.5, `bom`).
        has_mark = window.startswith(_BOM)
        base = len(_BOM) - 1 if has_mark else -1
        window = b"\n" + window.removeprefix(_BOM)
    fields = b"|".join(_FIELDS[name] for name in sorted(names))
    # A pattern that begins with one byte is searched at 0.8 GB/s, one with a choice at 0.16.
    matches = list(re.finditer(b"\n(?:" + fields + b")", window))
    if b"\r" in window:
        matches += re.finditer(b"\r(?:" + fields + b")", window)
        matches.sort(key=re.Match.start)
    for match in reversed(matches):
        at = match.start() + 1
        if base + at < end:
            found = _LINE_END.search(window, at)
            line = window[at : found.start()] if found else _line_at(file, base + at)
            yield ("id" if line.startswith(b"id") else "retry"), line


def _line_at(file: BinaryIO, position: int) -> bytes:
    """Return the line that begins at an offset."""
    file.seek(position)
    pieces: list[bytes] = []
    while window := file.read(READ_SIZE):
        if match := _LINE_END.search(window):
            return b"".join([*pieces, window[: match.start()]])
        pieces.append(window)
    return b"".join(pieces)
