"""Recordings as columns: the rows are the events, for every tool that reads Arrow."""

from __future__ import annotations

import gc
import json
import os
import runpy
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

import forms
import strategies
from forms import Made
from running import run_python
from scale import FIGURES, write_recordings
from sseparse import Observer, Parser, encode, parse
from sseparse.recording import RecordingError, split, streams

if TYPE_CHECKING:
    from collections.abc import Sequence

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
from sseparse import arrow  # noqa: E402
from sseparse.arrow import SCHEMA, Unread, scan  # noqa: E402

BODY = "event: a\nid: 1\ndata: é\n\n: ping\n\nid: 2\n\ndata: b\ndata: c\n\n".encode()
NAMES = SCHEMA.names
RECIPES = Path(__file__).parents[2] / "docs" / "recipes"


def rows(paths: Any, columns: Sequence[str] | None = None, **options: Any) -> list[dict[str, Any]]:
    table = scan(paths, columns, **options).reader().read_all()
    table.validate(full=True)
    return list(table.to_pylist())


def events(paths: Any, **options: Any) -> list[tuple[str, str, str]]:
    columns = ["type", "data", "last_event_id"]
    return [tuple(row.values()) for row in rows(paths, columns, **options)]


def fields(stream: bytes) -> list[tuple[str, str, str]]:
    return [(each.type, each.data, each.last_event_id) for each in parse(stream)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.sse"
    path.write_bytes(BODY)
    return path


def test_the_columns_of_a_raw_file(path: Path) -> None:
    exchange = {"file": str(path), "stream": 1, "url": None, "status": None}
    read = {"arrival_ns": None, "read": None}
    first, last = rows(path)
    assert list(first) == list(last) == NAMES
    assert first == exchange | read | {
        "start": 0,
        "end": BODY.index(b": ping"),
        "type": "a",
        "data": "é",
        "last_event_id": "1",
    }
    assert last == exchange | read | {
        "start": BODY.index(b"data: b"),
        "end": len(BODY),
        "type": "message",
        "data": "b\nc",
        "last_event_id": "2",
    }


@pytest.mark.parametrize("form", forms.ALL)
def test_every_form(form: str, tmp_path: Path) -> None:
    write, _, _ = forms.ALL[form]
    path = tmp_path / "recording"
    bodies = [BODY, b"data: x\r\n\r\ndata: y\r\n\r\n"] if form in forms.MANY else [BODY]
    path.write_bytes(write([Made(body, status=201) for body in bodies]))
    found = rows(path)
    expected = []
    for recording, body in zip(streams(path), bodies, strict=True):
        for block in Observer(lines=False).feed(body):
            if (event := block.to_event()) is not None:
                row = (recording.number, recording.url, recording.status)
                expected.append((*row, block.block_start, block.end, event.data))
    names = ("stream", "url", "status", "start", "end", "data")
    assert [tuple(row[name] for name in names) for row in found] == expected
    has_times = form == "chrome_har"
    assert {row["arrival_ns"] is not None for row in found} == {has_times}
    assert {row["read"] is not None for row in found} == {has_times}
    for name in NAMES:
        assert rows(path, [name]) == [{name: row[name]} for row in found]


def test_arrivals(tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(forms.chrome_har([Made(b"data: 1\n\ndata: 2\n\n" + b"data: 3\n\n" * 2)]))
    # Reads of 7 bytes, 10 ms apart, from 10.5 ms on.
    found = rows(path, ["data", "read", "arrival_ns", "end"])
    assert [row["read"] for row in found] == [(row["end"] - 1) // 7 for row in found]
    assert [row["arrival_ns"] for row in found] == [
        10_500_000 + 10_000_000 * row["read"] for row in found
    ]


def test_the_read_of_what_is_flushed(tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(forms.chrome_har([Made(b"data: 1\n\ndata: 2\n")]))
    assert [row["read"] for row in rows(path, ["read"])] == [1]
    assert [row["read"] for row in rows(path, ["data", "read"], flush=True)] == [1, 2]


def test_messages_have_no_offsets(tmp_path: Path) -> None:
    """A browser kept the events, but not the bytes of the stream."""
    document = forms.har_document([Made(b"")])
    [entry] = document["log"]["entries"]
    entry["_eventSourceMessages"] = [
        {"time": 1796000000.25, "eventName": "message", "eventId": "", "data": "a"},
        {"time": 1796000000.75, "eventName": "b", "eventId": "5", "data": "c\nd"},
    ]
    path = tmp_path / "a.har"
    path.write_text(json.dumps(document))
    found = rows(path, ["type", "data", "last_event_id", "start", "end", "read"])
    assert [tuple(row.values()) for row in found] == [
        ("message", "a", "", None, None, 0),
        ("b", "c\nd", "5", None, None, 1),
    ]


@given(strategies.streams, strategies.seeds)
def test_any_stream(stream: bytes, seed: str) -> None:
    """Batches of any size, with offsets and without, have the events of the parser."""
    from sseparse.recording._errors import Where
    from sseparse.recording._ranges import Part

    expected = Parser(last_event_id=seed).feed(stream)
    blocks = Observer(lines=False, last_event_id=seed).feed(stream)
    pieces = [stream[at : at + 9] for at in range(0, len(stream), 9)]
    for names in (
        ["type", "data", "last_event_id"],
        ["type", "data", "last_event_id", "start", "end"],
    ):
        reads = [(5, piece) for piece in pieces]
        part = Part(Where("x"), reads, last_event_id=seed, is_whole=False)
        schema = pa.schema([SCHEMA.field(name) for name in names])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(arrow, "_BYTES", 20)
            patch.setattr(arrow, "_REPEATED", 30)
            made = list(arrow._Stream("x", part, schema).batches(False))
        found = [tuple(row.values()) for batch in made for row in batch.to_pylist()]
        assert [row[:3] for row in found] == [
            (event.type, event.data, event.last_event_id) for event in expected
        ]
        if len(names) == 5:
            positions = [(each.block_start, each.end) for each in blocks if each.data is not None]
            assert [row[3:] for row in found] == positions


@pytest.mark.parametrize("n", [1, 2, 3, 8, 100])
def test_ranges(tmp_path: Path, n: int) -> None:
    """A range is a part of its file; offsets are those of the file."""
    path = tmp_path / "a.sse"
    body = b"".join(
        encode(str(each), id=str(each) if each % 7 == 0 else None) for each in range(99)
    )
    path.write_bytes(body + b"\xef\xbb\xbfdata: no\n\ndata: end\r\n\r\n")
    assert rows(split(path, n)) == rows(path)
    assert len(rows(path)) == 100
    for row in rows(split(path, n), ["start", "end", "data"]):
        block = path.read_bytes()[row["start"] : row["end"]]
        assert f"data: {row['data']}".encode() in block
        assert block.count(b"data") == 1


def test_the_named_columns(path: Path) -> None:
    for names in (["data"], ["data", "type"], NAMES[::-1], ("end", "file")):
        found = scan(path, names)
        assert found.schema == found.reader().schema
        assert found.schema.names == list(names)
        assert [list(row) for row in found.reader().read_all().to_pylist()] == [list(names)] * 2
    assert scan(path).schema == SCHEMA
    assert "data, type" in repr(scan(path, ["data", "type"]))


def test_wrong_arguments(path: Path) -> None:
    wrong: Any = "data"
    with pytest.raises(TypeError, match="a list of names"):
        scan(path, wrong)
    with pytest.raises(ValueError, match="one column at least"):
        scan(path, [])
    with pytest.raises(ValueError, match="no column 'model'; there are file, stream, url"):
        scan(path, ["data", "model"])
    with pytest.raises(ValueError, match="'data' is named twice"):
        scan(path, ["data", "type", "data"])
    wrong = [path, b"data: a\n\n"]
    with pytest.raises(TypeError, match="paths or ranges, not bytes"):
        scan(wrong)


def test_no_files() -> None:
    assert rows([]) == []
    assert scan([]).reader().read_all().schema == SCHEMA


def test_files_that_cannot_be_read(path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.warc"
    broken.write_bytes(forms.warc([Made(BODY)]) + b"what?")
    page = tmp_path / "page.html"
    page.write_bytes(b"<html>")
    large = tmp_path / "large.sse"
    large.write_bytes(b"data: 1\n\ndata: " + b"x" * (65 << 20))
    missing = tmp_path / "missing"
    found = scan([path, broken, page, missing, large, path], ["file", "data"])
    assert found.errors == []
    for _ in range(2):
        table = found.reader().read_all().to_pylist()
        assert [Path(row["file"]).name for row in table] == [
            *["a.sse"] * 2,
            *["broken.warc"] * 2,
            *["large.sse", "a.sse", "a.sse"],
        ]
        assert [(each.file, each.place) for each in found.errors] == [
            (str(broken), f"record 4, byte {broken.stat().st_size - 5}"),
            (str(page), ""),
            (str(missing), ""),
            (str(large), f"byte {15 + (64 << 20) - 6}"),
        ]
    assert found.errors[1].problem.startswith("this is an HTML page")
    assert found.errors[2] == Unread(str(missing), "", "No such file or directory")
    assert pa.Table.from_pylist([each._asdict() for each in found.errors]).num_rows == 4


def test_strict(path: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_bytes(b"<html>")
    reader = scan([path, page], strict=True).reader()
    with pytest.raises(RecordingError, match=r"page\.html.*: this is an HTML page"):
        reader.read_all()
    reader = scan([path, tmp_path / "missing"], strict=True).reader()
    with pytest.raises(FileNotFoundError):
        reader.read_all()
    # The rows before the fault have been read.
    broken = tmp_path / "broken.warc"
    broken.write_bytes(forms.warc([Made(BODY)]) + b"what?")
    reader = scan(broken, ["data"], strict=True).reader()
    assert reader.read_next_batch().column("data").to_pylist() == ["é", "b\nc"]
    with pytest.raises(RecordingError):
        reader.read_next_batch()


def test_flush(tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    path.write_bytes(b"data: a\n\ndata: b")
    assert events(path) == fields(b"data: a\n\n")
    assert events(path, flush=True) == fields(b"data: a\n\ndata: b\n\n")
    found = rows(path, ["start", "end"], flush=True)
    assert [tuple(row.values()) for row in found] == [(0, 9), (9, len(b"data: a\n\ndata: b\n\n"))]


def test_texts_that_utf8_cannot_hold(tmp_path: Path) -> None:
    document = forms.har_document([Made(BODY, url="http://a/\ud800")])
    path = tmp_path / "a.har"
    path.write_text(json.dumps(document))
    assert {row["url"] for row in rows(path, ["url"])} == {"http://a/" + "\ufffd" * 3}
    if sys.platform == "linux":
        path = tmp_path / os.fsdecode(b"\xff.sse")
        path.write_bytes(BODY)
        assert {Path(row["file"]).name for row in rows(path, ["file"])} == {"\ufffd" * 3 + ".sse"}


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    block = encode("x" * 200, type="t", id="1")
    pool = pa.default_memory_pool()
    peaks = []
    for size in (2_000_000, 6_000_000):
        path.write_bytes(block * (size // len(block)))
        gc.collect()
        before = pool.bytes_allocated()
        most = count = 0
        tracemalloc.start()
        for batch in scan(path).reader():
            count += batch.num_rows
            most = max(most, pool.bytes_allocated() - before)
        peaks.append(most + tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert count == size // len(block)
    assert peaks[1] < peaks[0] * 1.5
    assert peaks[1] < 15_000_000


def test_a_long_id_does_not_fill_the_memory(tmp_path: Path) -> None:
    """Each event has the last ID; with an ID of 1 MB, 10,000 rows would take gigabytes."""
    path = tmp_path / "a.sse"
    path.write_bytes(b"id: " + b"x" * 1_000_000 + b"\n\n" + b"data\n\n" * 10_000)
    most = count = 0
    for batch in scan(path, ["last_event_id", "data"]).reader():
        most = max(most, batch.nbytes)
        count += batch.num_rows
        if count > 500:
            break
    assert 1_000_000 < most < 50_000_000


def test_small_files_make_few_batches(tmp_path: Path) -> None:
    paths = []
    for number in range(300):
        paths.append(tmp_path / f"{number}.sse")
        paths[-1].write_bytes(b"data: %d\n\n" % number)
    reader = scan(paths, ["data", "file"]).reader()
    [batch] = reader
    assert batch.column("data").to_pylist() == [str(number) for number in range(300)]
    assert batch.column("file").to_pylist() == list(map(str, paths))


def test_a_reading_that_ends_early(path: Path) -> None:
    """Several readings do not disturb each other."""
    path.write_bytes(BODY * 100_000)
    found = scan(path, ["data"])
    left = found.reader()
    first = left.read_next_batch()
    other = found.reader()
    assert other.read_next_batch() == first
    del left, other


def test_pyarrow(path: Path) -> None:
    table = pa.table(scan(path, ["type", "data"]))
    assert table.to_pydict() == {"type": ["a", "message"], "data": ["é", "b\nc"]}
    assert pa.RecordBatchReader.from_stream(scan(path)).read_all() == scan(path).reader().read_all()


def test_polars(path: Path) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    frame = polars.DataFrame(scan(path, ["type", "data", "status", "start"]))
    assert frame.rows() == [("a", "é", None, 0), ("message", "b\nc", None, BODY.index(b"data: b"))]
    assert frame.schema["start"] == polars.Int64


def test_duckdb(path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    found = scan(path)
    query = "select type, data, \"start\" from found where type <> 'a'"
    with duckdb.connect() as connection:
        connection.register("found", found)
        assert connection.sql(query).fetchall() == [("message", "b\nc", BODY.index(b"data: b"))]
        assert connection.sql("select count(*) from found").fetchall() == [(2,)]


def test_pandas(path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    found = scan(path, ["type", "data", "stream"])
    if hasattr(pandas.DataFrame, "from_arrow"):
        frame = pandas.DataFrame.from_arrow(found)
    else:  # before pandas 3
        frame = found.reader().read_pandas()
    assert frame.to_dict("list") == {
        "type": ["a", "message"],
        "data": ["é", "b\nc"],
        "stream": [1, 1],
    }


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
def test_the_query_of_the_page(engine: str, tmp_path: Path) -> None:
    pytest.importorskip(engine, reason=f"{engine} is not installed")
    recipe = {"duckdb": "scale_duckdb", "polars": "scale_polars"}[engine]
    by_model = runpy.run_path(str(RECIPES / f"{recipe}.py"))["by_model"]
    found = by_model(write_recordings(tmp_path))
    figures = found if engine == "duckdb" else found.rows()
    assert [model for model, _, _ in figures] == [model for model, _, _ in FIGURES]
    for (_, p95, tokens), (_, expected, total) in zip(figures, FIGURES, strict=True):
        assert (p95, tokens) == (pytest.approx(expected), total)


def test_without_pyarrow() -> None:
    code = """
import sys
sys.modules["pyarrow"] = None
try:
    import sseparse.arrow
except ImportError as error:
    print(error, error.name)
"""
    wanted = "sseparse.arrow needs pyarrow: pip install 'sseparse[arrow]' pyarrow"
    assert run_python(code).strip() == wanted


def test_a_pattern_is_no_path(tmp_path: Path) -> None:
    """It would be an empty table, whose list of errors nobody looks at."""
    (tmp_path / "a[1].sse").write_bytes(b"data: 1\n\n")
    with pytest.raises(FileNotFoundError, match=r"a pattern is given as scan\(glob.glob\('/"):
        scan(str(tmp_path / "*.sse"))
    assert scan(str(tmp_path / "a[1].sse")).reader().read_all().num_rows == 1
