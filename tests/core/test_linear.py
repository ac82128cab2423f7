"""I3: the work, which is counted and not timed, is linear in the bytes for every cut.

The tests run copies of the core in which each operation on a string or a list also adds up the
bytes or items that it reads or writes. Four times the bytes must then be four times the work. For
the installed build, the tests add up the memory that each call allocates.
"""

from __future__ import annotations

import ast
import sys
import tracemalloc
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from running import CORE, IS_SOAK, feed_all, load_copy, observe_all, submodule
from sseparse import Event, Observer, Parser, parse
from sseparse.testing import rechunk
from strategies import BOM

if TYPE_CHECKING:
    from collections.abc import Callable

# Each runs a stream at several sizes.
pytestmark = pytest.mark.thorough

# Linear work gives 4, with small differences from one more chunk or a grown buffer. Quadratic work
# gives 16.
FACTOR = 4
LINEAR = 5.0
QUADRATIC = 8.0


def repeated(
    unit: bytes, before: bytes = b"data: one\n\ndata: ", after: bytes = b"\n\n"
) -> Callable[[int], bytes]:
    """Return a function that builds a stream of about the given length."""
    return lambda length: before + unit * (length // len(unit)) + after


CR_LF = b"event: a\r\nid: 1\r\ndata: a\r\n\r\n"
LF = CR_LF.replace(b"\r", b"")

STREAMS = {
    "events": repeated(b'event: a\nid: 1\ndata: {"b": 1}\n\n'),
    "events ended by CR": repeated(b"data: a\r\r"),
    "events ended by CRLF": repeated(b"data: a\r\n\r\n"),
    "one endless line": repeated(b"x"),
    "one endless line that is not ASCII": repeated(b"\xc3\xa9"),
    "one endless comment": repeated(b": "),
    "blank lines": repeated(b"\n"),
    "blank lines ended by CR": repeated(b"\r"),
    "data lines of one event": repeated(b"data: ab\n"),
    "data lines of one event, CRLF": repeated(b"data: \xff\r\n"),
    "long data lines of one event": repeated(b"data: " + b"x" * 60 + b"\n"),
    "empty data lines": repeated(b"data\n"),
    "ids and types": repeated(b"id: 1\nevent: a\n"),
    "comments": repeated(b": ping\n"),
    "ignored lines": repeated(b"retry: 1\nretry: no\nother\n"),
    "byte order marks": repeated(BOM),
    # Blocks that are alike.
    "data": repeated(b"data: a\n\n"),
    "data that is not ASCII": repeated(b"data: \xc3\xa9\xff\n\n"),
    "data without the space": repeated(b"data:a\n\n"),
    "ids, CRLF": repeated(b"id: 1\r\ndata: a\r\n\r\n"),
    "three data lines": repeated(b"data: a\ndata: b\ndata: c\n\n"),
    "events with comments": repeated(b": ping\nevent: a\ndata: b\n\n"),
    # Blocks that begin like those before, and then differ.
    "LF after CRLF": repeated(LF, CR_LF * 3, b"\r"),
    "CRLF after LF": repeated(CR_LF, LF * 3),
    "LF after CRLF, ids only": repeated(b"id: 1\n\n", b"id: 1\r\ndata: a\r\n\r\n" * 3, b"\r"),
    "CR after LF, ids only": repeated(b"id: 1\r\r", b"id: 1\ndata: a\n\n" * 3, b"\n"),
    "data lines after one": repeated(b"data: a\ndata: b\n\n", b"data: a\n\n" * 3),
    "ids without data": repeated(b"id: 1\n\n", b"id: 1\ndata: a\n\n" * 3),
    "a space where none was": repeated(b"data: a\n\n", b"data:a\n\n" * 3),
    "CR in the data": repeated(b"data: a\rdata: b\n\n", b"data: a\n\n" * 3),
    "NUL in ids": repeated(b"id: \0\ndata: a\n\n", b"id: 1\ndata: a\n\n" * 3),
    # Blocks of several shapes by turns.
    "two shapes": repeated(b"data: a\n\nevent: a\ndata: b\n\n"),
    "two of one shape, one of another": repeated(b"data: a\n\n" * 2 + b"event: a\ndata: b\n\n"),
    "two of one shape, a comment": repeated(b"data: a\n\n" * 2 + b": ping\n\n"),
    "LF and CRLF by turns": repeated(LF + CR_LF),
    "six shapes": repeated(b"".join(b"event: %d\ndata: a\n\n" % n for n in range(6))),
    "no two alike in a row, no end": repeated(
        b"".join(b"event: %d\nid: 1\ndata: a\nevent: b\n\n" % n for n in range(6))
    ),
    "long values, then short ones": lambda length: (
        b"id: 1\ndata: a\n\n"
        + b"id: %b\ndata: %b\n\n" % (b"x" * (length // 4), b"x" * (length // 4))
        + b"id: 1\ndata: a\n\n" * (length // 32)
    ),
    # The first value is as long as all later ones together, and each of these is compared with it.
    "a long first value": lambda length: (
        b"data: %b\ndata: b\n\n" % (b"x" * (length // 2))
        + b"data: a\ndata: b\n\n" * (length // 40)
        + b"data: %b\n\n" % (b"x" * (length // 4))
    ),
    "long values that are not alike": repeated(
        b"data: " + b"x" * 50 + b"\n\n", b"data: a\ndata: b\n\n" * 3
    ),
}
LENGTH = 2_000

SIZED = (str, bytes, bytearray, list)


class Meter(ModuleType):
    """Perform operations on strings and lists, and add up their cost in bytes or items."""

    def __init__(self) -> None:
        super().__init__("_meter")
        self.work = 0

    def step(self) -> None:
        self.work += 1

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

    def compared(self, left: Any, right: Any) -> tuple[Any, Any]:
        """Count a comparison of two values for equality."""
        self.work += 1
        if isinstance(left, SIZED) and isinstance(right, SIZED) and len(left) == len(right):
            self.work += len(left)
        return left, right

    def contains(self, item: Any, container: Any) -> bool:
        self.work += 1 + len(container)
        return item in container

    def delete(self, container: Any, index: slice) -> None:
        self.work += 1 + len(container)
        del container[index]

    def apply(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Count a call of the function that a name refers to."""
        if function is bytes.startswith:
            self.work += len(args[1])
        return self.made(function(*args, **kwargs))

    def call(self, receiver: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        """Count a call of a method, even if it fails."""
        self.work += 1
        if name in ("startswith", "endswith"):
            self.work += len(args[0])
        elif isinstance(receiver, SIZED) and name not in ("append", "find", "rfind", "join"):
            self.work += len(receiver)
        result = getattr(receiver, name)(*args, **kwargs)
        if name in ("find", "rfind"):
            begin = args[1] if len(args) > 1 else 0
            end = min(args[2] if len(args) > 2 else len(receiver), len(receiver))
            if result >= 0 and name == "find":
                end = result
            elif result >= 0:
                begin = result
            self.work += max(end - begin, 0)
        elif name == "join":
            self.work += len(result) + len(args[0])
        return result


# The metered sources import it by this name.
METER = sys.modules["_meter"] = Meter()

# These functions use the frame of their caller.
OF_THE_FRAME = ("super", "globals")


class Metered(ast.NodeTransformer):
    """Replace the operations in a source by those of the Meter, named _meter."""

    def through(self, method: str, *args: ast.expr) -> ast.Call:
        function = ast.Attribute(ast.Name("_meter", ast.Load()), method, ast.Load())
        return ast.Call(function, list(args), [])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in OF_THE_FRAME:
            return node
        if isinstance(node.func, ast.Attribute):
            call = self.through("call", node.func.value, ast.Constant(node.func.attr), *node.args)
        else:
            call = self.through("apply", node.func, *node.args)
        call.keywords = node.keywords
        return call

    def visit_List(self, node: ast.List) -> ast.expr:
        self.generic_visit(node)
        has_parts = any(isinstance(element, ast.Starred) for element in node.elts)
        return self.through("made", node) if has_parts and isinstance(node.ctx, ast.Load) else node

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        self.generic_visit(node)
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
        self.generic_visit(target)
        ends = [end or ast.Constant(None) for end in (target.slice.lower, target.slice.upper)]
        index = ast.Call(ast.Name("slice", ast.Load()), ends, [])
        return ast.Expr(self.through("delete", target.value, index))

    def visit_While(self, node: ast.While) -> ast.stmt:
        self.generic_visit(node)
        node.body.insert(0, ast.Expr(self.through("step")))
        return node

    def visit_For(self, node: ast.For) -> ast.stmt:
        self.generic_visit(node)
        node.body.insert(0, ast.Expr(self.through("step")))
        return node


def metered(source: str) -> str:
    """Return the source, changed so that the meter counts its work."""
    tree = Metered().visit(ast.parse(source))
    is_first = [
        isinstance(node, ast.Expr)
        or (isinstance(node, ast.ImportFrom) and node.module == "__future__")
        for node in tree.body
    ]
    tree.body.insert(is_first.index(False), ast.Import([ast.alias("_meter")]))
    return ast.unparse(ast.fix_missing_locations(tree))


def growth(
    parser_class: Callable[..., Any], stream: str, size: int, length: int = LENGTH, **options: Any
) -> float:
    """Return the ratio of the work for FACTOR times the bytes to the work for the bytes."""
    work = []
    for total in (length, length * FACTOR):
        parser = parser_class(**options)
        METER.work = 0
        for chunk in rechunk(STREAMS[stream](total), size):
            try:
                parser.feed(chunk)
            except Exception as error:  # that of the copy
                assert type(error).__name__ == "EventTooLargeError"
                METER.work += 1
        work.append(METER.work)
    return work[1] / work[0]


# The constants of the copies. They have lower thresholds, so that short streams exceed them.
WAYS = {
    "pure": {"_SPAN": "128", "_MAX_PAUSE": "7"},
    "compiled": {"COMPILED": "True", "_MAX_PAUSE": "7"},
}


@pytest.fixture(scope="module", params=WAYS)
def core(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a copy of the core whose work the meter counts."""
    name = f"metered_{request.param}"
    return load_copy(tmp_path_factory.mktemp("metered"), name, metered, **WAYS[request.param])


FORMS: dict[str, Callable[..., Callable[..., Any]]] = {
    "Parser": lambda core: core.Parser,
    "Observer": lambda core: core.Observer,
    "Observer without lines": lambda core: lambda **options: core.Observer(lines=False, **options),
}


def test_the_metered_core_is_the_core(core: Any) -> None:
    for stream in STREAMS.values():
        chunks = rechunk(stream(LENGTH), 300)
        METER.work = 0
        assert feed_all(chunks, sse=core) == feed_all(chunks)
        assert METER.work > LENGTH
        for lines in (True, False):
            METER.work = 0
            assert observe_all(chunks, lines=lines, sse=core) == observe_all(chunks, lines=lines)
            assert METER.work > LENGTH


def test_every_module_is_metered(core: Any) -> None:
    for file in CORE.glob("_*.py"):
        if file.stem != "__init__":
            assert submodule(core, file.stem)._meter is METER


# Byte by byte takes the longest.
BY_BYTE = [("Parser", 1), ("Observer", 1)] if IS_SOAK else [("Parser", 1)]


@pytest.mark.parametrize(
    ("form", "size"), [*BY_BYTE, ("Parser", 300), *((form, 10**6) for form in FORMS)]
)
@pytest.mark.parametrize("stream", STREAMS)
def test_work(core: Any, form: str, stream: str, size: int) -> None:
    assert growth(FORMS[form](core), stream, size) < LINEAR


def test_work_of_thousands_of_data_lines_in_one_event(core: Any) -> None:
    # Joining all lines so far at every thousandth would not show in a shorter stream.
    stream = "long data lines of one event"
    assert growth(core.Parser, stream, 70_000, length=350_000) < LINEAR


LIMITED = [(40, 7), (LENGTH - 100, 10**6)]
if IS_SOAK:
    LIMITED += [(40, 10**6), (LENGTH - 100, 7)]


@pytest.mark.parametrize(("limit", "size"), LIMITED)
@pytest.mark.parametrize("stream", STREAMS)
def test_work_at_the_limit(core: Any, stream: str, limit: int, size: int) -> None:
    assert growth(core.Parser, stream, size, max_event_size=limit) < LINEAR


# Common parsers. Each is quadratic in one case, which the meter must show.

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


def parser_of(source: str) -> Any:
    names: dict[str, Any] = {}
    exec(metered(source), names)
    return names["Parser"]


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
def test_the_meter_shows_quadratic_work(source: str, stream: str, size: int) -> None:
    assert growth(parser_of(source), stream, size) > QUADRATIC


# The installed build.


def allocation_growth(parser_class: Any, stream: str, size: int) -> float:
    """Return the same ratio for allocated memory, adding up the peak of each call."""
    allocated = []
    for length in (LENGTH, LENGTH * FACTOR):
        parser = parser_class()
        chunks = rechunk(STREAMS[stream](length), size)
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


@pytest.mark.parametrize("size", [1, 7] if IS_SOAK else [7])
@pytest.mark.parametrize("stream", STREAMS)
def test_allocation(stream: str, size: int) -> None:
    for parser_class in (Parser, Observer):
        # Measure twice, because a table of the interpreter may grow in between: that of interned
        # strings does so when compiled code has raised often, and that takes more than a MB.
        growths = (allocation_growth(parser_class, stream, size) for _ in range(2))
        assert any(growth < LINEAR for growth in growths)


def test_allocation_shows_a_reader_that_copies() -> None:
    assert allocation_growth(parser_of(COPIES), "one endless line", 1) > QUADRATIC


def test_a_million_data_lines_in_one_event() -> None:
    lines = 1_000_000
    assert parse(b"data\n" * lines + b"\n") == [Event("message", "\n" * (lines - 1), "")]
