"""Test what reads event streams: hostile streams, the ways to cut them, and two assertions.

``rechunk``, ``every_split`` and ``assert_conforms`` need nothing but Python. The rest needs
hypothesis, which the extra ``test`` brings, and imports it when it is called.
"""

from ._chunks import every_split, rechunk
from ._conforms import assert_conforms
from ._properties import assert_chunk_invariant, chunkings, hostile_streams

__all__ = [
    "assert_chunk_invariant",
    "assert_conforms",
    "chunkings",
    "every_split",
    "hostile_streams",
    "rechunk",
]
