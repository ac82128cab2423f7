"""The table of broken answers in README.md, made again."""

from __future__ import annotations

import importlib.metadata
import re
from typing import TYPE_CHECKING

import pytest

import importable
from benchmarks import broken
from benchmarks.broken import ANSWERS, Answer, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

README = (importable.ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with broken.serving() as url:
        yield url


@pytest.mark.parametrize("number", range(len(ANSWERS)))
def test_sseparse_is_right(url: str, number: int) -> None:
    assert broken.is_right(ANSWERS[number], broken.ours(url, number))


def test_the_readme_shows_the_table() -> None:
    pytest.importorskip("openai", reason="openai is not installed")
    [shown] = re.findall(r"(?m)^\| The server sends(?:.*\n\|)+.*\n", README)
    version = importlib.metadata.version("openai")
    assert f" openai {version} " in shown, "python -m benchmarks.broken prints another table"
    assert broken.table() == shown


def test_right() -> None:
    whole, is_broken = Answer("", b"", "Hi"), Answer("", b"", None)
    assert broken.is_right(whole, Seen("Hi", ""))
    assert not broken.is_right(whole, Seen("Hi", "APIError"))
    assert not broken.is_right(whole, Seen("H", ""))
    assert broken.is_right(is_broken, Seen("", "APIError"))
    assert not broken.is_right(is_broken, Seen("Hi", ""))


def test_cells() -> None:
    whole = Answer("", b"", "Hi")
    assert broken.cell(whole, Seen("Hi", "")) == "✓ “Hi”, no error"
    assert broken.cell(whole, Seen("\ud83d", "")) == "✗ “\\ud83d”, no error"
    assert broken.cell(whole, Seen("H", "KeyError")) == "✗ KeyError after “H”"
    assert broken.cell(whole, Seen("", "KeyError")) == "✗ KeyError"


def test_without_openai(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert broken.main() == 2
    assert "sseparse[peers]" in capsys.readouterr().err
