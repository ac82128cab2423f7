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
    """The recordings of a file: an iterator in the order of the file, and a context manager.

    Attributes:
        form: The form of the file and its compression, for example "VCR.py, gzip". "" before the
            first recording is read.
        skipped: A list with one line for each answer that the file calls an event stream, but whose
            body is missing or something else. The line has the place and the reason. The list is
            complete when the iterator has ended.
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
        """Stop reading the file.

        The recordings before remain readable, if the source can be read more than once.
        """
        self._recordings.close()

    @property
    def form(self) -> str:
        """The form of the file and its compression; "" before the first recording is read."""
        return self._reader.form

    @property
    def skipped(self) -> list[str]:
        """One line for each answer that is called an event stream and has no such body."""
        return list(self._reader.skipped)


def streams(
    source: str | os.PathLike[str] | BinaryFile | BytesLike,
    *,
    json_lines: bool = False,
    max_document: int = MAX_DOCUMENT,
) -> Streams:
    r"""Return an iterator of the event streams in a file, each as a Recording.

    The form is recognised by the first bytes. The name of the file, content types and headers do
    not count. A document (JSON, YAML, zip) is read whole. All other forms are read as they come, in
    constant memory. From a pipe, they give a recording as soon as its first bytes have arrived.

    Args:
        source: A path, a file opened in binary mode, or bytes. A file is read from its current
            position. If the bodies of a HAR are in separate files beside it, give the path of the
            HAR, or a file that was opened by this path.
        json_lines: Whether to read lines of JSON as an event stream. Each line is then the data of
            one event. A line that ``sseparse events`` printed also gives the type and the ID.
        max_document: The size of the largest document that is read, in bytes. Of a compressed
            document, the decompressed size counts.

    Raises:
        RecordingError: From the iterator: the file is broken, or has no form that is known. All
            recordings before the fault were returned first.
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
    """Reads one file, and makes its recordings. The modules of the forms use it.

    Attributes:
        form: The form of the file and its compression; "" before it is known.
        where: The file, for messages.
        cursor: The cursor of the first pass over the file.
        decoded: The source without its compression.
        skipped: As in ``Streams``.
        json_lines: As for ``streams``.
        max_document: As for ``streams``.
        folder: The folder of the file; None if it is not known.
        number: The number of recordings so far.
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
            self.where = Where(self._source.name, "", " of the decompressed data")
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
        """Set the form."""
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
        """Return a function that reads a part of the file again; None if that is not possible.

        Args:
            start: The offset of the part.
            frame: Takes a cursor at the start of the part, and yields the bytes of the part.
        """
        if not self.decoded.can_seek:
            return None
        return lambda: _untimed(frame(Cursor(self.decoded.open(start), start)))

    def whole_document(self) -> bytes:
        """Return all bytes from the cursor to the end of the file.

        Raises:
            RecordingError: There are more than ``max_document``.
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
    """Yield all bytes from the cursor to the end."""
    while piece := cursor.some():
        yield piece


def _untimed(pieces: Generator[bytes, None, None]) -> Iterator[tuple[int | None, bytes]]:
    for piece in pieces:
        yield None, piece
