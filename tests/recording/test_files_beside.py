"""A HAR of Playwright with the bodies in files beside it."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

import forms
from forms import Made
from sseparse import parse
from sseparse.recording import RecordingError, split, streams

if TYPE_CHECKING:
    from pathlib import Path

ONE = b"data: 1\n\n"
TWO = "event: x\ndata: é\n\n".encode()
FIRST = "0000000000000000000000000000000000000000.txt"


@pytest.fixture
def har(tmp_path: Path) -> Path:
    """Write a HAR with two bodies, as Playwright unpacks its zip file into a folder."""
    folder = tmp_path / "hars"
    folder.mkdir()
    with zipfile.ZipFile(io.BytesIO(forms.har_zip([Made(ONE), Made(TWO)]))) as archive:
        archive.extractall(folder)
    return (folder / "har.har").rename(folder / "x.har")


def named(har: Path, name: Any) -> tuple[list[bytes], list[str]]:
    """Return the bodies, and what is skipped, if the first body is in a file of this name."""
    document = json.loads(har.read_bytes())
    document["log"]["entries"][0]["response"]["content"]["_file"] = name
    har.write_text(json.dumps(document))
    return read(har)


def read(source: Any) -> tuple[list[bytes], list[str]]:
    found = streams(source)
    bodies = [b"".join(data for _, data in recording.reads) for recording in found]
    return bodies, found.skipped


def test_bodies_beside_the_har(har: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(har) == read(str(har)) == ([ONE, TWO], [])
    with har.open("rb") as file:
        assert read(file) == ([ONE, TWO], [])
    with har.open("rb", buffering=0) as file:
        assert read(file) == ([ONE, TWO], [])
    monkeypatch.chdir(har.parent)
    found = streams("x.har")
    assert [list(each.events()) for each in found] == [parse(ONE), parse(TWO)]
    assert found.form == "HAR (Playwright)"


def test_a_compressed_har(har: Path) -> None:
    packed = har.with_suffix(".gz")
    packed.write_bytes(gzip.compress(har.read_bytes()))
    assert read(packed) == ([ONE, TWO], [])
    with gzip.open(packed) as file:
        assert read(file) == ([ONE, TWO], [])


def test_a_compressed_body(har: Path) -> None:
    (har.parent / FIRST).write_bytes(gzip.compress(ONE))
    assert read(har)[0] == [ONE, TWO]


def test_ranges(har: Path) -> None:
    ranges = pickle.loads(pickle.dumps(split(har, 2)))
    assert [list(each.events()) for each in ranges] == [parse(ONE), parse(TWO)]


def test_a_file_in_a_folder_below(har: Path) -> None:
    (har.parent / "a").mkdir()
    (har.parent / "a" / "b").write_bytes(ONE * 2)
    assert named(har, "a/b")[0] == [ONE * 2, TWO]


def test_without_the_path(har: Path) -> None:
    data = har.read_bytes()
    for source in (data, io.BytesIO(data), forms.Pipe(data, 100)):
        bodies, skipped = read(source)
        assert bodies == []
        assert skipped[0] == (
            f"log.entries[0]: an event stream whose body is in the file '{FIRST}', "
            "which can be read only if the path of the HAR is given"
        )
        assert len(skipped) == 2


def test_a_file_that_was_renamed_after_it_was_opened(har: Path) -> None:
    """Another file of that name may be in another folder."""
    if sys.platform == "win32":
        pytest.skip("Windows does not rename an open file")
    with har.open("rb") as file:
        har.rename(har.parents[1] / "y.har")
        assert "only if the path of the HAR is given" in read(file)[1][0]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.txt", "'none.txt', which is not in the folder of the HAR"),
        ("../secret", "'../secret', which is outside the folder of the HAR, and is not read"),
        ("a/../../secret", "which is outside the"),
        ("..\\secret", "which is outside the"),
        ("../hars/" + FIRST, "which is outside the"),
        ("..", "which is outside the"),
        (".", "which is outside the"),
        ("link", "which is outside the"),
        ("links/secret", "which is outside the"),
        ("folder", "which is not a regular file"),
        ("a\0b", "which is not in the folder"),
        ("\ud83d", "which is not in the folder"),
        ("x" * 5000, "xxx', which cannot be read: "),
        ("", "whose body was not kept"),
        (5, "whose body was not kept"),
        ("empty", "whose body was not kept"),
        ("json", "called an event stream, but its body is json"),
    ],
)
def test_what_is_not_read(har: Path, name: Any, reason: str) -> None:
    secret = har.parents[1] / "secret"
    secret.write_bytes(b"data: secret\n\n")
    (har.parent / "folder").mkdir()
    (har.parent / "empty").touch()
    (har.parent / "json").write_bytes(b"{}")
    if str(name).startswith("link"):
        try:
            (har.parent / "link").symlink_to(secret)
            (har.parent / "links").symlink_to(har.parents[1])
        except OSError:
            pytest.skip("this system lets nobody make links")
    bodies, [skipped] = named(har, name)
    assert bodies == [TWO]
    assert reason in skipped
    assert skipped.isprintable()
    assert len(skipped) < 400


def test_an_absolute_path(har: Path) -> None:
    secret = har.parents[1] / "secret"
    secret.write_bytes(b"data: secret\n\n")
    for path in (secret, har.parent / FIRST):
        bodies, [skipped] = named(har, str(path))
        assert bodies == [TWO]
        assert "which is outside the" in skipped


def test_a_link_within_the_folder(har: Path) -> None:
    try:
        (har.parent / "link").symlink_to(FIRST)
    except OSError:
        pytest.skip("this system lets nobody make links")
    assert named(har, "link")[0] == [ONE, TWO]


def test_a_folder_that_is_a_link(har: Path) -> None:
    try:
        (har.parents[1] / "link").symlink_to(har.parent)
    except OSError:
        pytest.skip("this system lets nobody make links")
    assert read(har.parents[1] / "link" / "x.har")[0] == [ONE, TWO]


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes")
def test_a_pipe_is_not_waited_for(har: Path) -> None:
    os.mkfifo(har.parent / "pipe")
    assert "which is not a regular file" in named(har, "pipe")[1][0]


def test_a_body_that_is_too_large(har: Path) -> None:
    (har.parent / FIRST).write_bytes(ONE * 1000)
    with pytest.raises(RecordingError, match=f"{FIRST}': expected at most 8999 bytes"):
        list(streams(har, max_document=8999))
    assert len(list(streams(har, max_document=9000))) == 2


def test_a_zip_file_without_the_file() -> None:
    data = forms.har_zip([Made(ONE)]).replace(FIRST.encode(), b"1" + FIRST[1:].encode())
    assert read(data) == (
        [],
        [
            f"'har.har', log.entries[0]: an event stream whose body is in the file '{FIRST}', "
            "which is not in the zip file"
        ],
    )
