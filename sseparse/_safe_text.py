"""Make foreign text safe on a terminal: in JSON, as text for people, and as a part of a line.

Unsafe are the characters that control a terminal, those that make text look like another, those
that nobody can see, and lone surrogates, which cannot be encoded. They are written as escapes.
"""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any

__all__ = ["json_bytes", "json_text", "one_line", "printable", "quoted"]

# DEL and the C1 controls; the line and paragraph separators; Bidi_Control; surrogates; and what
# Unicode calls Default_Ignorable_Code_Point: zero width characters, fillers, variation selectors
# and tags, with which text can be hidden in a text.
_UNSAFE = (
    "\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_UNSAFE_IN_JSON = re.compile(f"[{_UNSAFE}]")  # JSON escapes the C0 controls itself
_UNSAFE_IN_TEXT = re.compile(f"[\x00-\x08\x0b-\x1f{_UNSAFE}]")
_UNSAFE_IN_LINE = re.compile(f"[\x00-\x1f{_UNSAFE}]")

# Those of them that str.isprintable takes for printable, by their first bytes in UTF-8: how they go
# on. To look for one byte is 20 times as fast as to look for several.
_NOT_SEEN = {
    b"\xcd": (b"\x8f",),
    b"\xe1": (
        *(b"\x85\x9f", b"\x85\xa0", b"\x9e\xb4", b"\x9e\xb5"),
        *(b"\xa0\x8b", b"\xa0\x8c", b"\xa0\x8d", b"\xa0\x8f"),
    ),
    b"\xe3": (b"\x85\xa4",),
    b"\xef": (b"\xb8", b"\xbe\xa0"),
    b"\xf3": (b"\xa0",),
}

# Some are needed for what they are between or behind: a joiner between letters that join, or
# between emoji, and a selector behind a character that has variants.
_JOINERS = "\u200c\u200d"
_SELECTORS = re.compile("[\ufe00-\ufe0f\u180b-\u180d\u180f]")
_IDEOGRAPHIC = re.compile("[\U000e0100-\U000e01ef]")
_HAS_VARIANTS = re.compile(f"[^\x00-\xa8\xaa-\xad\xaf-\u02ff{_UNSAFE}]")
_JOINED = re.compile(f"[^\x00-\u02ff{_UNSAFE}]")
_JOINS = re.compile(f"{_JOINED.pattern}|[\ufe0e\ufe0f]")
_IDEOGRAPH = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")


def quoted(text: str) -> str:
    """Return a text as JSON has it, safe except for what ``json_bytes`` looks for.

    With ``json_bytes`` this is ``json_text``, made fast for a great many texts.
    """
    if text.isascii():
        return encode_basestring_ascii(text)  # the faster one, which escapes DEL as well
    json = encode_basestring(text)
    # isprintable() makes the search unnecessary for most text. That saves a tenth of the time for a
    # stream with some non-ASCII text.
    return json if json.isprintable() else _UNSAFE_IN_JSON.sub(_json_escape, json)


def json_bytes(text: str) -> bytes:
    """Return lines of JSON with ``quoted`` texts as the bytes to write."""
    data = text.encode()
    if not text.isascii():
        # One search in the bytes of many lines costs less than one in each text.
        for first, rests in _NOT_SEEN.items():
            if first in data and any(first + rest in data for rest in rests):
                return _UNSAFE_IN_JSON.sub(_json_escape, text).encode()
    return data


def json_text(value: Any, indent: int | None = None) -> str:
    r"""Return a value as JSON with safe texts.

    >>> print(json_text({"é": "\x1b\u202e"}))
    {"é": "\u001b\u202e"}
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _UNSAFE_IN_JSON.sub(_json_escape, text)


def printable(text: str) -> str:
    r"""Return a text for people. What is unsafe becomes an escape; newline and tab stay.

    >>> printable("a\tb\x1b[2J\u202e c\u200d")
    'a\tb\\x1b[2J\\u202e c\\u200d'
    """
    return _UNSAFE_IN_TEXT.sub(_escape, text)


def one_line(text: str) -> str:
    r"""Return a text as a part of a line: newline and tab become escapes, too.

    >>> one_line("a\nb")
    'a\\nb'
    """
    return _UNSAFE_IN_LINE.sub(_escape, text)


def _json_escape(match: re.Match[str]) -> str:
    char = match[0]
    return char if _is_needed(match) else encode_basestring_ascii(char)[1:-1]


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    return char if _is_needed(match) else ascii(char)[1:-1]


def _is_needed(match: re.Match[str]) -> bool:
    """Tell whether an invisible character has a task where it is."""
    text, at, char = match.string, match.start(), match[0]
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if char in _JOINERS:
        return bool(_JOINS.match(before) and _JOINED.match(after))
    if _SELECTORS.match(char):
        is_keycap = before in "0123456789#*" and char == "\ufe0f" and after == "\u20e3"
        return bool(before) and (is_keycap or bool(_HAS_VARIANTS.match(before)))
    return bool(_IDEOGRAPHIC.match(char) and _IDEOGRAPH.match(before))
