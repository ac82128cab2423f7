"""The playground's Python, its streams and its files. tests/browser uses the page itself."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from sseparse import Observer, parse

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "_static" / "playground"
PROGRAM = runpy.run_path(str(FOLDER / "playground.py"))
PICKS: list[dict[str, Any]] = json.loads((FOLDER / "picks.json").read_text(encoding="utf-8"))


def run(stream: bytes, cuts: list[int]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(PROGRAM["run"](stream, cuts)))
    return found


@pytest.mark.parametrize("pick", PICKS, ids=[pick["name"] for pick in PICKS])
def test_the_events_are_the_same_at_every_cut(pick: dict[str, Any]) -> None:
    stream = pick["stream"].replace("✂", "").encode()
    expected = [(event.type, event.data, event.last_event_id) for event in parse(stream)]
    assert expected
    for size in (1, 2, 7, len(stream)):
        found = run(stream, list(range(size, len(stream), size)))
        events = [event for chunk in found["chunks"] for event in chunk["events"]]
        assert [(e["type"], e["data"], e["last_event_id"]) for e in events] == expected
        starts = [item.block_start for item in Observer().feed(stream) if item.to_event()]
        assert [event["start"] for event in events] == starts
        assert [chunk["end"] for chunk in found["chunks"]][-1] == len(stream)


@pytest.mark.parametrize("pick", PICKS, ids=[pick["name"] for pick in PICKS])
def test_a_stream_is_its_text_and_one_kind_of_line_end(pick: dict[str, Any]) -> None:
    """The page shows the text in a text area, which has only LF, and the line end beside it."""
    stream = pick["stream"].replace("✂", "")
    assert set(re.findall("\r\n|\r|\n", stream)) in ({"\n"}, {"\r\n"})
    assert "\ufeff" not in stream[1:]
    assert "✂" not in pick["stream"] or "every" not in pick
    assert len(stream.encode()) < 4096


def test_the_results_of_the_naive_split() -> None:
    whole = run(b"data: a\n\ndata: b\n\n", [9])
    assert whole["naive"] == {"events": 2, "right": 2, "wrong": 0, "errors": 0}
    cut = run("data: é\n\ndata: bc\n\ndata: bc\n\ndata: b".encode(), [7, 17, 28])
    assert cut["naive"] == {"events": 3, "right": 1, "wrong": 1, "errors": 2}
    assert "UnicodeDecodeError" in cut["chunks"][0]["naive"]["error"]
    assert cut["pending"] == {
        "type": "message",
        "data": "",
        "last_event_id": "",
        "line": "data: b",
        "start": 30,
    }


def test_what_is_on_the_wire() -> None:
    stream = b"\xef\xbb\xbf:c\r\nretry: x\r\nid: 1\xff\r\n\r\n"
    (chunk,) = run(stream, [])["chunks"]
    assert [
        (item["kind"], item["text"], item["terminator"], item["notes"]) for item in chunk["items"]
    ] == [
        ("byte order mark", "", "", ["skipped"]),
        ("comment", ":c", "CR", []),
        ("field", "retry: x", "CR", ["ignored: retry not taken"]),
        ("field", "id: 1\ufffd", "CR", ["bytes that are not UTF-8 became U+FFFD"]),
        ("block", "", "CR", ["dispatches no event"]),
    ]


def test_text_gets_into_the_page_as_text() -> None:
    for script in FOLDER.glob("*.mjs"):
        source = script.read_text(encoding="utf-8")
        assert not re.search("innerHTML|outerHTML|insertAdjacentHTML|document.write", source)


def test_every_file_of_pyodide_has_a_digest() -> None:
    pinned = json.loads((DOCS / "pyodide.json").read_text(encoding="utf-8"))
    files = runpy.run_path(str(DOCS / "make_playground.py"))["FILES"]
    assert list(pinned["files"]) == list(files)
    assert all(re.fullmatch(r"sha384-[\w+/]{64}", each) for each in pinned["files"].values())
    assert re.fullmatch(r"\d+\.\d+\.\d+", pinned["version"])
