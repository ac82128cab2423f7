"""A parser for the conformance tests that is right, what breaks it, and how it is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sseparse._conformance import _peers, _subject, _worker

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

# A right parser, which the tests break in one place.
RIGHT = """
import codecs
import re
from types import SimpleNamespace

class TooLargeError(Exception):
    pass

class parse:
    def __init__(self, chunks, *, max_event_size=None):
        self.chunks, self.limit = chunks, max_event_size
        self.last_event_id, self.retry, self.buffer = "", None, ""
        self.data, self.type, self.size = [], "", 0

    def __iter__(self):
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        pieces, at_start, after_cr, held = [], True, False, 0
        for chunk in self.chunks:
            part = decode(chunk)
            if part and at_start:
                part, at_start = part.removeprefix("\\ufeff"), False
            if part and after_cr:
                part, after_cr = part.removeprefix("\\n"), False
            if part:
                after_cr = part.endswith("\\r")
            first, *rest = re.split("\\r\\n|\\r|\\n", part)
            pieces.append(first)
            held += len(first)
            for line in rest:
                yield from self.line("".join(pieces))
                pieces, held = [line], len(line)
            if self.limit is not None and self.size + held > self.limit:
                raise TooLargeError(self.limit)

    def line(self, line):
        if not line:
            self.last_event_id = self.buffer
            if self.data:
                yield SimpleNamespace(
                    type=self.type or "message",
                    data="\\n".join(self.data),
                    last_event_id=self.last_event_id,
                )
            self.data, self.type, self.size = [], "", 0
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self.data.append(value)
            self.size += len(line)
            if self.limit is not None and self.size > self.limit:
                raise TooLargeError(self.limit)
        elif name == "event":
            self.type = value
        elif name == "id" and "\\0" not in value:
            self.buffer = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            self.retry = int(value)
"""

LATER = """
def later(chunks):
    held = b""
    for chunk in chunks:
        yield held
        held = chunk
    yield held

class parse:"""

# The changes that break it (old text, new text, in turns), and all the families in which it then
# fails: the streams of one family test other rules, too.
FAULTS: dict[str, tuple[list[str], set[str]]] = {
    "the byte order mark is kept": (['part.removeprefix("\\ufeff")', "part"], {"BOM"}),
    "an LF after a CR ends another line": (
        ['part.removeprefix("\\n")', "part"],
        {"line ends", "fields", "dispatch"},
    ),
    "broken UTF-8 raises": (
        ['("replace")', '("strict")'],
        {"UTF-8", "BOM", "fields", "ids", "retry"},
    ),
    "names are not compared literally": (
        ['line.partition(":")', 'line.partition(":")\n        name = name.lower()'],
        {"fields", "ids"},
    ),
    "all spaces are stripped": (
        ['removeprefix(" ")', 'strip(" ")'],
        {"fields", "ids", "retry", "dispatch"},
    ),
    "the id of a block without data is lost": (
        [
            "            self.last_event_id = self.buffer\n            if self.data:\n",
            "            if self.data:\n                self.last_event_id = self.buffer\n",
            'self.data, self.type, self.size = [], "", 0\n            return',
            'self.data, self.type, self.size = [], "", 0\n'
            "            self.buffer = self.last_event_id\n            return",
        ],
        {"ids"},
    ),
    "the id counts before its blank line": (
        ["self.buffer = value", "self.buffer = self.last_event_id = value"],
        {"ids"},
    ),
    "retry takes what int() takes": (
        ['re.fullmatch("[0-9]+", value)', 're.fullmatch(r"[-+]?\\d+ *", value)'],
        {"retry"},
    ),
    "blocks without data are dispatched": (
        ["if self.data:", "if True:"],
        {"dispatch", "fields", "ids", "BOM", "line ends", "UTF-8", "retry"},
    ),
    "events come with the next chunk": (
        ["class parse:", LATER, "in self.chunks:", "in later(self.chunks):"],
        {"promptness"},
    ),
    "the limit is not kept": (["self.limit is not None", "False"], {"limits"}),
    "the limit counts the whole stream": (
        [
            'self.data, self.type, self.size = [], "", 0\n            return',
            'self.data, self.type = [], ""\n            return',
        ],
        {"limits"},
    ),
    "the work is quadratic": (
        [
            "part = decode(chunk)",
            'part = decode(chunk)\n            self.all = getattr(self, "all", "") + part\n'
            "            len(set(self.all))",
        ],
        {"growth"},
    ),
}


def broken(fault: str) -> str:
    source = RIGHT
    changes = FAULTS[fault][0]
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in source
        source = source.replace(old, new)
    return source


class Here:
    """A Subject whose process is a name space."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.parse: Any = None
        self.lost = 0  # how many of the next answers do not come

    async def introduce(self) -> _subject.Answer:
        return await self.ask(_subject.FIRST)

    async def ask(
        self, chunks: Sequence[bytes], *, limit: int | None = None, **_: float
    ) -> _subject.Answer:
        if self.lost:
            self.lost -= 1
            await self.stop()
            raise _subject.NoAnswerError("lost")
        if self.parse is None:
            names: dict[str, Any] = {}
            exec(self.source, names)
            self.parse = names["parse"]
        adapter = _peers.Adapter(self.parse, _worker.read, "max_event_size" in self.source)
        answer = {**_worker.answer(adapter, [*chunks], limit), "parser": "here 1"}
        return _subject.checked(answer, len(chunks), 0.0)

    async def stop(self) -> None:
        self.parse = None


def now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return the result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("it waits")
