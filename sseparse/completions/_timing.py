"""When the parts of an exchange happened."""

from __future__ import annotations

from typing import ClassVar


class Timing:
    """When the parts of an exchange happened, in ns, as ``time.perf_counter_ns`` counts.

    A client fills it in. Each time is 0 until it has happened, and stays 0 without a client.

    Attributes:
        call_ns: The call of the client began.
        request_sent_ns: The system had taken the request.
        headers_ns: The headers of the answer had been read.
        first_byte_ns: The first bytes of the body had been read.
        end_ns: The exchange had ended.
        attempt: How often the request had been sent, retries included, from 1.
        is_new_connection: Whether the connection was made for this request; None if unknown.
    """

    __slots__ = (
        "attempt",
        "call_ns",
        "end_ns",
        "first_byte_ns",
        "headers_ns",
        "is_new_connection",
        "request_sent_ns",
    )

    def __init__(self) -> None:
        self.call_ns: int = 0
        self.request_sent_ns: int = 0
        self.headers_ns: int = 0
        self.first_byte_ns: int = 0
        self.end_ns: int = 0
        self.attempt: int = 0
        self.is_new_connection: bool | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timing) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__: ClassVar[None]  # type: ignore[assignment]  # it changes while the exchange runs

    def __repr__(self) -> str:
        parts = (f"{name}={getattr(self, name)!r}" for name in sorted(self.__slots__))
        return f"Timing({', '.join(parts)})"
