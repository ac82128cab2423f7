"""The fuzz target over its kept corpus, without the fuzzer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import importable  # noqa: F401  before what it makes importable
import sseparse
from fuzz import target

if TYPE_CHECKING:
    from collections.abc import Callable

    import reference

CORPUS = sorted((Path(__file__).parents[1] / "fuzz/corpus").iterdir())


def test_kept_corpus() -> None:
    assert len(CORPUS) > 20
    for path in CORPUS:
        target.check(path.read_bytes())


class Broken:
    """The parser with one fault, which depends on how the stream is cut."""

    def __init__(self, **options: Any) -> None:
        self._parser = sseparse.Parser(**options)
        self._last = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def feed(self, data: bytes) -> list[sseparse.Event]:
        return self._parser.feed(self.damaged(data))

    def observe(self, data: bytes) -> list[sseparse.Observed]:
        return self._parser.observe(self.damaged(data))

    def damaged(self, data: bytes) -> bytes:
        raise NotImplementedError


class LineFeedNotSwallowed(Broken):
    def damaged(self, data: bytes) -> bytes:
        if self._last == b"\r" and data[:1] == b"\n":
            data = b"\n" + data
        self._last = data[-1:] or self._last
        return data


class CharacterCutInTwo(Broken):
    def damaged(self, data: bytes) -> bytes:
        return data.decode("utf-8", "replace").encode()


@pytest.mark.parametrize("parser", [LineFeedNotSwallowed, CharacterCutInTwo])
def test_kept_corpus_shows_a_fault(parser: type[Broken]) -> None:
    broken = SimpleNamespace(**{**vars(sseparse), "Parser": parser})
    found = 0
    for path in CORPUS:
        try:
            target.check(path.read_bytes(), broken)
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
