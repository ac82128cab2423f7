"""The counting of instructions, without valgrind: what it runs, and how its answer is read."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import importable  # noqa: F401  before what it makes importable
from benchmarks.contestants.contestant import builds
from benchmarks.parsers import instructions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ANNOTATED = """\
--------------------------------------------------------------------------------
Ir
--------------------------------------------------------------------------------
{total} (100.0%)  PROGRAM TOTALS

--------------------------------------------------------------------------------
Ir                  file:function
--------------------------------------------------------------------------------
{decode} (62.50%)  /src/./Objects/unicodeobject.c:ascii_decode [/lib/libpython3.13.so]
{eval} ( 7.50%)  ./Python/generated_cases.c.h:_PyEval_EvalFrameDefault'2 [/lib/libpython3.13.so]
{eval} ( 7.50%)  ???:0x0000000000401000 [/usr/bin/a program]
"""


def test_instructions_are_divided_by_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        counts = {"total": 4_000_000, "decode": 500_000, "eval": 500_000}
        if len(commands) > 2:
            counts |= {"total": 9_000_000, "decode": 4_000_000}
        text = ANNOTATED.format(**{name: format(number, ",") for name, number in counts.items()})
        return subprocess.CompletedProcess(command, 0, text)

    monkeypatch.setattr(subprocess, "run", run)
    counts = instructions.count("chat", "pure")
    assert counts == {
        "PROGRAM TOTALS": 1000,
        "unicodeobject.c:ascii_decode": 700,
        "generated_cases.c.h:_PyEval_EvalFrameDefault'2": 0,
        "???:0x0000000000401000": 0,
    }
    assert [command[0] for command in commands] == ["valgrind", "callgrind_annotate"] * 2
    assert commands[0][-3:] == ["chat", "pure", "1"]
    assert commands[2][-3:] == ["chat", "pure", "6"]


def test_parse_repeats_the_stream_as_often_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def batches(chunks: Iterable[bytes]) -> list[list[object]]:
        asked.append(len(b"".join(chunks)))
        return []

    (pure,) = [each for each in builds() if each.name == "pure"]
    monkeypatch.setattr(instructions, "builds", lambda: [pure._replace(batches=batches)])
    instructions.parse("tiny", "pure", "3")
    assert asked == [252_000] * 3


def test_a_contestant_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "assel", None)
    with pytest.raises(SystemExit, match="assel: assel is not installed"):
        instructions.parse("tiny", "assel", "1")


def test_without_valgrind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert instructions.main(["--cases", "tiny", "--contestants", "pure"]) == 1
    assert "valgrind is needed: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--cases", "chatt"], "no 'chatt'; there are chat, chat/evt, "),
        (["--contestants", "node"], "no 'node'; there are compiled, pure, httpx-sse, "),
        (["--functions", "-3"], "expected a whole number from 1, got '-3'"),
    ],
)
def test_names_that_do_not_exist(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        instructions.main(arguments)
    assert complaint in capsys.readouterr().err
