"""What servers write outside of the event format, and what to make of it."""

from __future__ import annotations

import re

# How an event stream begins, after a byte order mark and blank lines. Asked only where the content
# type does not say that the body is one.
_FIELDS = (b"data", b"event", b"id", b"retry")
_BOM = b"\xef\xbb\xbf"

_LINE_END = re.compile(rb"\r\n|\r|\n")
_FIELD = re.compile(rb"(?:data|event|id|retry|error)?(?::|\Z)")

_ERROR = b"error:"
_ERROR_FIELD = re.compile(rb"([\r\n])error:")
_ERROR_EVENT = rb"\1:\nevent: error\ndata:"  # the colon ends what was given already of the name


class ErrorFields:
    r"""Turn a field of the name ``error`` into an event of the type "error".

    Older llama.cpp servers report an error in this way. The parser ignores the field, as the
    standard says of names that it does not know.

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
        """Return what to give to the parser for the next bytes of the stream."""
        start = self._start
        if start and (len(start) > 1 or data[:1] == b"e"):
            data = self._joined(start, data)
        elif b"\nerror:" in data or b"\rerror:" in data:
            data = _ERROR_FIELD.sub(_ERROR_EVENT, data)
        # Only the last bytes of a read are looked at, however long it is.
        end = data[-len(_ERROR) :]
        at = max(end.rfind(b"\n"), end.rfind(b"\r"))
        if at >= 0:
            self._start = end[at:] if _ERROR.startswith(end[at + 1 :]) else b""
        elif start and len(data) < len(_ERROR):
            begun = start + data
            self._start = begun if _ERROR.startswith(begun[1:]) else b""
        else:
            self._start = b""
        return data

    @staticmethod
    def _joined(start: bytes, data: bytes) -> bytes:
        """Return the bytes to give where the line may go on as an error field."""
        whole = start + data
        # The start was given already. Of what replaces a name, all but the line end is still to be.
        given = 1 if whole.startswith(_ERROR, 1) else len(start)
        return _ERROR_FIELD.sub(_ERROR_EVENT, whole)[given:]


def begins_as_events(body: bytes) -> bool | None:
    r"""Tell whether the first bytes of a body are those of an event stream; None if that is open.

    Text that only begins with the name of a field is none.

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


def stray_text(body: bytes, *, is_start: bool) -> str:
    r"""Return the lines that are no fields, which the parser has ignored.

    Args:
        body: Bytes of the stream, up to its end.
        is_start: Whether they begin where the stream does, and not within a line.

    >>> stray_text(b'data: 1\n\n{"error": "overloaded"}\n: a comment\n', is_start=True)
    '{"error": "overloaded"}'
    """
    lines = _LINE_END.split(body.removeprefix(_BOM))
    if not is_start:
        del lines[0]
    strays = [line for line in lines if line.strip() and not _FIELD.match(line)]
    if strays and strays[-1] is lines[-1] and any(name.startswith(lines[-1]) for name in _FIELDS):
        strays.pop()  # a field of which the end is missing
    return b"\n".join(strays).decode("utf-8", "replace").strip()
