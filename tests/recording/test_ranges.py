"""Ranges of a recording: together they give the events of the serial parse."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import pickle
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import forms
import strategies
from forms import Made
from running import PACKAGE
from sseparse import EventTooLargeError, Observer, Parser, Pending, parse
from sseparse.recording import Range, RecordingError, _ranges, split, streams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sseparse import Event

RECORDINGS = Path(__file__).parents[1] / "recordings"
LINE_ENDS = (b"\n", b"\r\n", b"\r")
BOM = b"\xef\xbb\xbf"


class Outcome(NamedTuple):
    events: list[Event]
    last_event_id: str
    retry: int | None
    pending: Pending | None
    place: str  # of an event that is too large


def serial(data: bytes, limit: int | None = None) -> Outcome:
    parser = Parser(max_event_size=limit)
    try:
        events, place = parser.feed(data), ""
    except EventTooLargeError as error:
        events, place = error.events, f"byte {error.offset}"
    return Outcome(events, parser.last_event_id, parser.retry, parser.close(), place)


def together(ranges: list[Range], limit: int | None = None) -> Outcome:
    """Parse the ranges one by one; check that each begins with the state at the end of the last."""
    events: list[Event] = []
    last_event_id, retry, pending = "", None, None
    for part in ranges:
        assert (part.last_event_id, part.retry) == (last_event_id, retry)
        assert pending is None
        came = part.events(max_event_size=limit)
        place = ""
        try:
            events += came
        except RecordingError as error:
            place = error.place
        last_event_id, retry, pending = came.last_event_id, came.retry, came.pending
        if place:
            return Outcome(events, last_event_id, retry, None, place)
    return Outcome(events, last_event_id, retry, pending, "")


def raw_ranges(path: Path, data: bytes, n: int, window: int = 1 << 16) -> list[Range]:
    """Split any bytes as a raw body, with windows of the given number of bytes."""
    path.write_bytes(data)
    with mock.patch.object(_ranges, "READ_SIZE", window):
        ranges = _ranges._raw_ranges(str(path), n)
    assert len(ranges) <= n
    if data:
        borders = [part.start for part in ranges] + [ranges[-1].end]
        assert borders == [0, *[part.end for part in ranges]]
        assert borders[-1] == len(data)
    return ranges


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ranges") / "recording.sse"


# IDs that are valid or not, and lines that only look like them, between blank lines of all kinds.
_PIECES = [
    *[
        b"id: 1",
        b"id:2",
        b"id",
        b"id:",
        b"id: \0",
        b"id: 3\0",
        b"id : 4",
        b"identity",
        b"i",
        b"ID: 5",
    ],
    *[
        b"retry: 10",
        b"retry:20",
        b"retry: 3x",
        b"retry",
        b"retry:",
        b"retry: ",
        b"retry:  4",
        b"retry",
    ],
    *[b"retry: \xd9\xa3", b"retry: 0" + b"0" * 9 + b"7", b"retry: 1" + b"0" * 700],
    *[b"data: a", b"data", b"data: id: 9", b": id: 8", b"id: \xff\xc3", "id: é".encode()],
    *[BOM, BOM + b"id: 6", b"x" * 40, b": " + b"id: 7" * 9, b""],
]
_sticky = st.lists(
    st.tuples(st.sampled_from(_PIECES), st.sampled_from(LINE_ENDS), st.integers(1, 3)), max_size=12
).map(lambda pieces: b"".join(piece + end * number for piece, end, number in pieces))
_bodies = st.one_of(
    _sticky,
    st.tuples(st.sampled_from([b"", b"", BOM, BOM + b"\n"]), _sticky).map(b"".join),
    strategies.streams,
)


@given(
    _bodies, st.integers(1, 40), strategies.limits, st.sampled_from([7, 8, 9, 10, 13, 64, 1 << 16])
)
@example(b"id: 1\r\n\r\ndata: a\r\n\r\n", 20, None, 9)  # a cut inside of CRLF
@example(b"data: a\n\n" + BOM + b"data: b\n\n", 2, None, 64)  # a mark that is none
@example(BOM + b"id: 1\n\ndata: a\n\n", 9, None, 9)  # a window that ends inside of the mark
@example(b"id: 1\n\nid: 2\0\n\ndata: a\n\n", 40, None, 64)
@example(b"data: a\r\r\rdata: b\n\r\ndata: c\n\rdata: d\r\n\ndata: e\n\n\n", 50, None, 7)
def test_any_stream(file: Path, data: bytes, n: int, limit: int | None, window: int) -> None:
    assert together(raw_ranges(file, data, n, window), limit) == serial(data, limit)


@given(strategies.short_streams | _sticky)
def test_every_position(file: Path, data: bytes) -> None:
    """With as many ranges as there are bytes, a cut may be at each byte."""
    expected = serial(data)
    ranges = raw_ranges(file, data, max(len(data), 1))
    assert together(ranges) == expected
    # Every cut is the end of a blank line.
    blocks = [item.end for item in Observer(lines=False).feed(data)]
    ends = {end + 1 if data[end - 1 : end + 1] == b"\r\n" else end for end in blocks}
    assert {part.start for part in ranges[1:]} <= ends


@pytest.mark.parametrize("end", LINE_ENDS)
@pytest.mark.parametrize("name", sorted(path.name for path in RECORDINGS.glob("*.sse")))
def test_every_number(file: Path, name: str, end: bytes) -> None:
    data = b"\n\n".join(
        (RECORDINGS / name).read_bytes().replace(b"\r\n", b"\n").split(b"\n\n")[:12]
    )
    data = data.replace(b"\r", b"\n").replace(b"\n", end)
    expected = serial(data)
    for n in [*range(1, 30), len(data) // 7, len(data)]:
        assert together(raw_ranges(file, data, n)) == expected
    blocks = [item.to_event() for item in Observer(lines=False).feed(data)]
    assert len(blocks) - 1 <= len(raw_ranges(file, data, len(data))) <= len(blocks) + 1


def test_a_file_of_several_windows(tmp_path: Path) -> None:
    """Line ends, IDs and blank lines of every kind around the ends of windows of 64 KiB."""
    path = tmp_path / "a.sse"
    for end in LINE_ENDS:
        for size in range((1 << 16) - 24, (1 << 16) + 3):
            head = b"retry: 5" + end + b"id: 1" + end
            body = head + b":".ljust(size - len(head), b"x") + end * 2 + b"id: 2" + end + b"data: a"
            body += end * 2 + b"data: b" + end * 2
            path.write_bytes(body)
            ranges = split(path, 3)
            assert len(ranges) > 1
            assert together(ranges) == serial(body)


def test_an_endless_line(tmp_path: Path) -> None:
    """A stream without a blank line is not cut, for any number of ranges."""
    path = tmp_path / "a.sse"
    for line in (b"data: ", b"id: ", b": ", b"data"):
        body = b"id: 1\ndata: a\n\n" + line + b"x" * 1_000_000
        path.write_bytes(body)
        ranges = split(path, 500)
        assert [(part.start, part.end) for part in ranges] == [(0, len(body))]
        assert together(ranges) == serial(body)
        path.write_bytes(body + b"\n\ndata: a\n\n")
        ranges = split(path, 500)
        assert [part.start for part in ranges] == [0, len(body) + 2]
        assert together(ranges) == serial(body + b"\n\ndata: a\n\n")


def test_the_bytes_are_searched_once(tmp_path: Path) -> None:
    """The work does not grow with the number of ranges."""
    path = tmp_path / "a.sse"
    path.write_bytes(b"data: x\n" * 100_000 + b"\n" + b"data: b\n\n" * 100_000)
    read = 0

    class Counting:
        def __init__(self, file: Any) -> None:
            self.seek = file.seek
            self._file = file

        def read(self, size: int) -> bytes:
            nonlocal read
            data: bytes = self._file.read(size)
            read += len(data)
            return data

    size = path.stat().st_size
    counts = []
    with path.open("rb") as file:
        counting: Any = Counting(file)
        for n in (2, 50):
            read = 0
            ranges = [Range(str(path), 1, 1, 0, 1)]
            for cut in [*_ranges._cuts(counting, size, n), size]:
                start = ranges[-1].end or 0
                _ranges._state_at(counting, cut, ranges[-1])
                ranges.append(Range(str(path), 1, 1, start, cut))
            counts.append(read)
    assert counts[1] <= size * 2 + 51 * (1 << 16)


def test_ranges_carry_ids_over_ranges_without_any(tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    body = b"retry: 7\nid: a\ndata: 0\n\n" + b"data: 1\n\n" * 90 + b"id\n\n" + b"data: 2\n\n" * 90
    path.write_bytes(body)
    ranges = split(path, 10)
    assert [part.last_event_id for part in ranges] == ["", "a", "a", "a", "a", "a", "", "", "", ""]
    assert [part.retry for part in ranges] == [None] + [7] * 9
    assert together(ranges) == serial(body)


def test_what_is_pending(tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    body = b"id: 1\ndata: a\n\nid: 2\ndata: b\nda"
    path.write_bytes(body)
    [first, last] = split(path, 2)
    came = last.events()
    assert list(came) == []
    assert came.pending == serial(body).pending
    assert came.pending is not None
    assert came.pending.start == 15
    assert came.last_event_id == "1"
    assert [event.data for event in last.events(flush=True)] == ["b"]
    assert [event.data for event in first.events(flush=True)] == ["a"]


def test_other_processes(tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    body = b"".join(b"id: %d\ndata: %d\n\n" % (number, number) for number in range(1000))
    path.write_bytes(body)
    ranges = split(path, 4)
    assert pickle.loads(pickle.dumps(ranges)) == ranges
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        parsed = pool.map(_parsed, ranges)
    assert [event for events in parsed for event in events] == parse(body)


def test_the_recipe(tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    path.write_bytes(b"data: a\n\n" * 1234)
    recipe = RECORDINGS.parents[1] / "docs" / "recipes" / "ranges_processes"
    done = subprocess.run(
        [sys.executable, f"{recipe}.py", str(path)],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("1234\n", "")


def test_the_recipe_for_ray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ray pickles the objects for another process; the test does the same."""
    path = tmp_path / "a.sse"
    path.write_bytes(b"data: a\n\n" * 1234)
    ray: Any = ModuleType("ray")
    ray.remote = lambda function: SimpleNamespace(
        remote=lambda part: function(pickle.loads(pickle.dumps(part)))
    )
    ray.get = list
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr(sys, "argv", ["ranges_ray", str(path)])
    recipe = RECORDINGS.parents[1] / "docs" / "recipes" / "ranges_ray"
    runpy.run_path(f"{recipe}.py", run_name="__main__")
    assert capsys.readouterr().out == "1234\n"


def _parsed(part: Range) -> list[Event]:
    return list(part.events())


@pytest.mark.parametrize("form", forms.ALL)
def test_other_forms_split_by_stream(form: str, tmp_path: Path) -> None:
    write, _, _ = forms.ALL[form]
    bodies = [b"id: %d\ndata: %d\n\ndata: x\n\n" % (each, each) for each in range(7)]
    bodies = bodies if form in forms.MANY else bodies[:1]
    path = tmp_path / "recording"
    path.write_bytes(write([Made(body) for body in bodies]))
    whole = [event for recording in streams(path) for event in recording.events()]
    assert whole == [event for body in bodies for event in parse(body)]
    for n in (1, 2, 3, 7, 20):
        ranges = split(path, n)
        if form != "raw":
            assert len(ranges) == min(n, len(bodies))
            assert {part.start for part in ranges} == {None}
        assert [event for part in ranges for event in part.events()] == whole
    if form in forms.MANY:
        came = split(path, 1)[0].events()
        list(came)
        assert came.last_event_id == "6"


def test_a_compressed_body_is_one_range(tmp_path: Path) -> None:
    path = tmp_path / "a.sse.gz"
    path.write_bytes(gzip.compress(b"data: 1\n\ndata: 2\n\n" * 100))
    assert split(path, 5) == [Range(str(path))]


def test_a_fault_is_in_the_last_range(tmp_path: Path) -> None:
    path = tmp_path / "a.warc"
    whole = forms.warc([Made(b"data: %d\n\n" % each) for each in range(6)])
    path.write_bytes(whole + b"and more")
    ranges = split(path, 3)
    assert [[event.data for event in part.events()] for part in ranges[:2]] == [
        ["0", "1"],
        ["2", "3"],
    ]
    came = ranges[2].events()
    assert [next(came).data, next(came).data] == ["4", "5"]
    with pytest.raises(RecordingError, match="expected a record"):
        next(came)


@pytest.mark.parametrize(
    "body", [b"<html>", b"WARC/1.0\r\n", b"what\nis this\n\n", b": a\nnot a field\n"]
)
def test_a_file_that_is_no_recording(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(body)
    with pytest.raises(RecordingError) as ranges_error:
        split(path, 3)
    with pytest.raises(RecordingError) as error:
        list(next(streams(path)).events())
    assert str(ranges_error.value) == str(error.value)


def test_the_first_event_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    path.write_bytes(b"data: " + b"x" * 100 + b"\n\ndata: a\n\n")
    came = split(path, 2)[0].events(max_event_size=50)
    with pytest.raises(RecordingError, match="byte 50: an event is larger than 50 bytes"):
        next(came)


def test_no_streams(tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(forms.har([Made(b"{}", kind="application/json")]))
    assert split(path, 3) == []
    path.write_bytes(b"")
    assert [list(part.events()) for part in split(path, 3)] == [[]]


def test_a_file_that_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    path.write_bytes(b"data: a\n\ndata: b\n\n")
    first, last = split(path, 2)
    path.write_bytes(b"data: a\n\ndata: b\n\ndata: c\n\n")  # what is added is not in a range
    assert [event.data for event in [*first.events(), *last.events()]] == ["a", "b"]
    path.write_bytes(b"data: a\n\ndata")
    with pytest.raises(RecordingError, match="byte 13: the file had 18 bytes or more"):
        list(last.events())


def test_wrong_arguments(tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    path.write_bytes(b"data: a\n\n")
    with pytest.raises(ValueError, match="n must be at least 1, not 0"):
        split(path, 0)
    wrong: Any
    for wrong in (1.0, True, "2", None):
        with pytest.raises(TypeError, match="n must be an int, not"):
            split(path, wrong)
    wrong = b"data: a\n\n"
    with pytest.raises(TypeError):
        split(memoryview(wrong), 1)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        split(tmp_path / "b", 1)
    with pytest.raises(IsADirectoryError):
        split(tmp_path, 1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="no regular file"):
        split(pipe, 2)


def test_a_range_is_left(tmp_path: Path) -> None:
    """The file is closed if the reader stops early."""
    path = tmp_path / "a.sse"
    path.write_bytes(b"data: a\n\n" * 50_000)
    came: Iterator[Event] = split(path, 2)[1].events()
    next(came)
    del came  # a ResourceWarning would fail the test
