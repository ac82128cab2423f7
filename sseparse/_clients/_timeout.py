"""The time limits of an exchange."""

from __future__ import annotations

from typing import Any

import attrs

# Sockets raise OverflowError beyond some 24 days, and locks beyond other times.
_seconds: Any = attrs.validators.optional([attrs.validators.gt(0), attrs.validators.le(10**6)])


@attrs.frozen(kw_only=True)
class Timeout:
    """Time limits in seconds; None turns one off.

    Attributes:
        connect: The time to connect to one address of the server, with the proxy's tunnel and TLS.
        idle: The time without a single byte, while sending, waiting for the headers, or reading.
        event_idle: The wait for the next event, also while comments or parts of events arrive. It
            does not apply to answers that are not streamed.
        deadline: The time from the call to the end of the answer, with retries.

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
