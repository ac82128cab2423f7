"""Lines of JSON as the events of a stream, on request."""

from __future__ import annotations

import json
from typing import Any

import pytest

import forms
from forms import Made, Pipe
from sseparse import Event, parse
from sseparse.recording import RecordingError, streams

LINES = b'{"a": 1}\n\n {"a":\t2} \r\n["b"]\n{"broken": \n[DONE]'


def events_of(source: Any) -> list[Event]:
    [recording] = streams(source, json_lines=True)
    assert recording.form.startswith("lines of JSON")
    return list(recording.events())


def test_data() -> None:
    expected = ['{"a": 1}', '{"a":\t2}', '["b"]', '{"broken":', "[DONE]"]
    for data in (LINES, b"\xef\xbb\xbf" + LINES, b"\n" + LINES):
        for source in (data, Pipe(data, 1)):
            assert [event.data for event in events_of(source)] == expected
    [recording] = streams(LINES, json_lines=True)
    assert list(recording.events()) == list(recording.events())


def test_one_line() -> None:
    assert [event.data for event in events_of(b'{"a": 1}')] == ['{"a": 1}']
    assert [event.data for event in events_of(b'{"broken": 1}}\n')] == ['{"broken": 1}}']


def test_the_output_of_the_command() -> None:
    """The type and the ID come back, too."""
    data = b"id: 1\ndata: a\n\nevent: x\ndata: b\ndata: c\n\nid\ndata: d\n\ndata: \xc3\xa9\n\n"
    lines = [
        json.dumps({"type": each.type, "data": each.data, "last_event_id": each.last_event_id})
        for each in parse(data)
    ]
    assert events_of("\n".join(lines).encode()) == parse(data)


@pytest.mark.parametrize(
    "line",
    [
        '{"type": 1, "data": "x", "last_event_id": ""}',
        '{"type": "x", "data": "x", "last_event_id": "", "more": 1}',
        '{"type": "x", "data": "x" "last_event_id": ""}',
        '["type", "data", "last_event_id"]',
    ],
)
def test_lines_like_the_output_of_the_command(line: str) -> None:
    assert events_of(line.encode()) == [Event("message", line, "")]


def test_lines_that_the_command_never_prints() -> None:
    line = b'{"type": "", "data": "x", "last_event_id": ""}'
    [recording] = streams(b'{"a": 1}\n' + line, json_lines=True)
    events = recording.events()
    assert next(events).data == '{"a": 1}'
    with pytest.raises(RecordingError, match="byte 9: the line is no event"):
        next(events)


def test_documents_stay_documents() -> None:
    body = b"data: 1\n\n"
    for form in ("har", "vcrpy_json", "betamax", "har_zip", "vcrpy"):
        [recording] = streams(forms.ALL[form][0]([Made(body)]), json_lines=True)
        assert list(recording.events()) == parse(body)
    [recording] = streams(json.dumps(forms.har_document([Made(body)])).encode(), json_lines=True)
    assert recording.form == "HAR (by hand)"


def test_other_forms_stay_what_they_are() -> None:
    [recording] = streams(b"data: 1\n\n", json_lines=True)
    assert recording.form == "raw body"


def test_a_line_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    from sseparse.recording import _data_lines

    monkeypatch.setattr(_data_lines, "_LINE_LIMIT", 100)
    data = b'{"a": 1}\n' + b'{"a": "%b"}\n' % (b"x" * 200)
    [recording] = streams(data, json_lines=True)
    events = recording.events()
    assert next(events).data == '{"a": 1}'
    with pytest.raises(RecordingError, match="byte 9: expected lines of at most 100 bytes"):
        next(events)
