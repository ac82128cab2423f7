"""Cut bytes into chunks, without hypothesis."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator

__all__ = ["every_split", "rechunk"]

_MAX_CUTS = 12


def rechunk(
    data: bytes, sizes: int | Iterable[int] | None = None, *, seed: int | None = None
) -> list[bytes]:
    r"""Cut data into chunks of given sizes, or at pseudo-random places.

    Args:
        data: A whole stream.
        sizes: Bytes in each chunk: one number for all chunks, or an iterable with one for each. No
            more of them are read than are needed. The last chunk has what is left. A 0 in the
            iterable gives an empty chunk.
        seed: The seed that decides the 1 to 12 places. They are the same in every run for the same
            seed and length. Two equal places give an empty chunk.

    Raises:
        TypeError: Neither ``sizes`` nor ``seed`` is given, or both are.
        ValueError: A size is negative, or the one size for all chunks is 0.

    >>> from sseparse.testing import rechunk
    >>> rechunk(b"data: a\n\n", 4)
    [b'data', b': a\n', b'\n']
    >>> rechunk(b"data: a\n\n", [1, 0, 6])
    [b'd', b'', b'ata: a', b'\n\n']
    >>> b"".join(rechunk(b"data: a\n\n", seed=1))
    b'data: a\n\n'
    """
    if (sizes is None) == (seed is None):
        raise TypeError("rechunk() takes either sizes or seed")
    if sizes is None:
        chance = random.Random(seed)
        return _cut(
            data, [chance.randint(0, len(data)) for _ in range(chance.randint(1, _MAX_CUTS))]
        )
    if isinstance(sizes, int):
        if sizes < 1:
            raise ValueError(f"a size for all chunks must be at least 1 byte, not {sizes}")
        return [data[start : start + sizes] for start in range(0, len(data), sizes)]
    chunks, start = [], 0
    for size in sizes:
        if size < 0:
            raise ValueError(f"a size must be at least 0 bytes, not {size}")
        # Check before cutting, because sizes may be endless.
        if start + size > len(data):
            break
        chunks.append(data[start : start + size])
        start += size
    return [*chunks, data[start:]] if start < len(data) else chunks


def every_split(data: bytes) -> Iterator[list[bytes]]:
    r"""Yield data cut in two at every place, including both ends, where one chunk is empty.

    >>> from sseparse.testing import every_split
    >>> list(every_split(b"a\n"))
    [[b'', b'a\n'], [b'a', b'\n'], [b'a\n', b'']]
    """
    for position in range(len(data) + 1):
        yield [data[:position], data[position:]]


def _cut(data: bytes, positions: list[int]) -> list[bytes]:
    borders = [0, *sorted(positions), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(borders)]
