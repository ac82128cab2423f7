"""The claims of docs/howto/migrating.rst about other packages, tested on them."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest

import sseparse.completions
from sseparse import Event, Parser, iter_events

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "migrating.rst").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"(?s)From ([\w -]+)\n-+\n(.*?)(?=\nFrom |\Z)", PAGE))


def rows(section: str) -> list[tuple[str, str]]:
    """The rows of a section's table."""
    table = SECTIONS[section].split("\n===")[1:]
    body = table[1].split("\n", 1)[1]
    return [(line[:57].strip(), line[57:].strip()) for line in body.splitlines() if line.strip()]


def httpx_sse(stream: bytes, charset: str = "") -> list[tuple[str, str, str]]:
    httpx = pytest.importorskip("httpx", reason="httpx is not installed")
    package = pytest.importorskip("httpx_sse", reason="httpx-sse is not installed")
    headers = {"Content-Type": f"text/event-stream{charset}"}
    response = httpx.Response(200, headers=headers, stream=httpx.ByteStream(stream))
    return [(sse.event, sse.data, sse.id) for sse in package.EventSource(response).iter_sse()]


def sseclient(stream: bytes) -> list[Any]:
    package = pytest.importorskip("sseclient", reason="sseclient-py is not installed")
    return list(package.SSEClient(io.BytesIO(stream)).events())


def ours(stream: bytes) -> list[tuple[str, str, str]]:
    return [(each.type, each.data, each.last_event_id) for each in iter_events([stream])]


def test_httpx_sse_is_the_same_on_usual_streams() -> None:
    stream = b": hi\nid: 1\nevent: a\ndata: {}\n\ndata: b\ndata: c\r\n\r\ndata: cut"
    assert httpx_sse(stream) == ours(stream)


@pytest.mark.parametrize("stream", [b"id: 1\n\n", b"retry: 5\n\n", b"event: a\n\n"])
def test_httpx_sse_yields_events_without_data(stream: bytes) -> None:
    assert [data for _, data, _ in httpx_sse(stream)] == [""]
    assert ours(stream) == []


def test_httpx_sse_loses_the_event_after_a_byte_order_mark() -> None:
    stream = b"\xef\xbb\xbfdata: a\n\n"
    assert httpx_sse(stream) == []
    assert ours(stream) == [("message", "a", "")]


def test_httpx_sse_reads_the_charset() -> None:
    stream = "data: é\n\n".encode()
    assert httpx_sse(stream, "; charset=latin-1")[0][1] == "Ã©"


def test_httpx_sse_checks_the_content_type_and_takes_other_numbers() -> None:
    httpx = pytest.importorskip("httpx", reason="httpx is not installed")
    package = pytest.importorskip("httpx_sse", reason="httpx-sse is not installed")
    with pytest.raises(package.SSEError):
        list(package.EventSource(httpx.Response(200, content=b"data: a\n\n")).iter_sse())
    for number in ("+5", "1_000"):
        stream = f"retry: {number}\ndata: a\n\n".encode()
        headers = {"Content-Type": "text/event-stream"}
        response = httpx.Response(200, headers=headers, stream=httpx.ByteStream(stream))
        [event] = package.EventSource(response).iter_sse()
        assert event.retry == int(number)
        parser = Parser()
        parser.feed(stream)
        assert parser.retry is None


def test_sseclient_py() -> None:
    stream = b"id: 1\nretry: 5\ndata: a\n\ndata: b\n\n"
    first, second = sseclient(stream)
    assert (first.event, first.data, first.id, first.retry) == ("message", "a", "1", "5")
    assert second.id is None
    assert ours(stream) == [("message", "a", "1"), ("message", "b", "1")]
    assert [event.data for event in sseclient(b"data: cut of")] == ["cut of"]
    assert ours(b"data: cut of") == []
    assert sseclient(b"\xef\xbb\xbfdata: a\n\n") == []
    with pytest.raises(UnicodeDecodeError):
        sseclient(b"data: \xff\n\n")


@pytest.mark.parametrize("section", ["httpx-sse", "sseclient-py"])
def test_attributes_of_events(section: str) -> None:
    named = re.findall(r"(event|parser)\.(\w+)", " ".join(ours for _, ours in rows(section)))
    assert len(named) > 3
    for owner, attribute in named:
        assert hasattr(Event if owner == "event" else Parser, attribute), attribute


def test_names_of_openai() -> None:
    """The names in both columns exist, and each exception matches the one beside it."""
    openai = pytest.importorskip("openai", reason="openai is not installed")
    table = rows("openai")
    assert len(table) > 15
    for theirs, ours_ in table:
        for name in re.findall(r"``([A-Z]\w+)", theirs):
            assert hasattr(openai, name), name
        for name in re.findall(r"``([A-Z]\w+)", ours_):
            assert hasattr(sseparse.completions, name), name
    for name in re.findall(r"`~sseparse\.completions\.(\w+)`", PAGE):
        assert hasattr(sseparse.completions, name), name
    errors = {theirs: ours for theirs, ours in table if "Error" in theirs}
    assert len(errors) == 5
    assert issubclass(openai.RateLimitError, openai.APIStatusError)
    assert issubclass(sseparse.completions.ExchangeError, sseparse.Error)
    for name in ("StatusError", "TransportError", "TimedOutError"):
        assert issubclass(getattr(sseparse.completions, name), sseparse.completions.ExchangeError)
