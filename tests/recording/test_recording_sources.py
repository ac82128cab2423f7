"""The sources of recordings: paths, files, memory and pipes, read several times or once."""

from __future__ import annotations

import gzip
import io
import mmap
from typing import TYPE_CHECKING, Any

import pytest

import forms
from forms import Made, Pipe
from sseparse import parse
from sseparse.recording import Recording, streams

if TYPE_CHECKING:
    from pathlib import Path

ONE = b"data: 1\n\n"
TWO = b"data: 2\n\ndata: 3\n\n"


def body_of(recording: Recording) -> bytes:
    return b"".join(data for _, data in recording.reads)


def test_sources(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(ONE)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        for source in (path, str(path), ONE, bytearray(ONE), memoryview(ONE), mapped, file):
            [recording] = streams(source)
            assert body_of(recording) == body_of(recording) == ONE
            del recording
    with path.open("rb", buffering=0) as raw:
        [recording] = streams(raw)
        assert body_of(recording) == body_of(recording) == ONE


@pytest.mark.parametrize("source", [None, 5, ["data: 1"], object(), memoryview(b"abcd")[::2]])
def test_wrong_sources(source: Any) -> None:
    with pytest.raises(TypeError, match="expected a path, a binary file or bytes, not"):
        streams(source)


def test_a_file_in_text_mode() -> None:
    source: Any = io.StringIO("data: 1\n\n")
    with pytest.raises(TypeError, match="binary mode"):
        next(streams(source))


def test_options() -> None:
    with pytest.raises(TypeError, match="max_document must be an int, not float"):
        streams(ONE, max_document=1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_document must be at least 1, not 0"):
        streams(ONE, max_document=0)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        streams(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        next(streams(tmp_path))


def test_a_file_that_would_block() -> None:
    class Blocking(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _: Any) -> None:
            return None

    with pytest.raises(BlockingIOError):
        next(streams(Blocking()))


def test_the_names_in_messages(tmp_path: Path) -> None:
    path = tmp_path / "a\nb.sse"
    path.write_bytes(b"<html>")
    with path.open("rb") as file:
        for source, name in (
            (path, repr(str(path))),
            (file, repr(str(path))),
            (b"<html>", "the bytes"),
        ):
            with pytest.raises(Exception, match="HTML") as info:
                next(streams(source))
            assert str(info.value).startswith(f"{name}: ")
    with pytest.raises(Exception, match=r"^the file: this is an HTML page"):
        next(streams(Pipe(b"<html>", 9)))


def test_a_file_is_read_from_its_position() -> None:
    file = io.BytesIO(b"something else\n" + ONE)
    file.seek(15)
    [recording] = streams(file)
    file.seek(3)
    assert body_of(recording) == body_of(recording) == ONE


@pytest.mark.parametrize("form", ["curl_raw", "curl_lengths", "warc", "warc_gzip", "httprr"])
def test_two_readings_at_once(form: str) -> None:
    """Several readings of a seekable file do not disturb each other, or the search."""
    body = TWO * 20_000
    file = io.BytesIO(forms.ALL[form][0]([Made(body), Made(ONE), Made(TWO)]))
    found = streams(file)
    first = next(found)
    one, other = iter(first.reads), iter(first.reads)
    pieces = [next(one)[1]]
    others = [next(other)[1]]
    second = next(found)
    assert body_of(second) == ONE
    others += [data for _, data in other]
    assert b"".join(others) == body
    # The search continues from the first reading.
    with pytest.raises(RuntimeError, match="was left before its end"):
        next(one)
    assert body.startswith(pieces[0])
    assert body_of(first) == body
    assert [body_of(each) for each in found] == [TWO]


@pytest.mark.parametrize("form", ["curl_raw", "warc", "httprr"])
def test_a_pipe_is_read_once(form: str) -> None:
    """From a pipe, a recording can be read once, before the next one."""
    data = forms.ALL[form][0]([Made(ONE), Made(TWO)])
    first, second = streams(Pipe(data, 10))
    for recording in (first, second):
        with pytest.raises(RuntimeError, match="can be read once"):
            list(recording.events())
    found = streams(Pipe(data, 10))
    assert [list(each.events()) for each in found] == [parse(ONE), parse(TWO)]
    found = streams(Pipe(data, 10))
    first = next(found)
    next(iter(first.reads))
    assert [list(each.events()) for each in found] == [parse(TWO)]
    with pytest.raises(RuntimeError, match="can be read once"):
        next(first.events())


def test_a_raw_body_from_a_pipe_can_be_read_after_the_search() -> None:
    for data in (ONE, gzip.compress(ONE)):
        [recording] = list(streams(Pipe(data, 3)))
        assert list(recording.events()) == parse(ONE)
        with pytest.raises(RuntimeError):
            list(recording.events())


def test_documents_can_be_read_again_from_a_pipe() -> None:
    for form in ("vcrpy_gzip", "har", "har_zip"):
        [recording] = streams(Pipe(forms.ALL[form][0]([Made(ONE)]), 10))
        assert list(recording.events()) == list(recording.events()) == parse(ONE)


def test_recordings_can_be_read_after_the_search_was_closed(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(forms.warc_gzip([Made(ONE), Made(TWO)]))
    with streams(path) as found:
        first = next(found)
    assert body_of(first) == ONE
    assert list(found) == []
