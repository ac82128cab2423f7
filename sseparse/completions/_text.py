"""Text from a server: make it safe for a message, and find it in the server's JSON."""

from __future__ import annotations

import re
from typing import Any

from .._safe_text import one_line

_SHOWN = 200  # characters of a server's text in a message
# Servers may nest as deep as the JSON decoder reads, which is deeper than Python allows recursion.
# Values nested deeper than this are ignored.
_LEVELS = 8

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# The types of the parts of a content or a reasoning that contain text.
_TEXT_PARTS = frozenset({None, "text", "output_text"})
_REASONING_PARTS = frozenset({"thinking", "reasoning"})
_REASONING_KEYS = ("text", "thinking", "reasoning", "summary", "content")


def shown(text: str, limit: int = _SHOWN) -> str:
    r"""Return a server's text in a form that is safe in a message: cut, on one line, and escaped.

    >>> shown("a\x1b[2J\nb")
    'a\\x1b[2J\\nb'
    """
    if len(text) > limit:
        text = text[:limit] + "..."
    return one_line(text)


def join_surrogates(text: str) -> str:
    r"""Return the text with each pair of surrogates as the one character that it encodes.

    Some servers cut a character between the two ``\u`` escapes that JSON has for it, so that each
    delta ends or begins with one half of it.
    """
    if text.isascii():
        return text
    return _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)


def plain_text(value: object) -> str | None:
    """Return the text of a content: a str, or a list of parts. None if it has no text.

    >>> plain_text([{"type": "text", "text": "a"}, {"type": "image"}, "b"])
    'ab'
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return None
    texts = [text for part in value if (text := _part_text(part)) is not None]
    return "".join(texts) if texts else None


def is_text_part(part: object) -> bool:
    """Tell whether a part of a content is text and nothing else."""
    return isinstance(part, str) or (
        isinstance(part, dict) and part.keys() <= {"type", "text"} and _part_text(part) is not None
    )


def reasoning_text(value: object, levels: int = _LEVELS) -> str | None:
    """Return the text of a reasoning: a str, an object, or a list of either. None without text.

    >>> reasoning_text([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}])
    'hm'
    """
    if isinstance(value, str):
        return value
    if not levels:
        return None
    if isinstance(value, dict):
        found = (reasoning_text(value.get(key), levels - 1) for key in _REASONING_KEYS)
        return next((text for text in found if text is not None), None)
    if not isinstance(value, list):
        return None
    texts = [text for part in value if (text := reasoning_text(part, levels - 1)) is not None]
    return "".join(texts) if texts else None


def reasoning_parts(content: object) -> list[Any]:
    """Return the parts of a content that are reasoning."""
    parts = content if isinstance(content, list) else []
    return [each for each in parts if isinstance(each, dict) and _kind(each) in _REASONING_PARTS]


def _part_text(part: object) -> str | None:
    if isinstance(part, str):
        return part
    if isinstance(part, dict) and _kind(part) in _TEXT_PARTS:
        text = part.get("text")
        return text if isinstance(text, str) else None
    return None


def _kind(part: dict[str, Any]) -> str | None:
    kind = part.get("type")
    return kind if kind is None or isinstance(kind, str) else ""
