"""The benchmark at small size: what its cases hold, and what it counts and checks."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import itertools
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

import importable  # noqa: F401  before what it makes importable
import reference
import sseparse
from benchmarks.contestants import by_hand, node, peers
from benchmarks.contestants.contestant import BUILDS, Contestant, builds, event_data
from benchmarks.contestants.peers import BY_HAND, NAIVE, NODE, PEERS, REQUIRED
from benchmarks.parsers import measure
from benchmarks.parsers.cases import CASES, CUTS, Case, crossed, digest, expected, growth_cases
from benchmarks.parsers.measure import Row
from benchmarks.parsers.streams import STREAMS, Block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

SMALL = [case._replace(units=5) for case in CASES]
BY_NAME = {case.name: case for case in CASES}
# What takes more than LF and one data line.
NOT_SIMPLE = {
    "wikimedia",
    "crlf",
    "multi-line",
    "comments",
    "million-lines",
    "mcp",
    "heartbeats",
    "many-ids",
    "cr",
    "endless-comment",
}
# The cases that a contestant gets wrong, even at small size, and how its fault begins.
WRONG = {
    NAIVE: (NOT_SIMPLE, "wrong: "),
    BY_HAND: (NOT_SIMPLE, "not timed: raises NotImplementedError"),
    "aiohttp-sse-client2": ({"cr"}, "wrong: "),
}
COMPILED = not str(sys.modules["sseparse._parser"].__file__).endswith(".py")

each_case = pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)


@pytest.fixture(autouse=True)
def _no_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "WORK_S", 0)
    # In a process that has imported as much as this one it would take longer than all else.
    monkeypatch.setattr(gc, "collect", lambda: 0)


def contestant(name: str) -> Contestant:
    ours = {each.name: each for each in builds()}
    if name in ours:
        return ours[name]
    found, missing = peers.peers([name])
    if missing:
        pytest.skip(missing[name])
    return found[0]


@each_case
def test_case_data_is_what_the_stream_says(case: Case) -> None:
    blocks = case.blocks(case.units)
    stream = b"".join(case.chunks(blocks))
    data = [block.data for block in blocks if block.data is not None]
    assert stream == b"".join(block.wire for block in blocks)
    assert [data for _, data, _ in reference.outcome(stream, None, "").events] == data
    assert [event.data for event in sseparse.parse(stream)] == data
    assert expected(blocks) == (len(data), digest(data))


@each_case
def test_case_is_cut_as_it_says(case: Case) -> None:
    blocks = case.blocks(case.units)
    *chunks, last = case.chunks(blocks)
    if case.cut:
        assert {len(chunk) for chunk in chunks} <= {case.cut}
        assert 0 < len(last) <= case.cut
    else:
        assert [*chunks, last] == [block.wire for block in blocks]


def test_cases_have_the_sizes_that_they_claim() -> None:
    made = {case.name: case.blocks(case.units) for case in CASES}
    sizes = {name: sum(len(block.wire) for block in blocks) for name, blocks in made.items()}
    assert 225 <= sizes["chat"] / len(made["chat"]) <= 255
    assert max(len(str(block.data)) for block in made["tiny"]) == 1
    assert len(str(made["8-mb-event"][0].data)) == 8_000_000
    assert str(made["million-lines"][0].data).count("\n") == 999_999
    assert 1_000_000 <= sizes["mcp"] <= 1_100_000
    for name in ("8-mb-event", "million-lines", "mcp"):
        del sizes[name]
    assert [name for name, size in sizes.items() if not 240_000 <= size <= 280_000] == []
    for case in growth_cases(CASES):
        if not case.name.startswith("mcp/"):
            assert 240_000 <= sum(map(len, case.chunks(case.blocks(case.units)))) <= 280_000


def test_growth_is_measured_for_every_stream_at_every_cut() -> None:
    cells = [(case.blocks, case.cut) for case in [*CASES, *growth_cases(CASES)]]
    for blocks, _ in STREAMS.values():
        assert {cut for made, cut in cells if made is blocks} >= set(CUTS.values())
    only_tiny = growth_cases([BY_NAME["tiny"]])
    names = ["tiny/whole", "tiny/1448", "tiny/per-event", "tiny/100", "tiny/1"]
    assert [case.name for case in only_tiny] == names


@pytest.mark.parametrize("cut", CUTS)
def test_crossed_cases_are_cut_as_their_names_say(cut: str) -> None:
    # Two cases of one stream are one, crossed.
    [case] = crossed([BY_NAME["chat"], BY_NAME["1-byte"]], [cut])
    assert (case.name, case.units) == (f"chat/{cut}", BY_NAME["chat"].units)
    blocks = case.blocks(2)
    chunks = case.chunks(blocks)
    size = sum(len(block.wire) for block in blocks)
    assert b"".join(chunks) == b"".join(block.wire for block in blocks)
    assert len(chunks) == {"whole": 1, "64k": 1, "1448": 1, "per-event": 2, "1": size}.get(
        cut, -(-size // 100)
    )


def test_every_stream_is_in_a_case() -> None:
    assert {case.blocks for case in CASES} == {blocks for blocks, _ in STREAMS.values()}
    assert len(BY_NAME) == len(CASES)


@each_case
@pytest.mark.parametrize("name", [*BUILDS, *PEERS])
def test_contestants_are_right_but_for_known_cases(name: str, case: Case) -> None:
    if name == "compiled" and not COMPILED:
        assert [each.name for each in builds()] == ["pure"]
        return
    blocks = case.blocks(case.units)
    chunks = case.chunks(blocks)
    cases, beginning = WRONG.get(name, (set(), ""))
    fault = measure.fault(contestant(name), blocks, chunks)
    if case.name in cases:
        assert fault.startswith(beginning)
    else:
        assert fault == ""
        events, _ = expected(blocks)
        assert measure.count(contestant(name), chunks) == events


@pytest.mark.parametrize("name", PEERS)
def test_contestants_take_large_chunks(name: str) -> None:
    [case] = crossed([BY_NAME["chat"]], ["whole"])
    blocks = case.blocks(case.units)
    assert measure.fault(contestant(name), blocks, case.chunks(blocks)) == ""


def test_builds_are_two_parsers_in_one_process() -> None:
    names = [each.name for each in builds()]
    assert names == (["compiled", "pure"] if COMPILED else ["pure"])
    kinds = set()
    for each in builds():
        [[event]] = each.batches([b"data: a\n\n"])
        kinds.add(type(event))
        assert each.version == f"sseparse {sseparse.__version__}"
        assert isinstance(event, sseparse.Event) == (each.name == names[0])
    assert len(kinds) == len(names)


def fake(batches: Callable[[Iterable[bytes]], Any], name: str = "fake") -> Contestant:
    return Contestant(name, "1", batches, str)


def raises(chunks: Iterable[bytes]) -> Iterator[list[str]]:
    for chunk in chunks:
        yield [chunk.decode("ascii")]
    raise ValueError


BLOCKS = [Block(b"a", "a"), Block(b":", None), Block(b"b", "b")]
CHUNKS = [b"a", b":", b"b"]


@pytest.mark.parametrize(
    ("batches", "fault"),
    [
        (lambda _: [["a"], [], ["b"]], ""),
        (lambda _: [iter(["a", "b"])], ""),
        (lambda _: [["a"]], "wrong: 1 events instead of 2"),
        (lambda _: [["b", "a"]], "wrong: other data"),
        (raises, "not timed: raises ValueError"),
    ],
)
def test_fault(batches: Callable[[Iterable[bytes]], Any], fault: str) -> None:
    assert measure.fault(fake(batches), BLOCKS, CHUNKS) == fault


def test_fault_of_one_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "TOO_SLOW_S", -1)
    assert measure.fault(fake(raises), BLOCKS, CHUNKS) == "not timed: over -1 s"


def test_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    case = BY_NAME["comments"]._replace(units=2)
    result = measure.measure(case, [*builds(), fake(raises)], 3)
    assert (result.case, result.events) == (case, 2)
    assert result.size == len(b"".join(case.chunks(case.blocks(2))))
    for row in result.rows[:-1]:
        assert row.fault == ""
        assert [len(rounds) for rounds in row.seconds] == [3, 3, 3]
        assert min(map(min, row.seconds)) > 0
        assert row.peak is not None
        assert row.peak > 200  # the two events at least
    assert result.rows[-1] == Row("fake", "not timed: raises ValueError", [], None)
    assert result.rows[0].note == ""

    # However slow, the case itself gets all its rounds; what is there for the growth does not.
    monkeypatch.setattr(measure, "GROWTH_BUDGET_S", 0)
    [row, *_] = measure.measure(case, builds(), 3).rows
    assert [len(rounds) for rounds in row.seconds] == [3, 0, 0]
    assert row.growth(4) is None


def test_a_timed_run_is_repeated_until_it_is_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    parses: list[object] = []
    ticks = itertools.count()
    monkeypatch.setattr(time, measure.CLOCK, lambda: next(ticks) / 1024)  # exact in binary
    monkeypatch.setattr(measure, "count", lambda *arguments: parses.append(arguments))
    monkeypatch.setattr(measure, "WORK_S", 0.030)
    case = Case("fake", "", lambda _: [], 1, 1)
    measure.measure(case, [fake(lambda _: [])], 2)
    # For each of three sizes a trial and two rounds of 31 parses, then one for the peak.
    assert len(parses) == 3 * (1 + 2 * 31) + 1


def test_large_streams_are_measured_in_fresh_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[None] = []
    monkeypatch.setattr(measure, "_give_back", lambda: calls.append(None))
    case = BY_NAME["tiny"]._replace(units=2)
    measure.measure(case, builds()[:1], 1)
    assert calls == []
    monkeypatch.setattr(measure, "LARGE", 1)
    measure.measure(case, builds()[:1], 1)
    assert len(calls) == 3 * 2


def test_growth_of_some_only() -> None:
    case = BY_NAME["chat"]._replace(units=2)
    grown, other = measure.measure(case, [*builds()[:1], fake(lambda _: [["a"]])], 2, BUILDS).rows
    assert [len(rounds) for rounds in grown.seconds] == [2, 2, 2]
    assert [len(rounds) for rounds in other.seconds] == [2]
    assert grown.growth(2) is not None
    assert other.growth(2) is None


def test_a_contestant_that_takes_its_own_time() -> None:
    asked: list[tuple[int, int]] = []

    def seconds(chunks: list[bytes], times: int) -> float:
        asked.append((len(chunks), times))
        return len(chunks) / 1000

    case = BY_NAME["per-event"]._replace(units=2)
    itself = Contestant("itself", "1", lambda _: [["a"]], str, "elsewhere", seconds)
    [row] = measure.measure(case, [itself], 2).rows
    assert row.seconds == [[0.002] * 2, [0.004] * 2, [0.008] * 2]
    assert (row.peak, row.note) == (None, "elsewhere")
    assert {times for _, times in asked} == {1}


def test_node_counts_and_times_by_itself() -> None:
    parser = contestant(NODE)
    assert parser.seconds is not None
    chunks = [b"data: \xf0\x9f", b"\x98\x80\n\nda", b"ta:b\n\n"]
    assert [list(batch) for batch in parser.batches(chunks)] == [["\U0001f600", "b"]]
    assert parser.seconds(chunks, 100) > 0
    assert "Node" in parser.version
    assert parser.note.startswith("ANOTHER RUNTIME")


def test_node_or_its_package_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "FOLDER", tmp_path)
    assert peers.peers([NODE]) == ([], {NODE: "eventsource-parser, of npm, is not installed"})
    package = tmp_path / "node_modules/eventsource-parser/package.json"
    package.parent.mkdir(parents=True)
    package.write_text('{"version": "1.0.0"}')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert peers.peers([NODE]) == ([], {NODE: "node is not installed"})


def test_c_by_hand_is_right_at_any_cut() -> None:
    stream = "data: a\n\n\ndata: \n\ndata: é\n\ndata: cut off".encode()
    wanted = [(each.type, each.data, each.last_event_id) for each in sseparse.parse(stream)]
    parser = contestant(BY_HAND)
    for size in range(1, len(stream) + 1):
        chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
        events = [event for batch in parser.batches(chunks) for event in batch]
        assert [(each.type, each.data, each.last_event_id) for each in events] == wanted


@pytest.mark.parametrize(
    "stream",
    [
        b"data: a\r\n\r\n",
        b"data: a\ndata: b\n\n",
        b"data:a\n\n",
        b"data\n\n",
        b"id: 1\ndata: a\n\n",
        b": comment\n\n",
        b"\xef\xbb\xbfdata: a\n\n",
    ],
)
@pytest.mark.parametrize("cut", [1, 100])
def test_c_by_hand_refuses_what_it_does_not_know(stream: bytes, cut: int) -> None:
    chunks = [stream[start : start + cut] for start in range(0, len(stream), cut)]
    with pytest.raises(NotImplementedError):
        list(contestant(BY_HAND).batches(chunks))


def test_c_by_hand_takes_bytes_only() -> None:
    other: Any = bytearray(b"data: a\n\n")
    with pytest.raises(TypeError, match="a chunk is bytes"):
        list(contestant(BY_HAND).batches([other]))


def test_c_by_hand_leaks_nothing() -> None:
    parser = contestant(BY_HAND)
    long = b"x" * 10_000

    def parse() -> None:
        chunks = [b"data: a\n\nda", b"ta: " + long, b"\n\ndata: " + long]
        for last in (b"", b"\n", b"\n" + long, b"\n:\n", b"\r"):
            with contextlib.suppress(NotImplementedError):
                list(parser.batches([*chunks, last]))

    tracemalloc.start()
    try:
        parse()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(50):
            parse()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Of 50 times five parses, each of which held 20 kB and made two events at least.
    assert after - before < 5_000


def test_c_by_hand_is_left_out_where_it_cannot_be_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "by_hand.c"
    source.write_text("#error no such luck\n")
    monkeypatch.setattr(by_hand, "SOURCE", source)
    by_hand._built.cache_clear()
    found, missing = peers.peers([BY_HAND])
    by_hand._built.cache_clear()
    assert found == []
    assert missing[BY_HAND].startswith("no C extension can be built: ")
    assert "error" in missing[BY_HAND]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert peers.peers([BY_HAND]) == ([], {BY_HAND: "setuptools is not installed"})


def test_required_peers_install_everywhere() -> None:
    assert set(REQUIRED) < set(PEERS)
    assert NODE not in REQUIRED
    assert event_data(sseparse.Event("message", "a", "")) == "a"


def test_a_missing_peer_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Contestant:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setitem(PEERS, "openai", missing)
    found, reasons = peers.peers(["openai", "naive"])
    assert [each.name for each in found] == ["naive"]
    assert reasons == {"openai": "openai is not installed"}
