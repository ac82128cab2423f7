"""The errors of the completions client, below those of the exchange itself.

    sseparse.Error
    └── ExchangeError                      has partial and pending
        ├── TransportError           no connection, or the answer was cut off
        ├── TimedOutError            one of the four limits was reached
        ├── ServerError              has the server's message, code and type
        │   ├── StatusError          the answer is not a success
        │   └── StreamError          the answer is a success by its status and says otherwise
        │       └── ContentTypeError it is not what was asked for, but HTML, say
        └── TruncatedError           the stream ended well, but before its end
            └── EmptyStreamError     before its first event

Wrong arguments are a TypeError or a ValueError. All of these can be pickled.
"""

from __future__ import annotations

import re
from typing import Any

from .._http import ExchangeError
from ._models import dict_in

_SNIPPET = 200  # characters of a body or a message that stand in an error's text

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TITLE_WITHIN = 4096  # characters: the search is quadratic on a body made for it


class ServerError(ExchangeError):
    """The base of the errors that a server reports itself.

    Attributes:
        message: What the server says went wrong: from JSON, an HTML title, or plain text.
        code: The server's code for it, text or number; None if it gives none.
        type: The server's type of error; None if it gives none.
    """

    code: str | int | None = None
    type: str | None = None


class StatusError(ServerError):
    """Report an answer whose status is not a success.

    Attributes:
        status: The status code. Redirects are among them: they are not followed.
        body: The body as text, its first MiB at most.
        request_id: The server's name for the request; None if it gives none.
        retry_after: The seconds after which the server wants to be asked again; None if it says
            nothing.
    """

    status: int = 0
    body: str = ""
    request_id: str | None = None
    retry_after: float | None = None

    def __str__(self) -> str:
        hint = "; redirects are not followed" if 300 <= self.status < 400 else ""
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"status {self.status}: {_short(self.message)}{hint}{request}"


class StreamError(ServerError):
    """Report an answer that is a success by its status, and then says or shows an error.

    Attributes:
        data: The event, or the body, that says so, as it came.
    """

    data: str = ""

    def __str__(self) -> str:
        return f"error in the answer: {_short(self.message)}"


class ContentTypeError(StreamError):
    """Report an answer that is no event stream, or no JSON, where that was asked for.

    Attributes:
        expected: The content type that was asked for.
        got: The content type of the answer; "" if it gives none.
        first_bytes: How the body begins, 200 bytes at most.
    """

    expected: str = ""
    got: str = ""
    first_bytes: bytes = b""

    @classmethod
    def of(cls, expected: str, got: str, body: bytes) -> ContentTypeError:
        """Return the error for an answer with this body."""
        text = body.decode("utf-8", "replace")
        return cls(text, data=text, expected=expected, got=got, first_bytes=body[:_SNIPPET])

    def __str__(self) -> str:
        got = self.got or "no content type"
        return f"expected {self.expected}, got {got}, which begins {self.first_bytes!r}"


class TruncatedError(ExchangeError):
    """Report a stream whose body ended properly before the completion did."""


class EmptyStreamError(TruncatedError):
    """Report a successful answer without a single event: how some servers fail."""


def said(text: str) -> dict[str, Any]:
    """Return what a server says went wrong, as the message, code and type of an error.

    It finds them in the forms that servers use: an object under ``error``, or text there;
    ``detail`` or ``message`` at the top; an HTML page; plain text.
    """
    found: Any = dict_in(text)
    if found is None:
        title = _TITLE.search(text[:_TITLE_WITHIN])
        return {"message": (title[1] if title else text).strip()}
    error = found.get("error") or found
    if not isinstance(error, dict):
        return {"message": error if isinstance(error, str) else text}
    message = error.get("message") or error.get("detail")
    code, type_ = error.get("code"), error.get("type")
    return {
        "message": message if isinstance(message, str) else text,
        "code": code if isinstance(code, (str, int)) else None,
        "type": type_ if isinstance(type_, str) else None,
    }


def _short(text: str) -> str:
    """Return text that may stand in a line of its own: cut, and without control characters."""
    text = text if len(text) <= _SNIPPET else text[:_SNIPPET] + "..."
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
