"""Test a parser of event streams, with hostile streams, cuts of them, and two assertions.

``rechunk``, ``every_split`` and ``assert_conforms`` need only Python. The other functions need
hypothesis, which the extra ``test`` installs, and import it when they are called.
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
