"""Read recordings with Apache Spark 4, and with engines that have the protocol Spark Connect.

This module needs pyspark or pyspark-client, and on each worker the extra ``arrow``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import Any

from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from .recording import Range, RecordingError, split

__all__ = ["SseDataSource"]

_PARTITION_SIZE = 64 * 1024 * 1024  # bytes
# The bytes that a file counts as at least. Opening a small file takes time, so a partition should
# not have too many.
_OPENING = 256 * 1024

_TYPES = {"string": "string", "int32": "int", "int64": "bigint"}


class SseDataSource(DataSource):  # type: ignore[misc]
    """Recordings as a table, one row for each event: the columns of ``sseparse.arrow.scan``.

    ``spark.dataSource.register(SseDataSource)`` makes it the format "sse". Then
    ``spark.read.format("sse").load("recordings/*.sse")`` reads files in any form. The path is a
    file, a folder with all its files, or a pattern with ``*``, ``?`` and ``**``. Every worker must
    see the files under the same path. ``load`` takes several paths as a list; on Sail give them as
    the option ``paths``, a list in JSON. ``sseparse.recording.split`` cuts large files, which the
    driver reads once for that; small ones share a partition.

    Spark does not report which columns a query needs. Name them in the option ``columns``, or with
    ``schema("type string, data string")``, because only these are made.

    The options are:

    - ``columns``: the names of the columns, with commas between them; all by default;
    - ``partitionSize``: the bytes of a partition, 64 MiB by default;
    - ``strict``: "false" leaves out files that cannot be read, and everything after a fault.
      Otherwise these make the query fail;
    - ``flush``: "true" also returns an unfinished event at the end of a stream.

    Raises:
        ValueError: From Spark's analysis of the query: an option or the schema is wrong.
        FileNotFoundError: When the query is planned: there is no such file.
        RecordingError: From a task: a file is broken, or is no recording.
    """

    @classmethod
    def name(cls) -> str:
        """Return the name of the format."""
        return "sse"

    def schema(self) -> str:
        """Return the columns and their types."""
        types = _columns()
        wanted = [name.strip() for name in self.options.get("columns", ",".join(types)).split(",")]
        for name in wanted:
            if name not in types or wanted.count(name) > 1:
                raise ValueError(f"expected columns out of {', '.join(types)}, not {name!r}")
        return ", ".join(f"`{name}` {types[name]}" for name in wanted)

    def reader(self, schema: Any) -> DataSourceReader:
        """Return a reader of the columns of the schema."""
        return _Reader(self.options, schema)


class _Reader(DataSourceReader):  # type: ignore[misc]
    def __init__(self, options: Mapping[str, str], schema: Any) -> None:
        types = _columns()
        self._names = list(schema.names)
        for field in getattr(schema, "fields", ()):  # Sail gives a schema of pyarrow
            if types.get(field.name) != field.dataType.simpleString():
                raise ValueError(f"expected columns out of {types}, not {field.simpleString()}")
        self._paths = json.loads(options.get("paths", "[]"))  # load() with a list
        if "path" in options:
            self._paths = [options["path"]]
        if not self._paths:
            raise ValueError("expected a path: load(path)")
        self._size = int(options.get("partitionsize", _PARTITION_SIZE))
        if self._size < 1:
            raise ValueError(f"partitionSize must be at least 1, not {self._size}")
        self._is_strict = _flag(options, "strict", "true")
        self._does_flush = _flag(options, "flush", "false")

    def partitions(self) -> Sequence[InputPartition]:
        """Return lists of files and ranges, each of about the size of a partition."""
        made: list[list[str | Range]] = []
        room = 0
        for path in _files(self._paths):
            size = Path(path).stat().st_size
            for part in _parts(path, -(-size // self._size)):
                weight = max(part.end - (part.start or 0) if part.end else size, _OPENING)
                if weight > room:
                    made.append([])
                    room = max(self._size, weight)
                made[-1].append(part)
                room -= weight
        return [InputPartition(parts) for parts in made]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """Yield the events of a partition as batches."""
        from .arrow import scan

        found = scan(partition.value, self._names, strict=self._is_strict, flush=self._does_flush)
        yield from found.reader()


def _columns() -> dict[str, str]:
    """Return Spark's name for the type of each column."""
    from .arrow import SCHEMA

    return {field.name: _TYPES[str(field.type)] for field in SCHEMA}


def _flag(options: Mapping[str, str], name: str, default: str) -> bool:
    value = options.get(name, default).lower()
    if value not in ("true", "false"):
        raise ValueError(f"{name} must be true or false, not {value!r}")
    return value == "true"


def _files(paths: list[str]) -> list[str]:
    """Return the files that the paths name, in order."""
    found = []
    for path in paths:
        named = [path] if os.path.lexists(path) else sorted(glob(path, recursive=True))  # noqa: PTH207
        if not named:
            raise FileNotFoundError(f"no file: {path}")
        for name in named:
            below = Path(name).rglob("*") if Path(name).is_dir() else [Path(name)]
            found += sorted(str(file) for file in below if not file.is_dir())
    return found


def _parts(path: str, n: int) -> list[Range]:
    """Return n ranges of a file; a file with a fault is one, and its task reports the fault."""
    try:
        return split(path, n) if n > 1 else [Range(path)]
    except RecordingError:
        return [Range(path)]
