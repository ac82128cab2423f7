"""Get the bytes of a body from a document, in any of the encodings that documents use."""

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

_BLOCK = 1 << 16  # bytes; a longer first block is not searched to its end
_OTHER_FIELDS = re.compile(
    rb"(?:\xef\xbb\xbf)?[\r\n]*[\w-]+:[^\r\n]*(?:\r\n|\r|\n)"
    rb"(?:[^\r\n]+(?:\r\n|\r|\n))*?(?:data|event):"
)
_BLANK_LINE = re.compile(rb"[^\r\n](?:\r\n|\r|\n)(?:\r[^\n]|\r\n|\n)")

_HEAD = 1 << 12  # characters that are checked before the whole text is decoded
_MAX_JOINED = 1 << 28  # characters; a short list of YAML aliases can stand for a huge text

_BASE64 = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
# The body may be an object instead of a text. These are the fields of the object that contain the
# text or the bytes.
_INSIDE = ("string", "text", "base64_string", "str", "data", "state")
_LATIN = frozenset({"iso-8859-1", "windows-1252", "latin-1", "latin1", "iso8859-1", "cp1252"})


class StreamBody:
    """The bytes of an event stream in a document.

    Attributes:
        data: The bytes, still compressed if the document contains them so.
        names: The names of the layers, from the outside to the inside; see ``layers``.
        is_text: Whether the document contains them as plain text.
    """

    def __init__(self, data: bytes, names: list[str], is_text: bool) -> None:
        self.data = data
        self.names = names
        self.is_text = is_text

    def pieces(self, where: Where) -> Generator[bytes, None, None]:
        """Return an iterator of the stream's bytes, without the layers."""
        return layers(_once(self.data), where)[1] if self.names else _once(self.data)


def stream_body(
    value: Any, where: Where, encoding: str = "", charset: str = ""
) -> StreamBody | None:
    """Return a value as an event stream; None if the value is no event stream.

    Args:
        value: The body in the document.
        where: The place of the body, for messages.
        encoding: "base64" if the document names this encoding of the body.
        charset: The character encoding that the document names. If it is Latin-1, each character
            of the text is one byte of the body.

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
    """Tell whether the body at a cursor is an event stream. Take nothing.

    No more bytes are read than are needed to decide. An empty body is no event stream. If a body
    begins with a field that the standard does not have, it is an event stream if the same block has
    a field ``data`` or ``event``.
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
    """Yield the bytes for each encoding that the value may have, the most likely first.

    The second item of each pair tells whether the value is plain text.
    """
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
    """Return the text or the bytes inside an object or a list; other values as they are."""
    for _ in range(3):
        if isinstance(value, dict):
            value = next((value[name] for name in _INSIDE if value.get(name) is not None), None)
        elif isinstance(value, list):
            value = _joined(value, where)
        else:
            break
    return value


def _joined(values: list[Any], where: Where) -> Any:
    """Return the items of a list as one text or bytes; None if they have other types."""
    if not values:
        return None
    if isinstance(values[0], bytes):
        # The pickled state of an io.BytesIO: the bytes, the position, and None.
        return values[0]
    if all(isinstance(value, str) for value in values):
        return _joined_texts(values, where)
    if all(type(value) is int and 0 <= value < 256 for value in values):
        return bytes(values)  # as Node.js writes a Buffer
    return None


def _joined_texts(texts: list[str], where: Where) -> str | bytes:
    """Return the texts as one text; or as bytes, if each is Base64 or hexadecimal digits."""
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
    """Yield the bytes of a text that is a JSON list: Polly.JS writes binary bodies like this."""
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
    """Return the bytes of a text."""
    if text.startswith(("\x1f\x8b", "(\xb5/\xfd")) or (charset in _LATIN and not text.isascii()):
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            pass
    try:
        return text.encode("utf-8", "surrogateescape")  # json_document decodes with the same
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")  # JSON may contain single surrogates


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
