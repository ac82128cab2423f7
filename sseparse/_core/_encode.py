# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Write events as bytes, the inverse of the parser."""

from __future__ import annotations

__all__ = ["encode"]


def encode(
    data: str | None = None,
    *,
    type: str | None = None,
    id: str | None = None,
    retry: int | None = None,
    comment: str | None = None,
) -> bytes:
    r"""Return one block of an event stream, with the blank line that ends it.

    An argument that is None writes no field. Parsing the block gives the arguments back, but each
    line end in ``data`` becomes LF. No argument can end a line early or begin another field: a
    value that cannot be written safely raises ValueError.

    Args:
        data: The event's data. CRLF, CR and LF end its lines, and each line becomes a ``data``
            line.
        type: The event type.
        id: The last event ID. "" writes an empty one, which resets the ID.
        retry: The reconnection time in milliseconds.
        comment: Text that every parser ignores. Each of its lines becomes a comment line.

    Raises:
        ValueError: ``type`` or ``id`` contains CR or LF; ``id`` contains NUL; ``type`` is empty; an
            argument contains a lone surrogate; ``retry`` is negative or has more than 600 digits.
        TypeError: ``retry`` is not an int, or is a bool; another argument is not a str.

    >>> encode("two\nlines", type="note", id="7")
    b'event: note\nid: 7\ndata: two\ndata: lines\n\n'
    >>> encode(comment="keep-alive")
    b': keep-alive\n\n'
    """
    block = b""
    if comment is not None:
        block += _lines(b": ", _utf8("comment", comment))
    if type is not None:
        if type == "":
            raise ValueError("type is empty; leave it out for the default, 'message'")
        block += b"event: " + _one_line("type", type) + b"\n"
    if id is not None:
        value = _one_line("id", id)
        if b"\0" in value:
            raise ValueError("id holds NUL; every parser ignores an id that does")
        block += b"id: " + value + b"\n"
    if retry is not None:
        if not isinstance(retry, int) or isinstance(retry, bool):
            raise TypeError(f"retry must be an int (milliseconds), not {retry.__class__.__name__}")
        if not 0 <= retry < 10**600:
            raise ValueError("retry must be at least 0 ms and have at most 600 digits")
        block += b"retry: %d\n" % retry
    if data is not None:
        block += _lines(b"data: ", _utf8("data", data))
    return block + b"\n"


def _lines(prefix: bytes, text: bytes) -> bytes:
    # splitlines() would drop the empty line after a final line end, and the only line of "".
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return b"".join(prefix + line + b"\n" for line in lines)


def _one_line(name: str, text: str) -> bytes:
    value = _utf8(name, text)
    if b"\r" in value or b"\n" in value:
        raise ValueError(f"{name} holds a CR or LF, which would end its line early")
    return value


def _utf8(name: str, text: str) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str, not {text.__class__.__name__}")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name} holds a lone surrogate at index {error.start}, which UTF-8 cannot write"
        ) from error
