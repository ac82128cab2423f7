"""Every form returns the bytes and the events that were written in it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import forms
from captures import NAMES, read_capture
from forms import Made, Pipe
from sseparse import parse
from sseparse.recording import Recording, RecordingError, streams
from sseparse.testing import hostile_streams

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDINGS = Path(__file__).parents[1] / "recordings"
BODIES = {path.name: path.read_bytes() for path in sorted(RECORDINGS.glob("*.sse"))}
TEXT = 'event: a\nid: 1\ndata: {"text": "naïve 😀"}\n\n: ping\n\ndata: [DONE]\n\n'.encode()
NO_TEXT = b"data: not \xff UTF-8\r\n\r\ndata: \xc3\r\n\r\n"


def bytes_of(recording: Recording) -> bytes:
    return b"".join(data for _, data in recording.reads)


def test_there_are_bodies() -> None:
    assert len(BODIES) > 3


@pytest.mark.parametrize("form", forms.ALL)
def test_a_form(form: str, tmp_path: Path) -> None:
    """The bytes, the events and the attributes; several times, from any source."""
    write, name, needs_text = forms.ALL[form]
    bodies = [TEXT, *BODIES.values()] if needs_text else [TEXT, NO_TEXT, *BODIES.values()]
    made = [Made(body) for body in bodies]
    for exchanges in [made] if form in forms.MANY else [[each] for each in made]:
        path = tmp_path / "recording.json"  # a name without an extension, or with a wrong one
        path.write_bytes(write(exchanges))
        with path.open("rb") as file:
            for source in (path, str(path), path.read_bytes(), memoryview(path.read_bytes()), file):
                found = list(streams(source))
                assert [recording.form.startswith(name) for recording in found]
                assert [recording.number for recording in found] == [
                    number + 1 for number in range(len(exchanges))
                ]
                for recording, each in zip(found, exchanges, strict=True):
                    for _ in range(2):
                        assert bytes_of(recording) == each.body
                        assert list(recording.events()) == parse(each.body)


@pytest.mark.parametrize("form", forms.ALL)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_from_a_pipe(form: str, size: int) -> None:
    write, _, _ = forms.ALL[form]
    exchanges = [Made(TEXT), Made(TEXT * 3)] if form in forms.MANY else [Made(TEXT)]
    pipe = Pipe(write(exchanges), size)
    found = [bytes_of(recording) for recording in streams(pipe)]
    assert found == [each.body for each in exchanges]


@pytest.mark.parametrize("form", sorted(forms.ALL.keys() - {"raw", "raw_chunked"}))
def test_the_attributes_of_the_exchange(form: str) -> None:
    write, _, _ = forms.ALL[form]
    [recording] = streams(write([Made(TEXT, status=201)]))
    assert recording.status == 201
    assert recording.headers["CONTENT-TYPE"] == "text/event-stream; charset=utf-8"
    if "curl" not in form and form != "response":
        assert recording.url == forms.URL
        assert recording.method == "POST"
    started = datetime(2026, 11, 27, 13, 58, 17, 697_000, tzinfo=timezone.utc)
    if "har" in form or "polly" in form or "warc" in form:
        assert recording.started == started
    elif "ruby" in form or form == "betamax":
        assert recording.started == started.replace(microsecond=0)
    else:
        assert recording.started is None
    assert recording.damage == ""


def test_a_raw_body_has_no_attributes_of_the_exchange() -> None:
    [recording] = streams(TEXT)
    known = (recording.url, recording.method, recording.status, recording.started)
    assert known == (None, None, None, None)
    assert dict(recording.headers) == {}
    assert recording.place == ""
    assert repr(recording) == "<Recording 1: raw body>"
    assert repr(recording.reads) == "<Reads>"


def test_only_answers_are_looked_at() -> None:
    """The requests look like event streams, and the second answer is JSON."""
    for form, (write, _, _) in forms.MANY.items():
        made = [Made(b'{"data": "x"}', kind="application/json"), Made(TEXT)]
        assert [bytes_of(each) for each in streams(write(made))] == [TEXT], form


def test_answers_with_the_type_of_an_event_stream_and_another_body() -> None:
    for form in ("vcrpy", "har", "warc", "curl_raw", "azure"):
        found = streams(forms.ALL[form][0]([Made(b""), Made(b'{"error": "x"}'), Made(TEXT)]))
        assert [bytes_of(each) for each in found] == [TEXT], form
        assert len(found.skipped) == 2, (form, found.skipped)


def test_the_form_is_known_after_the_first_step() -> None:
    with streams(forms.vcrpy([Made(TEXT)])) as found:
        assert found.form == ""
        assert next(found).form == found.form == "VCR.py"
    assert list(found) == []


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


def pack_zstd(data: bytes) -> bytes:
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        zstandard = pytest.importorskip("zstandard", reason="zstandard is not installed")
        return bytes(zstandard.compress(data))
    return bytes(zstd.compress(data))


@pytest.mark.parametrize("kind", [*PACKERS, "zstd"])
@pytest.mark.parametrize("form", ["raw", "vcrpy", "har", "warc", "curl", "raw_chunked"])
def test_compressed(kind: str, form: str, tmp_path: Path) -> None:
    pack = PACKERS.get(kind, pack_zstd)
    file = tmp_path / "file"
    # Two members, and a member in the middle of a line.
    body = TEXT * 5000
    data = forms.ALL[form][0]([Made(body)])
    file.write_bytes(pack(data[:1000]) + pack(data[1000:]) if kind != "zlib" else pack(data))
    [recording] = streams(file)
    assert recording.form.endswith(f", {kind}" if form != "raw_chunked" else f", {kind}, chunked")
    assert bytes_of(recording) == bytes_of(recording) == body


def test_wrapped_twice() -> None:
    [recording] = streams(gzip.compress(lzma.compress(forms.chunks(gzip.compress(TEXT)))))
    assert recording.form == "raw body, gzip, xz, chunked, gzip"
    assert bytes_of(recording) == bytes_of(recording) == TEXT


def test_a_compressed_file_is_read_again_from_the_member() -> None:
    """Thirty answers of a WARC file, each of which is larger than a read."""
    made = [Made(b"data: %d %s\n\n" % (number, b"x" * 70_000)) for number in range(30)]
    found = list(streams(forms.warc_gzip(made)))
    for recording, each in zip(found, made, strict=True):
        assert bytes_of(recording) == each.body


@pytest.mark.parametrize("name", NAMES)
def test_captures(name: str) -> None:
    """Answers of real servers, as they went over the wire."""
    capture = read_capture(name)
    path = Path(__file__).parents[1] / "data/captures" / f"{name}.raw"
    try:
        found = list(streams(path))
    except RecordingError as error:
        assert capture.is_cut, error
        return
    if parse(capture.body):
        [recording] = found
        assert recording.status == capture.status
        assert bytes_of(recording) == capture.body
        options = {"api": "completions"} if ".legacy" in name else {}
        assert repr(recording.chunks(**options))  # type: ignore[arg-type]
    else:
        assert found == []


def test_times() -> None:
    """chrome-har keeps the reads and their arrivals."""
    [recording] = streams(forms.chrome_har([Made(TEXT)]))
    reads = list(recording.reads)
    assert [data for _, data in reads] == [TEXT[at : at + 7] for at in range(0, len(TEXT), 7)]
    assert [arrival for arrival, _ in reads][:3] == [10_500_000, 20_500_000, 30_500_000]


@given(
    st.lists(hostile_streams(short=True), min_size=1, max_size=3),
    st.sampled_from(sorted(forms.ALL)),
)
def test_any_body_in_any_form(bodies: list[bytes], form: str) -> None:
    write, _, needs_text = forms.ALL[form]
    made = [
        Made(b"data: 0\n\n" + body) for body in bodies if not needs_text or forms.has_text(body)
    ]
    if form in forms.ONE:
        del made[1:]
    if made:
        found = list(streams(write(made)))
        assert [bytes_of(each) for each in found] == [each.body for each in made]
        for recording, each in zip(found, made, strict=True):
            assert list(recording.events()) == parse(each.body)


def test_dates() -> None:
    from sseparse.recording._recording import parsed_date

    expected = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    for text in (
        "2026-01-02T03:04:05Z",
        "2026-01-02 03:04:05",
        "2026-01-02T03:04:05.000000000+00:00",
        "2026-01-02T04:04:05+0100",
        "Fri, 02 Jan 2026 03:04:05 GMT",
        "Fri, 02 Jan 2026 03:04:05 -0000",
    ):
        assert parsed_date(text) == expected, text
    assert parsed_date("2026-01-02T03:04:05.25Z") == expected + timedelta(milliseconds=250)
    for text in ("", "yesterday", "2026-99-02T03:04:05Z", "0000-00-00T00:00:00Z", "9999", "1" * 99):
        assert parsed_date(text) is None, text
    assert parsed_date(None) is None
