# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Bytes in and text out; and the one place that knows which build this is.

Compiled, looking at one byte of a ``bytes`` object takes about 1 ns and any method call some 60.
In pure Python a method call takes about as long as looking at one byte does. So the two builds find
out in different ways whether some bytes stand at a position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TypeAlias

    from mypy_extensions import i64

__all__ = [
    "COMPILED",
    "PLAIN",
    "RUN",
    "SMALL",
    "SPLIT_FROM",
    "BytesLike",
    "field",
    "is_data",
    "is_utf8",
    "past",
    "stands",
    "to_bytes",
    "utf8",
]

BytesLike: TypeAlias = bytes | bytearray | memoryview

_COLON: Final = 58
_SPACE: Final = 32


def stands(raw: bytes, wanted: bytes, pos: i64) -> bool:
    """Return whether the wanted bytes, at least one, stand at the position."""
    size: i64 = len(wanted)
    if pos + size > len(raw):
        return False
    if size > 16:  # a slice costs an object, but compares many bytes at once
        return raw[pos] == wanted[0] and raw[pos : pos + size] == wanted
    i: i64 = 0
    while i < size:
        if raw[pos + i] != wanted[i]:
            return False
        i += 1
    return True


def is_data(raw: bytes, pos: i64) -> bool:
    """Return whether ``data: `` stands there, in a line that ends within the bytes.

    It is ``stands`` for the one prefix that most lines have: 5 ns instead of 20 when compiled.
    """
    return (
        raw[pos] == 100
        and raw[pos + 1] == 97
        and raw[pos + 2] == 116
        and raw[pos + 3] == 97
        and raw[pos + 4] == _COLON
        and raw[pos + 5] == _SPACE
    )


# A function in Python has a code object, from whichever file it was loaded; one in C has none.
COMPILED: Final = not hasattr(stands, "__code__")
# The bytes between the values of two events where ``is_data`` pays. No bytes are, in pure Python.
PLAIN: Final = b"\n\ndata: " if COMPILED else b""
# From this many characters on, equal blocks are cut with one str.split(). In pure Python that is
# 2.7 times the speed of httpx-sse on chat chunks, where searching for each line end gives 1.9.
# Compiled, searching is faster.
SPLIT_FROM: Final = (1 << 62) - 1 if COMPILED else 512
# After this many blocks that are alike, one after the other, the next ones are split.
RUN: Final = -1 if COMPILED else 3
# A chunk of up to this many bytes that ends a line is first tried as the end of one block like
# those before: 0.8 of the time for chat in 100-byte reads in pure Python, and 1.2 compiled.
SMALL: Final = 0 if COMPILED else 512
if not COMPILED:
    # The same function, written in C. Compiled code does not look it up by its name.
    globals()["stands"] = bytes.startswith


def field(text: str, pos: i64, end: i64) -> tuple[str, i64]:
    """Return the name of the field in the line [pos, end), and the position of its value.

    A character follows the line in the text: what ended it.
    """
    # "Collect the characters on the line before the first U+003A COLON character (:), and let field
    # be that string. Collect the characters on the line after the first U+003A COLON character (:),
    # and let value be that string. If value starts with a U+0020 SPACE character, remove it from
    # value." (9.2.6)
    colon: i64 = text.find(":", pos, end)
    if colon < 0:
        # "Process the field [...] using the whole line as the field name, and the empty string as
        # the field value." (9.2.6)
        return text[pos:end], end
    return text[pos:colon], colon + 2 if text[colon + 1] == " " else colon + 1


def past(raw: bytes, end: i64) -> i64:
    """Return the position after a line end: CR LF is one."""
    if raw[end] == 13 and end + 1 < len(raw) and raw[end + 1] == 10:
        return end + 2
    return end + 1


def utf8(raw: bytes) -> str:
    """Return the text: "UTF-8 decode" of section 9.2.5, which puts U+FFFD for what is broken."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")


def is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def to_bytes(data: BytesLike) -> bytes:
    """Return a copy of the caller's buffer, which may change after the call."""
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    if isinstance(data, memoryview):
        try:
            if data.c_contiguous and data.itemsize == 1:
                return data.tobytes()
        except ValueError as error:  # the view was released
            raise TypeError(f"not a usable memoryview: {error}") from error
        raise TypeError("a memoryview must be C-contiguous and of single bytes; give bytes(view)")
    raise TypeError(
        f"expected bytes, bytearray or memoryview, not {type(data).__name__}; "
        "text must be given as it came, in bytes: text.encode()"
    )
