"""The headers of an answer, in every form that transports have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol


class HasItems(Protocol):
    """A mapping, or an object with only its method ``items``, as the headers of ``http.client``."""

    def items(self) -> Iterable[tuple[str, str]]: ...


# What transports have: a mapping, or pairs. Names and values are str, or bytes as h11 has them.
HeadersLike = HasItems | Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]]


class Headers(Mapping[str, str]):
    """Headers by their names, which are compared without regard to case (RFC 9110, section 5.1).

    The values of a name that came several times are joined with a comma and a space, as RFC 9110,
    section 5.3, allows.

    >>> Headers([("X-A", "1"), ("x-a", "2")])["X-a"]
    '1, 2'
    """

    def __init__(self, headers: HeadersLike = ()) -> None:
        pairs: Any = headers.items() if hasattr(headers, "items") else headers
        try:
            pairs = [(_text(name), _text(value)) for name, value in pairs]
        except (TypeError, ValueError) as error:
            raise TypeError("headers must be a mapping, or pairs of a name and a value") from error
        # By the name in lower case: the name as it came first, and the value.
        self._headers: dict[str, tuple[str, str]] = {}
        for name, value in pairs:
            first, before = self._headers.get(name.lower(), (name, ""))
            self._headers[name.lower()] = first, f"{before}, {value}" if before else value

    def __getitem__(self, name: str) -> str:
        return self._headers[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._headers.values())

    def __len__(self) -> int:
        return len(self._headers)

    def __repr__(self) -> str:
        return f"Headers({dict(self)!r})"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds after which a client should ask again; None if the server gives none.

    ``retry-after`` may have a date instead of seconds. That needs a clock, so it is ignored here.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)  # in this order NaN becomes 0 too
        except (KeyError, ValueError):
            pass
    return None


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
