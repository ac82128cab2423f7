"""The benchmark's reports: ratios, figures, tables, JSON."""

from __future__ import annotations

import gc
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import importable
import sseparse
from benchmarks.contestants.contestant import BUILDS, Contestant
from benchmarks.contestants.peers import NAIVE, PEERS
from benchmarks.parsers import cases, header, measure, report
from benchmarks.parsers.cases import CASES
from benchmarks.parsers.figures import BARS, FIGURES, SHAPES, Figure, Measured
from benchmarks.parsers.measure import Result, Row, Spread
from benchmarks.parsers.streams import STREAMS

ROOT = importable.ROOT
SMALL = [case._replace(units=5) for case in CASES]
BY_NAME = {case.name: case for case in CASES}


@pytest.fixture(autouse=True)
def _no_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "WORK_S", 0)
    # In a process with as many modules as this one, it would take longer than everything else.
    monkeypatch.setattr(gc, "collect", lambda: 0)


def row(name: str, seconds: list[float], fault: str = "", peak: int = 0) -> Row:
    larger = [[each * times for each in seconds] for times in (2, 5)]
    return Row(name, fault, [seconds, *larger], peak, reading=[each * 1.5 for each in seconds])


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


def test_a_ratio_is_taken_by_round_and_needs_right_results() -> None:
    assert RESULT.ratio("compiled", "httpx-sse") == Spread(7, 8, 9)
    assert RESULT.ratio("openai", "httpx-sse") == pytest.approx(Spread(70, 80, 90))
    assert RESULT.ratio("compiled", "openai") is None
    assert RESULT.ratio("compiled", "launchdarkly") is None
    assert RESULT.ratio("launchdarkly", "httpx-sse") is None
    assert RESULT.ratio("pure", "httpx-sse") is None
    assert RESULT.ratio("launchdarkly", "httpx-sse", reading=True) is None
    assert [RESULT.rows[0].growth(times) for times in (2, 4)] == [2, 5]
    assert RESULT.rows[3].growth(2) is None
    assert measure.spread([3.0]) == Spread(3, 3, 3)


def test_a_ratio_compares_like_with_like() -> None:
    rows = [
        Row("compiled", "", [[1.0]], 0, reading=[2.0]),
        Row("httpx-sse", "", [[8.0]], 0, reading=[10.0]),
        Row("compiled-aiter", "", [[2.0]], 0),
    ]
    result = RESULT._replace(rows=rows)
    assert result.ratio("compiled", "httpx-sse") == Spread(8, 8, 8)
    assert result.ratio("compiled", "httpx-sse", reading=True) == Spread(5, 5, 5)
    assert result.ratio("compiled-aiter", "httpx-sse") == Spread(4, 4, 4)
    assert result.ratio("compiled-aiter", "httpx-sse", reading=True) is None


def judged(*results: Result) -> dict[str, dict[str, str | float | None]]:
    """Return the figures that were measured, by their text without bar and value."""
    verdicts = {figure.text: figure.judge(results) for figure in FIGURES}
    assert len(verdicts) == len(FIGURES)
    return {text: each for text, each in verdicts.items() if each["verdict"] != "not measured"}


def test_figures_judge_the_worst() -> None:
    assert judged(RESULT) == {
        "compiled, to httpx-sse, chat": {
            "text": "compiled, to httpx-sse, chat: at least 7.4; 8.00",
            "bar": 7.4,
            "value": 8.0,
            "where": "",
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


@pytest.mark.parametrize("name", BARS)
def test_every_case_of_the_bars_is_judged(name: str) -> None:
    bars = BARS[name]
    rows = [
        row("compiled", [1.0]),
        row("pure", [2.0]),
        row("before", [0.5]),
        row("httpx-sse", [8.0]),
        row("launchdarkly", [3.0]),
    ]
    found = judged(Result(BY_NAME[name], 1000, 250_000, rows))
    wanted = {
        f"compiled, to httpx-sse, {name}": (bars.compiled, 8.0),
        f"pure, to httpx-sse, {name}": (bars.pure, 4.0),
        f"pure, to launchdarkly, {name}": (bars.pure_to_launchdarkly, 1.5),
        f"compiled, time to before, {name}": (bars.before, 2.0),
    }
    for text, (bar, value) in wanted.items():
        assert (found[text]["bar"], found[text]["value"]) == (bar, value)
    assert found[f"compiled, time to before, {name}"]["verdict"] == "not met"
    assert found[f"compiled, to httpx-sse, {name}"]["verdict"] == "met"


def test_shapes_that_alternate_are_judged_beside_the_build_before() -> None:
    for name, bar in SHAPES.items():
        rows = [row("compiled", [1.1]), row("before", [1.0])]
        figure = judged(Result(BY_NAME[name], 1, 1, rows))[f"compiled, time to before, {name}"]
        assert (figure["bar"], figure["verdict"]) == (bar, "met")


def test_forms_are_judged_beside_feed() -> None:
    names = ("feed", "observer", "blocks", "async-feed", "aiter")
    seconds = {"chat": (2.0, 4.0, 2.5, 3.0, 6.0), "mcp/evt": (2.0, 5.0, 2.0, 4.0, 6.0)}
    results = [
        Result(
            BY_NAME[case],
            1000,
            250_000,
            [
                row(f"{build}-{name}", [each])
                for build in BUILDS
                for name, each in zip(names, times, strict=True)
            ],
        )
        for case, times in seconds.items()
    ]
    found = {
        text: (each["bar"], each["value"], each["where"], each["verdict"])
        for text, each in judged(*results).items()
    }
    assert found == {
        "compiled-observer, time to compiled-feed": (2, 2.5, "mcp/evt", "not met"),
        "compiled-blocks, time to compiled-feed": (1.3, 1.25, "chat", "met"),
        "pure-observer, time to pure-feed": (3.5, 2.5, "mcp/evt", "met"),
        "pure-blocks, time to pure-feed": (1.5, 1.25, "chat", "met"),
        "compiled-aiter, time to compiled-async-feed": (None, 2.0, "chat", "to compare"),
        "pure-aiter, time to pure-async-feed": (None, 2.0, "chat", "to compare"),
    }


def test_contestants_that_are_no_parsers_have_their_own_figures() -> None:
    chat = [row("compiled", [1.0]), row("pure", [1.0]), row("eventsource-parser", [0.5])]
    chat += [row("naive", [0.5]), row("c-by-hand", [0.5])]
    # C needs fewer calls where reads are tiny; and it may be wrong.
    tiny_reads = [row("compiled", [2.0]), row("c-by-hand", [0.1]), row("assel", [1.0])]
    wrong = [row("compiled", [2.0]), row("c-by-hand", [0.1], "wrong: other data")]
    found = judged(
        Result(BY_NAME["chat/1"], 1000, 250_000, tiny_reads),
        Result(BY_NAME["chat"], 1000, 250_000, chat),
        Result(BY_NAME["mcp"], 1000, 250_000, wrong),
    )
    assert found["compiled, to every peer that is right, every case"]["where"] == "chat/1, assel"
    where = "every case that it knows but 100-byte and 1-byte reads"
    by_hand = found[f"compiled, time to c-by-hand, {where}"]
    assert (by_hand["bar"], by_hand["value"], by_hand["where"]) == (2.4, 2.0, "chat")
    assert found["compiled, to naive, chat"]["value"] == 0.5


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
    figure = Figure("", bar, at_least, lambda _: found).judge([])
    assert (figure["value"], figure["verdict"]) == (value, verdict)


def test_peak_and_growth_of_large_cases_have_figures_of_their_own() -> None:
    rows = [row("compiled", [1.0], peak=16_000_000), row("pure", [1.0], peak=24_000_000)]
    result = Result(BY_NAME["8-mb-event"], 1, 8_000_000, rows)
    assert [(each["value"], each["where"]) for each in judged(result).values()] == [
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
    labels = [line[2:21].strip() for line in rows]
    assert labels == ["pure", report.READ.strip(), "naive", report.READ.strip()]
    assert rows[2].endswith(" right on this stream only")
    assert len(figures.splitlines()) == 1 + len(FIGURES)
    assert "  not measured  compiled, to httpx-sse, chat: at least 7.4\n" in figures
    assert re.search(
        r"met +growth at .*, about 1 MB: .*\((8-mb-event|one-event.*), pure\)", figures
    )


@pytest.mark.thorough
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
            assert each["type_and_data_read"]["ns_per_event"][1] > 0
        assert naive["name"] == NAIVE
    assert naive["fault"] == f"wrong: 0 events instead of {case['events']}"
    assert ours[0]["to_naive"] is None


def test_a_report_is_saved_and_compared_with(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(report, "CASES", SMALL)
    monkeypatch.setattr(cases, "STREAMS", {name: (make, 5) for name, (make, _) in STREAMS.items()})
    saved = tmp_path / "base.json"
    arguments = ["--cases", "chat,tiny", "--cuts", "100,whole", "--peers", "naive", "--rounds", "2"]
    assert report.main([*arguments, "--save", str(saved)]) == 0
    table = capsys.readouterr().out
    names = ["chat/100", "chat/whole", "tiny/100", "tiny/whole"]
    assert re.findall(r"^(\S+): stream \w+, cut \w+; 5 events", table, re.MULTILINE) == names
    base = json.loads(saved.read_text())
    assert [case["name"] for case in base["cases"]] == names
    for case in base["cases"]:
        *ours, naive = case["rows"]
        assert all(each["growth_4"] for each in ours)
        assert naive["growth_4"] is None

    assert report.main([*arguments, "--compare", str(saved)]) == 0
    compared = capsys.readouterr().out.partition("\n\nCompared with the base")[2]
    # There is no httpx-sse among the peers of this run.
    assert compared.endswith(f"on the same stream: {', '.join(names)}\n")
    assert report.main([*arguments, "--compare", str(saved), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["compared"] == []


def test_a_required_peer_that_is_missing_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> Contestant:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(report, "CASES", SMALL)
    monkeypatch.setattr(report, "REQUIRED", ["openai"])
    monkeypatch.setitem(PEERS, "openai", missing)
    arguments = ["--required", "--cases", "chat", "--rounds", "1", "--peers"]
    assert report.main([*arguments, "openai,naive"]) == 1
    said = capsys.readouterr().out
    assert said == "openai, which is required: openai is not installed\n"
    monkeypatch.setattr(report, "REQUIRED", [NAIVE])
    assert report.main([*arguments, "openai,naive"]) == 0
    assert "left out: openai is not installed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cases", "chat,chess"], "no 'chess'; there are chat, chat/evt"),
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


def test_forms_have_rows_only_on_their_cases(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "CASES", SMALL)
    arguments = ["--cases", "mcp,tiny", "--peers", "naive", "--builds", "pure", "--rounds", "1"]
    assert report.main([*arguments, "--json"]) == 0
    mcp, tiny = json.loads(capsys.readouterr().out)["cases"]
    forms = ["pure-feed", "pure-observer", "pure-blocks", "pure-async-feed", "pure-aiter"]
    assert [each["name"] for each in mcp["rows"]] == ["pure", "naive", *forms]
    assert [each["name"] for each in tiny["rows"]] == ["pure", "naive"]
    read = [bool(each["type_and_data_read"]["ns_per_event"]) for each in mcp["rows"]]
    assert read == [True] * 5 + [False] * 2


def test_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"rev-parse": "abc1234\n", "status": ""}
    monkeypatch.setattr(subprocess, "check_output", lambda command, **_: answers[command[3]])
    folder = tmp_path / "sseparse" / "_core"
    folder.mkdir(parents=True)
    measured = Path(sseparse.__file__).parent / "_core"

    assert header.commit(tmp_path).endswith("not the source in this folder")
    for source in measured.glob("*.py"):
        (folder / source.name).write_bytes(source.read_bytes())
    assert header.commit(tmp_path).endswith("not a git checkout")
    for name in ("_machine.py", "_another.py"):
        with (folder / name).open("ab") as changed:
            changed.write(b"#")
        assert header.commit(tmp_path).endswith("not the source in this folder")
        if (measured / name).exists():
            (folder / name).write_bytes((measured / name).read_bytes())
        else:
            (folder / name).unlink()
    (folder / "_parser.py").unlink()
    assert header.commit(tmp_path).endswith("not the source in this folder")
    (folder / "_parser.py").write_bytes((measured / "_parser.py").read_bytes())
    (tmp_path / ".git").touch()
    assert header.commit(tmp_path) == "abc1234"
    answers["status"] = " M sseparse/_core/_parser.py\n"
    assert header.commit(tmp_path) == "abc1234, with changes"

    def no_git(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "check_output", no_git)
    assert header.commit(tmp_path).endswith("git fails")
