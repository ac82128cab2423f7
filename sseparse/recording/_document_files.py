"""Read the files that are one document: JSON, YAML, and zip files that contain a HAR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._beside import files_in
from ._bodies import StreamBody, stream_body
from ._documents import (
    Form,
    bodies,
    exchange_of,
    exchanges,
    field,
    first,
    form_of,
    name_of,
    pairs_of,
)
from ._errors import RecordingError
from ._har import chunk_sizes, damage_of, message_reads, sized_reads
from ._json import data_lines, is_own_line, json_document
from ._recognise import FOREIGN, is_settings, looks_like
from ._recording import Body

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from ._errors import Where
    from ._recording import Read, Recording
    from ._streams import Reader

    # A function that returns the bytes of a file beside the document, or as text the reason why the
    # file cannot be read.
    Files = Callable[[str], bytes | str]

__all__ = ["read_document_file"]

_SKIPPED = 1000  # lines in Streams.skipped
_SHOWN = 200  # characters of the name of a file in such a line
_HEAD = 4096  # characters, or bytes, of a body that are looked at to tell what it is


def read_document_file(reader: Reader, kind: str) -> Generator[Recording, None, None]:
    """Yield the event streams of the document at the reader's cursor."""
    if kind == "json" and reader.json_lines:
        from ._data_lines import lines_recording

        if recording := lines_recording(reader):
            yield recording
            return
    data = reader.whole_document()
    files = files_in(reader.folder, reader.where, reader.max_document)
    if kind == "zip":
        from ._zip import har_files

        for name, har, beside in har_files(data, reader.where, reader.max_document):
            where = reader.where.within(name)
            yield from _read(reader, json_document(har, where), where, beside)
    elif kind == "yaml":
        from ._yaml import yaml_documents

        yield from _read(reader, yaml_documents(data, reader.where), reader.where, files)
    else:
        try:
            yield from _read(reader, json_document(data, reader.where), reader.where, files)
        except RecordingError:
            if reader.number:
                raise
            if is_settings(data):
                raise reader.where.error(FOREIGN["ini"]) from None
            if lines := data_lines(data):
                raise _lines_error(data, lines, reader.where) from None
            raise


def _lines_error(data: bytes, lines: int, where: Where) -> RecordingError:
    """Return the error for a file with lines of JSON, if ``json_lines`` is false."""
    line = data.lstrip().partition(b"\n")[0]
    what = (
        "as sseparse events prints them"
        if is_own_line(line)
        else "perhaps each the data of an event"
    )
    return where.error(
        f"this is no event stream, but {lines} line{'s' * (lines > 1)} of JSON, {what}; "
        "json_lines=True reads each line as an event"
    )


def _read(
    reader: Reader, documents: Iterator[Any], where: Where, files: Files
) -> Generator[Recording, None, None]:
    """Yield the event streams of the documents in a file."""
    is_known = False
    number = 0
    for document in documents:
        number += 1
        form = form_of(document)
        if form is None:
            continue
        reader.set_form(name_of(form, document))
        part = f"document {number}" if number > 1 else ""
        before = reader.number, len(reader.skipped)
        yield from _exchanges(reader, document, form, where.within(part) if part else where, files)
        is_known |= not form.is_general or before != (reader.number, len(reader.skipped))
    if not is_known:
        raise where.error(
            "this is JSON or YAML, but no recording of a known form; "
            "no field of it is the body of an answer"
        )


def _exchanges(
    reader: Reader, document: Any, form: Form, where: Where, files: Files
) -> Generator[Recording, None, None]:
    """Yield the event streams of one document."""
    creator = field(document, "log.creator.name") if form.name == "HAR" else ""
    is_list = form.each or isinstance(document, list)
    for index, value in enumerate(exchanges(document, form) or []):
        if not isinstance(value, dict):
            continue
        here = where.within(f"{form.each}[{index}]") if is_list else where
        found = _stream_of(value, form, here, files)
        if found is not None:
            damage = damage_of(found.data, str(creator)) if found.is_text else ""
            sizes = chunk_sizes(value) if form.name == "HAR" else []
            body = Body(_opener(found, sizes, here))
            yield reader.recording(here, exchange_of(value, form), body, damage)
        elif form.name == "HAR" and (reads := message_reads(value)):
            damage = "the browser kept only the events; comments and the original lines are lost"
            body = Body(lambda reads=reads: iter(reads), is_made=True)  # type: ignore[misc]
            yield reader.recording(here, exchange_of(value, form), body, damage)
        elif len(reader.skipped) < _SKIPPED and (reason := _why_skipped(value, form, files)):
            reader.skipped.append(f"{here.part or 'answer'}: {reason}")


def _stream_of(value: Any, form: Form, where: Where, files: Files) -> StreamBody | None:
    """Return the event stream of an exchange; None if it has none."""
    encoding = field(value, form.encoding) if form.encoding else ""
    charset = field(value, form.charset) if form.charset else ""
    for each in bodies(value, form):
        found = stream_body(
            each,
            where,
            encoding if isinstance(encoding, str) else "",
            charset if isinstance(charset, str) else "",
        )
        if found is not None:
            return found
    if name := _attached(value, form):
        data = files(name)
        return stream_body(data, where) if isinstance(data, bytes) else None
    return None


def _attached(value: Any, form: Form) -> str:
    """Return the name of the file beside a HAR that contains the body; "" if there is none."""
    name = field(value, "response.content._file") if form.name == "HAR" else ""
    return name if isinstance(name, str) else ""


def _opener(
    body: StreamBody, sizes: list[tuple[int, int]], where: Where
) -> Callable[[], Iterator[Read]]:
    if sizes and not body.names and sum(size for _, size in sizes) == len(body.data):
        return lambda: sized_reads(body.data, sizes)
    return lambda: ((None, piece) for piece in body.pieces(where))


def _why_skipped(value: Any, form: Form, files: Files) -> str:
    """Return why an answer with the type of event streams has no stream; "" for other types."""
    headers = pairs_of(first(value, form.headers))
    kinds = [text for name, text in headers if name.lower() == "content-type"]
    kinds += [text for name, text in pairs_of({"t": field(value, "response.content.mimeType")})]
    if not any("event-stream" in kind.lower() for kind in kinds):
        return ""
    found = next((each for each in bodies(value, form) if each), None)
    if found is None and (name := _attached(value, form)):
        found = files(name)
        if isinstance(found, str):
            return f"an event stream whose body is in the file {name[:_SHOWN]!r}, {found}"
    if not found:
        return "an event stream whose body was not kept"
    if isinstance(found, str):
        found = found[:_HEAD].encode("utf-8", "replace")
    what = looks_like(found[:_HEAD]) if isinstance(found, bytes) else "something else"
    return f"called an event stream, but its body is {what}"
