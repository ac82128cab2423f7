"""Merge values that come in pieces."""

from __future__ import annotations

from ._models import Raw
from ._text import join_surrogates

# Keys of a delta whose text is repeated, and not sent in pieces.
_REPEATED = frozenset({"id", "index", "role", "type"})
# Dicts within dicts are deltas up to this depth. Of a value nested deeper, the last one counts. A
# server may nest as deep as the JSON decoder reads, which is deeper than Python allows recursion.
_LEVELS = 8


class Pieces(list[str]):
    """The pieces of a text, none of them empty.

    Joining them once at the end is linear; adding each to a text is not.
    """

    def text(self) -> str:
        """Return the text."""
        self[:] = ["".join(self)]
        return join_surrogates(self[0])

    def text_within(self, length: int) -> str | None:
        """Return the text if it is not longer than this, else None.

        It looks at no more characters than the length, so a call for each piece stays linear.
        """
        total = 0
        for piece in self:
            total += len(piece)
            if total > length:
                return None
        return "".join(self)


def merge(into: Raw, delta: Raw, levels: int = _LEVELS) -> None:
    """Add the values of a delta, with any keys, to those before.

    Texts are pieces of a longer text, lists are extended, dicts are deltas themselves, and of
    everything else the last one counts.
    """
    for key, value in delta.items():
        before = into.get(key)
        if value is None:
            into.setdefault(key, None)
        elif isinstance(value, str) and key not in _REPEATED:
            into[key] = before if isinstance(before, Pieces) else Pieces()
            if value:
                into[key].append(value)
        elif isinstance(value, list):
            into[key] = before if type(before) is list else []
            into[key].extend(value)
        elif isinstance(value, dict) and levels:
            into[key] = before if isinstance(before, dict) else {}
            merge(into[key], value, levels - 1)
        else:
            into[key] = value


def joined(merged: Raw, levels: int = _LEVELS) -> Raw:
    """Return what was merged as plain JSON values."""
    plain: Raw = {}
    for key, value in merged.items():
        if isinstance(value, dict) and levels:
            value = joined(value, levels - 1)
        plain[key] = value.text() if isinstance(value, Pieces) else value
    return plain
