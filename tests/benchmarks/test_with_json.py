"""The benchmark of events with their JSON at small size: what it decodes, checks and prints."""

from __future__ import annotations

import gc
import json
import sys
from typing import Any

import pytest

import importable  # before what it makes importable
from benchmarks.contestants.contestant import builds
from benchmarks.parsers import measure, with_json
from benchmarks.parsers.cases import CASES, Case
from benchmarks.parsers.measure import Result, Row

# Each measures.
pytestmark = pytest.mark.thorough

SMALL = {name: case._replace(units=12) for name, case in with_json.KNOWN.items()}


@pytest.fixture(autouse=True)
def _no_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "WORK_S", 0)
    # In a process with as many modules as this one, it would take longer than everything else.
    monkeypatch.setattr(gc, "collect", lambda: 0)
    monkeypatch.setattr(with_json, "KNOWN", SMALL)


@pytest.fixture
def _installed() -> None:
    for module, name in (("httpx_sse", "httpx-sse"), ("orjson", "orjson"), ("msgspec", "msgspec")):
        pytest.importorskip(module, reason=f"{name} is not installed")


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize("case", SMALL.values(), ids=lambda case: case.name)
def test_every_parser_with_every_library_is_right(case: Case) -> None:
    blocks = case.blocks(case.units)
    chunks = case.chunks(blocks)
    found = with_json.contestants(case)
    ours = [each.name for each in builds()]
    libraries = ["", " + json", " + orjson", " + msgspec", " + msgspec, typed"]
    assert [each.name for each in found] == [
        "httpx-sse",
        "httpx-sse + json",
        *(name + library for name in ours for library in libraries),
    ]
    for each in found:
        assert measure.fault(each, blocks, chunks) == ""
        assert measure.count(each, chunks) == 12


@pytest.mark.usefixtures("_installed")
def test_typed_objects_have_the_fields_that_a_program_reads() -> None:
    import msgspec

    from benchmarks.parsers import typed

    def decoded(name: str) -> list[Any]:
        kind = getattr(typed, with_json.TYPES[SMALL[name].blocks])
        blocks = SMALL[name].blocks(2)
        return [msgspec.json.decode(block.data or "", type=kind) for block in blocks]

    first, second = decoded("chat")
    assert [each.choices[0].delta.content for each in (first, second)] == [" 0", " 1"]
    opening, piece = (each.choices[0].delta.tool_calls[0] for each in decoded("tool-calls"))
    assert (opening.function.name, opening.function.arguments) == ("edit", "")
    assert opening.id.startswith("call_0")
    assert (piece.id, piece.function.name) == (None, None)
    assert piece.function.arguments == '{"line_1": "'
    assert [each.delta.text for each in decoded("anthropic")] == [" 0", " 1"]


@pytest.mark.parametrize("wrong", [lambda _: {}, lambda text: json.loads(text)["choices"]])
def test_a_wrong_decoder_is_found(wrong: Any) -> None:
    case = SMALL["chat"]
    blocks = case.blocks(case.units)
    chunks = case.chunks(blocks)
    decoder = with_json._decoding(builds()[0], "wrong", wrong)
    assert measure.fault(decoder, blocks, chunks) == "wrong: other data"
    decoder = with_json._decoding(builds()[0], "json", json.loads)
    assert measure.fault(decoder, blocks, chunks) == ""


def test_table() -> None:
    rows = [
        Row("httpx-sse + json", "", [[8.0, 8.0, 80.0]], 0),
        Row("pure", "", [[1.0, 1.0, 10.0]], 0),
        # The rounds are paired: one in which everything takes ten times as long changes no ratio.
        Row("pure + json", "", [[4.0, 4.0, 40.0]], 0),
        Row("pure + orjson", "wrong: other data", [[2.0, 2.0, 20.0]], 0),
        Row("pure + msgspec", "not timed: raises ValueError", [], None),
    ]
    text = with_json.table(Result(SMALL["chat"], 1000, 250_000, rows))
    _, title, head, *lines = text.splitlines()
    assert title.startswith("chat: chat chunks of about 240 bytes, 64 KiB reads; 1,000 events")
    assert head.split() == ["ns/event", "quartiles", "to", "httpx-sse", "+", "json", "JSON"]
    assert [line[:28].strip() for line in lines] == [row.name for row in rows]
    ends = [line[28:].split() for line in lines]
    assert ends == [
        ["8,000,000", "+0%", "+450%", "1.00", "(1.00-1.00)"],
        ["1,000,000", "+0%", "+450%", "8.00", "(8.00-8.00)"],
        ["4,000,000", "+0%", "+450%", "2.00", "(2.00-2.00)", "75%"],
        ["2,000,000", "+0%", "+450%", "4.00", "(4.00-4.00)", "50%", "wrong:", "other", "data"],
        ["not", "timed:", "raises", "ValueError"],
    ]


@pytest.mark.usefixtures("_installed")
def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert with_json.main(["--rounds", "2", "--cases", "chat/evt,anthropic"]) == 0
    head, *tables = capsys.readouterr().out.split("\n\n")
    for name in ("sseparse", "Python", "httpx-sse", "orjson", "msgspec"):
        assert f"\n{name} " in f"\n{head}"
    assert [table.partition(":")[0] for table in tables] == ["chat/evt", "anthropic"]
    assert "pure + msgspec, typed" in tables[1]


@pytest.mark.parametrize("name", ["httpx_sse._decoders", "orjson", "msgspec"])
def test_a_missing_package_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for library in {"orjson", "msgspec"} - {name}:
        monkeypatch.setitem(sys.modules, library, type(sys)(library))
    monkeypatch.setitem(sys.modules, "benchmarks.parsers.typed", type(sys)("typed"))
    monkeypatch.setattr(sys.modules["benchmarks.parsers.typed"], "ChatChunk", int, raising=False)
    monkeypatch.setitem(sys.modules, name, None)
    assert with_json.main(["--cases", "chat"]) == 1
    wanted = "httpx-sse" if name.startswith("httpx") else name
    assert capsys.readouterr().err == f"{wanted} is not installed\n"


def test_the_page_shows_the_cases_of_the_command() -> None:
    page = (importable.ROOT / "docs" / "json.txt").read_text(encoding="utf-8")
    titles = [table.partition(";")[0] for table in page.split("\n\n")[1:]]
    cases = {case.name: case for case in CASES}
    assert titles == [f"{name}: {cases[name].about}" for name in with_json.DEFAULT]
    assert [line for line in page.splitlines() if "wrong: " in line or "not timed: " in line] == []


def test_only_streams_of_json_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    names = {case.name for case in CASES if case.blocks in with_json.TYPES}
    assert set(with_json.KNOWN) == names
    assert set(with_json.DEFAULT) <= names
    with pytest.raises(SystemExit):
        with_json.main(["--cases", "tiny"])
    assert "no 'tiny'; there are chat, chat/evt" in capsys.readouterr().err
