"""What the head of an answer says about its body, for blocking and for asynchronous clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._http1 import body_of, decompressor_of
from ..completions._headers import Headers

if TYPE_CHECKING:
    from .._http1 import Body, Decompressor, Head


def opened(head: Head, method: str) -> tuple[Body, Decompressor | None, Headers]:
    """Return what undoes the framing and the compression of a body, and the headers.

    Without ``Content-Encoding`` where that is undone, so that the body is what the headers say.

    Raises:
        HttpError: The head contradicts itself, or announces what cannot be undone.
    """
    body = body_of(head, method)
    codings = [each for each in head.values("content-encoding") if each != "identity"]
    decompressor = decompressor_of(codings)
    fields = head.fields
    if decompressor is not None:
        fields = [field for field in fields if field[0].lower() != "content-encoding"]
    return body, decompressor, Headers(fields)
