"""The data source of Spark on Sail, and the recipes of other engines: rows equal the serial parse.

``.ci/run scale`` runs these tests in an environment of its own, without Java: pyspark and
pyspark-client install the same package.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import forms
from forms import Made
from scale import FIGURES, write_recordings
from sseparse import encode, parse
from sseparse.recording import split, streams

if TYPE_CHECKING:
    from collections.abc import Iterator

pysail = pytest.importorskip("pysail.spark", reason="pysail is not installed")
pytest.importorskip("pyspark.sql.connect", reason="pyspark-client is not installed")

from pyspark.sql import SparkSession  # noqa: E402

from sseparse.arrow import SCHEMA, scan  # noqa: E402
from sseparse.spark import SseDataSource, _Reader  # noqa: E402

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
BODY = b"".join(
    encode(
        str(number), type="t" if number % 3 else None, id=str(number) if number % 50 == 0 else None
    )
    for number in range(3000)
)
OPTIONS = {"path": "", "partitionsize": "8000"}


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    server = pysail.SparkConnectServer()
    server.start(background=True)
    host, port = server.listening_address
    session = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
    session.dataSource.register(SseDataSource)
    yield session
    session.stop()
    server.stop()


def run_recipe(name: str) -> dict[str, Any]:
    return runpy.run_path(str(RECIPES / f"{name}.py"))


def rows(frame: Any) -> list[dict[str, Any]]:
    found = [row.asDict() for row in frame.collect()]
    return sorted(found, key=lambda row: (row["file"], row["stream"], row["start"] or 0))


def serial(*paths: Path) -> list[dict[str, Any]]:
    return list(scan(sorted(paths)).reader().read_all().to_pylist())


def reader(path: Path, **options: str) -> Any:
    source = SseDataSource({"path": str(path), "partitionsize": "8000", **options})
    return source.reader(SCHEMA)


def test_ranges_of_a_raw_file(spark: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    path.write_bytes(BODY + b"data: pending")
    assert len(reader(path).partitions()) == len(split(path, -(-path.stat().st_size // 8000))) > 4
    frame = spark.read.format("sse").option("partitionSize", "8000").load(str(path))
    assert frame.count() == 3000
    assert rows(frame) == serial(path)
    assert [row["data"] for row in rows(frame)] == [event.data for event in parse(BODY)]
    flushed = spark.read.format("sse").option("flush", "true").load(str(path))
    assert flushed.count() == 3001


@pytest.mark.parametrize("form", forms.ALL)
def test_every_form(spark: Any, form: str, tmp_path: Path) -> None:
    write, _, _ = forms.ALL[form]
    bodies = [BODY[:5000], b"id: 1\r\ndata: x\r\n\r\n", BODY[5000:9000]]
    path = tmp_path / "recording"
    path.write_bytes(write([Made(body) for body in (bodies if form in forms.MANY else bodies[:1])]))
    frame = spark.read.format("sse").option("partitionSize", "4000").load(str(path))
    found = rows(frame)
    assert found == serial(path)
    events = [event.data for recording in streams(path) for event in recording.events()]
    assert [row["data"] for row in found] == events


def test_folders_and_patterns(spark: Any, tmp_path: Path) -> None:
    paths = []
    for number in range(30):
        path = tmp_path / str(number % 3) / f"{number}.sse"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(str(number)))
        paths.append(path)
    read = spark.read.format("sse")
    assert rows(read.load(str(tmp_path))) == serial(*paths)
    assert rows(read.load(f"{tmp_path}/1/*.sse")) == serial(*paths[1::3])
    assert rows(read.load(f"{tmp_path}/**/2*.sse")) == serial(paths[2], *paths[20:])
    both = [str(paths[0]), str(paths[1])]
    found = read.option("paths", json.dumps(both)).load()
    assert rows(found) == serial(*paths[:2])
    with pytest.raises(Exception, match=r"no file: .*nothing"):
        read.load(f"{tmp_path}/nothing*").count()


def test_many_small_files_share_partitions(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number:04}.sse").write_bytes(encode(str(number)))
    source = SseDataSource({"path": str(tmp_path)})
    partitions = source.reader(SCHEMA).partitions()
    assert 2 <= len(partitions) <= 5
    found = [part.path for each in partitions for part in each.value]
    assert found == sorted(str(path) for path in tmp_path.iterdir())


def test_columns(spark: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    path.write_bytes(BODY)
    frame = spark.read.format("sse").option("columns", "data, type").load(str(path))
    assert frame.columns == ["data", "type"]
    assert sorted(map(tuple, frame.collect())) == sorted((e.data, e.type) for e in parse(BODY))
    frame = spark.read.format("sse").schema("start bigint, data string").load(str(path))
    assert frame.columns == ["start", "data"]
    assert sorted(map(tuple, frame.collect())) == sorted(
        (row["start"], row["data"]) for row in serial(path)
    )
    assert spark.read.format("sse").load(str(path)).columns == SCHEMA.names
    # Other columns are not made.
    read = _Reader(OPTIONS | {"path": str(path)}, SCHEMA)
    read._names = ["data"]
    for partition in read.partitions():
        assert {tuple(batch.schema.names) for batch in read.read(partition)} == {("data",)}


def test_files_with_a_fault(spark: Any, tmp_path: Path) -> None:
    good = tmp_path / "a.sse"
    good.write_bytes(encode("x"))
    for number in range(2):  # one of them is larger than a partition
        (tmp_path / f"b{number}.html").write_bytes(b"<html>" + b"x" * 9000 * number)
    read = spark.read.format("sse").option("partitionSize", "4000")
    with pytest.raises(Exception, match="this is an HTML page"):
        read.load(str(tmp_path)).count()
    assert rows(read.option("strict", "false").load(str(tmp_path))) == serial(good)


def test_wrong_options(tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    path.write_bytes(BODY)
    for columns in ("data,model", "data,data", ""):
        with pytest.raises(ValueError, match="expected columns out of file, stream"):
            SseDataSource({"columns": columns}).schema()
    with pytest.raises(ValueError, match="expected a path"):
        SseDataSource({}).reader(SCHEMA)
    with pytest.raises(ValueError, match="partitionSize must be at least 1"):
        reader(path, partitionsize="0")
    with pytest.raises(ValueError, match="strict must be true or false, not 'maybe'"):
        reader(path, strict="maybe")
    from pyspark.sql.types import IntegerType, StructField, StructType

    wrong = StructType([StructField("data", IntegerType())])
    with pytest.raises(ValueError, match="not data:int"):
        SseDataSource({"path": str(path)}).reader(wrong)


def test_the_query(spark: Any, tmp_path: Path) -> None:
    """The query that the page shows for DuckDB and polars, on Spark."""
    write_recordings(tmp_path)
    recipe = run_recipe("scale_spark")
    frame = recipe["by_model"](spark, f"{tmp_path}/*.har")
    for row, figures in zip(frame.collect(), FIGURES, strict=True):
        model, expected, tokens = figures
        assert tuple(row) == (model, pytest.approx(expected), tokens)


def test_dask(tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    path.write_bytes(BODY)
    pytest.importorskip("dask", reason="dask is not installed")
    recipe = run_recipe("ranges_dask")
    frame = recipe["events"]([str(path), str(path)], 5)
    assert frame.npartitions == 10
    found = frame.compute(scheduler="synchronous")
    assert found["data"].tolist() == [event.data for event in parse(BODY)] * 2
