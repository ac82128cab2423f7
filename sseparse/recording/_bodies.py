"""Make bytes of the body that a document holds, in whatever way it is written there."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Any

from ._cursor import Cursor
from ._errors import RecordingError
from ._layers import layers
from ._recognise import looks_like, recognised

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from ._errors import Where

__all__ = ["StreamBody", "begins_as_stream", "stream_body"]

_BLOCK = 1 << 16  # bytes of the first block that are looked at
_OTHER_FIELDS = re.compile(
    rb"(?:\xef\xbb\xbf)?[\r\n]*[\w-]+:[^\r\n]*(?:\r\n|\r|\n)"
    rb"(?:[^\r\n]+(?:\r\n|\r|\n))*?(?:data|event):"
)
_BLANK_LINE = re.compile(rb"[^\r\n](?:\r\n|\r|\n)(?:\r[^\n]|\r\n|\n)")

_HEAD = 1 << 12  # characters, or bytes, that are looked at
_MAX_JOINED = 1 << 28  # characters: aliases in a list of lines could make any size of it

_BASE64 = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
# Where a document does not hold the body itself, but an object or what a serializer made of one.
_INSIDE = ("string", "text", "base64_string", "str", "data", "state")
_LATIN = frozenset({"iso-8859-1", "windows-1252", "latin-1", "latin1", "iso8859-1", "cp1252"})


class StreamBody:
    """The bytes of an event stream in a document.

    Attributes:
        data: The bytes as the document has them.
        is_text: Whether they stood there as text.
    """

    def __init__(self, data: bytes, names: list[str], is_text: bool) -> None:
        self.data = data
        self.names = names
        self.is_text = is_text

    def pieces(self, where: Where) -> Generator[bytes, None, None]:
        """Yield the stream: without its layers, or all at once if it has none."""
        return layers(_once(self.data), where)[1] if self.names else _once(self.data)


def stream_body(
    value: Any, where: Where, encoding: str = "", charset: str = ""
) -> StreamBody | None:
    """Return the event stream that a value is; None if it is something else.

    Args:
        value: What the document has as the body.
        where: Where that is.
        encoding: "base64", if the document says so.
        charset: The encoding of the text that the document names. A body that the recorder took
            for Latin-1 is text with one character for each byte.

    Raises:
        RecordingError: The value has too many parts.
    """
    for data, is_text in _ways(value, encoding.strip().lower(), charset.strip().lower(), where):
        try:
            names, pieces = layers(_once(data), where)
            if begins_as_stream(Cursor(pieces)):
                return StreamBody(data, names, is_text)
        except RecordingError:
            continue
    return None


def begins_as_stream(body: Cursor) -> bool:
    """Tell whether the body at a cursor is an event stream; take nothing, and wait for no more.

    One that is empty is none. One that begins with a field of another name is one if the same block
    has a field of an event.
    """
    head = body.head(_is_decided)[:_BLOCK]
    kind = looks_like(head) if head.strip() else ""
    return kind == "events" or (kind == "text" and _OTHER_FIELDS.match(head) is not None)


def _is_decided(head: bytes) -> bool:
    kind = recognised(head, False)
    if kind != "text":
        return kind is not None
    return len(head) >= _BLOCK or bool(_OTHER_FIELDS.match(head) or _BLANK_LINE.search(head))


def _ways(value: Any, encoding: str, charset: str, where: Where) -> Iterator[tuple[bytes, bool]]:
    """Yield each way to take the value as bytes, the likeliest first."""
    value = _unpacked(value, where)
    if isinstance(value, bytes):
        yield value, False
    if not isinstance(value, str):
        return
    if encoding == "base64":
        if (decoded := _base64(value)) is not None:
            yield decoded, False
    elif value:
        yield _encoded(value, charset), True
    head = value[:_HEAD]
    if head.lstrip()[:1] == "[":
        yield from _listed(value, where)
    elif _HEX.fullmatch(head[: len(head) & ~1]) and (unhexed := _hex(value)) is not None:
        yield unhexed, False
    if encoding != "base64" and _BASE64.fullmatch(head) and (decoded := _base64(value)) is not None:
        yield decoded, False


def _unpacked(value: Any, where: Where) -> Any:
    """Return the text or the bytes that a value holds."""
    for _ in range(3):
        if isinstance(value, dict):
            value = next((value[name] for name in _INSIDE if value.get(name) is not None), None)
        elif isinstance(value, list):
            value = _joined(value, where)
        else:
            break
    return value


def _joined(values: list[Any], where: Where) -> Any:
    """Return the lines, the pieces or the bytes of a list as one value; None if it is another."""
    if not values:
        return None
    if isinstance(values[0], bytes):
        # The state of an io.BytesIO: the bytes, the position, and no attributes.
        return values[0]
    if all(isinstance(value, str) for value in values):
        return _joined_texts(values, where)
    if all(type(value) is int and 0 <= value < 256 for value in values):
        return bytes(values)  # as Node.js writes a Buffer
    return None


def _joined_texts(texts: list[str], where: Where) -> str | bytes:
    """Return the text that the texts make up, or the bytes, if each was encoded on its own."""
    if sum(map(len, texts)) > _MAX_JOINED:
        raise where.error(f"the parts of the body are more than {_MAX_JOINED} characters")
    if len(texts) > 1 and all(map(_is_encoded, texts)):
        decode = _hex if all(map(_HEX.fullmatch, texts)) else _base64
        pieces = [piece for text in texts if (piece := decode(text)) is not None]
        if len(pieces) == len(texts):
            return b"".join(pieces)
    return "".join(texts)


def _is_encoded(text: str) -> bool:
    return bool(text) and bool(_HEX.fullmatch(text) or _BASE64.fullmatch(text))


def _listed(text: str, where: Where) -> Iterator[tuple[bytes, bool]]:
    """Yield what a list in JSON is, as Polly.JS writes bodies that are not text."""
    import json

    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(values, list):
        value = _joined(values, where)
        if isinstance(value, bytes):
            yield value, False
        elif isinstance(value, str):
            for decode in (_hex, _base64):
                if (decoded := decode(value)) is not None:
                    yield decoded, False


def _encoded(text: str, charset: str) -> bytes:
    """Return the bytes that a text stands for."""
    if text.startswith(("\x1f\x8b", "(\xb5/\xfd")) or (charset in _LATIN and not text.isascii()):
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            pass
    try:
        return text.encode("utf-8", "surrogateescape")  # as it was decoded
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")  # of half a character, which JSON can hold


def _base64(text: str) -> bytes | None:
    try:
        return binascii.a2b_base64(text)
    except ValueError:
        return None


def _hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _once(data: bytes) -> Generator[bytes, None, None]:
    yield data
