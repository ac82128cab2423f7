"""The state machine: bytes in, events out. No I/O, no clock, no dependency.

It follows the WHATWG HTML standard, sections 9.2.5 (parsing an event stream) and 9.2.6
(interpreting an event stream). What may be relied on, and the test that holds it:

I1  Chunk invariance: the events in order (those returned, then those carried by an error), the
    error's type, limit, offset and message, and then last_event_id and retry are the same however
    the stream is cut into chunks.                                             test_p1_any_split
I2  Promptness: an event comes out of the call that brings the byte which completes it. A bare CR
    ends a line at once; an LF that follows is swallowed when it comes.        test_p6_prompt
I3  Linear: the work is O(bytes) for every cut.                                test_linear.py
I4  Bounded: what is held never exceeds a small multiple of max_event_size.    test_limits.py
I5  Total: any bytes give events or EventTooLargeError, nothing else.          test_p4_total
I6  Isolated: no state outside the instance; the caller's buffer may be reused after the call.
                                                                               test_p8_buffers
I7  Compiled and pure agree.                                                   test_p10_builds

How a chunk travels: ``feed`` and ``observe`` refuse what may not come in (``_enter``), keep to the
limit (``_take``), and hand on to ``_advance``, the state machine proper. There the lines that
are complete are decoded as Latin-1: one character is one byte, so positions are byte offsets and
``str`` methods, which are direct C calls once compiled, do the searching. A value that is not ASCII
goes back to bytes and through UTF-8 when it is taken out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from ._errors import EventTooLargeError
from ._items import ByteOrderMark, Comment, Field, NoData, Observed, Pending

try:
    from mypy_extensions import mypyc_attr
except ImportError:  # it comes with mypy; run time does without

    def mypyc_attr(*attrs: str, **kwattrs: object) -> Callable[[_T], _T]:  # noqa: ARG001
        return lambda decorated: decorated


if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias, TypeVar

    from mypy_extensions import i64  # an int that is a machine word when compiled

    from ._items import Reason, Terminator

    _T = TypeVar("_T")

__all__ = ["Event", "Parser"]

Chunk: TypeAlias = "bytes | bytearray | memoryview"
Item: TypeAlias = "Event | Comment | Field | NoData"

DEFAULT_MAX_EVENT_SIZE: Final = 64 * 1024 * 1024
_NO_LIMIT: Final = (1 << 62) - 1  # more bytes than a stream can have, and still a machine word
_BOM: Final = b"\xef\xbb\xbf"
_CR: Final = 13
_LF: Final = 10
# int() refuses more digits than PYTHONINTMAXSTRDIGITS says, which is 640 or more.
_MAX_RETRY_DIGITS: Final = 600
# Further data lines are joined this many at a time, since a short str takes some 50 bytes more than
# its text: without that an event of two-letter lines would take nine times its size.
_LINES_PER_BLOCK: Final = 1024
# Whether mypyc compiled this module. It decides which of two ways is the fast one, no more.
COMPILED: Final = not __file__.endswith(".py")
# From this many characters on the pure build does better to cut a text into its blocks with one
# split(), 2.7 times the speed of httpx-sse on chat chunks in 64 KiB reads, than to search for each
# line end (1.9). Compiled, searching is the faster way, and a chunk of more bytes than this is not
# copied for the line before it.
_SPLIT_FROM: Final = 1024


# acyclic: the garbage collector does not track what holds only strings; tracking was most of the
# cost of a small event (203 ns against 75). free_list_len: with one event per chunk the memory of
# the last one serves the next (3774 instructions against 3639).
@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Event:
    """One event of a stream. Immutable, hashable; equal to an Event with the same three strings.

    Args:
        type: The event type.
        data: The data.
        last_event_id: The last event ID. Of the three, only the compiled build checks that they are
            str: the parser makes too many events for that.

    >>> from sseparse import Event
    >>> event = Event("message", '{"a": 1}', "")
    >>> event.json()
    {'a': 1}
    """

    __slots__ = ("_arrival_ns", "_data", "_last_event_id", "_type")

    _arrival_ns: int  # left unset by the constructor, which costs nothing; set by who reads

    def __init__(self, type: str, data: str, last_event_id: str) -> None:
        self._type = type
        self._data = data
        self._last_event_id = last_event_id

    @property
    def type(self) -> str:
        """The event type; "message" where the stream names none."""
        return self._type

    @property
    def data(self) -> str:
        """The data lines joined with LF; the last line feed is removed, as the standard says."""
        return self._data

    @property
    def last_event_id(self) -> str:
        """The last event ID seen so far in the stream, by this event or before it; "" if none."""
        return self._last_event_id

    @property
    def arrival_ns(self) -> int:
        """When the read that completed the event returned, as ``time.perf_counter_ns`` counts.

        The parser has no clock: this is 0 unless a client of this package did the reading. It takes
        no part in comparisons, and copies and pickles do not keep it.
        """
        try:
            return self._arrival_ns
        except AttributeError:
            return 0

    def json(self) -> Any:
        """Return the data read as JSON.

        Raises:
            json.JSONDecodeError: The data is not JSON. It is a ValueError.
            RecursionError: The data is nested deeper than Python's recursion limit.
        """
        import json

        return json.loads(self._data)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event):
            return NotImplemented
        return (
            self._data == other._data
            and self._type == other._type
            and self._last_event_id == other._last_event_id
        )

    def __hash__(self) -> int:
        return hash((self._type, self._data, self._last_event_id))

    def __repr__(self) -> str:
        last = self._last_event_id
        return f"Event(type={self._type!r}, data={self._data!r}, last_event_id={last!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Event, (self._type, self._data, self._last_event_id))


# CPython calls a class that has slots the slow way: 2090 instructions for Event(...), against 1420
# for making one and filling its slots. The pure build does that.
_new = object.__new__


@final
class Parser:
    r"""An incremental parser for one stream, used by one thread at a time.

    Give it the bytes as they arrive, cut anywhere, to ``feed``; or to ``observe``, which shows
    everything on the wire with its offsets. A parser is used in one form or the other.

    Memory is bounded by ``max_event_size``: it limits the bytes of the current line, plus those of
    the ``data``, ``event`` and ``id`` lines since the last blank line, as they stand on the wire
    and without line ends.

    Args:
        last_event_id: Where a reconnecting client left off: events carry it until the stream sends
            an id of its own.
        max_event_size: The limit in bytes, 64 MiB by default; None for no limit.

    Raises:
        ValueError: ``max_event_size`` is below 1; ``last_event_id`` holds NUL, CR or LF.
        TypeError: ``max_event_size`` is neither an int nor None, or is a bool; ``last_event_id`` is
            not a str.

    >>> from sseparse import Parser
    >>> parser = Parser()
    >>> parser.feed(b"data: hel")
    []
    >>> parser.feed(b"lo\n\n")
    [Event(type='message', data='hello', last_event_id='')]
    """

    __slots__ = (
        "_block_start",
        "_closed",
        "_committed_id",
        "_data",
        "_failed_at",
        "_form",
        "_held",
        "_id",
        "_is_ascii",
        "_joined",
        "_left",
        "_limit",
        "_line_start",
        "_more",
        "_ready",
        "_retry",
        "_room",
        "_size",
        "_skip_lf",
        "_started",
        "_type",
    )

    def __init__(
        self, *, last_event_id: str = "", max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE
    ) -> None:
        if not isinstance(last_event_id, str):
            raise TypeError(f"last_event_id must be a str, not {last_event_id.__class__.__name__}")
        if "\0" in last_event_id or "\r" in last_event_id or "\n" in last_event_id:
            raise ValueError("last_event_id holds NUL, CR or LF, which no stream can have sent")
        if max_event_size is None:
            max_event_size = _NO_LIMIT
        elif not isinstance(max_event_size, int) or isinstance(max_event_size, bool):
            raise TypeError(
                "max_event_size must be an int (bytes) or None, "
                f"not {max_event_size.__class__.__name__}"
            )
        elif max_event_size < 1:
            raise ValueError(f"max_event_size must be at least 1 byte, not {max_event_size}")

        # How far the parser is. _ready is the short answer on the hot path: feed() form, begun, not
        # closed, not failed. Set by _enter; cleared by close and _take.
        self._ready = False
        self._form = ""  # "feed" or "observe", set by the first call of either
        self._started = False  # set when the first bytes are known to be a byte order mark or not
        self._failed_at: i64 = -1  # the offset that broke the limit, set by _take
        self._closed = False  # set by close
        self._left: Pending | None = None  # what close found, for the next close

        # The current line. Only _advance changes these, save that feed and _take add to _held what
        # ends no line, that _advance_in_two sets _line_start back, and that _enter keeps the first
        # one or two bytes in _held while they may be a byte order mark, and takes them out again.
        self._held = bytearray()  # its bytes so far
        self._line_start: i64 = 0  # the stream offset of its first byte
        self._skip_lf = False  # set when the bytes so far end with CR; cleared by the next byte

        # The current block: the lines since the last blank line. Set by the fields, cleared by the
        # blank line, both in _advance.
        self._block_start: i64 = 0  # the stream offset of its first byte
        self._data: str | None = None  # the first data line; None while the data buffer is empty
        self._joined: list[str] = []  # the data lines after it, joined by _LINES_PER_BLOCK
        self._more: list[str] = []  # the data lines after those; empty only where _joined is too
        self._type = ""  # the event type buffer
        self._size: i64 = 0  # bytes of its complete data, event and id lines, without line ends

        # What outlives a block.
        self._is_ascii = True  # whether all bytes decoded so far were; cleared by _advance
        self._id = last_event_id  # the last event ID buffer
        self._committed_id = last_event_id  # its value at the last blank line
        self._retry: int | None = None

        self._limit: i64 = min(max_event_size, _NO_LIMIT)
        self._room: i64 = self._limit  # the limit less _size, for the current line

    @property
    def last_event_id(self) -> str:
        """The last event ID as a reconnecting client must send it.

        It is committed by the blank line only (section 9.2.6): the id of an event that was cut off
        is not in it.
        """
        return self._committed_id

    @property
    def retry(self) -> int | None:
        """The reconnection time in milliseconds, from the last valid ``retry`` field; None if none.

        ASCII digits only. A number of more than 600 digits, leading zeros aside, is ignored.
        """
        return self._retry

    def feed(self, data: Chunk) -> list[Event]:
        """Take the next bytes of the stream and return the events that they complete, in order.

        The bytes are not needed after the call. An empty chunk is harmless. The cost is linear in
        the bytes, however they are cut.

        Raises:
            EventTooLargeError: A line or an event is larger than ``max_event_size``. It carries the
                events completed by this call. Every later call raises it again, with no events.
            TypeError: ``data`` is not bytes, a bytearray or a C-contiguous memoryview of bytes.
                Nothing has changed.
            RuntimeError: The parser was closed, or is used with ``observe``.
        """
        chunk = data if type(data) is bytes else _to_bytes(data)
        if not self._ready:
            chunk = self._enter("feed", chunk)
        events: list[Event] = []
        held: i64 = len(self._held)
        if held + len(chunk) > self._room:
            if not self._take(chunk, events, None):
                raise EventTooLargeError(self._limit, self._failed_at, events)
        elif not held:
            self._advance(chunk, events, None, 0)
        elif _LF not in chunk and _CR not in chunk:
            self._held += chunk
        elif COMPILED and len(chunk) > _SPLIT_FROM:
            self._advance_in_two(chunk, events)
        else:
            self._advance(chunk, events, None, 0)
        return events

    def observe(self, data: Chunk) -> list[Observed]:
        r"""Take the next bytes of the stream and return all that they complete, in wire order.

        Each line gives one item when it ends, and so does a byte order mark; the events among them
        are those that ``feed`` would return. Items and offsets do not depend on how the stream is
        cut. This is the same machine as ``feed``, taken line by line, and several times slower.

        Raises:
            EventTooLargeError: As in ``feed``; it carries the items too, as ``observed``.
            TypeError: As in ``feed``.
            RuntimeError: The parser was closed, or is used with ``feed``.

        >>> from sseparse import Parser
        >>> for seen in Parser().observe(b": hi\nid: 1\n\n"):
        ...     print(seen.start, seen.end, seen.item)
        0 5 Comment(text='hi')
        5 11 Field(name='id', value='1', applied=True, reason=None)
        11 12 NoData(type='', last_event_id='1')
        """
        chunk = data if type(data) is bytes else _to_bytes(data)
        was_started = self._started
        chunk = self._enter("observe", chunk)
        events: list[Event] = []
        items: list[Item] = []
        observed: list[Observed] = []
        if self._started and not was_started and self._line_start:
            observed.append(Observed(ByteOrderMark(), 0, self._line_start, "", False))
        for piece in chunk.splitlines(keepends=True):
            start = self._line_start
            body = b""
            if piece[-1] == _CR or piece[-1] == _LF:
                body = bytes(self._held) + piece.rstrip(b"\r\n")
            if not self._take(piece, events, items):
                raise EventTooLargeError(self._limit, self._failed_at, events, observed)
            if items:  # the piece ended a line; an LF that was swallowed did not
                end = start + len(body) + 1
                terminator: Terminator = "\r" if _CR in piece else "\n"
                observed.append(Observed(items.pop(), start, end, terminator, not _is_utf8(body)))
        return observed

    def close(self) -> Pending | None:
        """Say that the stream has ended, and return what it left unfinished; None if nothing.

        The standard drops what is unfinished, a complete ``data`` line without its blank line too.
        Idempotent: a second call returns the same. After an EventTooLargeError it returns None.
        """
        if not self._closed:
            self._closed = True
            self._ready = False
            if self._held or self._size:
                self._left = Pending(
                    self._type or "message",
                    "" if self._data is None else self._join_data(self._data),
                    self._id,
                    bytes(self._held),
                    self._block_start,
                )
            self._drop()
        return self._left

    def _enter(self, form: str, chunk: bytes) -> bytes:
        """Refuse what may not come in, and strip a byte order mark (section 9.2.5, `bom`)."""
        if self._closed:
            raise RuntimeError(f"{form}() after close(); a new stream needs a new Parser")
        if self._form != form:
            if self._form:
                raise RuntimeError(f"{form}() on a parser in use with {self._form}()")
            self._form = form
        if self._failed_at >= 0:
            raise EventTooLargeError(self._limit, self._failed_at)
        if not self._started:
            chunk = bytes(self._held) + chunk
            if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
                self._held = bytearray(chunk)
                return b""
            self._held = bytearray()
            self._started = True
            if chunk.startswith(_BOM):
                chunk = chunk[len(_BOM) :]
                self._line_start = self._block_start = len(_BOM)
        self._ready = form == "feed"
        return chunk

    def _take(self, chunk: bytes, events: list[Event], items: list[Item] | None) -> bool:
        """Advance by pieces that fit into the room there is; False, and failed, when there is none.

        A line end takes no room, so at the limit it may still come in, and make room.
        """
        pos = 0
        while pos < len(chunk):
            room = self._room - len(self._held)
            if room == 0 and chunk[pos] != _CR and chunk[pos] != _LF:
                self._failed_at = self._line_start + len(self._held)
                self._ready = False
                self._drop()
                return False
            piece = chunk[pos : pos + (room or 1)]
            if self._held and _LF not in piece and _CR not in piece:
                self._held += piece
            else:
                self._advance(piece, events, items, 0)
            pos += len(piece)
        return True

    def _advance_in_two(self, chunk: bytes, events: list[Event]) -> None:
        """Take the end of the line that is held, and then the rest, which is not copied for it.

        Only the compiled build: in pure Python it gains nothing.
        """
        start = _past_first_line(chunk)
        if start:
            self._advance(chunk[:start], events, None, 0)
            if _CR in chunk:
                chunk = chunk[start:]
                start = 0
            else:
                self._line_start -= start
        self._advance(chunk, events, None, start)

    def _advance(
        self, chunk: bytes, events: list[Event], items: list[Item] | None, start: i64
    ) -> None:
        """Take bytes that fit within the limit: append the events, and the items if they are asked.

        The rest after the last line end is held until its line ends. Where something is held
        already the bytes must end its line: else each chunk would cost as much as the whole line.

        The first ``start`` bytes are not taken. Unless it is 0 the chunk has no CR, an LF comes
        after those bytes, nothing is held, and ``_line_start`` is the offset of the chunk.
        """
        if self._skip_lf and chunk:
            self._skip_lf = False
            if chunk[0] == _LF:
                if self._block_start == self._line_start:
                    self._block_start += 1
                self._line_start += 1
                chunk = chunk[1:]

        lines = chunk
        lost: i64 = 0  # by how many bytes LF for CRLF made the lines shorter
        if _CR in chunk:
            lines = _lf_only(chunk)
            lost = len(chunk) - len(lines)
            self._skip_lf = chunk[-1] == _CR
        is_simple = self._size == 0 and items is None
        if self._held:
            if COMPILED:
                is_simple = False  # it looks at the lines by positions in the text
            self._held += lines
            text = self._held.decode("latin-1")
            self._held = bytearray()
            if self._is_ascii:
                self._is_ascii = text.isascii()
        elif self._is_ascii:
            try:
                text = lines.decode("ascii")
            except UnicodeDecodeError:
                self._is_ascii = False
                text = lines.decode("latin-1")
        else:
            text = lines.decode("latin-1")

        is_ascii = self._is_ascii
        id_ = self._id
        last: i64 = len(text) - 1
        pos: i64 = start
        end: i64  # of a line
        stop: i64 = -1  # where the line that has not ended begins
        if is_simple:
            # The short way: blocks of one data line, which is nearly all of most streams, while
            # nothing is pending. The rules are those of the loop below.
            if last < _SPLIT_FROM or COMPILED:
                while pos <= last:
                    end = text.find("\n", pos)
                    if end < 0:
                        stop = pos
                        break
                    if end == last or not (
                        lines[end + 1] == _LF and _is_data(lines, pos)
                        if COMPILED
                        else text[end + 1] == "\n" and text.startswith("data: ", pos)
                    ):
                        break
                    value = text[pos + 6 : end]
                    if not is_ascii and not value.isascii():
                        value = _utf8(value)
                    if COMPILED:
                        event = Event("message", value, id_)
                    else:
                        event = _new(Event)
                        event._type = "message"
                        event._data = value
                        event._last_event_id = id_
                    events.append(event)
                    pos = end + 2
            elif text.startswith("data: ") and (end := text.rfind("\n\n")) >= 0:
                for value in text[6:end].split("\n\ndata: "):
                    if "\n" in value:
                        break
                    pos += len(value) + 8
                    if not is_ascii and not value.isascii():
                        value = _utf8(value)
                    event = _new(Event)
                    event._type = "message"
                    event._data = value
                    event._last_event_id = id_
                    events.append(event)

        if pos > last:
            stop = pos
        else:
            if stop < 0:
                stop = text.rfind("\n") + 1
            if stop <= last:
                self._held += chunk[stop - last - 1 :]
        self._line_start += stop + lost
        if is_simple and pos == stop:
            if pos:
                self._block_start = self._line_start
            return

        is_aligned = len(lines) == len(text)  # so a position in the one is one in the other
        data = self._data
        more = self._more
        type_ = self._type
        committed_id = self._committed_id
        block = pos  # where the current block begins in the text, if a blank line stands before it
        ignored = 0  # bytes since then of lines that do not count towards the limit
        while pos < stop:
            first = text[pos]
            if first == "\n":
                # "If the line is empty: dispatch the event." (9.2.6)
                if data is not None:
                    if more:
                        data = self._join_data(data)
                    if COMPILED:
                        event = Event(type_ or "message", data, id_)
                    else:
                        event = _new(Event)
                        event._type = type_ or "message"
                        event._data = data
                        event._last_event_id = id_
                    data = None
                    events.append(event)
                    if items is not None:
                        items.append(event)
                elif items is not None:
                    items.append(NoData(type_, id_))
                type_ = ""
                committed_id = id_
                pos += 1
                block = pos
                ignored = 0
                continue

            end = text.find("\n", pos)
            if first == ":" and items is None:
                # "If the line starts with a colon: ignore the line." (9.2.6)
                ignored += end - pos
                pos = end + 1
                continue
            if is_aligned and _is_data(lines, pos) if COMPILED else text.startswith("data: ", pos):
                # What the general case below finds too; it saves two searches on most lines.
                name = "data"
                value = text[pos + 6 : end]
            else:
                # "Collect the characters before the first colon, and let field be that string.
                # Collect the characters after it, and let value be that string. If value starts
                # with a space, remove it." Without a colon the whole line is the name. (9.2.6)
                colon = text.find(":", pos, end)
                if colon < 0:
                    name = text[pos:end]
                    value = ""
                else:
                    name = text[pos:colon]
                    value = text[colon + (2 if text[colon + 1] == " " else 1) : end]
            if not is_ascii and not value.isascii():
                value = _utf8(value)

            reason: Reason | None = None
            if name == "data":
                if data is None:
                    data = value
                else:
                    more.append(value)
            elif name == "event":
                type_ = value
            elif name == "id":
                # "If the field value does not contain U+0000 NULL, set the last event ID buffer to
                # the field value. Otherwise, ignore the field." (9.2.6)
                if "\0" in value:
                    reason = "NUL in id"
                else:
                    id_ = value
            else:
                ignored += end - pos
                if name != "retry":
                    reason = "unknown name"  # or a comment, whose name is empty
                elif not self._take_retry(value):
                    reason = "retry not taken"
            if items is not None:
                if name:
                    items.append(Field(_utf8(name), value, reason is None, reason))
                else:
                    items.append(Comment(value))
            pos = end + 1

        self._data = data
        if len(more) > _LINES_PER_BLOCK:
            self._joined.append("\n".join(more[:-1]))
            del more[:-1]
        self._type = type_
        self._id = id_
        self._committed_id = committed_id
        line_ends = text.count("\n", block, stop)
        if block > start:
            self._size = 0
            self._block_start = self._line_start - (
                _length_of_last_lines(chunk, line_ends) if lost else stop - block
            )
        self._size += stop - block - line_ends - ignored
        self._room = self._limit - self._size

    def _join_data(self, first: str) -> str:
        data = "\n".join([first, *self._joined, *self._more])
        self._joined.clear()
        self._more.clear()
        return data

    def _take_retry(self, value: str) -> bool:
        """Take a value that "consists of only ASCII digits" (9.2.6), and say whether it did."""
        if not (value.isascii() and value.isdigit()):
            return False
        digits = value.lstrip("0") or "0"
        if len(digits) > _MAX_RETRY_DIGITS:
            return False
        self._retry = int(digits)
        return True

    def _drop(self) -> None:
        """Free what is held: nothing can come of it any more."""
        self._held = bytearray()
        self._data = None
        self._joined.clear()
        self._more.clear()
        self._size = 0


def _is_data(lines: bytes, pos: i64) -> bool:
    """Whether a line that begins there, and has its line end in the bytes, begins with "data: ".

    Compiled, six comparisons of machine words. In a str each costs twice as much, and any method of
    str or bytes four times as much as all six.
    """
    return (
        lines[pos] == 100
        and lines[pos + 1] == 97
        and lines[pos + 2] == 116
        and lines[pos + 3] == 97
        and lines[pos + 4] == 58
        and lines[pos + 5] == 32
    )


def _past_first_line(chunk: bytes) -> int:
    """Return how many bytes the first line takes, and the blank line behind it, if one is there.

    It is 0 where no LF comes after them.
    """
    end = chunk.find(b"\n") + 1
    if chunk.startswith((b"\n", b"\r\n"), end):
        end = chunk.find(b"\n", end) + 1
    return end if chunk.find(b"\n", end) >= 0 else 0


def _to_bytes(data: Chunk) -> bytes:
    """Return a copy of the caller's buffer, which may change after the call."""
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    if isinstance(data, memoryview):
        try:
            if data.c_contiguous and data.itemsize == 1:
                return data.tobytes()
        except ValueError as error:  # how a memoryview says that it was released
            raise TypeError(f"not a usable memoryview: {error}") from error
        raise TypeError("a memoryview must be C-contiguous and of single bytes; give bytes(view)")
    raise TypeError(
        f"expected bytes, bytearray or memoryview, not {type(data).__name__}; "
        "text must be given as it came, in bytes: text.encode()"
    )


def _lf_only(raw: bytes) -> bytes:
    """Return the bytes with every CRLF and CR written as LF."""
    lines = raw.splitlines()
    if raw[-1] == _CR or raw[-1] == _LF:
        lines.append(b"")
    return b"\n".join(lines)


def _length_of_last_lines(raw: bytes, count: int) -> int:
    """Return how many bytes the last lines that have ended take, line ends included."""
    lines = raw.splitlines(keepends=True)
    if raw[-1] != _CR and raw[-1] != _LF:
        lines.pop()
    return sum([len(line) for line in lines[len(lines) - count :]])


def _utf8(text: str) -> str:
    """Decode bytes that were read as Latin-1: "UTF-8 decode", which replaces errors (9.2.5)."""
    return text.encode("latin-1").decode("utf-8", "replace")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
