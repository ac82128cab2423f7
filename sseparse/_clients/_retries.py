"""When a request is sent again, and after how long. The official client's rules."""

from __future__ import annotations

import contextlib
import random
import time
from typing import TYPE_CHECKING

from ..completions._headers import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

_RETRIED = frozenset({408, 409, 429})  # and all from 500
_FIRST_DELAY, _MAX_DELAY = 0.5, 8.0  # s
_MAX_WAIT = 120.0  # s; a server that wants more is not asked again


def is_retried(status: int, headers: Mapping[str, str]) -> bool:
    """Tell whether a request that was refused may succeed when it is sent again."""
    wish = headers.get("x-should-retry")
    is_failure = status in _RETRIED or status >= 500
    return wish == "true" or (is_failure and wish != "false")


def wanted_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks for, also as a date; None if it asks for none."""
    seconds = retry_after(headers)
    if seconds is None and "retry-after" in headers:
        from email.utils import parsedate_to_datetime

        with contextlib.suppress(TypeError, ValueError, OverflowError):
            date = parsedate_to_datetime(headers["retry-after"]).timestamp()
            seconds = max(0.0, date - time.time())
    return seconds


def wait_before_retry(attempt: int, wanted: float | None) -> float | None:
    """Return the seconds to wait after an attempt that failed; None for no further attempt.

    Args:
        attempt: Its number, from 1.
        wanted: The wait that the server asked for, in s.
    """
    if wanted:
        return wanted if wanted <= _MAX_WAIT else None
    delay = min(_FIRST_DELAY * 2.0 ** min(attempt - 1, 10), _MAX_DELAY)
    return delay * (1 - 0.25 * random.random())
