"""Measure how long it takes to make columns of recordings, in one process, in two, and by task.

    python -m benchmarks.scale

Raw files of chat and Anthropic events are read from the page cache. sseparse makes the columns
type, data and last_event_id. All ratios are to httpx-sse's decoders, which make events and no
columns. Two more rows are a loop that looks for ``data:`` and calls json.loads, and DuckDB's own
reader of text files, which does not know events. Times of one process are processor time.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sseparse
from sseparse.recording import Range, split

from .. import arguments
from ..contestants.peers import YARDSTICK, peers
from ..parsers.header import header
from ..parsers.measure import CLOCK
from ..parsers.streams import anthropic, chat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

STREAMS = {"chat": chat, "anthropic": anthropic}
COLUMNS = ["type", "data", "last_event_id"]
READ = 64 * 1024
LINES = (
    "select count(*) from read_csv(?, columns = {'line': 'varchar'}, delim = '\x1f', quote = '', "
    "escape = '', header = false, auto_detect = false) where starts_with(line, 'data: ')"
)


def main(argv: Sequence[str] | None = None) -> int:
    parser = arguments.parser("benchmarks.scale", __doc__)
    parser.add_argument(
        "--megabytes", type=arguments.positive, default=256, help="size of a raw file"
    )
    parser.add_argument("--rounds", type=arguments.positive, default=5, help="5 by default")
    parser.add_argument(
        "--files", type=arguments.positive, default=10_000, help="the largest number of small files"
    )
    args = parser.parse_args(argv)
    found, missing = peers([YARDSTICK])
    for name in ("pyarrow", "duckdb"):
        try:
            import_module(name)
        except ImportError:
            missing[name] = f"{name} is not installed"
    if missing:
        print("; ".join(missing.values()), file=sys.stderr)
        return 1
    build = "compiled" if sseparse._core.COMPILED else "pure"
    for name, value in header(build, args.rounds, found, {}).items():
        print(f"{name}: {value}")
    print(f"load before the run: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        for name, make in STREAMS.items():
            path = Path(folder, f"{name}.sse")
            events = _write(path, b"".join(block.wire for block in make(2000)), args.megabytes)
            _one_process(name, path, events, args.rounds)
            _two_processes(path, args.rounds)
        _small_files(Path(folder, "small"), args.files)
    return 0


def _write(path: Path, piece: bytes, megabytes: int) -> int:
    """Write a piece of 2,000 events until the file is large enough, and return the events."""
    number = max(1, megabytes * 1_000_000 // len(piece))
    with path.open("wb") as file:
        file.writelines(repeat(piece, number))
    return 2000 * number


def _one_process(name: str, path: Path, events: int, rounds: int) -> None:
    size = path.stat().st_size
    ways: dict[str, Callable[[Path], int]] = {
        f"{YARDSTICK}, events only": _yardstick,
        "sseparse, events only": _parser,
        f"sseparse.arrow, {', '.join(COLUMNS)}": _scan,
        "sseparse.arrow, all columns": _scan_all,
        "a loop with json.loads": _loop,
        "DuckDB's reader of lines": _duckdb,
        "split into 8 ranges": _split,
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            start = _now()
            count = run(path)
            times[way].append(_now() - start)
            assert count == events or run is _split, (way, count)
    print(f"\n{name}: {events:,} events, {size / 1e6:.0f} MB, one process")
    base = min(times[f"{YARDSTICK}, events only"])
    for way, each in times.items():
        best = min(each)
        print(
            f"  {way:46} {best / events * 1e9:7.0f} ns/event {size / best / 1e6:6.0f} MB/s"
            f" {base / best:6.1f} times as fast as httpx-sse"
            f" (median {statistics.median(each):.2f} s)"
        )


def _now() -> float:
    return time.process_time() if CLOCK == "process_time" else time.perf_counter()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while data := file.read(READ):
            yield data


def _yardstick(path: Path) -> int:
    [contestant], _ = peers([YARDSTICK])
    return sum(1 for batch in contestant.batches(_chunks(path)) for _ in batch)


def _parser(path: Path) -> int:
    feed = sseparse.Parser().feed
    return sum(len(feed(chunk)) for chunk in _chunks(path))


def _scan(source: Path | Range) -> int:
    from sseparse.arrow import scan

    return sum(batch.num_rows for batch in scan(source, COLUMNS, strict=True).reader())


def _scan_all(path: Path) -> int:
    from sseparse.arrow import scan

    return sum(batch.num_rows for batch in scan(path, strict=True).reader())


def _loop(path: Path) -> int:
    count = 0
    with path.open("rb") as file:
        for line in file:
            if line.startswith(b"data: "):
                json.loads(line[6:])
                count += 1
    return count


def _duckdb(path: Path) -> int:
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        [(count,)] = connection.execute(LINES, [str(path)]).fetchall()
    return int(count)


def _split(path: Path) -> int:
    return len(split(path, 8))


def _two_processes(path: Path, rounds: int) -> None:
    """Compare two processes with one, by the time that passes."""
    one: list[float] = []
    two: list[float] = []
    ranges = split(path, 8)
    with ProcessPoolExecutor(1) as single, ProcessPoolExecutor(2) as double:
        for pool, number in ((single, 1), (double, 2)):
            list(pool.map(_warm, range(number * 4)))
        for _ in range(rounds):
            for pool, times in ((single, one), (double, two)):
                start = time.perf_counter()
                sum(pool.map(_scan, ranges))
                times.append(time.perf_counter() - start)
    best = f"{min(one):.2f} s in one process, {min(two):.2f} s in two"
    print(f"  {best}: {min(one) / min(two):.2f} times as fast (the time that passes)")


def _warm(_: int) -> None:
    import_module("sseparse.arrow")
    time.sleep(0.05)  # so that no process takes the work of the others


def _small_files(folder: Path, most: int) -> None:
    """Measure tasks over small cassettes, as the data source of Spark makes them."""
    source: Any = None
    with contextlib.suppress(ImportError):
        from sseparse.spark import SseDataSource

        source = SseDataSource
    from sseparse.arrow import SCHEMA, scan

    print("\ncassettes of one stream with 20 events, 5 kB, as tasks of Spark's data source")
    if source is None:
        print("  pyspark is not installed: no tasks are made, and all files are one")
    folder.mkdir()
    written = 0
    for number in (100, 1000, 10_000):
        if number > most:
            break
        for each in range(written, number):
            _write_cassette(folder / f"{each:05}.json")
        written = number
        start = time.perf_counter()
        if source is None:
            paths = [sorted(map(str, folder.iterdir()))]
        else:
            partitions = source({"path": str(folder)}).reader(SCHEMA).partitions()
            paths = [partition.value for partition in partitions]
        planned = time.perf_counter() - start
        start = _now()
        rows = 0
        for task in paths:
            rows += sum(batch.num_rows for batch in scan(task, COLUMNS, strict=True).reader())
        took = _now() - start
        assert rows == 20 * number
        print(
            f"  {number:6,} files: {len(paths):3} tasks, planned in {planned * 1e3:.0f} ms; "
            f"{took / len(paths):.3f} s a task, {took / number * 1e6:.0f} us a file"
        )


def _write_cassette(path: Path) -> None:
    body = b"".join(block.wire for block in chat(20)).decode()
    request = {"method": "POST", "uri": "https://api.example.com/v1/chat/completions"}
    response = {"status": {"code": 200}, "headers": {}, "body": {"string": body}}
    interactions = [{"request": request, "response": response}]
    path.write_text(json.dumps({"version": 1, "interactions": interactions}), encoding="utf-8")
