"""Find what servers write outside the event format: error fields, stray lines, other bodies."""

from __future__ import annotations

import re

# How an event stream begins, after a byte order mark and blank lines. Used only if the content type
# is another one.
_FIELDS = (b"data", b"event", b"id", b"retry")
_BOM = b"\xef\xbb\xbf"

_LINE_END = re.compile(rb"\r\n|\r|\n")
_FIELD = re.compile(rb"(?:data|event|id|retry|error)?(?::|\Z)")

_DONE_LINE = re.compile(rb"(?<![^\r\n])data: *\[DONE\]")

_RECENT_LIMIT = 1 << 16  # bytes after the last event that are kept

_ERROR = b"error:"
_ERROR_FIELD = re.compile(rb"([\r\n])error:")
_ERROR_EVENT = rb"\1:\nevent: error\ndata:"  # the colon ends the name that was begun


class ErrorFields:
    r"""Turn a field of the name ``error`` into an event of the type "error".

    Older llama.cpp servers report an error in this way. The parser ignores the field, as the
    standard demands for unknown names.

    >>> fields = ErrorFields()
    >>> fields.feed(b"data: 1\n\nerror: out of memory\n")
    b'data: 1\n\n:\nevent: error\ndata: out of memory\n'
    >>> fields.feed(b"data: 2\n\nerr"), fields.feed(b"or: again\n")
    (b'data: 2\n\nerr', b':\nevent: error\ndata: again\n')
    """

    def __init__(self) -> None:
        # How the line begins that the last read left unfinished, with the line end before it, as
        # long as it may be an error field; b"" for any other line.
        self._start = b"\n"

    def feed(self, data: bytes) -> bytes:
        """Return what to give to the parser for the next bytes of the stream; at least one."""
        start = self._start
        if start and (len(start) > 1 or data.startswith(b"e")):
            whole = start + data
            # The start was returned already. Return the rest, or the whole replacement of a name
            # after its line end.
            given = 1 if whole.startswith(_ERROR, 1) else len(start)
            given_data = _ERROR_FIELD.sub(_ERROR_EVENT, whole)[given:]
        elif data.find(_ERROR) >= 0:  # with "in" it takes five times as long
            given_data = _ERROR_FIELD.sub(_ERROR_EVENT, data)
        else:
            given_data = data
        # Only the last bytes of a read are looked at, however long it is.
        last = data[-1]
        if last == 0x0A or last == 0x0D:  # it takes half the time
            self._start = b"\n"
        else:
            self._start = _begun(start + data if len(data) < len(_ERROR) else data)
        return given_data


def _begun(data: bytes) -> bytes:
    """Return the last line with the line end before it, if it may become an error field."""
    end = data[-len(_ERROR) :]
    at = max(end.rfind(b"\n"), end.rfind(b"\r"))
    return end[at:] if at >= 0 and _ERROR.startswith(end[at + 1 :]) else b""


def begins_as_events(body: bytes) -> bool | None:
    r"""Tell whether a body begins as an event stream; None if more bytes must decide.

    Text that only begins with the letters of a field name does not.

    >>> begins_as_events(b"data: 1"), begins_as_events(b"database error"), begins_as_events(b"da")
    (True, False, None)
    """
    if _BOM.startswith(body):
        return None
    begun = body.removeprefix(_BOM).lstrip(b"\r\n")
    if begun.startswith(b":"):
        return True
    for field in _FIELDS:
        if begun.startswith(field):
            return None if begun == field else begun[len(field) : len(field) + 1] in b":\r\n"
        if field.startswith(begun):
            return None
    return False


class StrayLines:
    r"""Find the lines after the last event that are no fields, which the parser of events ignores.

    >>> strays = StrayLines()
    >>> strays.feed(b'data: 1\n\n{"error": "overloaded"}\n: a comment\n') and None
    >>> strays.after_read(has_events=True)
    >>> strays.text()[0]
    '{"error": "overloaded"}'
    """

    def __init__(self) -> None:
        self._error_fields = ErrorFields()
        self._read = b""  # the read whose events are taken; b"" after that
        # The bytes since the last event: the read that completed it, if there may be anything else
        # in it, the byte before this, and the reads after it, which are no more than _RECENT_LIMIT
        # bytes and a read. By after_read.
        self._last_event = b""
        self._byte_before = b""
        self._quiet: list[bytes] = []
        self._quiet_size = 0
        self._last_byte = b""  # of the reads so far
        self._is_plain = False  # whether the last read is one event of one line. By feed.
        # Whether _last_event may begin within its event. By after_read.
        self._begins_within = False

    def feed(self, data: bytes) -> bytes:
        """Return what to give to the parser for the next bytes of the stream; at least one."""
        self._read = data
        # Most reads are one event of one line and nothing else. They leave no trace here.
        self._is_plain = (
            self._last_byte == b"\n"
            and data.startswith(b"data:")
            and data.endswith(b"\n\n")
            and data.find(b"\n") == len(data) - 2
            and data.find(b"\r") < 0
        )
        return data if self._is_plain else self._error_fields.feed(data)

    def after_read(self, has_events: bool) -> None:
        """Record that all events of the last read were taken; tell whether there were any."""
        data, self._read = self._read, b""
        if has_events:
            self._byte_before = self._last_byte
            self._last_event = b"" if self._is_plain else data
            self._begins_within = bool(self._last_byte) and not self._is_plain
            if self._quiet:
                self._quiet = []
                self._quiet_size = 0
        elif not data:  # a read of a body that is not, or not yet, an event stream
            return
        elif self._quiet_size < _RECENT_LIMIT:
            self._quiet.append(data)
            self._quiet_size += len(data)
        self._last_byte = data[-1:]

    def text(self) -> tuple[str, bytes]:
        """Return the lines since the last event that are no fields, and all bytes since then.

        It may be called after a read, or while its events are taken.
        """
        body = b"".join([self._last_event, *self._quiet, self._read])
        return self._text_in(body), body

    def _text_in(self, body: bytes) -> str:
        before = self._byte_before
        body = before + body if before else body.removeprefix(_BOM)
        if done := _DONE_LINE.search(body):
            body = body[: done.start()]
        lines = _LINE_END.split(body)
        if before:
            del lines[0]  # the end of a line; or the line end before these bytes
        if lines and any(name.startswith(lines[-1]) for name in (*_FIELDS, _BOM)):
            lines.pop()  # a field of which the end is missing
        strays: list[bytes] = []
        has_data = self._begins_within
        for line in lines:
            if not line:
                if has_data:  # an event ended here, so earlier lines do not count
                    strays.clear()
                has_data = False
            elif line.startswith((b"data", _ERROR)) and _FIELD.match(line):
                has_data = True
            elif line.strip() and not _FIELD.match(line):
                strays.append(line)
        return b"\n".join(strays).decode("utf-8", "replace").strip()
