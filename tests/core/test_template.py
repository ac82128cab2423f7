"""Templates for blocks that are alike: each use, each near miss, each threshold.

The functions that process a block depend on the build, on earlier blocks and on the length of the
stream. So these tests run on the installed build and on pure copies of it, which use other
functions, or use the same ones for shorter streams.
"""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, seed, settings

import reference
import sseparse
from running import CORE, IS_SOAK, check_all, feed_all, load_copy, observe_all, submodule
from sseparse.testing import every_split, rechunk
from strategies import at_blank_lines, cut_streams, cuts, limits, runs, seeds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Each property again, with every short way turned off or on.
pytestmark = pytest.mark.thorough

WAYS: dict[str, dict[str, str]] = {
    "as built": {},
    # In pure Python blocks that are alike are cut with one split() if the text is long enough.
    "split": {"SPLIT_FROM": "0", "RUN": "1", "_SPAN": "2"},
    # The functions of the compiled build.
    "compiled": {"COMPILED": "True"},
    # Lower thresholds of the machine, so that short streams reach them.
    "small": {
        "_PIECE": "32",
        "_SHORT": "12",
        "_LINES_TO_JOIN": "2",
        "_MAX_PAUSE": "1",
        "SPLIT_FROM": "40",
        "RUN": "2",
        "_SPAN": "2",
        "_MAX_SPAN": "64",
    },
}


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    constants: Any = WAYS[request.param]
    if not constants:
        return sseparse
    name = f"core_{request.param}"
    return load_copy(tmp_path_factory.mktemp("way"), name, **constants)


@given(cut_streams, limits, seeds)
def test_properties_hold(way: Any, chunks: list[bytes], limit: int | None, seed: str) -> None:
    check_all(chunks, limit=limit, last_event_id=seed, sse=way)


@given(runs.flatmap(cuts), seeds)
@example([b"data:v1\r\r\n\n" * 3], "")
@example([b"event: a\rdata: b\r\ndata: c\r\n\r\n" * 3], "")
def test_runs(way: Any, chunks: list[bytes], seed: str) -> None:
    check_all(chunks, last_event_id=seed, sse=way)


# Blocks that are alike, then one that is nearly so, then more of the first.

ALIKE = {
    "data": b"data: v1\n\n",
    "data without the space": b"data:v1\n\n",
    "data, CRLF": b"data: v1\r\n\r\n",
    "data, CR": b"data: v1\r\r",
    "data, CR, without the space": b"data:v1\r\r",
    "event": b"event: e\ndata: v1\n\n",
    "event without the space": b"event:e\ndata:v1\n\n",
    "event, CRLF": b"event: e\r\ndata: v1\r\n\r\n",
    "id first": b"id: 1\ndata: v1\n\n",
    "id first, CRLF": b"id: 1\r\nevent: e\r\ndata: v1\r\n\r\n",
    "id in the middle": b"event: e\nid: 1\n: c\ndata: v1\n\n",
    "id without the space": b"id:1\ndata: v1\n\n",
    "id without a colon": b"id\ndata: v1\n\n",
    "id last": b"data: v1\nid: 1\n\n",
    "two ids": b"id: 1\nid: 2\ndata: v1\n\n",
    "data around the id": b"data: v0\nid: 1\ndata: v1\n\n",
    "two data lines": b"data: v0\ndata: v1\n\n",
    "two data lines, with and without the space": b"data:v0\ndata: v1\n\n",
    "two data lines, CRLF": b"data: v0\r\ndata: v1\r\n\r\n",
    "comment": b": c\ndata: v1\n\n",
    "comments": b":\n:c\ndata: v1\n\n",
    "unknown": b"x: y\nz\ndata: v1\n\n",
    "non-ASCII": "data: é€😀\n\n".encode(),
    "non-ASCII event": "event: é\ndata: v1\n\n".encode(),
    "broken UTF-8": b"data: \xff\xe2\x82\n\n",
    "retry": b"retry: 5\ndata: v1\n\n",
    "empty": b"data: \n\n",
    "nothing but data": b"data\n\n",
    "event last": b"data: v1\nevent: e\n\n",
    "event twice": b"event: e\nevent: f\ndata: v1\n\n",
    "event empty": b"event\ndata: v1\n\n",
    "CRLF and a bare CR": b": a\rdata: b\r\ndata: v1\r\n\r\n",
    "CRLF and a bare LF": b": a\ndata: b\r\ndata: v1\r\n\r\n",
    "LF and a bare CR": b": a\rdata: b\ndata: v1\n\n",
    "CR, then the blank line's CRLF": b"data:v1\r\r\n",
    "CRLF, then a blank line with LF": b"data: v1\r\n\n",
    "LF, then a blank line with CRLF": b"data: v1\n\r\n",
}

MISSES: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda block: block,
    "another value": lambda block: block.replace(b"v1", b"w" * 30),
    "an empty value": lambda block: block.replace(b"v1", b""),
    "a space at the beginning": lambda block: block.replace(b"v1", b" v1"),
    "a space where no id begins with one": lambda block: block.replace(b"id:1", b"id: 1"),
    "no space": lambda block: block.replace(b": ", b":"),
    "no colon": lambda block: block.replace(b"data: ", b"data").replace(b"data:", b"data"),
    "a CR in the value": lambda block: block.replace(b"v1", b"a\rb"),
    "an LF in the value": lambda block: block.replace(b"v1", b"a\nb"),
    "a CRLF in the value": lambda block: block.replace(b"v1", b"a\r\nb"),
    "a CR at the end of the value": lambda block: block.replace(b"v1", b"v1\r"),
    "a line in the value": lambda block: block.replace(b"v1", b"a\rdata: b"),
    "a CR in the first value": lambda block: block.replace(b"v0", b"a\rb").replace(b"1", b"a\rb"),
    "NUL in the id": lambda block: block.replace(b"1", b"1\0"),
    "an empty id": lambda block: block.replace(b"id: 1", b"id: "),
    "an id without a colon": lambda block: block.replace(b"id: 1", b"id"),
    "another id": lambda block: block.replace(b"1", b"2"),
    "a non-ASCII id": lambda block: block.replace(b"1", "é".encode()),
    "non-ASCII": lambda block: block.replace(b"v1", "é€".encode()),
    "U+FFFD": lambda block: block.replace(b"v1", "\ufffd".encode()),
    "broken UTF-8": lambda block: block.replace(b"v", b"\xff"),
    "a byte order mark": lambda block: b"\xef\xbb\xbf" + block,
    "a retry before": lambda block: b"retry: 7\n" + block,
    "a retry inside": lambda block: block.replace(b"data", b"retry: 7\ndata", 1),
    "an id before": lambda block: b"id: 7\n" + block,
    "a comment between": lambda block: b": ping\n" + block,
    "a comment of its own": lambda block: b": ping\n\n" + block,
    "a blank line between": lambda block: b"\n" + block,
    "a CRLF between": lambda block: b"\r\n" + block,
    "a CR between": lambda block: b"\r" + block,
    "a type and no data": lambda block: b"event: dropped\n\n" + block,
    "data before": lambda block: b"data: first\n" + block,
    "data before all": lambda block: b"data: " + block,
    "another type": lambda block: block.replace(b"event: e", b"event: other"),
    "no type": lambda block: block.replace(b"event: e", b"event:"),
    "no blank line": lambda block: block.rstrip(b"\r\n") + b"\n",
    "another blank line": lambda block: block.rstrip(b"\r\n") + b"\n\r\n",
    "other line ends": lambda block: block.replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
    "CRLF": lambda block: block.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
    "other case": lambda block: block.replace(b"data", b"DATA"),
    "a longer name": lambda block: block.replace(b"data", b"datas"),
    "cut off": lambda block: block[:-1],
}


@pytest.mark.parametrize("alike", ALIKE)
def test_near_misses(way: Any, alike: str) -> None:
    block = ALIKE[alike]
    tried = 0
    for miss in MISSES.values():
        other = miss(block)
        if other == block and tried:
            continue
        tried += 1
        stream = block * 3 + other + block.replace(b"1", b"3") * 2
        expected = reference.outcome(stream)
        ways_to_cut = [[stream], *[at_blank_lines(stream, moved) for moved in (-1, 0, 1)]]
        ways_to_cut += [rechunk(stream, [len(block) * 2, len(block)]), rechunk(stream, 33)]
        for chunks in ways_to_cut:
            check_all(chunks, sse=way, expected=expected)
        if IS_SOAK or (miss is MISSES["a CR in the value"] and alike in ("data", "data, CR")):
            for chunks in [rechunk(stream, 1), *every_split(stream)]:
                check_all(chunks, sse=way, expected=expected)
    assert tried > 10


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    "other",
    [b"id: 1\0", b"id: 1\r2", b"id: 1\n2", b"id:1", b"id: ", b"id:  1", b"id", b"id: 1\rdata: c"],
)
def test_blocks_that_differ_before_the_last_value(other: bytes, end: bytes) -> None:
    for before in ([], [b"data: a"], [b"data: a", b"data: b"]):
        block = end.join([*before, b"id: 1", b"data: c", end])
        stream = block * 3 + block.replace(b"id: 1", other) + block.replace(b"1", b"3") * 2
        check_all([stream])
        check_all(rechunk(stream, len(block)))


def test_another_block_where_a_piece_that_is_split_ends() -> None:
    block = b"data: a\n\n"
    for count in range(12, 20):  # the first such piece ends after 16 blocks
        for other in (b": ping\n\n", b": " + b"x" * 99 + b"\n\n", b"id: 1\n\n"):
            check_all([block * count + other + block * 80])


@pytest.mark.parametrize("alike", ALIKE)
def test_long_runs(alike: str) -> None:
    """Test streams longer than each threshold, with a near miss at each end."""
    block = ALIKE[alike]
    run = block * (6000 // len(block))
    for name in ("a CR in the value", "a space at the beginning", "an LF in the value"):
        other = MISSES[name](block)
        stream = run + other + run[: len(run) // 2] + other
        expected = reference.outcome(stream)
        for chunks in ([stream], rechunk(stream, 1448), rechunk(stream, 4096)):
            check_all(chunks, expected=expected)


@pytest.mark.parametrize(
    "line", [b"data: a\n", b"data:a\n", b"data:\n", "data: é\n".encode(), b"data: \xe2\x82\n"]
)
@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"data\n",
        b"data:  b\n",
        b"data: b\xff\n",
        b"data: \xe2\x82\n",
        b"data:\xf0\x9f\x98\n",
        b"event: e\n",
        b": ping\n",
        b"id: 1\n",
        b"data: a\rdata: b\n",
        b"datab\n",
        b"data: " + b"x" * 5000 + b"\n",
        b"\n",
    ],
)
def test_many_data_lines(way: Any, line: bytes, other: bytes) -> None:
    """Test runs of data lines in one event, with and without another line in the middle."""
    lines = line * (700 // len(line))
    stream = b"data: first\n\n" + line + lines + other + lines + other + b"\n" + lines
    expected = reference.outcome(stream)
    for chunks in ([stream], rechunk(stream, 600), rechunk(stream, 1000), rechunk(stream, 97)):
        check_all(chunks, sse=way, expected=expected)
    limit = len(lines) + len(line)
    check_all([stream], limit=limit, sse=way)
    check_all(rechunk(stream, 600), limit=limit, sse=way)


LONG_VALUE = b"x" * 200


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("border", [512, 1024, 4096, *([65_536] if IS_SOAK else [])])
def test_each_border(border: int, end: bytes) -> None:
    """Test blocks, a line and chunks that end one byte before a threshold, at it and after it."""
    block = b"event: e" + end + b"data: " + LONG_VALUE + end + end
    known = block * 3
    for size in range(border - 1, border + 2):
        # A chunk of that size, of blocks, and what it cuts off.
        stream = known + block * (border // len(block) + 3)
        check_all(rechunk(stream, [len(known), size]))
        check_all(rechunk(stream, size))
        # A line of that size, whole and held. Its end comes with more, or alone.
        line = b"data: " + b"y" * (size - 6)
        stream = known + line + end + end + block * 2
        for held in (0, 1, size // 2, size - 1, size, size + len(end), size + 2 * len(end)):
            check_all(rechunk(stream, [len(known), held]))
            check_all(rechunk(stream, [len(known) + held, 1]))


@pytest.mark.parametrize(
    "alike", ["data", "id first, CRLF", "two data lines", "data, CR", "comment"]
)
def test_a_chunk_longer_than_a_piece(alike: str) -> None:
    """A chunk is processed in pieces, which cut it in a line, in a CRLF or in a character."""
    block = ALIKE[alike].replace(b"1", "é".encode())
    for before in range(0, len(block), 1 if IS_SOAK else 9):
        stream = b": " + b"x" * before + b"\n" + block * (70_000 // len(block))
        chunks = rechunk(stream, 60_000)
        assert observe_all([stream]) == observe_all(chunks)
        assert feed_all([stream]) == feed_all(chunks)
    check_all([stream * 2])


# Blocks that no template fits, and blocks that differ from one in one place.


@pytest.mark.parametrize(
    "stream",
    [
        b"data: a",
        b"data: a\n",
        b"data: \n\n",
        b"data: a\n\n\n",
        b"data: a\n\ndata: b\ndata: c\n\ndata: d\n\n",
        b"data: a\n\nid: 1\ndata: b\n\ndata: c\n\n",
        b"data: a\n\ndata: b\n\n: comment\n\ndata: c",
        b"data: \xc3\xa9\n\ndata: \xff\n\n",
        b"data: a\r\n\r\ndata: b\r\n\r\n",
        b"DATA: a\n\ndata: b\n\n",
        b"data: a\n\nDATA: b\n\n",
        # Mutants change the texts that are searched for in this way.
        b"XXdata: XXa\n\ndata: b\n\n",
        b"data: aXX\n\nXXdata: b\n\n",
        b"data: aXX\n\ndata: XXb\n\n",
        b"id: 1\nXXdata: XXa\n\n",
        # A value that would be a field, if a line began there.
        b"data: id\n\ndata: b\n\n",
        # A space, but a place too late.
        b"data:a b\n\ndata:c d\ndata: e\n\n",
        b"data: data: event: id: a\n\ndata: data\n\ndata: b\n\n",
        # Blocks of one shape and of another by turns.
        b"data: a\n\nevent: e\ndata: b\n\n" * 9,
        b"data: a\n\ndata: a\n\nevent: e\ndata: b\n\n" * 9,
        # A block without data, and one without anything but what no event shows.
        b"data: a\n\ndata: b\n\n" + b": c\n\nretry: 1\n\nid: 1\n\n" * 3 + b"data: c\n\n" * 3,
        # The id of the block before stays.
        b"id: 1\ndata: a\n\n" * 3 + b"data: b\n\n" * 3 + b"id\ndata: c\n\n" + b"data: d\n\n" * 3,
        b"id: 1\ndata: a\n\n" * 3 + b"id: 2\n\n" * 3 + b"id: 3\ndata: a\n\n" * 3,
    ],
)
def test_blocks_that_end_the_short_way(way: Any, stream: bytes) -> None:
    expected = reference.outcome(stream, last_event_id="7")
    for chunks in ([stream], at_blank_lines(stream), *every_split(stream)):
        check_all(chunks, last_event_id="7", sse=way, expected=expected)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    "lines",
    [
        [b"data: held", b"", b"data: b", b"", b"data: c", b"", b"data: d"],
        [b"data: held", b"data: more", b"", b"data: b", b"", b"data: c"],
        [b"data: held", b"", b"", b"id: 1", b"data: b", b"", b""],
        [b": held", b"", b": none", b"data: b"],
        [b": held", b"data: b"],
        [b": held", b"id: 1", b"", b"data: b", b""],
        [b"data: \xc3\xa9", b"", b"data: \xc3\xa9", b"", b"data: b"],
        [b"event: held", b"", b"data: b", b""],
        [b": held"],
        # Bytes with the value of the place of a line end.
        [b"data: " + b"\4" * 9, b"", b"data: b", b"", b"data: c"],
    ],
)
def test_a_long_chunk_that_ends_held_bytes(way: Any, lines: list[bytes], end: bytes) -> None:
    short = end.join(lines)
    rest = bytes(set(range(256)) - {10, 13}) * 5
    long = end.join([*lines, rest, b"data: last", b"", b"data"])
    for stream in (short, long, long + end):
        expected = reference.outcome(stream)
        for cut in range(len(short)):
            check_all([stream[:cut], stream[cut:]], sse=way, expected=expected)


def test_names_that_differ_from_data_in_one_place(way: Any) -> None:
    event = b"data: b\n\n"
    # The last rest is "data: " backwards, less the d: a place before the text is one at its end.
    rests = [b"", b"\n", event, b"\n" + event, b"\n\n :ata"]
    for place in range(6):
        for other in (b"x", b"DATA: "[place : place + 1], b"ebub;!"[place : place + 1]):
            line = b"data: a"[:place] + other + b"data: a"[place + 1 :] + b"\n"
            for stream in [before + line + rest for before in (b"", event * 2) for rest in rests]:
                check_all([stream], sse=way)


# The strategies must reach all statements that they are made for.


class Counting(ast.NodeTransformer):
    """Count how often each statement of a function is reached, by its line."""

    def __init__(self) -> None:
        self.lines: set[int] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.body = self.counted(node.body)
        return node

    def counted(self, body: list[ast.stmt]) -> list[ast.stmt]:
        result: list[ast.stmt] = []
        for statement in body:
            for name in ("body", "orelse"):
                if inner := getattr(statement, name, None):
                    setattr(statement, name, self.counted(inner))
            self.lines.add(statement.lineno)
            result += [*ast.parse(f"_reached[{statement.lineno}] += 1").body, statement]
        return result


def counting(source: str) -> str:
    counting = Counting()
    tree = counting.visit(ast.parse(source))
    lines = dict.fromkeys(sorted(counting.lines), 0)
    after = [isinstance(node, ast.ImportFrom) for node in tree.body].index(True) + 1
    tree.body[after:after] = ast.parse(f"_reached = {lines}").body
    return ast.unparse(tree)


def test_each_short_way_is_used(tmp_path: Path) -> None:
    """Many of the generated streams reach every statement that deals with templates."""
    copies = [
        load_copy(tmp_path, "counted_pure", counting, SPLIT_FROM="40", RUN="2", _SPAN="2"),
        load_copy(tmp_path, "counted_compiled", counting, COMPILED="True"),
    ]

    @given(runs.flatmap(cuts))
    @example([b"x:\n" * 100 + b"data: a\n\n"] * 5)
    # Two of three other seeds meet one of the rarest statements less than five times.
    @seed(1)
    @settings(max_examples=500, database=None)
    def go(chunks: list[bytes]) -> None:
        for copy in copies:
            for parser in (copy.Parser(), copy.Observer(), copy.Observer(lines=False)):
                for chunk in chunks:
                    parser.feed(chunk)

    go()
    reached: Counter[int] = Counter()
    for copy in copies:
        reached.update(submodule(copy, "_template")._reached)
    assert len(reached) > 50
    source = (CORE / "_template.py").read_text(encoding="utf-8").splitlines()
    seldom = {f"{line} {source[line - 1].strip()}": n for line, n in reached.items() if n < 5}
    assert seldom == {}
