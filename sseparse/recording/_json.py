"""Read JSON. Of broken JSON, read the part before the fault."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._errors import Where

__all__ = ["data_lines", "is_data_line", "is_own_line", "json_document"]

# json.loads is recursive, and raises RecursionError after some thousand levels.
_MAX_DEPTH = 1000
_BOM = b"\xef\xbb\xbf"

# The function in the standard library that parses a string after its first quote. It has no types
# in typeshed.
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
    """Yield the value of a JSON file. Of a broken file, yield the part before the fault.

    Raises:
        RecordingError: The JSON is broken, or nested too deep. The part before was yielded.
    """
    # This keeps bytes that are not UTF-8. The text of a body is encoded with the same handler.
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
    """Return the number of lines if each of them seems to be a JSON object or list; otherwise 0.

    A line may contain a fault, because people write such files by hand. The last line may be cut
    off.
    """
    lines = [line for line in data.removeprefix(_BOM).splitlines() if line.strip()]
    if len(lines) > 1:
        return len(lines) if all(map(is_data_line, lines[:-1])) else 0
    return len([line for line in lines if is_own_line(line)])


def is_own_line(line: bytes) -> bool:
    """Tell whether ``sseparse events`` seems to have printed a line."""
    return all(key in line for key in (b'"type"', b'"data"', b'"last_event_id"'))


def is_data_line(line: bytes) -> bool:
    """Tell whether a line seems to be a whole JSON object or list."""
    return line[:1] in (b"{", b"[") and line.rstrip()[-1:] in (b"}", b"]")


def _number(text: str) -> float:
    """Return a number, as a float if it is long: int() raises ValueError for too many digits."""
    return int(text) if len(text) < 20 else float(text[:400])


class _Builder:
    """Reads JSON without recursion, and keeps the value that was read before a fault.

    Attributes:
        root: The value that was read so far; None if there is none.
    """

    def __init__(self, text: str) -> None:
        self.root: Any = None
        self._text = text
        self._stack: list[Any] = []  # the objects and lists that have not ended, outermost first
        self._key = ""

    def read(self) -> tuple[str, int]:
        """Read up to the fault; return a description of the fault, and its index in the text."""
        text = self._text
        at, state = 0, "value"
        while True:
            at = _skip(text, at)
            char = text[at : at + 1]
            if not char:
                return "the file ends inside the JSON", at
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
        """Read the value at an index; return the index after it, and the next state.

        Of an object or a list, only the first bracket is read. None if there is no value.
        """
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
    """Return the value of a number, or of a word such as ``true``."""
    words = {"true": True, "false": False, "null": None}
    return words[text] if text in words else float(text.replace("Infinity", "inf"))
