"""Find the event streams in a file of any form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ._cursor import Cursor
from ._decoded import Decoded
from ._errors import Where
from ._recognise import FOREIGN, recognised
from ._recording import Body, Exchange, Recording
from ._source import BinaryFile, source_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator

    from typing_extensions import Self

    from .._core import BytesLike

__all__ = ["Reader", "Streams", "streams"]

MAX_DOCUMENT = 256 * 1024 * 1024


class Streams(Iterator[Recording]):
    """The recordings of a file, in its order, as an iterator and a context manager.

    Attributes:
        form: The form of the file, for example "VCR.py, gzip"; "" until the first step.
        skipped: What the file calls an event stream although it has no such body, each as one line
            with the place and the reason. Complete when the iterator has ended.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._recordings = reader.recordings()

    def __next__(self) -> Recording:
        return next(self._recordings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the search. Recordings that can be read again still can."""
        self._recordings.close()

    @property
    def form(self) -> str:
        """The form of the file, and what it is wrapped in; "" until the first step."""
        return self._reader.form

    @property
    def skipped(self) -> list[str]:
        """What the file calls an event stream although it holds no such body."""
        return list(self._reader.skipped)


def streams(
    source: str | os.PathLike[str] | BinaryFile | BytesLike,
    *,
    json_lines: bool = False,
    max_document: int = MAX_DOCUMENT,
) -> Streams:
    r"""Yield a Recording for each event stream that a file holds, in the order of the file.

    The first bytes decide what the form is; names, types and headers do not. Forms that are one
    document (JSON, YAML, zip) are read whole. All others are read as they come, in constant memory,
    and from a pipe a recording is yielded as soon as its first bytes have come.

    Args:
        source: A path; a file opened in binary mode, which is read from where it stands; or bytes.
            A HAR whose bodies are in files beside it needs a path, or a file opened by its path.
        json_lines: Whether to take lines of JSON as an event stream. Each line is the data of an
            event; lines as ``sseparse events`` prints them have type and ID, too.
        max_document: The largest document that is read, in bytes, after it was decompressed.

    Raises:
        RecordingError: From the iterator: the file is broken, or is nothing that is known to hold
            event streams. All recordings before the fault have been yielded.
        OSError: The file cannot be opened, or from the iterator: it cannot be read.
        TypeError: ``source`` has another type.
        ValueError: ``max_document`` is less than 1.

    >>> from sseparse.recording import streams
    >>> for recording in streams(b"data: 1\n\ndata: 2\n\n"):
    ...     print(recording.number, recording.form, len(list(recording.events())))
    1 raw body 2
    """
    if type(max_document) is not int:
        raise TypeError(f"max_document must be an int, not {type(max_document).__name__}")
    if max_document < 1:
        raise ValueError(f"max_document must be at least 1, not {max_document}")
    return Streams(Reader(source_of(source), json_lines, max_document))


class Reader:
    """Reads one file, and makes its recordings.

    The modules of the forms use it.

    Attributes:
        form: The form of the file, once it is known.
        where: The file, for messages.
        cursor: Where the first reading is.
        skipped: See ``Streams``.
        max_document: See ``streams``.
        folder: The folder of the file, if it is known.
        number: How many recordings there were.
    """

    cursor: Cursor
    decoded: Decoded

    def __init__(self, source: Any, json_lines: bool, max_document: int) -> None:
        self.form: str = ""
        self.skipped: list[str] = []
        self.where: Where = Where(source.name)
        self.json_lines = json_lines
        self.max_document = max_document
        self.folder: str | None = source.folder
        self._source = source
        self.number: int = 0

    def recordings(self) -> Generator[Recording, None, None]:
        """Yield the recordings of the file."""
        self.decoded = Decoded(self._source, self.where)
        if self.decoded.names:
            self.where = Where(self._source.name, "", " of what it holds")
        self.cursor = Cursor(self.decoded.live)
        head = self.cursor.head(lambda held: recognised(held, False) is not None)
        kind = recognised(head, True)
        if kind in FOREIGN:
            raise self.where.error(FOREIGN[kind])
        if kind in ("json", "yaml", "zip"):
            from ._document_files import read_document_file

            yield from read_document_file(self, kind)
        elif kind in ("http", "warc", "httprr"):
            from ._exchange_files import READERS

            yield from READERS[kind](self)
        else:
            self.set_form("raw body")
            again = (lambda: _untimed(self.decoded.open(0))) if self.decoded.can_seek else None
            yield self.recording(self.where, Exchange(), Body(again, _rest(self.cursor)))

    def set_form(self, name: str) -> None:
        """Take notice of the form."""
        self.form = ", ".join([name, *self.decoded.names])

    def recording(
        self, where: Where, exchange: Exchange, body: Body, damage: str = ""
    ) -> Recording:
        """Return the next recording."""
        self.number += 1
        return Recording(self.form, self.number, where, exchange, body, damage)

    def reopened(
        self, start: int, frame: Callable[[Cursor], Generator[bytes, None, None]]
    ) -> Callable[[], Iterator[tuple[int | None, bytes]]] | None:
        """Return what reads a part of the file again; None if that is not possible.

        Args:
            start: Where the part begins.
            frame: Yields the bytes of the part, given a cursor at its start.
        """
        if not self.decoded.can_seek:
            return None
        return lambda: _untimed(frame(Cursor(self.decoded.open(start), start)))

    def whole_document(self) -> bytes:
        """Return all that is left of the file.

        Raises:
            RecordingError: It is larger than ``max_document``.
        """
        size = None if self.decoded.names else self._source.size
        pieces: list[bytes] = []
        missing = self.max_document
        if size is None or size <= missing:
            while piece := self.cursor.some():
                missing -= len(piece)
                if missing < 0:
                    break
                pieces.append(piece)
            else:
                return b"".join(pieces)
        raise self.where.error(
            f"expected a document of at most {self.max_document} bytes (max_document); "
            "this one is larger"
        )


def _rest(cursor: Cursor) -> Generator[bytes, None, None]:
    """Yield all that is left."""
    while piece := cursor.some():
        yield piece


def _untimed(pieces: Generator[bytes, None, None]) -> Iterator[tuple[int | None, bytes]]:
    for piece in pieces:
        yield None, piece
