"""Test what reads event streams: hostile streams, the ways to cut them, and one assertion.

``rechunk`` and ``every_split`` need nothing but Python. The rest needs hypothesis, which the extra
``test`` brings, and imports it when it is called.
"""

from ._chunks import every_split, rechunk
from ._properties import assert_chunk_invariant, chunkings, hostile_streams

__all__ = ["assert_chunk_invariant", "chunkings", "every_split", "hostile_streams", "rechunk"]
