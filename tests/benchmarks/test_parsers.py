"""The benchmark at small size: its cases, and what it counts and checks."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import itertools
import re
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

import importable  # noqa: F401  before what it makes importable
import reference
import sseparse
from benchmarks.contestants import by_hand, node, peers
from benchmarks.contestants.contestant import BUILDS, Contestant, builds, cores, event_data
from benchmarks.contestants.forms import forms
from benchmarks.contestants.peers import BY_HAND, NAIVE, NODE, PEERS, REQUIRED
from benchmarks.parsers import measure
from benchmarks.parsers.cases import CASES, CUTS, Case, crossed, digest, expected, growth_cases
from benchmarks.parsers.measure import Row
from benchmarks.parsers.streams import STREAMS, Block
from sseparse import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

# Each runs the contestants.
pytestmark = pytest.mark.thorough

SMALL = [case._replace(units=5) for case in CASES]
BY_NAME = {case.name: case for case in CASES}
# The streams that need more than LF and data lines that begin alike.
NOT_SIMPLE = {
    *("no-space", "crlf", "crlf/evt", "cr", "anthropic", "anthropic/evt"),
    *("responses", "responses/evt", "mcp", "mcp/evt", "mcp-1-mb", "spring", "spring/evt"),
    *("wikimedia", "comments", "heartbeats", "three-lines", "ids", "two-shapes", "four-shapes"),
    *("million-lines", "endless-comment/1448"),
}
# The cases that a contestant gets wrong, even at small size, and how its fault begins.
WRONG = {
    NAIVE: (NOT_SIMPLE, "wrong: "),
    BY_HAND: (NOT_SIMPLE, "not timed: raises NotImplementedError"),
    "aiohttp-sse-client2": ({"cr"}, "wrong: "),
}
COMPILED = _core.COMPILED
OURS = BUILDS if COMPILED else ("pure",)
FORMS = [
    f"{build}-{form}"
    for build in OURS
    for form in ("feed", "observer", "blocks", "async-feed", "aiter")
]

each_case = pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)


@pytest.fixture(autouse=True)
def _no_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "WORK_S", 0)
    # In a process with as many modules as this one, it would take longer than everything else.
    monkeypatch.setattr(gc, "collect", lambda: 0)


def contestant(name: str) -> Contestant:
    ours = {each.name: each for each in [*builds(), *forms(BUILDS)]}
    if name in ours:
        return ours[name]
    found, missing = peers.peers([name])
    if missing:
        pytest.skip(missing[name])
    return found[0]


def events(contestant: Contestant, chunks: list[Any]) -> list[Any]:
    return [event for batch in contestant.batches(chunks) for event in batch]


@each_case
def test_the_data_of_a_case_is_that_of_its_stream(case: Case) -> None:
    blocks = case.blocks(case.units)
    stream = b"".join(case.chunks(blocks))
    data = [block.data for block in blocks if block.data is not None]
    assert stream == b"".join(block.wire for block in blocks)
    assert [data for _, data, _ in reference.outcome(stream, None, "").events] == data
    assert [event.data for event in sseparse.parse(stream)] == data
    assert expected(blocks) == (len(data), digest(data))


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("no-space", rb'data:\{"id".*\}\n\n'),
        ("crlf", rb'data: \{"id".*\}\r\n\r\n'),
        ("cr", rb'data: \{"id".*\}\r\r'),
        ("chinese", rb'data: \{"id".*"content": "[\x80-\xff]{12}\d+".*\}\n\n'),
        ("anthropic", rb"event: content_block_delta\ndata: \{.*\}\n\n"),
        ("responses", rb"event: response.output_text.delta\ndata: \{.{220,280}\}\n\n"),
        ("mcp", rb'event: message\r\ndata: \{"jsonrpc": "2.0", "method".*\}\r\n\r\n'),
        ("mcp-1-mb", rb'event: message\nid: 1\ndata: \{"jsonrpc": "2.0", "id".*\}\n\n'),
        ("spring", rb"id:\d+\nevent:result\n:HTTP_STATUS/200\ndata:\{.*\}\n\n"),
        ("wikimedia", rb"event: message\nid: \[.*\]\ndata: \{.*\}\n\n"),
        ("three-lines", rb"(data: .*\n){3}\n"),
        ("ids", rb"id: .*\ndata: .*\n\n"),
        ("two-shapes", rb"event: (a|bb)\ndata: \{.*\}\n\n"),
    ],
)
def test_blocks_have_the_bytes_that_servers_send(name: str, block: bytes) -> None:
    blocks = BY_NAME[name].blocks(12)
    assert [each.wire for each in blocks if not re.fullmatch(block, each.wire)] == []
    assert len({each.data for each in blocks}) == len(blocks)


def test_shapes_alternate() -> None:
    def shapes(name: str) -> list[bytes]:
        return [re.sub(rb"\{.*\}", b"", each.wire) for each in BY_NAME[name].blocks(8)]

    two, four = shapes("two-shapes"), shapes("four-shapes")
    assert two == two[:2] * 4
    assert four == four[:4] * 2
    assert (len(set(two)), len(set(four))) == (2, 4)
    comments = [each.wire[:1] for each in BY_NAME["comments"].blocks(2)]
    assert comments == [b":", b":", b":", b"d"] * 2


@each_case
def test_a_case_is_cut_as_its_name_says(case: Case) -> None:
    blocks = case.blocks(case.units)
    *chunks, last = case.chunks(blocks)
    if case.cut:
        assert {len(chunk) for chunk in chunks} <= {case.cut}
        assert 0 < len(last) <= case.cut
    else:
        assert [*chunks, last] == [block.wire for block in blocks]


def test_cases_have_the_sizes_in_their_names() -> None:
    made = {case.name: case.blocks(case.units) for case in CASES}
    sizes = {name: sum(len(block.wire) for block in blocks) for name, blocks in made.items()}
    assert 225 <= sizes["chat"] / len(made["chat"]) <= 255
    assert max(len(str(block.data)) for block in made["tiny"]) == 1
    assert len(str(made["8-mb-event"][0].data)) == 8_000_000
    assert str(made["million-lines"][0].data).count("\n") == 999_999
    assert 1_000_000 <= sizes["mcp-1-mb"] <= 1_100_000
    for name in ("8-mb-event", "million-lines", "mcp-1-mb"):
        del sizes[name]
    assert [name for name, size in sizes.items() if not 240_000 <= size <= 280_000] == []
    grown = {(case.blocks, case.units) for case in growth_cases(CASES)}
    assert grown == set(STREAMS.values())
    for make, units in grown - {STREAMS["mcp-1-mb"]}:
        assert 240_000 <= sum(len(block.wire) for block in make(units)) <= 280_000


def test_growth_is_measured_for_every_stream_at_every_cut() -> None:
    cells = [(case.blocks, case.cut) for case in [*CASES, *growth_cases(CASES)]]
    for blocks, _ in STREAMS.values():
        assert {cut for made, cut in cells if made is blocks} >= set(CUTS.values())
    only_tiny = growth_cases([BY_NAME["tiny"]])
    names = ["tiny/whole", "tiny/1448", "tiny/evt", "tiny/100", "tiny/1"]
    assert [case.name for case in only_tiny] == names


@pytest.mark.parametrize("cut", CUTS)
def test_crossed_cases_are_cut_as_their_names_say(cut: str) -> None:
    # Two cases of one stream are one, crossed.
    [case] = crossed([BY_NAME["chat"], BY_NAME["chat/1"]], [cut])
    name = "chat" if cut == "64k" else f"chat/{cut}"
    assert (case.name, case.units) == (name, BY_NAME["chat"].units)
    blocks = case.blocks(2)
    chunks = case.chunks(blocks)
    size = sum(len(block.wire) for block in blocks)
    assert b"".join(chunks) == b"".join(block.wire for block in blocks)
    assert len(chunks) == {"whole": 1, "64k": 1, "1448": 1, "evt": 2, "1": size}.get(
        cut, -(-size // 100)
    )


def test_every_stream_is_in_a_case() -> None:
    assert {case.blocks for case in CASES} == {blocks for blocks, _ in STREAMS.values()}
    assert len(BY_NAME) == len(CASES)


def test_a_crossed_case_is_the_case_of_the_same_name() -> None:
    same = {(case.name, case.blocks, case.units, case.cut) for case in crossed(CASES, CUTS)}
    others = {"8-mb-event", "million-lines"}  # of sizes of their own
    cases = {(case.name, case.blocks, case.units, case.cut) for case in CASES}
    assert {name for name, *_ in cases - same} == others


@each_case
@pytest.mark.parametrize("name", [*OURS, *PEERS])
def test_contestants_are_right_but_for_known_cases(name: str, case: Case) -> None:
    blocks = case.blocks(case.units)
    chunks = case.chunks(blocks)
    cases, beginning = WRONG.get(name, (set(), ""))
    fault = measure.fault(contestant(name), blocks, chunks)
    if case.name in cases:
        assert fault.startswith(beginning)
    else:
        assert fault == ""
        wanted, _ = expected(blocks)
        for reading in (False, True):
            assert measure.count(contestant(name), chunks, reading) == wanted


@each_case
@pytest.mark.parametrize("name", FORMS)
def test_other_forms_are_right(name: str, case: Case) -> None:
    form = contestant(name)
    blocks = case.blocks(case.units)
    chunks = case.chunks(blocks)
    assert measure.fault(form, blocks, chunks) == ""
    stream = b"".join(chunks)
    items = {
        "observer": sseparse.Observer().feed(stream),
        "blocks": sseparse.Observer(lines=False).feed(stream),
    }.get(name.partition("-")[2], sseparse.parse(stream))
    for reading in (False, True):
        assert measure.count(form, chunks, reading) == len(items)


@pytest.mark.parametrize("name", PEERS)
def test_contestants_take_large_chunks(name: str) -> None:
    [case] = crossed([BY_NAME["chat"]], ["whole"])
    blocks = case.blocks(case.units)
    assert measure.fault(contestant(name), blocks, case.chunks(blocks)) == ""


@pytest.mark.parametrize("name", [*OURS, *PEERS, *FORMS])
def test_type_and_data_are_read_by_the_names_that_they_have(name: str) -> None:
    peer = contestant(name)
    [event] = [
        event
        for batch in peer.batches(
            [b"event: tick\ndata: a\n\n" if name != BY_HAND else b"data: a\n\n"]
        )
        for event in batch
        if peer.data(event) is not None
    ]
    if peer.type:
        wanted = "message" if name == BY_HAND else "tick"
        assert (getattr(event, peer.type), event.data) == (wanted, "a")
    else:
        assert type(event) is str


def test_a_form_is_measured_where_its_figures_are_judged() -> None:
    names = ["chat", "chat/evt", "anthropic", "anthropic/evt", "mcp", "mcp/evt"]
    assert [case.name for case in CASES if case.forms] == names
    assert [each.name for each in forms(["pure"])] == [name for name in FORMS if "pure" in name]
    assert forms([]) == []


def test_builds_are_two_parsers_in_one_process() -> None:
    names = [each.name for each in builds()]
    assert names == list(OURS)
    kinds = set()
    for each in builds():
        [[event]] = each.batches([b"data: a\n\n"])
        kinds.add(type(event))
        assert each.version == f"sseparse {sseparse.__version__}"
        assert isinstance(event, sseparse.Event) == (each.name == names[0])
    assert len(kinds) == len(names)


def test_the_pure_build_is_all_pure() -> None:
    pure = cores()["pure"]
    assert pure.COMPILED is False
    modules = [each for name, each in sys.modules.items() if name.startswith(f"{pure.__name__}.")]
    assert len(modules) > 5
    assert [each.__file__ for each in modules if not str(each.__file__).endswith(".py")] == []


def fake(batches: Callable[[Iterable[bytes]], Any], name: str = "fake") -> Contestant:
    return Contestant(name, "1", batches, "", str)


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
        (lambda _: [["a", "b", "c"]], "wrong: 3 events instead of 2"),
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
        assert len(row.reading) == 3
        assert min(map(min, [*row.seconds, row.reading])) > 0
        assert row.peak is not None
        assert row.peak > 200  # the two events at least
    assert result.rows[-1] == Row("fake", "not timed: raises ValueError", [], None)
    assert result.rows[0].note == ""

    # The case itself gets all its rounds, however slow it is; the larger streams do not.
    monkeypatch.setattr(measure, "GROWTH_BUDGET_S", 0)
    [row, *_] = measure.measure(case, builds(), 3).rows
    assert [len(rounds) for rounds in row.seconds] == [3, 0, 0]
    assert len(row.reading) == 3
    assert row.growth(4) is None


def test_a_timed_run_is_repeated_until_it_is_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    parses: list[object] = []
    ticks = itertools.count()
    monkeypatch.setattr(time, measure.CLOCK, lambda: next(ticks) / 1024)  # exact in binary
    monkeypatch.setattr(measure, "consume", lambda *arguments: parses.append(arguments))
    monkeypatch.setattr(measure, "WORK_S", 0.030)
    case = Case("fake", "", lambda _: [], 1, 1)
    measure.measure(case, [fake(lambda _: [])], 2)
    # A trial and two rounds of 31 parses for each of three sizes, and once more with type and data
    # read; then one for the peak.
    assert len(parses) == 4 * (1 + 2 * 31) + 1


def test_large_streams_are_measured_in_fresh_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[None] = []
    monkeypatch.setattr(measure, "_give_back", lambda: calls.append(None))
    case = BY_NAME["tiny"]._replace(units=2)
    measure.measure(case, builds()[:1], 1)
    assert calls == []
    monkeypatch.setattr(measure, "LARGE", 1)
    measure.measure(case, builds()[:1], 1)
    assert len(calls) == 4 * 2


def test_growth_of_some_only() -> None:
    case = BY_NAME["chat"]._replace(units=2)
    grown, other = measure.measure(case, [*builds()[:1], fake(lambda _: [["a"]])], 2, BUILDS).rows
    assert [len(rounds) for rounds in grown.seconds] == [2, 2, 2]
    assert [len(rounds) for rounds in other.seconds] == [2]
    assert grown.growth(2) is not None
    assert other.growth(2) is None


def test_reading_is_a_measurement_of_its_own() -> None:
    seen: list[str] = []

    class Named:
        def __getattr__(self, name: str) -> str:
            seen.append(name)
            return "a"

    for type in ("type", "event", "name"):
        seen.clear()
        peer = Contestant("peer", "1", lambda _: [iter([Named()]), [Named()]], type)
        assert measure.count(peer, []) == 2
        assert seen == []
        assert measure.count(peer, [], reading=True) == 2
        assert seen == [type, "data"] * 2


def test_a_contestant_with_a_loop_of_its_own() -> None:
    own = fake(lambda chunks: [[chunk.decode() for chunk in chunks]])._replace(
        loop=lambda chunks: len(list(chunks))
    )
    case = Case("fake", "", lambda units: [Block(b"a", "a")] * units, 3, 1)
    [row] = measure.measure(case, [own], 2).rows
    assert row.fault == ""
    assert [len(rounds) for rounds in row.seconds] == [2, 2, 2]
    assert row.reading == ()
    assert measure.count(own, [b"a"] * 3) == 3


def test_a_contestant_that_takes_its_own_time() -> None:
    asked: list[tuple[int, int, bool]] = []

    def seconds(chunks: list[bytes], times: int, reading: bool) -> float:
        asked.append((len(chunks), times, reading))
        return len(chunks) / (500 if reading else 1000)

    case = BY_NAME["chat/evt"]._replace(units=2)
    itself = Contestant("itself", "1", lambda _: [["a"]], "", str, "elsewhere", seconds)
    [row] = measure.measure(case, [itself], 2).rows
    assert row.seconds == [[0.002] * 2, [0.004] * 2, [0.008] * 2]
    assert row.reading == (0.004, 0.004)
    assert (row.peak, row.note) == (None, "elsewhere")
    assert {times for _, times, _ in asked} == {1}


def test_node_counts_and_times_by_itself() -> None:
    parser = contestant(NODE)
    assert parser.seconds is not None
    chunks = [b"data: \xf0\x9f", b"\x98\x80\n\nda", b"ta:b\n\n"]
    assert [list(batch) for batch in parser.batches(chunks)] == [["\U0001f600", "b"]]
    assert parser.seconds(chunks, 100, False) > 0
    assert parser.seconds(chunks, 100, True) > 0
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
        found = [(each.type, each.data, each.last_event_id) for each in events(parser, chunks)]
        assert found == wanted


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
        events(contestant(BY_HAND), chunks)


def test_c_by_hand_takes_bytes_only() -> None:
    other: Any = bytearray(b"data: a\n\n")
    with pytest.raises(TypeError, match="a chunk is bytes"):
        events(contestant(BY_HAND), [other])


def test_c_by_hand_leaks_nothing() -> None:
    parser = contestant(BY_HAND)
    long = b"x" * 10_000

    def parse() -> None:
        chunks = [b"data: a\n\nda", b"ta: " + long, b"\n\ndata: " + long]
        for last in (b"", b"\n", b"\n" + long, b"\n:\n", b"\r"):
            with contextlib.suppress(NotImplementedError):
                events(parser, [*chunks, last])

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
