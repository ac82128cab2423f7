"""How to read a body, from the head of its answer. For both clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._http1 import body_of, decompressor_of
from ..completions._headers import Headers

if TYPE_CHECKING:
    from .._http1 import Body, Decompressor, Head


def opened(head: Head, method: str) -> tuple[Body, Decompressor | None, Headers]:
    """Return the readers of a body's framing and compression, and the headers.

    If the body will be decompressed, the headers have no ``Content-Encoding``, so that they
    describe the bytes that the user gets.

    Raises:
        HttpError: The head contradicts itself, or announces a framing that is not supported.
    """
    body = body_of(head, method)
    codings = [each for each in head.values("content-encoding") if each != "identity"]
    decompressor = decompressor_of(codings)
    fields = head.fields
    if decompressor is not None:
        fields = [field for field in fields if field[0].lower() != "content-encoding"]
    return body, decompressor, Headers(fields)
