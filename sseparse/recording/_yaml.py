"""Read YAML as plain data, one event of libyaml after the other.

PyYAML's loaders are not used, only its parser:

- A tag never makes an object. ``!!binary`` and Ruby's ``!binary`` become bytes, and all other tags
  are ignored, so that ``!!python/object/apply:f [x]`` is the list of x.
- An alias is the same object again. Nothing here goes through a value, so aliases that multiply
  cost nothing. The key ``<<`` merges nothing.
- What a broken file has before the fault is kept.
- Plain scalars stay text, except the words for null: every reader of a field knows its type.

It is also five times as fast as the C loader on recordings of small answers. Their headers are
skipped, and those of answers are parsed when the program reads them; see ``_yaml_text``.
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

# Matches every anchor. An alias may follow anywhere, so a file with an anchor is parsed completely.
_ANCHOR = re.compile(rb"&(?<![^\s,\[{?:!-]&)[^\s,\[\]{}]")
# Headers, by the key that they are under.
_HEADERS = frozenset({"headers", "header"})
_RESPONSES = frozenset({"response", "then"})
_HALVES = frozenset({"request", "when", *_RESPONSES})


def yaml_documents(data: bytes, where: Where) -> Iterator[Any]:
    """Yield the documents of a YAML file: dict, list, str, bytes and None.

    The last one before a fault is yielded as far as it was read.

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
    """Return the module; PyYAML-ft, for free-threaded Python, has another name."""
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
    if data.startswith(_BOM) or _ANCHOR.search(data):  # libyaml counts no BOM
        return None
    try:
        return Text(data.decode())
    except UnicodeDecodeError:  # libyaml finds the place
        return None


def _value_of(block: str, where: Where) -> Any:
    """Return the value of a block of headers that was skipped."""
    return next(yaml_documents(block.encode(), where))


class _Builder:
    """Makes plain data of the parser's events.

    Args:
        yaml: The module.
        where: The file, for messages.
        text: Its text, if headers can be skipped; those of answers are functions then.

    Attributes:
        root: The document that was read last, or that is being read, as far as that.
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
        # The container that is being read, None outside of all, and the key that awaits its value
        # there; and the same of the containers around it. By _start, _end and read_document.
        self._target: Any = None
        self._key: Any = _NO_KEY
        self._stack: list[tuple[Any, Any]] = []
        # The last request or answer in block style, where headers can be skipped. Set by _start.
        self._half: Any = None

    def read_document(self, get_event: Callable[[], Any]) -> bool:
        """Read the next document into the root; return whether there was none any more."""
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
        """Begin a container."""
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        if len(self._stack) >= _MAX_DEPTH:
            raise self._error(event, f"it is nested more than {_MAX_DEPTH} levels deep")
        target = self._target
        if target is None:
            self.root = value
        elif type(target) is list:
            target.append(value)
        elif self._key is not _NO_KEY:  # a container in the place of a key is put in at its end
            target[self._key] = value
        if self._key in _HALVES and self._text is not None and event.flow_style is False:
            self._half = value
        self._stack.append((target, self._key))
        self._target, self._key = value, _NO_KEY

    def _skip_headers(self, event: Any, get_event: Callable[[], Any]) -> None:
        """Skip the headers after the key that was read last, if that is possible."""
        block = self._text.skip(event) if self._text is not None else ""
        if not block:
            return
        if self._stack[-1][1] in _RESPONSES:
            self._target[self._key] = partial(_value_of, block, self._where)
        self._key = _NO_KEY
        get_event()  # the null that libyaml finds instead of the block

    def _end(self) -> None:
        """End a container."""
        ended = self._target
        self._target, self._key = self._stack.pop()
        if type(self._target) is dict:
            self._key = _key_of(ended) if self._key is _NO_KEY else _NO_KEY

    def _aliased(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise self._error(event, f"there is no anchor {event.anchor!r} for this alias")
        return self._anchors[event.anchor]

    def _special(self, event: Any) -> Any:
        """Return a scalar that has a tag or an anchor: bytes, text or None."""
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
    """Return a key that is no plain text as text: that of a tag around one, or none."""
    if type(value) is list and len(value) == 1:
        value = value[0]
    if type(value) is bytes:
        return value.decode("utf-8", "replace")
    return value if type(value) is str else ""
