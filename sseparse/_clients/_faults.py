"""The errors for a connection that failed, for both clients."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from .._http1 import HttpError
from ..completions._errors import TimedOutError, TransportError, reason_of
from ..completions._text import shown
from ._timeout import LIMIT_TEXTS

if TYPE_CHECKING:
    from ..completions._timing import Timing
    from ._route import Route
    from ._timeout import Timeout

CANCELLED = "the call was cancelled"

_BUSY = frozenset({408, 429})  # and all from 500: the proxy may open a tunnel later
_LOST_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


class RefusedTunnelError(OSError):
    """The proxy does not open a tunnel."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"it does not connect to the server: {status} {reason}".rstrip())
        self.status = status


def cancellation(timing: Timing | None = None) -> TransportError:
    """Return the error for a call that was cancelled, which is not tried again."""
    error = TransportError(CANCELLED, timing=timing)
    error._may_pass = False
    return error


def timed_out(limit: str, timeout: Timeout, timing: Timing, proxy: object = None) -> TimedOutError:
    """Return the error for a limit that was reached."""
    text = LIMIT_TEXTS[limit].format(getattr(timeout, limit))
    if proxy is not None:
        text += f", through the proxy {proxy}"
    return TimedOutError(text, limit=limit, timing=timing)


def fault_of(
    error: Exception, route: Route, timing: Timing, *, has_answer: bool, is_past_proxy: bool
) -> TransportError:
    """Return the error for a connection that failed.

    Args:
        error: What happened.
        route: The route of the connection.
        timing: The times of the exchange.
        has_answer: Whether the head of the answer had come.
        is_past_proxy: Whether something else than the proxy may have failed.
    """
    why, is_mistake = _reason(error)
    if has_answer:
        what = "the answer was cut off"
    elif route.proxy is not None and not is_past_proxy:
        what = f"no answer from the proxy {route.proxy}"
    elif route.proxy is not None:
        what = f"no answer from {route.address.origin} through the proxy {route.proxy}"
    else:
        what = f"no answer from {route.address.origin}"
    fault = TransportError(f"{what}: {why}", timing=timing)
    fault._may_pass = has_answer or not is_mistake
    return fault


def _reason(error: Exception) -> tuple[str, bool]:
    """Return what happened in words that a user can act on, and whether it is a mistake.

    A mistake is an error that the same request would meet again.
    """
    if isinstance(error, RefusedTunnelError):
        return shown(str(error)), error.status < 500 and error.status not in _BUSY
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"certificate verify failed: {error.verify_message}"
        return f"{shown(why)} (see ssl_context)", True
    if isinstance(error, ssl.SSLError) and not isinstance(error, _LOST_TLS):
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
            return "it does not use TLS (https) on this port", True
        return shown(f"TLS failed: {error.reason or error}"), True
    if isinstance(error, HttpError):
        return str(error), False
    if isinstance(error, socket.gaierror):
        return shown(f"its name is not known: {error.strerror}"), False
    return reason_of(error), False
