"""The time limits of an exchange."""

from __future__ import annotations

from typing import Any

import attrs

# Beyond some 24 days sockets, and beyond other figures locks, raise OverflowError.
_seconds: Any = attrs.validators.optional([attrs.validators.gt(0), attrs.validators.le(10**6)])


@attrs.frozen(kw_only=True)
class Timeout:
    """Time limits in seconds; None switches one off.

    Attributes:
        connect: To connect to one address of the server, the proxy's tunnel and TLS included.
        idle: Without a single byte: while sending, while waiting for the headers, between reads.
        event_idle: Waiting for the next event while only comments or parts of events arrive; an
            answer that is not streamed has no events.
        deadline: From the call to the end of the answer, retries included.

    Raises:
        TypeError: A limit is not a number and not None.
        ValueError: A limit is not above 0, or above 1,000,000 s.

    >>> from sseparse.completions import Timeout
    >>> Timeout(deadline=60)
    Timeout(connect=5.0, idle=600.0, event_idle=None, deadline=60)
    """

    connect: float | None = attrs.field(default=5.0, validator=_seconds)
    idle: float | None = attrs.field(default=600.0, validator=_seconds)
    event_idle: float | None = attrs.field(default=None, validator=_seconds)
    deadline: float | None = attrs.field(default=None, validator=_seconds)


LIMIT_TEXTS = {
    "connect": "no connection within {} s (connect)",
    "idle": "nothing received for {} s (idle)",
    "event_idle": "no event for {} s, though the connection is alive (event_idle)",
    "deadline": "the answer was not whole within {} s (deadline)",
}
