"""Define a recording: one event stream in a file, with its request and its reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .._core import DEFAULT_MAX_EVENT_SIZE, EventTooLargeError, Parser
from ._errors import RecordingError, Where
from ._recognise import is_field

if TYPE_CHECKING:
    from .._core import Event
    from ..completions import Completion, CompletionParser, Stream

__all__ = ["Body", "Exchange", "Reads", "Recording", "StrayLines", "carried_events", "fed"]

_T = TypeVar("_T")

# One read: its arrival, in ns since the request began, or None; and its bytes.
Read = tuple[int | None, bytes]

_LINE_END = re.compile(rb"\r\n|\r|\n")
_SHOWN = 60  # bytes of a line in a message
_DATE = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII
)


class Body:
    """The bytes of a stream.

    Some sources, for example a pipe, can be read only once. The first iteration over such a body
    reads the source itself. When the program asks for the next recording, the source is read past
    the body. From then on, the body cannot be read.

    Args:
        open_again: A function that begins another iteration; None if that is not possible.
        live: The first iteration, if it reads the source itself.
        is_made: Whether the form keeps events, and the bytes are made from these events.
    """

    def __init__(
        self,
        open_again: Callable[[], Iterator[Read]] | None,
        live: Generator[bytes, None, None] | None = None,
        is_made: bool = False,
    ) -> None:
        self.is_made = is_made
        self._open_again = open_again
        self._live = live
        self._is_left = False
        # Whether the first iteration found a fault. Then nothing after the body can be read.
        self.has_failed: bool = False

    def open(self) -> Iterator[Read]:
        """Begin an iteration over the reads.

        Raises:
            RuntimeError: The source can be read only once, and has been read.
        """
        if self._live is not None:
            live, self._live = self._live, None
            return self._read_live(live)
        if self._open_again is None:
            raise RuntimeError(
                "these bytes come from a source that can be read once, and it has been read; "
                "save the bytes in a file to read them again"
            )
        return self._open_again()

    def leave(self) -> None:
        """End the first iteration: the file is now read past the body."""
        self._live = None
        self._is_left = True

    def _read_live(self, live: Generator[bytes, None, None]) -> Iterator[Read]:
        try:
            for piece in live:
                yield None, piece
                if self._is_left:
                    raise RuntimeError(
                        "the recording was left before its end: the next recording was asked for"
                    )
        except RecordingError:
            self.has_failed = True
            raise


class Reads:
    """The reads of a recording: an iterable of pairs of arrival and bytes.

    The arrival is in ns since the request began. It is None if the form does not keep it.
    """

    def __init__(self, body: Body) -> None:
        self._body = body

    def __iter__(self) -> Iterator[Read]:
        return self._body.open()

    def __repr__(self) -> str:
        return "<Reads>"


class Exchange:
    """The fields of an exchange that a file contains.

    ``headers`` is a function. It is called when a program asks for the headers. Reading the headers
    of a small answer takes as long as reading all its other fields, and few programs need them.
    """

    __slots__ = ("headers", "method", "started", "status", "url")

    def __init__(
        self,
        url: str | None = None,
        method: str | None = None,
        status: int | None = None,
        headers: Callable[[], list[tuple[str, str]]] = list,
        started: str | None = None,
    ) -> None:
        self.url: str | None = url
        self.method: str | None = method
        self.status: int | None = status
        self.headers: Callable[[], list[tuple[str, str]]] = headers
        self.started: str | None = started


class Recording:
    r"""One recorded event stream.

    Attributes:
        form: The form of the file and its compression, for example "VCR.py, gzip".
        number: The number of the stream in the file, from 1.
        place: The place of the stream in the file, for example "log.entries[3]". "" if the stream
            is the whole file.
        url: The URL of the request; None if the form does not keep it.
        method: The method of the request; None if the form does not keep it.
        status: The status of the answer; None if the form does not keep it.
        reads: An iterable of pairs of arrival and bytes. The arrival is in ns since ``started``, or
            None. From a file on disk or from bytes, you can iterate several times. From a pipe, you
            can iterate only once, before you ask for the next recording; after that, iterating
            raises RuntimeError. A form that is a single document does not have this limit.
        damage: A description of the damage that the recorder did to the bytes; "" if no damage is
            known.

    >>> from sseparse.recording import streams
    >>> for recording in streams(b"HTTP/1.1 200 OK\r\nServer: a\r\n\r\ndata: 1\n\n"):
    ...     print(recording.form, recording.status, [event.data for event in recording.events()])
    HTTP answer 200 ['1']
    """

    def __init__(
        self,
        form: str,
        number: int,
        where: Where,
        exchange: Exchange,
        body: Body,
        damage: str = "",
    ) -> None:
        self.form = form
        self.number = number
        self.place: str = where.part
        self.url: str | None = exchange.url
        self.method: str | None = exchange.method
        self.status: int | None = exchange.status
        self.reads: Reads = Reads(body)
        self.damage = damage
        self._where = where
        self._body = body
        self._exchange = exchange

    def __repr__(self) -> str:
        return f"<Recording {self.number}: {self.form}>"

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer, as a mapping that ignores upper and lower case in names."""
        from ..completions._headers import Headers

        return Headers(self._exchange.headers())

    @property
    def started(self) -> datetime | None:
        """The time at which the request began, with a time zone; None if the form has none."""
        return parsed_date(self._exchange.started)

    def events(
        self, *, flush: bool = False, max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE
    ) -> Generator[Event, None, None]:
        """Yield the events of the stream.

        Args:
            flush: Whether to yield the pending event at the end, which has no blank line.
            max_event_size: As for ``sseparse.Parser``.

        Raises:
            RecordingError: The file is broken, or an event is larger than ``max_event_size``. Or
                the stream has no event, and a line that is no field, comment or blank line.
            RuntimeError: The source can be read only once, and has been read.
        """
        parser = Parser(max_event_size=max_event_size)
        feed = parser.feed
        for _, _, events in fed(self.reads, feed, carried_events, self._where, flush=flush):
            yield from events

    def too_large(self, error: EventTooLargeError) -> RecordingError:
        """Return the RecordingError for an event that is too large."""
        return _too_large(error, self._where, 0)

    def chunks(self, *, api: Literal["chat", "completions"] | None = None) -> Stream:
        """Return a stream of the completion's chunks. It also has the text and the outcome.

        The ``arrival_ns`` of each chunk is the arrival of its read; 0 if the form does not keep it.

        Args:
            api: "chat", or "completions" for the legacy API; by default the URL decides.

        Raises:
            RuntimeError: The source can be read only once, and has been read.
        """
        from ..completions import Stream
        from ._chunks import ReadSource

        if api is None:
            path = (self.url or "").partition("?")[0].rstrip("/")
            is_legacy = path.endswith("/completions") and not path.endswith("/chat/completions")
            api = "completions" if is_legacy else "chat"
        return Stream(self._completion_parser(api), ReadSource(iter(self.reads)))

    def _completion_parser(self, api: Literal["chat", "completions"]) -> CompletionParser:
        """Return a parser for the bytes of this stream."""
        from ..completions import CompletionParser

        # The reads are decompressed, but recorders often keep this header.
        headers = [
            each for each in self._exchange.headers() if each[0].lower() != "content-encoding"
        ]
        return CompletionParser(self.status or 200, headers, api=api)

    def completion(self, *, api: Literal["chat", "completions"] | None = None) -> Completion:
        """Return the completion, merged from all chunks of the stream.

        Args:
            api: As for ``chunks``.

        Raises:
            sseparse.completions.ExchangeError: The stream reports an error, is no completion, or
                ends before the completion does. If the file is broken, the ``__cause__`` is a
                RecordingError.
            RuntimeError: The source can be read only once, and has been read.
        """
        return self.chunks(api=api).collect()


def fed(
    reads: Iterable[Read],
    feed: Callable[[bytes], list[_T]],
    carried: Callable[[EventTooLargeError], list[_T]],
    where: Where,
    *,
    flush: bool = False,
    is_whole: bool = True,
    shift: int = 0,
) -> Generator[tuple[int, int | None, list[_T]], None, None]:
    """Feed the reads of a stream to a parser, and yield a tuple for each read.

    The tuple is the number of the read, from 0, its arrival, and the events that it completes.

    Args:
        reads: The reads of a stream, or of a part of a stream.
        feed: Takes the next bytes, and returns the events that they complete. These may also be
            values of another type that stand for the events.
        carried: Returns the same for the events that an error contains.
        where: The stream, for messages.
        flush: Whether to yield the pending event at the end, which has no blank line.
        is_whole: Whether the reads are a whole stream. A whole stream without an event raises an
            error if a line of it is no field, comment or blank line.
        shift: A number that is added to the parser's offsets in messages.

    Raises:
        RecordingError: As for ``Recording.events``.
    """
    strays = StrayLines() if is_whole else None
    number, arrival = 0, None
    for number, (arrival, data) in enumerate(reads):
        try:
            events = feed(data)
        except EventTooLargeError as error:
            yield number, arrival, carried(error)
            raise _too_large(error, where, shift) from error
        if strays is not None:
            strays = None if events else strays.after(data)
        yield number, arrival, events
    if flush and (flushed := feed(b"\n\n")):
        strays = None
        yield number, arrival, flushed
    if strays is not None:
        strays.check(where)


def carried_events(error: EventTooLargeError) -> list[Event]:
    """Return the events that an error contains."""
    return error.events


def _too_large(error: EventTooLargeError, where: Where, shift: int) -> RecordingError:
    """Return the RecordingError for an event that is too large."""
    problem = f"an event is larger than {error.limit} bytes (max_event_size)"
    return where.error(problem, error.offset + shift)


class StrayLines:
    """Finds the first line that is no field, comment or blank line, in a stream without events.

    The standard ignores such a line. But if a whole file has such a line and no event, it is
    probably no event stream.
    """

    def __init__(self) -> None:
        self._rest = b""  # the first 256 bytes of the line that has not ended yet
        self._skip_lf = False  # the last read ended with CR; an LF at the start belongs to it
        self._line = 0
        self._found: tuple[int, bytes] | None = None

    def after(self, data: bytes) -> StrayLines:
        """Look at the next bytes, which completed no event."""
        if self._found is not None:
            return self
        if not data:
            return self
        lines = _LINE_END.split(self._rest + data[self._skip_lf and data.startswith(b"\n") :])
        self._skip_lf = data.endswith(b"\r")
        self._rest = lines.pop()[:256]
        for line in lines:
            self._line += 1
            self._look(line)
        return self

    def _look(self, line: bytes) -> None:
        text = line.removeprefix(b"\xef\xbb\xbf") if self._line == 1 else line
        if self._found is None and text.strip() and not is_field(text):
            self._found = self._line, text

    def check(self, where: Where) -> None:
        """Raise an error at the end of a stream without an event, if such a line was found.

        Raises:
            RecordingError: A line is no field, comment or blank line.
        """
        if self._rest:
            self._line += 1
            self._look(self._rest)
        if self._found is not None:
            number, line = self._found
            text = line[:_SHOWN].decode("utf-8", "replace")
            more = "..." if len(line) > _SHOWN else ""
            raise where.within(f"line {number}").error(
                f"this looks like text, and no event stream: there is no event, and {text + more!r}"
                " is no field, comment or blank line; save only the body, unchanged (curl -sN)"
            )


def parsed_date(text: str | None) -> datetime | None:
    """Return a date and time of a file; None if there is none, or it cannot be parsed."""
    if not text:
        return None
    try:
        if match := _DATE.match(text):
            day, time, fraction, zone = match.groups()
            offset = "+00:00" if zone in (None, "Z") else f"{zone[:3]}:{zone[-2:]}"
            micros = int((fraction or "0").ljust(6, "0")[:6])
            return datetime.fromisoformat(f"{day}T{time}{offset}") + timedelta(microseconds=micros)
        from email.utils import parsedate_to_datetime

        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def scalar_text(value: Any) -> str | None:
    """Return a text, bytes or a number of a file as text; None for any other value.

    A list of one such value gives the same: a YAML tag can put a value into a list.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
