"""The conformance corpora: whole, byte by byte and at random cuts, by Parser and by Observer."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import reference
from running import PACKAGE, feed_all, load_copy, observe_all, without_lines
from sseparse.testing import rechunk

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = PACKAGE / "_conformance"


class Case(NamedTuple):
    name: str
    chunks: list[bytes]  # the cuts that the corpus gives; one chunk if it gives none
    answer: dict[str, Any]  # events, last_event_id and, unless the standard leaves room, retry


def read(file: str) -> list[Case]:
    cases = []
    for line in (DATA / file).read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        chunks = entry["chunks"] if "chunks" in entry else [entry["stream"]]
        answer = {key: entry[key] for key in ("last_event_id", "retry") if key in entry}
        answer["events"] = [tuple(event) for event in entry["events"]]
        name = f"{file}:{entry.get('name', entry.get('id'))}"
        cases.append(Case(name, [base64.b64decode(chunk) for chunk in chunks], answer))
    return cases


CASES = read("eventsource.jsonl") + read("tricky.jsonl")


def as_given(chunks: list[bytes]) -> list[bytes]:
    return chunks


def whole(chunks: list[bytes]) -> list[bytes]:
    return [b"".join(chunks)]


def byte_by_byte(chunks: list[bytes]) -> list[bytes]:
    return rechunk(b"".join(chunks), 1)


def random_cuts(chunks: list[bytes]) -> list[bytes]:
    stream = b"".join(chunks)
    return rechunk(stream, seed=zlib.crc32(stream))


WAYS = [as_given, whole, byte_by_byte, random_cuts]


def wrong(outcome: Callable[[list[bytes]], reference.Outcome], way: Any) -> list[str]:
    """Return the names of the cases whose outcome is not the corpus's."""
    return [
        case.name
        for case in CASES
        if not case.answer.items() <= outcome(way(case.chunks))._asdict().items()
    ]


def test_the_corpora_are_whole() -> None:
    assert len(read("eventsource.jsonl")) == 2593
    assert len(read("tricky.jsonl")) == 64
    assert sum(len(case.answer["events"]) for case in CASES) > 2657


@pytest.mark.parametrize("way", WAYS)
def test_feed(way: Any) -> None:
    assert wrong(feed_all, way) == []


@pytest.mark.parametrize("way", WAYS)
def test_observe(way: Any) -> None:
    assert wrong(observe_all, way) == []


def test_items_and_pending() -> None:
    """The corpora know neither: the reference does."""
    for case in CASES:
        expected = reference.outcome(b"".join(case.chunks))
        chunks = random_cuts(case.chunks)
        assert observe_all(chunks) == expected, case.name
        assert observe_all(chunks, lines=False) == without_lines(expected), case.name


def test_the_reference() -> None:
    assert wrong(lambda chunks: reference.outcome(b"".join(chunks)), as_given) == []


def test_a_copy_under_another_name(tmp_path: Path) -> None:
    copy = load_copy(tmp_path, "vendored")
    assert Path(str(copy.__file__)).parent == tmp_path / "vendored"
    assert copy.COMPILED is False
    for way in WAYS:
        assert wrong(lambda chunks: feed_all(chunks, sse=copy), way) == []
    assert wrong(lambda chunks: observe_all(chunks, sse=copy), whole) == []
