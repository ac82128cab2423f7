"""What HAR files keep in addition to the bodies, and how they damage bodies."""

from __future__ import annotations

import json
from typing import Any

import pytest

import forms
from forms import Made
from sseparse import Event, parse
from sseparse.recording import streams

BODY = ': hi\n\ndata: {"t": "café – €"}\n\n'.encode()


def messages(*parts: Any, started: Any = forms.STARTED, text: Any = None) -> bytes:
    document = forms.har_document([Made(BODY)], "WebInspector")
    [entry] = document["log"]["entries"]
    entry["startedDateTime"] = started
    entry["response"]["content"] = {"mimeType": "text/event-stream", "size": 0}
    if text is not None:
        entry["response"]["content"]["text"] = text
    entry["_eventSourceMessages"] = list(parts)
    return json.dumps(document).encode()


START = 1795787897.697  # forms.STARTED


def test_messages() -> None:
    """DevTools keep the events of an EventSource, with the time of each."""
    data = messages(
        {"time": START + 0.25, "eventName": "message", "eventId": "", "data": "a\nb"},
        {"time": START + 0.5, "eventName": "tick", "eventId": "7", "data": "é"},
        {"time": START + 0.75, "eventName": "tick", "eventId": "7", "data": ""},
        {"time": START + 1, "eventName": "", "eventId": "", "data": "\ud83d"},
        {"time": "x", "data": None},
        "nothing",
    )
    [recording] = streams(data)
    assert list(recording.events()) == [
        Event("message", "a\nb", ""),
        Event("tick", "é", "7"),
        Event("tick", "", "7"),
        Event("message", "\ufffd\ufffd\ufffd", ""),
        Event("message", "", ""),
    ]
    arrivals = [arrival for arrival, _ in recording.reads]
    expected = [250_000_000, 500_000_000, 750_000_000, 1_000_000_000]
    for arrival, each in zip(arrivals, expected, strict=False):
        assert arrival is not None
        assert abs(arrival - each) < 1000  # ns: a float has no more digits
    assert arrivals[4] is None
    assert "only the events" in recording.damage
    assert recording.form == "HAR (WebInspector)"


def test_messages_without_a_start() -> None:
    for started in (None, "yesterday"):
        data = messages({"time": 5.5, "data": "1"}, {"time": 6.5, "data": "2"}, started=started)
        [recording] = streams(data)
        assert [arrival for arrival, _ in recording.reads] == [0, 1_000_000_000]
        assert recording.started is None


def test_values_that_no_browser_writes() -> None:
    data = messages({"time": 1e300, "eventName": "a\r\nb", "eventId": "c\0\n", "data": "1\r2"})
    [recording] = streams(data)
    assert list(recording.events()) == [Event("ab", "1\n2", "c")]
    assert next(iter(recording.reads))[0] is None


def test_a_text_beside_the_messages() -> None:
    """The text has the stream as it was."""
    message = {"time": START, "eventName": "message", "eventId": "", "data": "a"}
    [recording] = streams(messages(message, text=BODY.decode()))
    assert list(recording.reads) == [(None, BODY)]
    [recording] = streams(messages(message, text=""))
    assert list(recording.events()) == parse(b"data: a\n\n")


def test_no_messages() -> None:
    found = streams(messages())
    assert list(found) == []
    assert found.skipped == ["log.entries[0]: an event stream whose body was not kept"]
    assert list(streams(messages("x"))) == []


def with_chunks(chunks: Any) -> bytes:
    document = forms.har_document([Made(BODY)])
    document["log"]["entries"][0]["_chunks"] = chunks
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        {},
        [{"ts": 1, "bytes": 1}],
        [{"ts": 1, "bytes": len(BODY) + 1}],
        [{"ts": 1, "bytes": len(BODY)}, {"ts": "x", "bytes": 0}],
        [{"ts": 1, "bytes": len(BODY)}, {"ts": None, "bytes": 0}],
        [{"ts": 1, "bytes": len(BODY)}, 5],
        [{"ts": 1, "bytes": len(BODY) + 5}, {"ts": 1, "bytes": -5}],
        [{"ts": 1, "bytes": 0.5}, {"ts": 1, "bytes": len(BODY) - 0.5}],
        [{"ts": 1e300, "bytes": len(BODY)}],
        [{"ts": True, "bytes": len(BODY)}],
    ],
)
def test_chunks_that_do_not_fit(chunks: Any) -> None:
    """The body counts."""
    [recording] = streams(with_chunks(chunks))
    assert list(recording.reads) == [(None, BODY)]


def test_chunks_without_bytes() -> None:
    sizes = [{"ts": 1, "bytes": 3}, {"ts": 2, "bytes": 0}, {"ts": "3.5", "bytes": len(BODY) - 3}]
    [recording] = streams(with_chunks(sizes))
    assert list(recording.reads) == [(1_000_000, BODY[:3]), (3_500_000, BODY[3:])]


def playwright(text: str) -> str:
    document = forms.har_document([Made(BODY)], "Playwright")
    document["log"]["entries"][0]["response"]["content"]["text"] = text
    [recording] = streams(json.dumps(document).encode())
    assert [data for _, data in recording.reads] == [text.encode()]
    return recording.damage


def test_damage_by_playwright_is_reported() -> None:
    """It is reported, and not repaired."""
    for encoding in ("latin-1", "cp1252"):
        assert "UTF-8 that was read as Latin-1" in playwright(BODY.decode(encoding))
    # A byte that windows-1252 leaves out.
    assert "read as Latin-1" in playwright(
        "data: \xe2\x80\x9d \u201c\n\n".replace("\u201c", "Ã\x81")
    )
    assert playwright(BODY.decode()) == ""
    assert playwright("data: ascii\n\n") == ""
    assert "U+FFFD" in playwright("data: \ufffd\n\n")


def test_damage_elsewhere() -> None:
    for form, (write, _, needs_text) in forms.ALL.items():
        [recording] = streams(write([Made("data: \ufffd\n\n".encode())]))
        assert ("U+FFFD" in recording.damage) == (needs_text or form in ("har", "chrome_har")), form


def test_entries_that_are_odd() -> None:
    document = forms.har_document([Made(BODY)])
    odd: list[Any] = [
        *[None, 5, "x", [], {}, {"response": None}, {"response": []}, {"response": {"content": 1}}],
        {"response": {"content": {"text": 5}, "status": [], "headers": 7}, "startedDateTime": 5},
        {"response": {"content": {"text": None, "mimeType": "text/event-stream"}}},
        {"response": {"content": {"text": "data: x\n\n", "encoding": 5}, "status": "abc"}},
    ]
    document["log"]["entries"] += odd
    document["log"]["creator"] = 7
    found = list(streams(json.dumps(document).encode()))
    assert [list(each.events()) for each in found] == [parse(BODY), parse(b"data: x\n\n")]
    assert [each.status for each in found] == [200, None]
    assert [each.form for each in found] == ["HAR", "HAR"]
    assert found[1].started is None
