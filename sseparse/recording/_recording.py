"""One recorded event stream: what is known of it, and its bytes."""

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

# When the bytes of one read had arrived, in ns since the request began, and the bytes.
Read = tuple[int | None, bytes]

_LINE_END = re.compile(rb"\r\n|\r|\n")
_SHOWN = 60  # bytes of a line in a message
_DATE = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII
)


class Body:
    """The bytes of a stream, which can be read again or not.

    The reader of a file that comes once hands out the bytes as they come. It goes on to what
    follows the body only when it is asked for that, and then the body cannot be read any more.

    Args:
        open_again: Opens the body for a further reading; None if that is not possible.
        live: The first reading, if it is a part of the reading of the file.
        is_made: Whether the bytes are made of the events that the form keeps in their place.
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
        # Whether the live reading came to a fault, so that nothing is known of what follows it.
        self.has_failed: bool = False

    def open(self) -> Iterator[Read]:
        """Return a new reading.

        Raises:
            RuntimeError: The bytes came once, and have been read.
        """
        if self._live is not None:
            live, self._live = self._live, None
            return self._read_live(live)
        if self._open_again is None:
            raise RuntimeError(
                "these bytes come from a source that can be read once, and that has happened; "
                "save them in a file to read them again"
            )
        return self._open_again()

    def leave(self) -> None:
        """Take notice that the reader of the file goes on to what follows the body."""
        self._live = None
        self._is_left = True

    def _read_live(self, live: Generator[bytes, None, None]) -> Iterator[Read]:
        try:
            for piece in live:
                yield None, piece
                if self._is_left:
                    raise RuntimeError("the recording was left before its end, for the next one")
        except RecordingError:
            self.has_failed = True
            raise


class Reads:
    """The reads of a recording, an iterable of pairs: the arrival, and the bytes.

    The arrival is in ns since the request began; it is None where the form does not keep it.
    """

    def __init__(self, body: Body) -> None:
        self._body = body

    def __iter__(self) -> Iterator[Read]:
        return self._body.open()

    def __repr__(self) -> str:
        return "<Reads>"


class Exchange:
    """What a file says of an exchange.

    The headers are a function, which is called when somebody asks for them: to read them takes as
    long as all else that a small answer in a large document takes.
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
        form: The form of the file, for example "VCR.py", and what it is wrapped in.
        number: The stream's number in the file, from 1.
        place: Where the stream is in the file, for example "log.entries[3]"; "" for all of it.
        url: The URL of the request; None if the form does not keep it.
        method: The method of the request, or None.
        status: The status of the answer, or None.
        reads: What the reads brought: pairs of the arrival, in ns since ``started``, or None, and
            the bytes. They can be gone over more than once if the source can be sought. Otherwise
            they can be gone over once, before the next recording is asked for, and later raise a
            RuntimeError.
        damage: What the form is known to have damaged in this stream; "" if nothing is known.

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
        """The headers of the answer; names are compared without regard to case."""
        from ..completions._headers import Headers

        return Headers(self._exchange.headers())

    @property
    def started(self) -> datetime | None:
        """When the request began, with a time zone; None if the form does not keep it."""
        return parsed_date(self._exchange.started)

    def events(
        self, *, flush: bool = False, max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE
    ) -> Generator[Event, None, None]:
        """Yield the events of the stream.

        Args:
            flush: Whether to dispatch an event that the stream leaves without its blank line.
            max_event_size: As for ``sseparse.Parser``.

        Raises:
            RecordingError: The file is broken, an event is larger than ``max_event_size``, or there
                is no event, and a line that is no part of an event stream.
            RuntimeError: The reads can be gone over once, and that has happened.
        """
        parser = Parser(max_event_size=max_event_size)
        feed = parser.feed
        for _, _, events in fed(self.reads, feed, carried_events, self._where, flush=flush):
            yield from events

    def too_large(self, error: EventTooLargeError) -> RecordingError:
        """Return the error about this file for an event that is too large."""
        return _too_large(error, self._where, 0)

    def chunks(self, *, api: Literal["chat", "completions"] | None = None) -> Stream:
        """Return the stream of a completion: its chunks, its text, and how it ended.

        Each chunk has the arrival of its read as ``arrival_ns``, 0 where that is not known.

        Args:
            api: "chat", or "completions" for the legacy API; by default the URL decides.

        Raises:
            RuntimeError: The reads can be gone over once, and that has happened.
        """
        from ..completions import Stream
        from ._chunks import ReadSource

        if api is None:
            path = (self.url or "").partition("?")[0].rstrip("/")
            is_legacy = path.endswith("/completions") and not path.endswith("/chat/completions")
            api = "completions" if is_legacy else "chat"
        return Stream(self._completion_parser(api), ReadSource(iter(self.reads)))

    def _completion_parser(self, api: Literal["chat", "completions"]) -> CompletionParser:
        """Return a parser for the reads of this stream."""
        from ..completions import CompletionParser

        # The bytes are decoded already, whatever this header says.
        headers = [
            each for each in self._exchange.headers() if each[0].lower() != "content-encoding"
        ]
        return CompletionParser(self.status or 200, headers, api=api)

    def completion(self, *, api: Literal["chat", "completions"] | None = None) -> Completion:
        """Return the completion that the stream makes up.

        Args:
            api: As for ``chunks``.

        Raises:
            sseparse.completions.ExchangeError: The stream reports an error, is no completion, or
                ends before the completion does; where the file is broken, its cause is a
                RecordingError.
            RuntimeError: The reads can be gone over once, and that has happened.
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
    """Yield the number of each read, from 0, its arrival, and the events that it completed.

    Args:
        reads: The reads of a stream, or of a part of one.
        feed: Returns the events, or what else stands for them, that the next bytes complete.
        carried: Returns those that an error carries.
        where: The stream, for messages.
        flush: Whether to dispatch what the stream leaves without its blank line.
        is_whole: Whether the reads are a whole stream; it is an error if there is no event in it,
            and a line that is no part of an event stream.
        shift: What to add to the parser's offsets, for messages.

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
    """Return the events that an error carries."""
    return error.events


def _too_large(error: EventTooLargeError, where: Where, shift: int) -> RecordingError:
    """Return the error about this file for an event that is too large."""
    problem = f"an event is larger than {error.limit} bytes, and may not be (max_event_size)"
    return where.error(problem, error.offset + shift)


class StrayLines:
    """Looks for the first line that is no part of an event stream, as long as no event has come.

    The standard ignores such lines. A file without any event that has one is something else.
    """

    def __init__(self) -> None:
        self._rest = b""  # of a line that has not ended, as far as it can matter
        self._skip_lf = False  # the last read ended with a CR, and an LF belongs to it
        self._line = 0
        self._found: tuple[int, bytes] | None = None

    def after(self, data: bytes) -> StrayLines:
        """Look at the next bytes, after which still no event has come."""
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
        """Raise for the line that was found, at the end of a stream without an event."""
        if self._rest:
            self._line += 1
            self._look(self._rest)
        if self._found is not None:
            number, line = self._found
            text = line[:_SHOWN].decode("utf-8", "replace")
            more = "..." if len(line) > _SHOWN else ""
            raise where.within(f"line {number}").error(
                f"this looks like text, and no event stream: no event came, and {text + more!r} is "
                "no field, comment or blank line; save the body alone, as it came (curl -sN)"
            )


def parsed_date(text: str | None) -> datetime | None:
    """Return the time that a file gives; None if there is none, or none that is understood."""
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
    """Return a value of a file as text, if it is one; also in the list that a YAML tag takes."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
