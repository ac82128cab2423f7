# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Compare bytes, decode text and copy buffers, in the way that suits the build.

Only this module knows which build is running. Compiled, reading one byte of a ``bytes`` object
takes about 1 ns, and a method call about 60 ns. In pure Python a method call takes about as long as
reading one byte. So each build has its own way to compare the bytes at a position.
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
    """Return whether the wanted bytes, at least one, are at the position."""
    size: i64 = len(wanted)
    if pos + size > len(raw):
        return False
    if size > 16:  # a slice creates an object, but compares many bytes at once
        return raw[pos] == wanted[0] and raw[pos : pos + size] == wanted
    i: i64 = 0
    while i < size:
        if raw[pos + i] != wanted[i]:
            return False
        i += 1
    return True


def is_data(raw: bytes, pos: i64) -> bool:
    """Return whether ``data: `` is at the position; the bytes must reach to ``pos + 6``.

    Compiled, it takes 5 ns, where ``stands`` takes 20 ns for this prefix of most lines.
    """
    return (
        raw[pos] == 100
        and raw[pos + 1] == 97
        and raw[pos + 2] == 116
        and raw[pos + 3] == 97
        and raw[pos + 4] == _COLON
        and raw[pos + 5] == _SPACE
    )


# A Python function has a code object, whichever file it was loaded from. A C function has none.
COMPILED: Final = not hasattr(stands, "__code__")
# The bytes between two values for which ``Template.take`` uses ``is_data``. In pure Python
# ``is_data`` is slower, and no template has b"" between its values.
PLAIN: Final = b"\n\ndata: " if COMPILED else b""
# If more characters than this are left, blocks that are alike are cut with one str.split(). In pure
# Python that runs at 2.7 times the speed of httpx-sse on chat chunks; searching for each line end
# runs at 1.9 times. Compiled, searching is faster.
SPLIT_FROM: Final = (1 << 62) - 1 if COMPILED else 512
# After this many blocks in a row that are alike, the next ones are split.
RUN: Final = -1 if COMPILED else 3
# A chunk of at most this many bytes that ends a line is first tried as the end of one block like
# those before. For chat in 100-byte reads that takes 0.8 of the time in pure Python, 1.2 compiled.
SMALL: Final = 0 if COMPILED else 512
if not COMPILED:
    # bytes.startswith does the same in C. Compiled code calls ``stands`` without this lookup.
    globals()["stands"] = bytes.startswith


def field(text: str, pos: i64, end: i64) -> tuple[str, i64]:
    """Return the name of the field in the line [pos, end), and the position of its value.

    The text must contain the character that ended the line.
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
    """Return the position after the line end at ``end``; CR LF is one line end."""
    if raw[end] == 13 and end + 1 < len(raw) and raw[end + 1] == 10:
        return end + 2
    return end + 1


def utf8(raw: bytes) -> str:
    """Return the text; as "UTF-8 decode" (9.2.6) says, broken bytes become U+FFFD."""
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
    """Return the bytes of the caller's buffer, which the caller may change after the call."""
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
        "give the bytes as they came, or encode text: text.encode()"
    )
