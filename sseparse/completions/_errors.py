"""The errors of a completion, and of its exchange.

    sseparse.Error
    └── ExchangeError                has partial, pending and timing
        ├── TransportError           no connection, or the answer was cut off
        ├── TimedOutError            a time limit was reached
        ├── ServerError              has the server's message, code and type
        │   ├── StatusError          the status of the answer is not a success
        │   └── StreamError          the status is a success, and the body reports an error
        │       └── ContentTypeError the body is not what was asked for, but HTML, for example
        └── TruncatedError           the body ended properly, but before the completion did
            └── EmptyStreamError     before a single choice

Wrong arguments raise a TypeError or a ValueError. All of these errors can be pickled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core import Error
from ._text import shown

if TYPE_CHECKING:
    from .._core import Pending
    from ._models import Completion
    from ._timing import Timing

_FIRST_BYTES = 200  # bytes of a body that an error shows


class ExchangeError(Error):
    """The base of the errors of an exchange.

    Attributes:
        message: What went wrong.
        partial: The part of a completion that arrived; None if there is no completion.
        pending: The unfinished event at the end of the body; None if there was none.
        timing: When the parts of the exchange happened; None if they were not measured.
    """

    _may_pass = True  # whether the same request may succeed when it is sent again; by a transport

    def __init__(
        self,
        message: str = "",
        *,
        partial: Completion | None = None,
        pending: Pending | None = None,
        timing: Timing | None = None,
    ) -> None:
        super().__init__(message)
        self.message: str = message
        self.partial: Completion | None = partial
        self.pending: Pending | None = pending
        self.timing: Timing | None = timing


class TransportError(ExchangeError):
    """There was no connection, or it ended before the answer was whole."""


class TimedOutError(ExchangeError):
    """A time limit was reached.

    Attributes:
        limit: Which limit of a ``Timeout``: "connect", "idle", "event_idle" or "deadline"; "" for a
            limit of another transport.
    """

    def __init__(
        self,
        message: str = "",
        *,
        limit: str = "",
        partial: Completion | None = None,
        pending: Pending | None = None,
        timing: Timing | None = None,
    ) -> None:
        super().__init__(message, partial=partial, pending=pending, timing=timing)
        self.limit: str = limit


class ServerError(ExchangeError):
    """The base of the errors that a server reports.

    Attributes:
        message: The server's message: from JSON, the title of an HTML page, or plain text.
        code: The server's code for the error, text or number; None if it gives none.
        type: The server's type of the error; None if it gives none.
    """

    def __init__(
        self,
        message: str = "",
        *,
        code: str | int | None = None,
        type: str | None = None,
        partial: Completion | None = None,
        pending: Pending | None = None,
        timing: Timing | None = None,
    ) -> None:
        super().__init__(message, partial=partial, pending=pending, timing=timing)
        self.code: str | int | None = code
        self.type: str | None = type


class StatusError(ServerError):
    """The status of the answer is not a success.

    Attributes:
        status: The status code. A redirect is an error, too: the client does not follow it.
        body: The body as text, its first MiB at most.
        request_id: The server's name for the request; None if it gives none.
        retry_after: The seconds after which the client should ask again; None if the server gives
            none.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 0,
        body: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
        code: str | int | None = None,
        type: str | None = None,
        timing: Timing | None = None,
    ) -> None:
        super().__init__(message, code=code, type=type, timing=timing)
        self.status: int = status
        self.body: str = body
        self.request_id: str | None = request_id
        self.retry_after: float | None = retry_after

    def __str__(self) -> str:
        hint = "; redirects are not followed" if 300 <= self.status < 400 else ""
        request = f" (request {shown(self.request_id)})" if self.request_id else ""
        return f"status {self.status}: {shown(self.message)}{hint}{request}"


class StreamError(ServerError):
    """The status of the answer is a success, but the body reports an error or cannot be read.

    Attributes:
        data: The event or the body with the error, as the server sent it.
    """

    def __init__(
        self,
        message: str = "",
        *,
        data: str = "",
        code: str | int | None = None,
        type: str | None = None,
        partial: Completion | None = None,
        pending: Pending | None = None,
        timing: Timing | None = None,
    ) -> None:
        super().__init__(
            message, code=code, type=type, partial=partial, pending=pending, timing=timing
        )
        self.data: str = data

    def __str__(self) -> str:
        return f"error in the answer: {shown(self.message) or 'the server gives no reason'}"


class ContentTypeError(StreamError):
    """The request asked for an event stream or a JSON object, and the body is something else.

    Attributes:
        expected: The content type that the request asked for.
        got: The content type of the answer; "" if it gives none.
        encoding: The content encoding that the body still has; "" if it has none.
        first_bytes: How the body begins, 200 bytes at most.
    """

    def __init__(
        self,
        message: str = "",
        *,
        expected: str = "",
        got: str = "",
        encoding: str = "",
        body: bytes = b"",
        timing: Timing | None = None,
    ) -> None:
        super().__init__(message, data=body.decode("utf-8", "replace"), timing=timing)
        self.expected: str = expected
        self.got: str = got
        self.encoding: str = encoding
        self.first_bytes: bytes = body[:_FIRST_BYTES]

    def __str__(self) -> str:
        got = shown(self.got) or "no content type"
        if self.encoding:
            got += f" in the content encoding {shown(self.encoding)}, which was not decoded"
        return f"expected {self.expected}, got {got}; the body begins {self.first_bytes!r}"


class TruncatedError(ExchangeError):
    """The body ended properly, before the completion did."""


class EmptyStreamError(TruncatedError):
    """The status is a success, but there is not a single choice: some servers fail in this way."""


def lost(is_limit: bool, cause: BaseException | None) -> ExchangeError:
    """Return the error for a transport that failed, or that reached a time limit."""
    if isinstance(cause, ExchangeError):
        return cause
    why = f": {reason_of(cause)}" if cause is not None else ""
    if is_limit:
        return TimedOutError(f"nothing more of the answer came in time{why}")
    return TransportError(f"the answer was cut off{why}")


def reason_of(error: BaseException) -> str:
    """Return why a transport failed, in words that a user can act on.

    Transports wrap the first exception in their own, and some of these show only the name of a
    class.
    """
    root = causes(error)[-1]
    if type(root).__name__ == "IncompleteRead":  # http.client's, and urllib3's
        return "the connection ended before the whole body had arrived"
    return shown(getattr(root, "strerror", None) or str(root) or type(root).__name__)


def is_timeout(error: BaseException) -> bool:
    """Tell whether an exception of a transport reports a time limit.

    The name decides: httpx and requests have their own classes, and so has asyncio before CPython
    3.11.
    """
    return any("Timeout" in base.__name__ for each in causes(error) for base in type(each).__mro__)


def causes(error: BaseException) -> list[BaseException]:
    """Return the exception, then what caused it, and so on."""
    chain = [error]
    while inner := chain[-1].__cause__ or next(
        (arg for arg in chain[-1].args if isinstance(arg, BaseException)), None
    ):
        if inner in chain:
            break
        chain.append(inner)
    return chain
