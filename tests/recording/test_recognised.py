"""Recognising a file by its first bytes, and by as few as possible."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import pytest

import forms
from forms import Made
from sseparse import parse
from sseparse.recording import RecordingError, streams
from sseparse.recording._recognise import is_field, looks_like, recognised

if TYPE_CHECKING:
    from pathlib import Path

ONE = b"data: 1\n\n"

# How files begin, the form, and how many bytes decide.
BEGINNINGS: list[tuple[bytes, str, int]] = [
    (b"data: 1\n", "events", 5),
    (b"data:1\n", "events", 5),
    (b"data\n", "events", 5),
    (b"event: x\n", "events", 6),
    (b"id: x\n", "events", 3),
    (b"retry: 1\r", "events", 6),
    (b": comment\n", "events", 1),
    (b"\xef\xbb\xbfdata: 1\n", "events", 8),
    (b"\n\r\n\ndata: 1\n", "events", 9),
    (b"# comment\n\ndata: 1\n", "events", 16),
    (b"database: x\n", "text", 12),
    (b"foo: 1\n", "text", 7),
    (b"2026-01-01T00:00:00 data: 1\n", "text", 28),
    (b"retry later\n", "text", 12),
    (b"ping:\n\ndata: 1\n", "text", 9),
    (b"HTTP/1.1 200 OK\r\n", "http", 5),
    (b"WARC/1.0\r\n", "warc", 5),
    (b"httprr trace v1\n", "httprr", 14),
    (b"PK\x03\x04....", "zip", 4),
    (b"PK\x05\x06....", "zip", 4),
    (b'{"log": 1}', "json", 1),
    (b'["a"]', "json", 2),
    (b'[\n {"a": 1}]', "json", 4),
    (b"[[]]", "json", 3),
    (b"[1]\n", "json", 4),
    (b"[-1.5e3, 2]\n", "json", 12),
    (b"[\n true,\n", "json", 9),
    (b"[[1], [2]]\n", "json", 11),
    (b"[DONE]\n", "json", 7),
    (b"[core]\n", "ini", 7),
    (b"[[package]]\r\n", "ini", 12),
    (b"[tool.a] # b\n", "ini", 13),
    (b"[1.2.3]\n", "ini", 8),
    (b"; comment\n\n[a b]\n", "ini", 17),
    (b"# comment\n[nulls]\n", "ini", 18),
    (b"[2026-01-01 10:00:00,123] data: 1\n", "text", 34),
    (b"[12] data: 1\n", "text", 13),
    (b"[info] data: 1\n", "text", 15),
    (b'\xef\xbb\xbf \n {"log": 1}', "json", 7),
    (b"---\ninteractions:\n", "yaml", 4),
    (b"--- # comment\n", "yaml", 14),
    (b"%YAML 1.2\n---\n", "yaml", 10),
    (b"interactions:\n- request:\n", "yaml", 14),
    (b"http_interactions:\r\n", "yaml", 19),
    (b"version: 1\ninteractions: []\n", "yaml", 11),
    (b'"log":\n  a: b\n', "yaml", 7),
    (b"when:\n  path: /v1\n", "yaml", 6),
    (b"- request:\n", "yaml", 11),
    (b"# comment\n\n# another\ninteractions:\n", "yaml", 35),
    (b"cassette:\n  name: x\n", "yaml", 11),
    (b"cassette:\n- name: x\n", "yaml", 12),
    (b"<!DOCTYPE html>\n<html>", "html", 14),
    (b"\n<HTML><head>", "html", 6),
    (b"<?xml version='1.0'?>\n<a>" + b" " * 60, "xml", 65),
    (b"2820:9:websocket;0:~8:", "mitmproxy", 8),
    (b"\xff\xfed\0a\0t\0a\0", "utf-16", 2),
    (b"\xfe\xff\0d\0a\0t\0a", "utf-16", 2),
    (b"d\0a\0t\0a\0:\0 \0\n\0", "utf-16", 13),
    (b"\0d\0a\0t\0a\0:\0 \0\n", "utf-16", 14),
    (b"7z\xbc\xaf\x27\x1c\0", "archive", 6),
    (b"Rar!\x1a\x07\x00", "archive", 6),
    (b"\x04\x22\x4d\x18abc", "lz4", 4),
    (b"%PDF-1.7\n", "binary", 5),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary", 4),
    (b"\x7fELF\x02\x01\x01\x00\n" + bytes(260), "binary", 258),
]


@pytest.mark.parametrize(("data", "kind", "needed"), BEGINNINGS)
def test_the_first_bytes(data: bytes, kind: str, needed: int) -> None:
    assert recognised(data[:needed], False) == kind
    assert recognised(data, False) == kind
    assert looks_like(data) == kind
    for size in range(needed):
        assert recognised(data[:size], False) is None, size
        assert recognised(data[:size], True) is not None, size


def test_first_bytes_that_never_decide() -> None:
    assert recognised(b"", True) == "events"
    assert recognised(b"\n" * 70_000, False) == "events"
    assert recognised(b"x" * 70_000, False) == "text"
    assert recognised(b"da", True) == "text"


def test_fields() -> None:
    for line in (b"data", b"data:", b"data: x", b"event:", b"id", b"retry:1", b":", b": c"):
        assert is_field(line), line
    for line in (b"", b"dat", b"data ", b"Data:", b"idea: x", b" data: x", b"{", b"data\n"):
        assert not is_field(line), line


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("data: 1\n\n".encode("utf-16"), "UTF-16"),
        ("data: 1\n\n".encode("utf-16-be"), "UTF-16"),
        (b"<html></html>", "HTML page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"[tool.x]\na = 1\n", "this looks like TOML or INI, and no event stream"),
        (b"\xef\xbb\xbf\n[[x]]\r\na = [1]\r\n", "this looks like TOML or INI"),
        (b"; comment\n[core]\n\tbare = false\n[x]\n", "this looks like TOML or INI"),
        (b"[true]\n\nx = 1\n", "this looks like TOML or INI"),
        (b'["a.b"]\n"x" = 1\ny = 2\n', "this looks like TOML or INI"),
        (b"2820:9:websocket;0:~8:response;", "mitmdump -nr FILE --set hardump=FILE.har"),
        (b"7z\xbc\xaf\x27\x1c\0", "archive"),
        (b"\x04\x22\x4d\x18abc", "lz4 -dc"),
        (b"\0\1\2\3\4\5\6\n", "binary data"),
        (
            b'{"type": "message", "data": "x", "last_event_id": ""}\n',
            "1 line of JSON, as sseparse events prints",
        ),
        (b'{"a": 1}\n\n{"a": 2}\n', "2 lines of JSON, perhaps each the data of an event"),
        (b'{"a": 1}\n{"a": 2}\n[DONE]\n', "3 lines of JSON, perhaps each the data of an event"),
        (b'{"a": 1}\n{"a": ', "2 lines of JSON, perhaps each the data of an event"),
    ],
)
def test_files_that_are_refused(data: bytes, told: str) -> None:
    for packed in (data, gzip.compress(data)):
        with pytest.raises(RecordingError) as info:
            list(streams(packed))
        assert told in str(info.value)


def test_archives() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("x.sse"), io.BytesIO())
    for data in (file.getvalue(), gzip.compress(file.getvalue())):
        with pytest.raises(RecordingError, match="archive"):
            list(streams(data))
    with pytest.raises(RecordingError, match="binary"):
        list(streams(file.getvalue()[:200]))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.sse", ONE)
    with pytest.raises(RecordingError, match="zip file without a HAR"):
        list(streams(file.getvalue()))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"2026-01-01 data: 1\n2026-01-01 data: 2\n", "line 1: this looks like text"),
        (b"\xef\xbb\xbf: comment\r\n\r\nretry later\r\n", "line 3: this looks like text"),
        (b"retry later", "line 1: this looks like text"),
        (b"error: no\n\ndata: unfinished", "line 1: this looks like text"),
        (b"[12:00] data: 1\n[12:01] data: 2\n", "line 1: this looks like text"),
        (b"x" * 1000, "'" + "x" * 60 + "...' is no field"),
        (b"data: 1\nfoo\x1b[2J\n", r"'foo\x1b[2J' is no field"),
    ],
)
def test_no_event_and_something_else(data: bytes, problem: str) -> None:
    for source in (data, forms.Pipe(data, 1)):
        [recording] = streams(source)
        with pytest.raises(RecordingError) as info:
            list(recording.events())
        assert problem in str(info.value)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b": c\n", b"data: 1\n", b"id: 1\n\n", b"retry: 1\n\n"]
)
def test_no_event_and_nothing_else(data: bytes) -> None:
    [recording] = streams(data)
    assert list(recording.events()) == []


def test_lines_that_are_ignored() -> None:
    data = b"foo: 1\n\ndata: 1\n\nbar\n\n"
    [recording] = streams(data)
    assert list(recording.events()) == parse(data) == parse(ONE)


def test_flush() -> None:
    [recording] = streams(b"data: 1\n\ndata: 2")
    assert list(recording.events()) == parse(ONE)
    assert list(recording.events(flush=True)) == parse(b"data: 1\n\ndata: 2\n\n")
    [recording] = streams(b"error: no\ndata: 2")
    assert list(recording.events(flush=True)) == parse(b"data: 2\n\n")


# From a running source: everything that has come is returned, although more may come.

FLUSHED = zlib.compressobj(wbits=31)
RUNNING = {
    "raw": ONE,
    "with a byte order mark": b"\xef\xbb\xbf\r\n" + ONE,
    "ignored first": b"foo: 1\n\n" + ONE,
    "curl -i": forms.head(Made(b"")) + ONE,
    "curl -iL": b"HTTP/1.1 302 Found\r\n\r\n" + forms.head(Made(b"")) + ONE,
    "chunks": b"9\r\n" + ONE,
    "curl -i --raw": forms.head(Made(b"")) + b"9\r\n" + ONE,
    "gzip": FLUSHED.compress(ONE) + FLUSHED.flush(zlib.Z_SYNC_FLUSH),
    "WARC": b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 900\r\n\r\n"
    + forms.head(Made(b""))
    + ONE,
    "httprr": b"httprr trace v1\n16 999\nGET / HTTP/1.1\n\n" + forms.head(Made(b"")) + ONE,
}


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes")
@pytest.mark.parametrize("what", RUNNING)
@pytest.mark.parametrize("by_path", [False, True])
def test_promptness(what: str, by_path: bool, tmp_path: Path) -> None:
    """The writer waits for the reader before it writes more; otherwise the test would hang."""
    source: Any
    if by_path:
        path = tmp_path / "pipe"
        os.mkfifo(path)
        reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        writing = os.open(path, os.O_WRONLY)
        os.set_blocking(reading, True)
        source = path
    else:
        reading, writing = os.pipe()
        source = os.fdopen(reading, "rb")
    os.write(writing, RUNNING[what])
    found = streams(source)
    recording = next(found)
    events = recording.events()
    assert [next(events)] == parse(ONE)
    os.close(writing)
    if by_path:
        os.close(reading)
    events.close()
    with pytest.raises(RuntimeError, match="a source that can be read once"):
        next(recording.events())
    if not by_path:
        source.close()
