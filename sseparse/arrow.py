"""Read recordings as columns, with one row for each event, for every tool that reads Arrow.

This module needs the extra ``arrow``: ``pip install 'sseparse[arrow]'``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

try:
    import pyarrow as pa
except ImportError as _error:
    raise ImportError(
        "sseparse.arrow needs pyarrow: pip install 'sseparse[arrow]'", name="pyarrow"
    ) from _error

from ._core import EventTooLargeError, Observer, Parser
from .recording import Range, RecordingError

if TYPE_CHECKING:
    from ._core import Item
    from .recording._ranges import Part

__all__ = ["SCHEMA", "Scan", "Unread", "scan"]

SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("stream", pa.int32()),
        ("url", pa.string()),
        ("status", pa.int32()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("type", pa.string()),
        ("data", pa.string()),
        ("last_event_id", pa.string()),
        ("arrival_ns", pa.int64()),
        ("read", pa.int64()),
    ]
)
"""The columns of a scan and their types; see ``scan``."""

# A batch ends after the read that reaches one of these. Small batches are joined up to _ROWS.
_ROWS = 16_384
_BYTES = 1024 * 1024  # at 4 MiB each event takes 1.5 times as long
# The most bytes in a batch for values that are the same in many rows, unless a single row needs
# more. A small file can have many of these rows.
_REPEATED = 32 * 1024 * 1024

Source = str | os.PathLike[str] | Range
Read = tuple[int, int | None, int]  # its number, its arrival, and how many events it completed


class Unread(NamedTuple):
    """A file that could not be read, or not to its end.

    Attributes:
        file: Its path.
        place: Where the fault is, as in ``RecordingError``; "" for the whole file.
        problem: What is wrong.
    """

    file: str
    place: str
    problem: str


class Scan:
    """The events of files as a table. Each reading begins at the start and keeps nothing in memory.

    polars, DuckDB, pandas, pyarrow and every other tool that knows ``__arrow_c_stream__`` read it
    directly.

    Attributes:
        schema: The columns, as a ``pyarrow.Schema``.
        errors: The files that could not be read to their end, in order. The list is complete when
            the table has been read, and empty again when a new reading begins.
    """

    def __init__(
        self, sources: list[Source], columns: Sequence[str], strict: bool, flush: bool
    ) -> None:
        self.schema: pa.Schema = pa.schema([SCHEMA.field(name) for name in columns])
        self.errors: list[Unread] = []
        self._sources = sources
        self._strict = strict
        self._flush = flush

    def __repr__(self) -> str:
        return f"<Scan of {len(self._sources)} files: {', '.join(self.schema.names)}>"

    def reader(self) -> pa.RecordBatchReader:
        """Return a new reader of the table.

        Its batches have up to some ten thousand rows. A raw file is read batch by batch, in
        constant memory.

        Raises:
            RecordingError: From the reader, if the scan is strict: a file is broken, or is no
                recording. The rows before the fault have been read.
            OSError: From the reader, if the scan is strict: a file cannot be opened or read.
        """
        return pa.RecordBatchReader.from_batches(self.schema, _joined(self._batches()))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return a new reading as a PyCapsule, for Arrow's C stream interface."""
        return self.reader().__arrow_c_stream__(requested_schema)

    def _batches(self) -> Generator[pa.RecordBatch, None, None]:
        errors = self.errors = []
        for source in self._sources:
            part = source if isinstance(source, Range) else Range(os.fspath(source))
            try:
                for stream in part.parts():
                    yield from _Stream(part.path, stream, self.schema).batches(self._flush)
            except (RecordingError, OSError) as error:
                if self._strict:
                    raise
                errors.append(_unread(part.path, error))


def scan(
    paths: Source | Iterable[Source],
    columns: Sequence[str] | None = None,
    *,
    strict: bool = False,
    flush: bool = False,
) -> Scan:
    r"""Return the events of recordings as a table, one row for each event, in order.

    The columns are:

    - ``file`` (string): the path;
    - ``stream`` (int32): the number of the stream in the file, from 1;
    - ``url`` (string), ``status`` (int32): those of the request and its answer, or null;
    - ``start``, ``end`` (int64): the position of the event's block in the stream, in bytes, as
      [start, end). For raw files that are not compressed, these are offsets in the file. Null if
      the file does not have the bytes of the stream. The LF of a CRLF that ends the block is not
      part of it;
    - ``type``, ``data``, ``last_event_id`` (string): as in ``sseparse.Event``;
    - ``arrival_ns`` (int64): the arrival of the read that completed the event, in ns since the
      request began; null if the form does not keep it;
    - ``read`` (int64): the number of that read in the stream, from 0; null like ``arrival_ns``.

    Args:
        paths: A file or several, in any form that ``sseparse.recording.streams`` reads. A
            ``sseparse.recording.Range`` is a part of a file.
        columns: The names of the columns, in order; None for all. Only these are made: ``type``,
            ``data`` and ``last_event_id`` alone take the least time.
        strict: Whether a file that cannot be read raises. If not, it is listed in ``errors``.
        flush: Whether to return an unfinished event at the end of a stream, too. Its ``end`` is
            where its blank line would end.

    Raises:
        FileNotFoundError: A path is a pattern such as ``*.sse``.
        TypeError: ``columns`` is a str, or ``paths`` contains something other than paths and
            ranges.
        ValueError: ``columns`` is empty, or has a name twice or one that is unknown.

    >>> import pathlib, tempfile
    >>> from sseparse.arrow import scan
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "a.sse")
    ...     _ = path.write_bytes(b"id: 7\ndata: 1\n\ndata: 2\n\n")
    ...     table = scan(path, ["start", "data", "last_event_id"]).reader().read_all()
    >>> for row in table.to_pylist():
    ...     print(row)
    {'start': 0, 'data': '1', 'last_event_id': '7'}
    {'start': 15, 'data': '2', 'last_event_id': '7'}
    """
    given = [paths] if isinstance(paths, (str, os.PathLike, Range)) else list(paths)
    for each in given:
        if not isinstance(each, (str, os.PathLike, Range)):
            raise TypeError(f"expected paths or ranges, not {type(each).__name__}")
        if isinstance(each, str) and set(each) & set("*?[") and not os.path.lexists(each):
            # Otherwise the table would be empty, and few programs read the list of errors.
            raise FileNotFoundError(
                f"there is no file {each!r}; a pattern is given as scan(glob.glob({each!r}))"
            )
    if isinstance(columns, str):
        raise TypeError("columns must be a list of names, not a str")
    names = SCHEMA.names if columns is None else list(columns)
    if not names:
        raise ValueError("expected one column at least")
    for name in names:
        if name not in SCHEMA.names:
            raise ValueError(f"there is no column {name!r}; there are {', '.join(SCHEMA.names)}")
        if names.count(name) > 1:
            raise ValueError(f"the column {name!r} is named twice")
    return Scan(given, names, strict, flush)


def _unread(file: str, error: RecordingError | OSError) -> Unread:
    if isinstance(error, RecordingError):
        return Unread(file, error.place, error.problem)
    return Unread(file, "", error.strerror or str(error))


class _Stream:
    """Make batches of one stream, or of a part of one.

    Attributes:
        size: How many bytes were fed since the last batch.
    """

    def __init__(self, file: str, part: Part, schema: pa.Schema) -> None:
        self.size = 0
        self._schema = schema
        self._part = part
        # The columns with the same value in each row.
        self._constants = {
            "file": _text(file),
            "stream": part.number,
            "url": part.url and _text(part.url),
            "status": part.status,
        }
        # An Event has no offsets; the item of a block takes a little longer.
        self._has_items = part.has_offsets and ("start" in schema.names or "end" in schema.names)
        new = partial(Observer, lines=False) if self._has_items else Parser
        self._parse: Callable[[bytes], list[Any]] = new(last_event_id=part.last_event_id).feed

    def batches(self, flush: bool) -> Generator[pa.RecordBatch, None, None]:
        """Yield the batches; a fault of the file is raised after the rows before it."""
        rows: list[Any] = []
        reads: list[Read] = []
        fault: Exception | None = None
        steps = self._part.fed(self._feed, self._carried, flush)
        while True:
            try:
                step = next(steps, None)
            except (RecordingError, OSError) as error:
                step, fault = None, error
            if step is not None:
                number, arrival, found = step
                rows += found
                reads.append((number, arrival, len(found)))
            if rows and (step is None or len(rows) >= _ROWS or self.size >= _BYTES):
                yield from self._made(rows, reads)
                rows, reads, self.size = [], [], 0
            if fault is not None:
                raise fault
            if step is None:
                return

    def _feed(self, data: bytes) -> list[Any]:
        self.size += len(data)
        return _with_data(self._parse(data)) if self._has_items else self._parse(data)

    def _carried(self, error: EventTooLargeError) -> list[Any]:
        return _with_data(error.items) if self._has_items else error.events

    def _made(self, rows: list[Any], reads: list[Read]) -> Iterator[pa.RecordBatch]:
        columns = {field: self._column(field.name, rows, reads) for field in self._schema}
        size = sum(_width(field.name, column) for field, column in columns.items())
        most = max(1, _REPEATED // max(1, size))
        for start in range(0, len(rows), most):
            end = min(start + most, len(rows))
            arrays = [
                pa.array(column[start:end], field.type)
                if isinstance(column, list)
                else pa.repeat(pa.scalar(column, field.type), end - start)
                for field, column in columns.items()
            ]
            yield pa.record_batch(arrays, schema=self._schema)

    def _column(self, name: str, rows: list[Any], reads: list[Read]) -> Any:
        """Return the values of a column as a list, or the one value that each row has."""
        values: list[Any]
        shift = self._part.shift
        if name == "data":
            return [row.data for row in rows]
        if name == "last_event_id":
            values = [row.last_event_id for row in rows]
        elif name == "type":
            values = [row.type for row in rows] if not self._has_items else _types(rows)
        elif name in ("start", "end"):
            if not self._has_items:
                return None
            if name == "end":
                return [row.end + shift for row in rows]
            return [row.block_start + shift for row in rows]
        elif name in ("arrival_ns", "read"):
            values = []
            for number, arrival, count in reads:
                value = number if name == "read" and arrival is not None else arrival
                values += [value] * count
        else:
            return self._constants[name]
        # One value takes a tenth of the time of a list, and most streams have one type and no ID.
        return values[0] if values.count(values[0]) == len(values) else values


def _types(items: list[Item]) -> list[str]:
    return [item.event or "message" for item in items]


def _with_data(items: list[Item]) -> list[Item]:
    """Return the items of blocks that are events."""
    return [item for item in items if item.data is not None]


def _width(name: str, column: Any) -> int:
    """Return how many bytes a row takes at most for a value that is the same in other rows."""
    if isinstance(column, str):
        return 4 * len(column)
    return 4 * max(map(len, column)) if name == "last_event_id" else 0


def _text(text: str) -> str:
    """Return a text that UTF-8 can encode; paths can contain bytes, and JSON half characters."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _joined(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Join batches of few rows, which many small files make."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    try:
        for batch in batches:
            if held and (rows + batch.num_rows > _ROWS or size + batch.nbytes > _BYTES):
                yield _one_batch(held)
                held, rows, size = [], 0, 0
            held.append(batch)
            rows += batch.num_rows
            size += batch.nbytes
    except (RecordingError, OSError):
        if held:
            yield _one_batch(held)
        raise
    if held:
        yield _one_batch(held)


def _one_batch(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    [batch] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return batch
