"""Read lines of JSON as an event stream: each line is the data of one event.

This is done only if the program asks for it with ``json_lines=True``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .._core import encode
from ._documents import form_of
from ._errors import RecordingError
from ._json import is_data_line, json_document
from ._recording import Body, Exchange

if TYPE_CHECKING:
    from collections.abc import Generator

    from ._cursor import Cursor
    from ._errors import Where
    from ._recording import Recording
    from ._streams import Reader

__all__ = ["lines_recording"]

_LINE_LIMIT = 64 * 1024 * 1024  # bytes
# The names in the lines that `sseparse events` prints, and those that it adds if there are several
# streams or files.
_OWN = frozenset({"type", "data", "last_event_id"})
_ADDED = frozenset({"file", "stream"})
_BOM = b"\xef\xbb\xbf"


def lines_recording(reader: Reader) -> Recording | None:
    """Return the lines at the reader's cursor as a recording.

    None if the file is something else: a document of a known form, or no lines of JSON.
    """
    limit = min(reader.max_document, _LINE_LIMIT)
    cursor = reader.cursor
    line = cursor.peek_line(limit).removeprefix(_BOM).lstrip()
    while not line and cursor.line(limit):  # skip blank lines
        line = cursor.peek_line(limit).lstrip()
    if not is_data_line(line) or _is_document(line, reader.where):
        return None
    reader.set_form("lines of JSON")
    where = reader.where

    def events(cursor: Cursor) -> Generator[bytes, None, None]:
        return _events(cursor, where)

    body = Body(reader.reopened(0, events), _events(reader.cursor, where), is_made=True)
    return reader.recording(where, Exchange(), body)


def _is_document(line: bytes, where: Where) -> bool:
    """Tell whether the first line is a whole document of a known form."""
    try:
        forms = [form_of(document) for document in json_document(line, where)]
    except RecordingError:
        return False
    return any(form is not None and not form.is_general for form in forms)


def _events(cursor: Cursor, where: Where) -> Generator[bytes, None, None]:
    """Yield each line as the bytes of an event."""
    last_id = ""
    while True:
        at = cursor.position
        line = cursor.line(_LINE_LIMIT)
        if line is None:
            raise where.error(f"expected lines of at most {_LINE_LIMIT} bytes", at)
        if not line:
            return
        text = line.removeprefix(_BOM if at == 0 else b"").strip()
        if not text:
            continue
        event = _own_event(text)
        if event is None:
            yield b"data: " + text + b"\n\n"
            continue
        id = event["last_event_id"]
        try:
            block = encode(event["data"], type=event["type"], id=None if id == last_id else id)
        except ValueError as error:
            raise where.error(f"the line is no event: {error}", at) from error
        last_id = id
        yield block


def _own_event(text: bytes) -> dict[str, Any] | None:
    """Return the fields of a line that `sseparse events` printed; None for any other line."""
    if b'"last_event_id"' not in text:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or value.keys() - _ADDED != _OWN:
        return None
    return value if all(isinstance(value[name], str) for name in _OWN) else None
