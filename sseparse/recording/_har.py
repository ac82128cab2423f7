"""Read the additional fields in the HAR files of browsers, and recognise damaged bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import encode
from ._recording import parsed_date

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._recording import Read

__all__ = ["chunk_sizes", "damage_of", "message_reads", "sized_reads"]

_NS_IN_MS = 1_000_000
_NS_IN_S = 1_000_000_000
_MAX_TIME = 1e13  # in ms or s: hundreds of years


def chunk_sizes(entry: Any) -> list[tuple[int, int]]:
    """Return a pair for each read: its arrival, in ns since the request began, and its size.

    chrome-har writes them as ``_chunks``, with the time in ms and the size in decompressed bytes.
    An empty list if there are none, or one of them has no time or size.
    """
    chunks = entry.get("_chunks")
    if not isinstance(chunks, list):
        return []
    found = []
    for chunk in chunks:
        chunk = chunk if isinstance(chunk, dict) else {}
        time, size = _number(chunk.get("ts")), _number(chunk.get("bytes"))
        if time is None or size is None or size != int(size) or size < 0:
            return []
        found.append((round(time * _NS_IN_MS), int(size)))
    return found


def sized_reads(data: bytes, sizes: list[tuple[int, int]]) -> Iterator[Read]:
    """Yield the bytes in reads of the given sizes. The sum of the sizes is that of the bytes."""
    at = 0
    for arrival, size in sizes:
        if size:
            yield arrival, data[at : at + size]
            at += size


def message_reads(entry: Any) -> list[Read] | None:
    """Return a read for each message in ``_eventSourceMessages``; None if there is no message.

    Chrome's DevTools write them. A message has the fields of an event, not its bytes, so the bytes
    of the read are made from these.
    """
    messages = entry.get("_eventSourceMessages")
    if not isinstance(messages, list) or not messages:
        return None
    started = parsed_date(entry.get("startedDateTime") if isinstance(entry, dict) else None)
    start = _ns(started.timestamp()) if started else None
    reads: list[Read] = []
    last_id = ""
    for message in messages:
        if not isinstance(message, dict):
            continue
        time = _number(message.get("time"))
        arrival = None if time is None else _ns(time)
        if start is None:
            start = arrival
        name, data, id = (_text(message.get(key)) for key in ("eventName", "data", "eventId"))
        # A browser never writes line ends or a NUL here, but a hostile file may contain them.
        name = "".join(name.splitlines())
        id = "".join(id.splitlines()).replace("\0", "")
        block = encode(
            data,
            type=None if name in ("", "message") else name,
            id=None if id == last_id else id,
        )
        last_id = id
        reads.append((None if arrival is None or start is None else arrival - start, block))
    return reads or None


def damage_of(data: bytes, creator: str) -> str:
    """Return a description of the damage in a body that the file contains as text; "" for none."""
    if b"\xef\xbf\xbd" in data:
        return "the text has U+FFFD in place of bytes that were not UTF-8, or that were cut apart"
    if creator == "Playwright" and _is_latin(data.decode("utf-8", "replace")):
        return (
            "the text is UTF-8 that was read as Latin-1; Playwright does this with the streams of "
            "an EventSource"
        )
    return ""


def _is_latin(text: str) -> bool:
    """Tell whether a text that is not ASCII is UTF-8 that was read as windows-1252."""
    if text.isascii():
        return False
    # windows-1252 has no character for some bytes. They were read as the character with the number
    # of the byte.
    table = {
        ord(char): char.encode("cp1252", "ignore").decode("latin-1") or char for char in set(text)
    }
    try:
        text.translate(table).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return False
    return True


def _number(value: Any) -> float | None:
    """Return a number, also from a text, because YAML is read as text; None for other values."""
    if isinstance(value, str) and len(value) < 40:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -_MAX_TIME < value < _MAX_TIME else None


def _ns(seconds: float) -> int:
    return round(seconds * _NS_IN_S)


def _text(value: Any) -> str:
    """Return a text without surrogates, which cannot be encoded as UTF-8; "" for no text."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
