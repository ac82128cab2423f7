"""The helpers that differ between the builds; here those of the compiled build, in pure Python."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import sseparse
from running import CORE, check_all, submodule

BYTES = CORE / "_bytes.py"


@pytest.fixture
def compiled_way() -> dict[str, Any]:
    """Run the module's source so that it defines the names of the compiled build."""
    source = BYTES.read_text(encoding="utf-8")
    line = 'COMPILED: Final = not hasattr(stands, "__code__")'
    assert source.count(line) == 1
    names: dict[str, Any] = {"__name__": "sseparse._core._bytes"}
    exec(compile(source.replace(line, "COMPILED: Final = True"), str(BYTES), "exec"), names)
    return names


@pytest.mark.parametrize(
    "wanted",
    [b"a", b"data: ", b"\r\n", b"x" * 16, b"x" * 17, b"x" * 40, b"event: message\ndata: "],
)
def test_stands(compiled_way: dict[str, Any], wanted: bytes) -> None:
    for raw in (wanted, b"y" + wanted, wanted[:-1], wanted[:-1] + b"z", b"z" + wanted[1:]):
        for pos in range(len(raw)):
            assert compiled_way["stands"](raw, wanted, pos) is raw.startswith(wanted, pos)


@pytest.mark.parametrize(
    "line",
    [b"data: \n", b"data:a\n", b"data \n", b"dat: a\n", b"da: ab\n", b"d: abc\n", b"id: 12\n"],
)
def test_is_data(compiled_way: dict[str, Any], line: bytes) -> None:
    assert compiled_way["is_data"](line, 0) is line.startswith(b"data: ")
    assert compiled_way["is_data"](b"\n" + line, 1) is line.startswith(b"data: ")


def test_the_way_of_the_compiled_build(
    compiled_way: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in (
        ("_template", "PLAIN"),
        ("_template", "RUN"),
        ("_template", "stands"),
        ("_lines", "SPLIT_FROM"),
    ):
        monkeypatch.setattr(submodule(sseparse._core, module), name, compiled_way[name])
    block = b"data: a\n\n"
    for after in (b"", b"data: b\n\n", b"data:b\n\n", b"date: b\n\n", b"\n", b"d"):
        check_all([block * 3 + after])


def test_the_source_of_events_without_mypy_extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mypy_extensions", None)
    file = CORE / "_event.py"
    names: dict[str, Any] = {"__name__": "sseparse._core._event"}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    assert names["Event"]("a", "b", "c").data == "b"


def test_a_fifth_kind_of_block_takes_the_place_of_the_first() -> None:
    kinds = [b"event: %d\ndata: a\n\n" % number for number in range(5)]
    for chunks in ([b"".join(kinds * 300)], kinds * 300):
        check_all(chunks)
