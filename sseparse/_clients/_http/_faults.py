"""The errors that a fault of a connection becomes."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from ..._http1 import HttpError
from ...completions._errors import ExchangeError, TimedOutError, TransportError, reason_of
from ...completions._text import shown
from .._timeout import LIMIT_TEXTS
from ._connection import RefusedTunnelError

if TYPE_CHECKING:
    from ...completions._timing import Timing
    from .._timeout import Timeout
    from ._connection import Connection

_BUSY = frozenset({408, 429})  # and all from 500: a proxy that answers so may do better later
_LOST_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def timed_out(limit: str, timeout: Timeout, timing: Timing, proxy: object = None) -> TimedOutError:
    """Return the error for a limit that was reached."""
    text = LIMIT_TEXTS[limit].format(getattr(timeout, limit))
    if proxy is not None:
        text += f", through the proxy {proxy}"
    return TimedOutError(text, limit=limit, timing=timing)


def fault_of(
    error: Exception, connection: Connection, timing: Timing, *, has_answer: bool
) -> ExchangeError:
    """Return the error for a connection that failed.

    Args:
        error: What happened.
        connection: Where.
        timing: Of the exchange.
        has_answer: Whether the head of the answer had come.
    """
    route = connection.route
    why, is_mistake = _reason(error)
    if has_answer:
        what = "the answer was cut off"
    elif route.proxy is not None and not connection.is_past_proxy:
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

    A mistake is what the same request will meet again.
    """
    if isinstance(error, RefusedTunnelError):
        return shown(str(error)), error.status < 500 and error.status not in _BUSY
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"certificate verify failed: {error.verify_message}"
        return f"{shown(why)} (see ssl_context)", True
    if isinstance(error, ssl.SSLError) and not isinstance(error, _LOST_TLS):
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
            return "it does not speak TLS (https) there", True
        return shown(f"TLS failed: {error.reason or error}"), True
    if isinstance(error, HttpError):
        return str(error), False
    if isinstance(error, socket.gaierror):
        return shown(f"its name is not known: {error.strerror}"), False
    return reason_of(error), False


def would_block(error: OSError) -> bool:
    """Tell whether an error only says that nothing has arrived."""
    blocked = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError, TimeoutError)
    return isinstance(error, blocked)
