"""I3: the work is linear in the bytes, for every cut. Work is counted, never timed.

The parser's source is run with each operation on a string replaced by one that also adds up the
bytes it reads or writes. Four times the bytes must then be four times the work. What the compiled
parser does by itself shows in what it allocates, call by call.
"""

from __future__ import annotations

import ast
import functools
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from running import PACKAGE
from sseparse import Error, Event, Parser, parse
from sseparse.testing import rechunk
from strategies import BOM

if TYPE_CHECKING:
    from types import CodeType

# Linear is 4, but for a chunk more or less and a buffer that has just grown; quadratic is 16.
FACTOR = 4
LINEAR = 5.0
QUADRATIC = 8.0

# Each: what a stream repeats.
STREAMS = {
    "events": b'event: a\nid: 1\ndata: {"b": 1}\n\n',
    "events ended by CR": b"data: a\r\r",
    "events ended by CRLF": b"data: a\r\n\r\n",
    "one endless line": b"x",
    "one endless line that is not ASCII": b"\xc3\xa9",
    "one endless comment": b": ",
    "blank lines": b"\n",
    "blank lines ended by CR": b"\r",
    "data lines of one event": b"data: ab\n",
    "data lines of one event, CRLF": b"data: \xff\r\n",
    "long data lines of one event": b"data: " + b"x" * 60 + b"\n",
    "empty data lines": b"data\n",
    "ids and types": b"id: 1\nevent: a\n",
    "comments": b": ping\n",
    "ignored lines": b"retry: 1\nretry: no\nother\n",
    "byte order marks": BOM,
}
SIZES = [1, 300, 10**6]
LENGTH = 2_000

SIZED = (str, bytes, bytearray, list)


def stream_of(unit: bytes, length: int) -> bytes:
    return b"data: one\n\ndata: " + unit * (length // len(unit)) + b"\n\n"


class Meter:
    """The operations on strings and lists, each at its cost in bytes or items."""

    def __init__(self) -> None:
        self.work = 0

    def made(self, result: Any) -> Any:
        self.work += 1 + (len(result) if isinstance(result, SIZED) else 0)
        return result

    def add(self, left: Any, right: Any) -> Any:
        return self.made(left + right)

    def grown(self, left: Any, right: Any) -> Any:
        if not isinstance(left, (bytearray, list)):
            return self.add(left, right)
        self.work += 1 + len(right)
        left += right
        return left

    def contains(self, item: Any, container: Any) -> bool:
        self.work += 1 + len(container)
        return item in container

    def delete(self, container: Any, index: slice) -> None:
        self.work += 1 + len(container)
        del container[index]

    def call(self, receiver: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        result = getattr(receiver, name)(*args, **kwargs)
        self.work += 1
        if name in ("append", "startswith"):
            pass
        elif name in ("find", "count"):
            begin = args[1] if len(args) > 1 else 0
            end = args[2] if len(args) > 2 else len(receiver)
            self.work += (result if name == "find" and result >= 0 else end) - begin
        elif name == "join":
            self.work += len(result)
        elif isinstance(receiver, SIZED):
            self.work += len(receiver)
        return result


class Metered(ast.NodeTransformer):
    """Puts the operations of a Meter, named _meter, into a source."""

    def through(self, method: str, *args: ast.expr) -> ast.Call:
        function = ast.Attribute(ast.Name("_meter", ast.Load()), method, ast.Load())
        return ast.Call(function, list(args), [])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute):
            call = self.through("call", node.func.value, ast.Constant(node.func.attr), *node.args)
            call.keywords = node.keywords
            return call
        return self.through("made", node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return self.through("add", node.left, node.right) if isinstance(node.op, ast.Add) else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Add):
            return node
        before = ast.parse(ast.unparse(node.target), mode="eval").body
        return ast.Assign([node.target], self.through("grown", before, node.value))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.ops[0], (ast.In, ast.NotIn)):
            return node
        found = self.through("contains", node.left, node.comparators[0])
        return found if isinstance(node.ops[0], ast.In) else ast.UnaryOp(ast.Not(), found)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.slice, ast.Slice) and isinstance(node.ctx, ast.Load):
            return self.through("made", node)
        return node

    def visit_Delete(self, node: ast.Delete) -> ast.stmt:
        (target,) = node.targets
        if not (isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice)):
            return node
        ends = [end or ast.Constant(None) for end in (target.slice.lower, target.slice.upper)]
        index = ast.Call(ast.Name("slice", ast.Load()), ends, [])
        return ast.Expr(self.through("delete", target.value, index))


@functools.cache
def metered_code(source: str) -> CodeType:
    tree = ast.fix_missing_locations(Metered().visit(ast.parse(source)))
    return compile(tree, "<metered>", "exec")


def metered(source: str, suffix: str = ".py") -> tuple[Any, Meter]:
    """Return the Parser class of a source, and the meter of its work.

    By the suffix of its file the parser's source tells whether it was compiled.
    """
    meter = Meter()
    names: dict[str, Any] = {
        "__name__": "sseparse._metered",
        "__package__": "sseparse",
        "__file__": f"_metered{suffix}",
        "_meter": meter,
    }
    exec(metered_code(source), names)
    return names["Parser"], meter


def growth(
    source: str,
    stream: str,
    size: int,
    form: str = "feed",
    suffix: str = ".py",
    length: int = LENGTH,
    **options: Any,
) -> float:
    """Return how many times the work FACTOR times the bytes are."""
    parser_class, meter = metered(source, suffix)
    work = []
    for total in (length, length * FACTOR):
        parser = parser_class(**options)
        meter.work = 0
        for chunk in rechunk(stream_of(STREAMS[stream], total), size):
            try:
                getattr(parser, form)(chunk)
            except Error:
                meter.work += 1
        work.append(meter.work)
    return work[1] / work[0]


SOURCE = (PACKAGE / "_parser.py").read_text(encoding="utf-8")


def test_the_metered_parser_is_the_parser() -> None:
    parser_class, meter = metered(SOURCE)
    events = parser_class().feed(b"id: 1\ndata: \xc3\xa9\r\ndata: b\n\n")
    assert [(e.type, e.data, e.last_event_id) for e in events] == [("message", "é\nb", "1")]
    assert meter.work > 20


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stream", STREAMS)
def test_work(stream: str, size: int) -> None:
    assert growth(SOURCE, stream, size) < LINEAR
    assert growth(SOURCE, stream, size, suffix=".so") < LINEAR


@pytest.mark.parametrize("size", [1, 10**6])
@pytest.mark.parametrize("stream", STREAMS)
def test_work_of_the_observed_form(stream: str, size: int) -> None:
    assert growth(SOURCE, stream, size, "observe") < LINEAR


def test_work_of_thousands_of_data_lines_in_one_event() -> None:
    # Joining all lines so far at every thousandth would not show in a shorter stream.
    stream = "long data lines of one event"
    assert growth(SOURCE, stream, 70_000, length=350_000) < LINEAR


@pytest.mark.parametrize("limit", [40, LENGTH - 100])
@pytest.mark.parametrize("stream", STREAMS)
def test_work_at_the_limit(stream: str, limit: int) -> None:
    assert growth(SOURCE, stream, 7, max_event_size=limit) < LINEAR
    assert growth(SOURCE, stream, 10**6, max_event_size=limit) < LINEAR


# Parsers as they are often written. Each is quadratic in one case, and the meter must show it.

COPIES = """
class Parser:
    def __init__(self):
        self.rest = b""
    def feed(self, chunk):
        self.rest = self.rest + chunk
        *blocks, self.rest = self.rest.split(b"\\n\\n")
        return blocks
"""
SEARCHES_AGAIN = """
class Parser:
    def __init__(self):
        self.rest = bytearray()
    def feed(self, chunk):
        self.rest += chunk
        end = self.rest.find(b"\\n\\n")
        if end < 0:
            return []
        block = self.rest[:end]
        self.rest = bytearray()
        return [block]
"""
CUTS_THE_FRONT_OFF = """
class Parser:
    def feed(self, chunk):
        blocks = []
        while b"\\n\\n" in chunk:
            end = chunk.find(b"\\n\\n")
            blocks.append(chunk[:end])
            chunk = chunk[end + 2:]
        return blocks
"""
DELETES_THE_FRONT = """
class Parser:
    def feed(self, chunk):
        rest = bytearray(chunk)
        events = 0
        while rest:
            end = rest.find(b"\\n") + 1
            del rest[:end]
            events += 1
        return events
"""
APPENDS_TO_THE_DATA = """
class Parser:
    def __init__(self):
        self.data = ""
    def feed(self, chunk):
        for line in chunk.splitlines():
            self.data += line.decode("utf-8", "replace")
        return []
"""


@pytest.mark.parametrize(
    ("source", "stream", "size"),
    [
        (COPIES, "one endless line", 1),
        (COPIES, "data lines of one event", 7),
        (SEARCHES_AGAIN, "one endless line", 1),
        (CUTS_THE_FRONT_OFF, "events", 10**6),
        (DELETES_THE_FRONT, "comments", 10**6),
        (APPENDS_TO_THE_DATA, "data lines of one event", 7),
    ],
)
def test_the_meter_shows_what_is_quadratic(source: str, stream: str, size: int) -> None:
    assert growth(source, stream, size) > QUADRATIC


# The parser as it was built.


def allocation_growth(parser_class: Any, stream: str, size: int) -> float:
    """Return how many times FACTOR times the bytes allocate, each call's peak added up."""
    allocated = []
    for length in (LENGTH, LENGTH * FACTOR):
        parser = parser_class()
        chunks = rechunk(stream_of(STREAMS[stream], length), size)
        total = 0
        tracemalloc.start()
        try:
            for chunk in chunks:
                before = tracemalloc.get_traced_memory()[0]
                tracemalloc.reset_peak()
                parser.feed(chunk)
                total += tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
        allocated.append(total)
    return allocated[1] / allocated[0]


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("stream", STREAMS)
def test_allocation(stream: str, size: int) -> None:
    assert allocation_growth(Parser, stream, size) < LINEAR


def test_allocation_shows_what_copies() -> None:
    copies, _ = metered(COPIES)
    assert allocation_growth(copies, "one endless line", 1) > QUADRATIC


def test_a_million_data_lines_in_one_event() -> None:
    lines = 1_000_000
    assert parse(b"data\n" * lines + b"\n") == [Event("message", "\n" * (lines - 1), "")]
