"""HTTP/1.1 messages without I/O: heads, the framing of bodies, and their compression.

The clients read answers with it, and ``sseparse.recording`` reads files that contain such bytes.
Nothing here knows sockets, events or JSON. The rules are those of RFC 9112. Like browsers, it is
tolerant in places that do not matter for the result.
"""

from __future__ import annotations

from ._body import Body, ChunkedBody, SizedBody, UnsizedBody, begins_chunked, body_of
from ._compression import Decompressor, decompressor_of
from ._errors import HttpError
from ._head import MAX_FIELDS, MAX_HEAD_SIZE, Head, HeadReader, parse_fields, parse_head

__all__ = [
    "MAX_FIELDS",
    "MAX_HEAD_SIZE",
    "Body",
    "ChunkedBody",
    "Decompressor",
    "Head",
    "HeadReader",
    "HttpError",
    "SizedBody",
    "UnsizedBody",
    "begins_chunked",
    "body_of",
    "decompressor_of",
    "parse_fields",
    "parse_head",
]
