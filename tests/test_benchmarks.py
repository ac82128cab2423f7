"""The benchmark at small size: what its cases hold, and what it counts, checks and reports."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import reference
import sseparse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROOT = Path(__file__).parent.parent

# By its path: with the checkout on sys.path, its sseparse would hide an installed one.
_spec = importlib.util.spec_from_file_location(
    "benchmarks",
    ROOT / "benchmarks/__init__.py",
    submodule_search_locations=[str(ROOT / "benchmarks")],
)
assert _spec is not None
sys.modules["benchmarks"] = importlib.util.module_from_spec(_spec)

from benchmarks import cases, measure, peers, report  # noqa: E402
from benchmarks.cases import (  # noqa: E402
    CASES,
    KIB,
    STREAMS,
    Block,
    Case,
    digest,
    expected,
    growth_cases,
)
from benchmarks.figures import FIGURES, Figure, Measured  # noqa: E402
from benchmarks.measure import Result, Row, Spread  # noqa: E402
from benchmarks.peers import BUILDS, NAIVE, PEERS, Contestant  # noqa: E402

SMALL = [case._replace(units=5) for case in CASES]
BY_NAME = {case.name: case for case in CASES}
COMPILED = not str(sys.modules["sseparse._parser"].__file__).endswith(".py")

each_case = pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)


@pytest.fixture(autouse=True)
def _no_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "WORK_S", 0)


def contestant(name: str) -> Contestant:
    ours = {each.name: each for each in peers.builds()}
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
    del sizes["8-mb-event"], sizes["million-lines"]
    assert [name for name, size in sizes.items() if not 240_000 <= size <= 280_000] == []
    for case in growth_cases(CASES):
        assert 240_000 <= sum(map(len, case.chunks(case.blocks(case.units)))) <= 280_000


def test_growth_is_measured_for_every_stream_at_every_cut() -> None:
    cells = [(case.blocks, case.cut) for case in [*CASES, *growth_cases(CASES)]]
    for blocks in {case.blocks for case in CASES}:
        assert {cut for made, cut in cells if made is blocks} >= {64 * KIB, 100, 1, 0}
    only_tiny = growth_cases([BY_NAME["tiny"]])
    assert [case.name for case in only_tiny] == ["tiny/100", "tiny/1", "tiny/per-event"]


@each_case
@pytest.mark.parametrize("name", [*BUILDS, *PEERS])
def test_contestants_are_right_but_for_the_naive_split(name: str, case: Case) -> None:
    if name == "compiled" and not COMPILED:
        assert [each.name for each in peers.builds()] == ["pure"]
        return
    blocks = case.blocks(case.units)
    chunks = case.chunks(blocks)
    beyond_it = ("wikimedia", "crlf", "multi-line", "comments", "million-lines")
    wrong = name == NAIVE and case.name in beyond_it
    fault = measure.fault(contestant(name), blocks, chunks)
    assert fault.startswith("wrong: ") if wrong else fault == ""
    if not wrong:
        events, _ = expected(blocks)
        assert measure.count(contestant(name), chunks) == events


def test_builds_are_two_parsers_in_one_process() -> None:
    names = [each.name for each in peers.builds()]
    assert names == (["compiled", "pure"] if COMPILED else ["pure"])
    kinds = set()
    for each in peers.builds():
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
    contestants = [*peers.builds(), fake(raises)]
    result = measure.measure(case, contestants, 3)
    assert (result.case, result.events) == (case, 2)
    assert result.size == len(b"".join(case.chunks(case.blocks(2))))
    for row in result.rows[:-1]:
        assert row.fault == ""
        assert [len(rounds) for rounds in row.seconds] == [3, 3, 3]
        assert min(map(min, row.seconds)) > 0
        assert row.peak is not None
        assert row.peak > 200  # the two events at least
    assert result.rows[-1] == Row("fake", "not timed: raises ValueError", [], None)

    # However slow, the case itself gets all its rounds; what is there for the growth does not.
    monkeypatch.setattr(measure, "GROWTH_BUDGET_S", 0)
    [row, *_] = measure.measure(case, peers.builds(), 3).rows
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
    measure.measure(case, peers.builds()[:1], 1)
    assert calls == []
    monkeypatch.setattr(measure, "LARGE", 1)
    measure.measure(case, peers.builds()[:1], 1)
    assert len(calls) == 3 * 2


def row(name: str, seconds: list[float], fault: str = "", peak: int = 0) -> Row:
    larger = [[each * times for each in seconds] for times in (2, 5)]
    return Row(name, fault, [seconds, *larger], peak)


RESULT = Result(
    BY_NAME["chat"],
    1000,
    250_000,
    [
        row("compiled", [1.0, 1.0, 1.0]),
        row("httpx-sse", [6.0, 8.0, 10.0]),
        row("openai", [0.1, 0.1, 0.1], "wrong: other data"),
        Row("launchdarkly", "not timed: over 5 s", [], None),
    ],
)


def test_ratio_is_paired_and_needs_a_yardstick_that_is_right() -> None:
    assert RESULT.ratio("compiled", "httpx-sse") == Spread(7, 8, 9)
    assert RESULT.ratio("openai", "httpx-sse") == pytest.approx(Spread(70, 80, 90))
    assert RESULT.ratio("compiled", "openai") is None
    assert RESULT.ratio("compiled", "launchdarkly") is None
    assert RESULT.ratio("launchdarkly", "httpx-sse") is None
    assert RESULT.ratio("pure", "httpx-sse") is None
    assert [RESULT.rows[0].growth(times) for times in (2, 4)] == [2, 5]
    assert RESULT.rows[3].growth(2) is None
    assert measure.spread([3.0]) == Spread(3, 3, 3)


def test_figures_judge_the_worst() -> None:
    verdicts = {figure.text: figure.judge([RESULT]) for figure in FIGURES}
    assert len(verdicts) == len(FIGURES)
    measured = {text: each for text, each in verdicts.items() if each["verdict"] != "not measured"}
    assert measured == {
        "compiled, to httpx-sse, chat": {
            "text": "compiled, to httpx-sse, chat: at least 7.5; 8.00 (chat, httpx-sse)",
            "bar": 7.5,
            "value": 8.0,
            "where": "chat, httpx-sse",
            "verdict": "met",
        },
        "compiled, to every peer that is right, every case": {
            "text": "compiled, to every peer that is right, every case: at least 1; "
            "8.00 (chat, httpx-sse)",
            "bar": 1,
            "value": 8.0,
            "where": "chat, httpx-sse",
            "verdict": "met",
        },
        "growth at four times the input, about 1 MB": {
            "text": "growth at four times the input, about 1 MB: at most 5.5; "
            "5.00 (chat, compiled)",
            "bar": 5.5,
            "value": 5.0,
            "where": "chat, compiled",
            "verdict": "met",
        },
    }


@pytest.mark.parametrize(
    ("at_least", "bar", "value", "verdict"),
    [
        (True, 1.0, 1.0, "met"),
        (True, 1.1, 1.0, "not met"),
        (False, 3.0, 3.0, "met"),
        (False, 2.9, 3.0, "not met"),
    ],
)
def test_figure_bar(at_least: bool, bar: float, value: float, verdict: str) -> None:
    found = [Measured(2, "b"), Measured(1, "a"), Measured(3, "c")]
    judged = Figure("", bar, at_least, lambda _: found).judge([])
    assert (judged["value"], judged["verdict"]) == (value, verdict)


def test_peak_and_growth_of_large_cases_have_figures_of_their_own() -> None:
    rows = [row("compiled", [1.0], peak=16_000_000), row("pure", [1.0], peak=24_000_000)]
    result = Result(BY_NAME["8-mb-event"], 1, 8_000_000, rows)
    judged = [figure.judge([result]) for figure in FIGURES]
    assert [(each["value"], each["where"]) for each in judged if "value" in each] == [
        (5.0, "8-mb-event, pure"),
        (2.0, "16.0 MB"),
        (3.0, "24.0 MB"),
    ]


def test_report_as_a_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "CASES", SMALL)
    monkeypatch.setattr(cases, "STREAMS", {name: (make, 5) for name, (make, _) in STREAMS.items()})
    arguments = ["--cases", "8-mb-event", "--peers", "naive", "--builds", "pure", "--rounds", "1"]
    assert report.main([*arguments, "--figures"]) == 0
    head, table, figures = capsys.readouterr().out.split("\n\n")
    for name in ("sseparse", "commit", "builds", "Python", "machine", "rounds", "naive"):
        assert f"\n{name} " in f"\n{head}"
    title, _, *rows = table.splitlines()
    assert title == "8-mb-event: one event of 8 MB, 16 KiB reads; 1 events, 5,008 bytes"
    assert [line.split()[0] for line in rows] == ["pure", "naive"]
    assert rows[1].endswith(" right on this stream only")
    assert len(figures.splitlines()) == 1 + len(FIGURES)
    assert "  not measured  compiled, to httpx-sse, chat: at least 7.5\n" in figures
    assert re.search(
        r"met +growth at .*, about 1 MB: .*\((8-mb-event|one-event/.*), pure\)", figures
    )


def test_report_as_json_from_the_command() -> None:
    arguments = ["--cases", "tiny,crlf", "--peers", "naive", "--rounds", "1", "--json"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    assert printed["header"]["rounds"].startswith("1, ")
    assert [case["name"] for case in printed["cases"]] == ["tiny", "crlf"]
    # The command finds the sseparse that is installed, which may be another than the tests'.
    names = ["pure"] if "is not compiled" in printed["header"]["builds"] else list(BUILDS)
    assert printed["figures"] == []
    for case in printed["cases"]:
        *ours, naive = case["rows"]
        assert [each["name"] for each in ours] == names
        for each in ours:
            assert each["fault"] == ""
            assert each["ns_per_event"][1] > 0
            assert each["to_httpx_sse"] is None
        assert naive["name"] == NAIVE
    assert naive["fault"] == f"wrong: 0 events instead of {case['events']}"
    assert ours[0]["to_naive"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cases", "chat,chess"], "no 'chess'; there are chat, per-event"),
        (["--peers", "aiohttp"], "no 'aiohttp'; there are httpx-sse"),
        (["--builds", "fast"], "no 'fast'; there are compiled, pure"),
        (["--rounds", "0"], "expected a whole number from 1, got '0'"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        report.main(arguments)
    assert exited.value.code == 2
    assert message in capsys.readouterr().err


def test_a_missing_peer_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Contestant:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setitem(PEERS, "openai", missing)
    found, reasons = peers.peers(["openai", "naive"])
    assert [each.name for each in found] == ["naive"]
    assert reasons == {"openai": "openai is not installed"}


def test_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"rev-parse": "abc1234\n", "status": ""}
    monkeypatch.setattr(subprocess, "check_output", lambda command, **_: answers[command[3]])
    folder = tmp_path / "sseparse"
    folder.mkdir()
    measured = Path(sseparse.__file__).with_name("_parser.py").read_bytes()

    assert report._commit(tmp_path).endswith("not the source in this folder")
    (folder / "_parser.py").write_bytes(measured + b"#")
    assert report._commit(tmp_path).endswith("not the source in this folder")
    (folder / "_parser.py").write_bytes(measured)
    assert report._commit(tmp_path).endswith("not a git checkout")
    (tmp_path / ".git").touch()
    assert report._commit(tmp_path) == "abc1234"
    answers["status"] = " M sseparse/_parser.py\n"
    assert report._commit(tmp_path) == "abc1234, with changes"

    def no_git(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "check_output", no_git)
    assert report._commit(tmp_path).endswith("git does not tell")
