"""What is measured: streams, and the chunks in which they arrive."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING, NamedTuple

from .streams import STREAMS, Block, one_event, one_event_of_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KIB = 1024
# The ways to cut a stream, in bytes to a chunk; 0 for one chunk per block. 1,448 bytes is what a
# TCP segment carries over Ethernet.
CUTS = {"whole": sys.maxsize, "64k": 64 * KIB, "1448": 1448, "per-event": 0, "100": 100, "1": 1}


class Case(NamedTuple):
    """A stream and how it is cut.

    Attributes:
        name: For ``--cases``.
        about: What it stands for.
        blocks: Makes a stream of that many units: events, or kB or lines for the one-event streams.
        units: How many to measure with. Growth is measured with twice and four times as many.
        cut: Bytes in a chunk; 0 for one chunk per block.
    """

    name: str
    about: str
    blocks: Callable[[int], list[Block]]
    units: int
    cut: int

    def chunks(self, blocks: list[Block]) -> list[bytes]:
        """Return the stream as it would arrive."""
        if not self.cut:
            return [block.wire for block in blocks]
        stream = b"".join(block.wire for block in blocks)
        return [stream[start : start + self.cut] for start in range(0, len(stream), self.cut)]


def expected(blocks: list[Block]) -> tuple[int, str]:
    """Return how many events the blocks make, and the digest of their data."""
    data = [block.data for block in blocks if block.data is not None]
    return len(data), digest(data)


def digest(data: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for each in data:
        digest.update(each.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _case(name: str, about: str, stream: str, cut: str = "64k") -> Case:
    blocks, units = STREAMS[stream]
    reads = {"64k": "64 KiB reads", "per-event": "one read per event"}
    return Case(name, f"{about}, {reads.get(cut, f'{cut}-byte reads')}", blocks, units, CUTS[cut])


CASES = [
    _case("chat", "chat chunks of about 240 bytes", "chat"),
    _case("per-event", "chat chunks", "chat", "per-event"),
    _case("tiny", "events of one digit", "tiny"),
    _case("wikimedia", "event, id, non-ASCII data", "wikimedia"),
    _case("crlf", "chat chunks with CRLF", "crlf"),
    _case("multi-line", "three data lines an event", "multi-line"),
    _case("comments", "three comments before an event", "comments"),
    _case("100-byte", "chat chunks", "chat", "100"),
    _case("1-byte", "chat chunks", "chat", "1"),
    Case("8-mb-event", "one event of 8 MB, 16 KiB reads", one_event, 8000, 16 * KIB),
    Case("million-lines", "one event of a million lines", one_event_of_lines, 10**6, 64 * KIB),
    _case("1448-byte", "chat chunks", "chat", "1448"),
    _case("reasoning", "chat chunks with reasoning", "reasoning"),
    _case("tool-calls", "chat chunks with pieces of tool calls", "tool-calls"),
    _case("mcp", "one JSON-RPC message of 1 MB", "mcp"),
    _case("heartbeats", "twenty comments before an event", "heartbeats"),
    _case("many-ids", "an id in each event", "many-ids"),
    _case("cr", "chat chunks with CR", "cr"),
    _case("2-byte", "Cyrillic text", "2-byte"),
    _case("4-byte", "emoji", "4-byte"),
    _case("endless-comment", "one comment of 250 kB", "endless-comment", "1448"),
]


def crossed(cases: Iterable[Case], cuts: Iterable[str]) -> list[Case]:
    """Return every stream of the cases with each of the cuts, in the size that ``STREAMS`` says."""
    makers = {case.blocks for case in cases}
    return [
        Case(f"{name}/{cut}", f"stream {name}, cut {cut}", blocks, units, CUTS[cut])
        for name, (blocks, units) in STREAMS.items()
        if blocks in makers
        for cut in cuts
    ]


def growth_cases(cases: Iterable[Case]) -> list[Case]:
    """Return every stream of the cases with every cut, as far as no case has them."""
    measured = list(cases)
    known = {(case.blocks, case.units, case.cut) for case in [*CASES, *measured]}
    return [
        case for case in crossed(measured, CUTS) if (case.blocks, case.units, case.cut) not in known
    ]
