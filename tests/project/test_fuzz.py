"""The fuzz target over its kept corpus, without the fuzzer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import importable  # noqa: F401  before what it makes importable
import sseparse
from fuzz import target
from running import load_copy

if TYPE_CHECKING:
    from collections.abc import Callable

    import reference

CORPUS = sorted((Path(__file__).parents[1] / "fuzz/corpus").iterdir())


def test_kept_corpus() -> None:
    assert len(CORPUS) > 20
    for path in CORPUS:
        target.check(path.read_bytes())


# Faults of the core, each of which shows at some cuts only: the text in a source, and the text that
# replaces it.
FAULTS = {
    "a line feed is not swallowed": (
        'self._skip_lf = text[size - 1] == "\\r"',
        "self._skip_lf = False",
    ),
    "a character is cut in two": (
        "chunk = data if type(data) is bytes else to_bytes(data)",
        'chunk = to_bytes(data).decode("utf-8", "replace").encode()',
    ),
    "a value that begins with a space is taken for one that does not": (
        "no_space = self._no_space",
        "no_space = False",
    ),
    "any blank line ends a block that is like those before": (
        "if not repeats and not stands(raw, self.blank, end):",
        "if not repeats and not stands(raw, self.blank[:1], end):",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_kept_corpus_shows_a_fault(fault: str, tmp_path: Path) -> None:
    good, bad = FAULTS[fault]
    replaced = 0

    def change(source: str) -> str:
        nonlocal replaced
        replaced += source.count(good)
        return source.replace(good, bad)

    name = "broken_" + fault.replace(" ", "_")
    broken = load_copy(tmp_path, name, change)
    assert replaced > 0
    found = 0
    for path in CORPUS:
        try:
            target.check(path.read_bytes(), sseparse, broken)
        except AssertionError:
            found += 1
    assert found > 0


@pytest.mark.parametrize(
    ("given", "limit", "chunks"),
    [
        (b"", None, [b""]),
        (b"\x00", None, [b""]),
        (b"\x00\x00abc", None, [b"abc"]),
        (b"\x05\x01\x02abcde", 5, [b"ab", b"cd", b"e"]),
        (b"\xff\x0a\x00\x01abc", 255, [b"", b"a", b"", b"b", b"", b"c"]),
        (b"\x00\x02\x00\x00abc", None, [b"abc"]),
        (b"\x00\x07\x01\x01", None, []),
    ],
)
def test_how_an_input_is_read(given: bytes, limit: int | None, chunks: list[bytes]) -> None:
    assert target.read(given) == (limit, chunks)


def refuse() -> bytes:
    raise ValueError


@pytest.mark.parametrize(
    ("argument", "events", "block"),
    [
        ("comment", [], lambda: b"data: b\n\n"),
        ("type", [("message", "a", "")], lambda: b"data: b\n\n"),
        ("type", [], lambda: b"event: b\nid: a\ndata:\n\n"),
        ("type", [], refuse),
    ],
)
def test_an_encoder_with_a_fault_is_noticed(
    argument: str, events: list[reference.Event], block: Callable[[], bytes]
) -> None:
    def encode(data: str, **others: Any) -> bytes:
        return block() if argument in others else sseparse.encode(data, **others)

    target.check_encode("a", events, sseparse)
    with pytest.raises(AssertionError):
        target.check_encode("a", events, SimpleNamespace(**{**vars(sseparse), "encode": encode}))
