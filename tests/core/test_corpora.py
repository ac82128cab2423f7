"""The conformance corpora: whole, byte by byte and at random cuts, by Parser and by Observer."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import reference
from corpora import eventsource, tricky
from running import feed_all, load_copy, observe_all, without_lines
from sseparse.testing import rechunk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Case(NamedTuple):
    name: str
    chunks: list[bytes]  # the cuts that the corpus gives; one chunk if it gives none
    answer: dict[str, Any]  # events, last_event_id and, if the standard decides it, retry


def case(entry: dict[str, Any]) -> Case:
    answer = {"last_event_id": entry["last_event_id"], "retry": entry["retry"]}
    if entry["retry"] == "any":
        del answer["retry"]
    answer["events"] = [tuple(event) for event in entry["events"]]
    chunks = entry.get("chunks") or [entry["stream"]]
    name = str(entry.get("name", entry.get("id")))
    return Case(name, [chunk.encode("latin-1") for chunk in chunks], answer)


CASES = [case(entry) for entry in eventsource() + tricky()]


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
    """Return the names of the cases whose outcome differs from the corpus."""
    return [
        case.name
        for case in CASES
        if not case.answer.items() <= outcome(way(case.chunks))._asdict().items()
    ]


def test_the_corpora_are_whole() -> None:
    assert len(eventsource()) == 2593
    assert len(tricky()) == 64
    assert sum(len(case.answer["events"]) for case in CASES) > 2657


@pytest.mark.parametrize("way", WAYS)
def test_feed(way: Any) -> None:
    assert wrong(feed_all, way) == []


@pytest.mark.parametrize("way", WAYS)
def test_observe(way: Any) -> None:
    assert wrong(observe_all, way) == []


def test_items_and_pending() -> None:
    """The corpora contain neither items nor limits, so the reference gives the answers."""
    for case in CASES:
        expected = reference.outcome(b"".join(case.chunks))
        chunks = random_cuts(case.chunks)
        assert observe_all(chunks) == expected, case.name
        assert observe_all(chunks, lines=False) == without_lines(expected), case.name


def test_the_reference() -> None:
    assert wrong(lambda chunks: reference.outcome(b"".join(chunks)), as_given) == []


def test_a_copy_under_another_name(tmp_path: Path) -> None:
    copy = load_copy(tmp_path, "vendored")
    assert str(copy.__file__).startswith(str(tmp_path / "vendored"))
    assert copy.COMPILED is False
    for way in WAYS:
        assert wrong(lambda chunks: feed_all(chunks, sse=copy), way) == []
    assert wrong(lambda chunks: observe_all(chunks, sse=copy), whole) == []
