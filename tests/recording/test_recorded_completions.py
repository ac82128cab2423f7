"""Completions in recordings, through CompletionParser."""

from __future__ import annotations

import json

import pytest

import forms
from captures import CAPTURES, read_capture
from forms import Made, Pipe
from sseparse.completions import (
    EmptyStreamError,
    Outcome,
    StatusError,
    StreamError,
    TransportError,
    iter_chunks,
)
from sseparse.recording import RecordingError, streams

HELLO = b"".join(
    b"data: %b\n\n" % each
    for each in (
        b'{"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]}',
        b'{"choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]}',
        b"[DONE]",
    )
)
LEGACY = b'data: {"choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}]}\n\n'


@pytest.mark.parametrize("form", forms.ALL)
def test_a_completion(form: str) -> None:
    [recording] = streams(forms.ALL[form][0]([Made(HELLO)]))
    assert recording.completion().text == "Hello"
    stream = recording.chunks()
    assert "".join(stream.text()) == "Hello"
    assert stream.outcome is Outcome.DONE
    assert [chunk.text for chunk in recording.chunks()] == ["Hel", "lo"]


def test_arrivals() -> None:
    """Each chunk has the arrival of the read that completed it."""
    [recording] = streams(forms.chrome_har([Made(HELLO)]))
    ends = [HELLO.index(b"\n\n", HELLO.index(text)) + 2 for text in (b"Hel", b"lo")]
    expected = [10_500_000 + 10_000_000 * ((end - 1) // 7) for end in ends]
    assert [chunk.arrival_ns for chunk in recording.chunks()] == expected
    [recording] = streams(HELLO)
    assert [chunk.arrival_ns for chunk in recording.chunks()] == [0, 0]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (forms.URL, "chat.completion"),
        ("http://x/v1/completions", "text_completion"),
        ("http://x/v1/completions/?a=/chat/", "text_completion"),
        ("http://x/v1/chat/completions?a=b", "chat.completion"),
        ("http://x/", "chat.completion"),
    ],
)
def test_the_url_says_which_api(url: str, kind: str) -> None:
    [recording] = streams(forms.vcrpy([Made(LEGACY, url=url)]))
    assert recording.completion().raw["object"] == kind
    assert recording.completion(api="completions").raw["object"] == "text_completion"
    assert recording.completion(api="chat").raw["object"] == "chat.completion"
    assert recording.completion().text == "Hi"


def test_errors() -> None:
    """They are the errors of completions; a fault of the file becomes the cause."""
    [recording] = streams(forms.vcrpy([Made(HELLO, status=429)]))
    with pytest.raises(StatusError):
        recording.completion()
    [recording] = streams(b'data: {"error": {"message": "no"}}\n\n')
    with pytest.raises(StreamError, match="no"):
        recording.completion()
    [recording] = streams(b": nothing\n\n")
    with pytest.raises(EmptyStreamError):
        list(recording.chunks())
    torn = forms.chunks(HELLO[: -len(b"data: [DONE]\n\n")])[:-20]
    [recording] = streams(torn)
    with pytest.raises(TransportError) as info:
        recording.completion()
    assert isinstance(info.value.__cause__, RecordingError)
    assert info.value.partial is not None
    assert info.value.partial.text == "Hel"


def test_once_from_a_pipe() -> None:
    [recording] = streams(Pipe(HELLO, 1))
    assert recording.completion().text == "Hello"
    with pytest.raises(RuntimeError, match="can be read once"):
        recording.completion()


def test_left_early() -> None:
    [recording] = streams(HELLO)
    with recording.chunks() as stream:
        assert next(stream).text == "Hel"
    assert stream.outcome is Outcome.CLOSED
    assert recording.completion().text == "Hello"


@pytest.mark.parametrize(
    "name", ["litellm-tiny.stream", "xllamacpp.stream_n2", "xllamacpp.legacy_stream"]
)
def test_captures(name: str) -> None:
    capture = read_capture(name)
    [recording] = streams(CAPTURES / f"{name}.raw")
    api = "completions" if ".legacy" in name else "chat"
    expected = iter_chunks([capture.body], status=capture.status, headers=capture.headers, api=api)  # type: ignore[arg-type]
    found = recording.completion(api=api)  # type: ignore[arg-type]
    assert json.dumps(found.raw) == json.dumps(expected.collect().raw)
