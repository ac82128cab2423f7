"""Read JSON, and of broken JSON what is before the fault."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._errors import Where

__all__ = ["data_lines", "is_data_line", "is_own_line", "json_document"]

# json.loads calls itself for each level, and gives up at some thousands.
_MAX_DEPTH = 1000
_BOM = b"\xef\xbb\xbf"

# The function of the standard library for the rest of a string; typeshed does not have it.
_scan_string: Callable[[str, int, bool], tuple[str, int]] = json.decoder.scanstring  # type: ignore[attr-defined]
_NO_SPACE = re.compile(r"[^ \t\n\r]|\Z")
_SIMPLE = re.compile(
    r"true|false|null|NaN|-?Infinity|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![0-9.eE])"
)
_EXPECTED = {
    "value": "a value",
    "first value": "a value, or the end of the list,",
    "key": "a name in double quotes",
    "first key": "a name in double quotes, or the end of the object,",
    "colon": "a colon",
    "end": "a comma, or the end of the list or object,",
}


def json_document(data: bytes, where: Where) -> Iterator[Any]:
    """Yield the value of a JSON file, or of a broken one as far as it can be read.

    Raises:
        RecordingError: The JSON is broken, or nested too deep. The value up to there was yielded.
    """
    # Bytes that are no UTF-8 survive in the text of a body.
    text = data.removeprefix(_BOM).decode("utf-8", "surrogateescape")
    try:
        value = json.loads(text, strict=False, parse_int=_number)
    except (ValueError, RecursionError):
        pass
    else:
        yield value
        return
    builder = _Builder(text)
    problem, at = builder.read()
    if builder.root is not None:
        yield builder.root
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    raise where.within(f"line {line}, column {column}").error(problem)


def data_lines(data: bytes) -> int:
    """Return how many lines there are, if each seems to be a JSON value of its own; else 0.

    The lines need not be without a fault: people write them by hand. The last may be cut off.
    """
    lines = [line for line in data.removeprefix(_BOM).splitlines() if line.strip()]
    if len(lines) > 1:
        return len(lines) if all(map(is_data_line, lines[:-1])) else 0
    return len([line for line in lines if is_own_line(line)])


def is_own_line(line: bytes) -> bool:
    """Tell whether a line seems to be one that ``sseparse events`` printed."""
    return all(key in line for key in (b'"type"', b'"data"', b'"last_event_id"'))


def is_data_line(line: bytes) -> bool:
    """Tell whether a line seems to be a whole JSON object or list."""
    return line[:1] in (b"{", b"[") and line.rstrip()[-1:] in (b"}", b"]")


def _number(text: str) -> float:
    """Return a number; int() refuses more digits than sys.set_int_max_str_digits allows."""
    return int(text) if len(text) < 20 else float(text[:400])


class _Builder:
    """Reads JSON without calling itself, and keeps what there is at a fault.

    Attributes:
        root: The value as far as it was read; None if nothing was.
    """

    def __init__(self, text: str) -> None:
        self.root: Any = None
        self._text = text
        self._stack: list[Any] = []  # the containers that are open, from the outside to the inside
        self._key = ""

    def read(self) -> tuple[str, int]:
        """Read up to the fault; return what is wrong there, and its index in the text."""
        text = self._text
        at, state = 0, "value"
        while True:
            at = _skip(text, at)
            char = text[at : at + 1]
            if not char:
                return "the file ends, and JSON needs more than this", at
            if len(self._stack) > _MAX_DEPTH:
                return f"the JSON is nested more than {_MAX_DEPTH} levels deep", at
            try:
                if char == '"' and state in ("key", "first key"):
                    self._key, at = _scan_string(text, at + 1, False)
                    state = "colon"
                elif char == ":" and state == "colon":
                    at, state = at + 1, "value"
                elif char in "]}" and self._may_close(char, state):
                    self._stack.pop()
                    at, state = at + 1, "end"
                elif char == "," and state == "end" and self._stack:
                    at, state = at + 1, "key" if type(self._stack[-1]) is dict else "value"
                elif state in ("value", "first value") and (found := self._value(at, char)):
                    at, state = found
                else:
                    expected = _EXPECTED[state] if self._stack or state != "end" else "the end"
                    return f"expected {expected} in JSON, not {text[at : at + 20]!r}", at
            except ValueError as error:
                return f"the JSON is broken: {getattr(error, 'msg', error)}", at

    def _may_close(self, char: str, state: str) -> bool:
        if not self._stack:
            return False
        if type(self._stack[-1]) is dict:
            return char == "}" and state in ("first key", "end")
        return char == "]" and state in ("first value", "end")

    def _value(self, at: int, char: str) -> tuple[int, str] | None:
        """Read the value at an index; return the index after it, and what may follow."""
        value: Any
        if char == "{":
            value, end, state = {}, at + 1, "first key"
        elif char == "[":
            value, end, state = [], at + 1, "first value"
        elif char == '"':
            value, end = _scan_string(self._text, at + 1, False)
            state = "end"
        elif match := _SIMPLE.match(self._text, at):
            value, end, state = _simple(match[0]), match.end(), "end"
        else:
            return None
        if not self._stack:
            self.root = value
        elif type(self._stack[-1]) is dict:
            self._stack[-1][self._key] = value
        else:
            self._stack[-1].append(value)
        if state != "end":
            self._stack.append(value)
        return end, state


def _skip(text: str, at: int) -> int:
    match = _NO_SPACE.search(text, at)
    return match.start() if match else len(text)


def _simple(text: str) -> Any:
    """Return what a number or a word of JSON is."""
    words = {"true": True, "false": False, "null": None}
    return words[text] if text in words else float(text.replace("Infinity", "inf"))
