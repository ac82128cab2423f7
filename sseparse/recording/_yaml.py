"""Read YAML as plain data, from the events of libyaml.

PyYAML's loaders are not used, only its parser, for these reasons:

- A tag never makes an object. A value with ``!!binary`` or Ruby's ``!binary`` becomes bytes. All
  other tags are ignored, so ``!!python/object/apply:f [x]`` is a list with x.
- An alias becomes the same object, and not a copy. So aliases of aliases do not multiply the time
  or the memory. The key ``<<`` merges nothing.
- The part of a broken file before the fault is kept.
- Plain scalars stay text, except the words for null. The code that uses a field converts it.

It is also five times as fast as the C loader on recordings of small answers. The headers in these
are skipped. Those of answers are parsed when the program reads them; see ``_yaml_text``.
"""

from __future__ import annotations

import binascii
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from ._errors import RecordingError, Where
from ._yaml_text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["yaml_documents"]

_MAX_DEPTH = 1000  # libyaml has the same limit
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_NO_KEY: Any = object()
_BOM = b"\xef\xbb\xbf"

# Matches every anchor. An alias of it may be anywhere after it, also in headers. So in a file with
# an anchor, no headers are skipped.
_ANCHOR = re.compile(rb"&(?<![^\s,\[{?:!-]&)[^\s,\[\]{}]")
# The keys of headers, of answers, and of requests and answers.
_HEADERS = frozenset({"headers", "header"})
_RESPONSES = frozenset({"response", "then"})
_HALVES = frozenset({"request", "when", *_RESPONSES})


def yaml_documents(data: bytes, where: Where) -> Iterator[Any]:
    """Yield the documents of a YAML file, as dict, list, str, bytes and None.

    Of a document with a fault, the part before the fault is yielded.

    Raises:
        RecordingError: The YAML is broken or nested too deep, or PyYAML is missing.
    """
    yaml = _import_yaml(where)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = _text(data)
    builder = _Builder(yaml, where, text)
    fault: RecordingError | None = None
    parser: Any = None
    try:
        parser = loader(data if text is None else text)
        get_event = parser.get_event
        while True:
            if builder.read_document(get_event):
                break
            yield builder.root
    except yaml.YAMLError as error:
        fault = _fault(error, where)
        fault.__cause__ = error
    except RecordingError as error:
        fault = error
    finally:
        if parser is not None:
            parser.dispose()
    if fault is not None:
        if builder.root is not None:
            yield builder.root
        raise fault


def _import_yaml(where: Where) -> Any:
    """Return the module of PyYAML, or of PyYAML-ft, which is for free-threaded Python."""
    try:
        import yaml
    except ImportError as error:
        try:
            import yaml_ft
        except ImportError:
            problem = "reading YAML needs PyYAML: pip install 'sseparse[recordings]'"
            raise where.error(problem) from error
        return yaml_ft
    return yaml


def _fault(error: Any, where: Where) -> RecordingError:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        place = f"line {mark.line + 1}, column {mark.column + 1}"
    else:
        position = getattr(error, "position", None)  # of a character that YAML does not allow
        place = "" if position is None else f"byte {position}"
    parts = [getattr(error, name, None) for name in ("context", "problem", "reason")]
    reason = ", ".join(str(part) for part in parts if part) or "it cannot be read"
    return where.within(place).error(f"expected YAML: {reason}")


def _text(data: bytes) -> Text | None:
    """Return the text of a file; None if no headers can be skipped in it."""
    # libyaml does not count a byte order mark, so its positions would not be those in the text.
    if data.startswith(_BOM) or _ANCHOR.search(data):
        return None
    try:
        return Text(data.decode())
    except UnicodeDecodeError:  # libyaml reports this fault, with its place
        return None


def _value_of(block: str, where: Where) -> Any:
    """Return the value of a block of headers that was skipped."""
    return next(yaml_documents(block.encode(), where))


class _Builder:
    """Makes plain data from the events of the parser.

    Args:
        yaml: The module of PyYAML.
        where: The file, for messages.
        text: The text of the file if headers can be skipped, otherwise None. The value of skipped
            headers of an answer is a function that parses them.

    Attributes:
        root: The last document; after a fault, the part of it that was read.
    """

    def __init__(self, yaml: Any, where: Where, text: Text | None) -> None:
        self.root: Any = None
        self._where = where
        self._text = text
        self._scalar, self._alias = yaml.ScalarEvent, yaml.AliasEvent
        self._starts = {yaml.MappingStartEvent: dict, yaml.SequenceStartEvent: list}
        self._ends = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
        self._document_end, self._stream_end = yaml.DocumentEndEvent, yaml.StreamEndEvent
        self._anchors: dict[str, Any] = {}
        # _target is the innermost mapping or list that has not ended; None if there is none. _key
        # is the key in it that has no value yet. _stack has these two for each mapping or list
        # around it. _start and _end set all three, and read_document sets _key.
        self._target: Any = None
        self._key: Any = _NO_KEY
        self._stack: list[tuple[Any, Any]] = []
        # The last request or answer in block style. Its headers can be skipped. Set by _start.
        self._half: Any = None

    def read_document(self, get_event: Callable[[], Any]) -> bool:
        """Read the next document into ``root``; return whether the file has ended instead."""
        self.root = None
        self._anchors = {}
        scalar, starts, ends = self._scalar, self._starts, self._ends
        while True:
            event = get_event()
            kind = type(event)
            if kind is scalar:
                value = event.value
                if event.tag is not None or event.anchor is not None:
                    value = self._special(event)
                elif value in _NULLS and not event.style:
                    value = None
            elif kind in starts:
                self._start(event, starts[kind]())
                continue
            elif kind in ends:
                self._end()
                continue
            elif kind is self._alias:
                value = self._aliased(event)
            elif kind is self._document_end or kind is self._stream_end:
                return kind is self._stream_end
            else:
                continue
            target = self._target
            if type(target) is list:
                target.append(value)
            elif target is None:
                self.root = value
            elif self._key is _NO_KEY:
                self._key = value if type(value) is str else _key_of(value)
                if target is self._half and self._key in _HEADERS:
                    self._skip_headers(event, get_event)
            else:
                target[self._key] = value
                self._key = _NO_KEY

    def _start(self, event: Any, value: Any) -> None:
        """Begin a mapping or a list."""
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        if len(self._stack) >= _MAX_DEPTH:
            raise self._error(event, f"it is nested more than {_MAX_DEPTH} levels deep")
        target = self._target
        if target is None:
            self.root = value
        elif type(target) is list:
            target.append(value)
        elif self._key is not _NO_KEY:  # otherwise the container is a key; see _end
            target[self._key] = value
        if self._key in _HALVES and self._text is not None and event.flow_style is False:
            self._half = value
        self._stack.append((target, self._key))
        self._target, self._key = value, _NO_KEY

    def _skip_headers(self, event: Any, get_event: Callable[[], Any]) -> None:
        """Skip the headers after the last key, if possible."""
        block = self._text.skip(event) if self._text is not None else ""
        if not block:
            return
        if self._stack[-1][1] in _RESPONSES:
            self._target[self._key] = partial(_value_of, block, self._where)
        self._key = _NO_KEY
        get_event()  # libyaml got blanks instead of the block, and reports them as a null

    def _end(self) -> None:
        """End a mapping or a list."""
        ended = self._target
        self._target, self._key = self._stack.pop()
        if type(self._target) is dict:
            self._key = _key_of(ended) if self._key is _NO_KEY else _NO_KEY

    def _aliased(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise self._error(event, f"there is no anchor {event.anchor!r} for this alias")
        return self._anchors[event.anchor]

    def _special(self, event: Any) -> Any:
        """Return the value of a scalar with a tag or an anchor: bytes, text or None."""
        value = event.value
        if event.tag is not None and event.tag.endswith("binary"):
            try:
                value = binascii.a2b_base64(value)
            except ValueError as error:
                raise self._error(event, f"expected base64: {error}") from error
        elif event.tag is None and value in _NULLS and not event.style:
            value = None
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _error(self, event: Any, problem: str) -> RecordingError:
        mark = event.start_mark
        return self._where.within(f"line {mark.line + 1}, column {mark.column + 1}").error(problem)


def _key_of(value: Any) -> str:
    """Return a key of another type as text; "" if it has no text.

    A list of one key gives the same: a YAML tag can put a key into a list.
    """
    if type(value) is list and len(value) == 1:
        value = value[0]
    if type(value) is bytes:
        return value.decode("utf-8", "replace")
    return value if type(value) is str else ""
