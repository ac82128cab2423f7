"""The cases of the benchmark: streams, and the chunks in which they arrive."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING, NamedTuple

from .streams import STREAMS, Block, one_event, one_event_of_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KIB = 1024
# The ways to cut a stream: the bytes in a chunk, or 0 for one chunk per block. A TCP segment over
# Ethernet carries 1,448 bytes.
CUTS = {"whole": sys.maxsize, "64k": 64 * KIB, "1448": 1448, "evt": 0, "100": 100, "1": 1}
DEFAULT_CUT = "64k"


class Case(NamedTuple):
    """A stream and how it is cut.

    Attributes:
        name: The name for ``--cases``: the stream, and the cut if it is not 64 KiB.
        about: A description.
        blocks: Takes the number of units and returns the blocks of the stream. A unit is an event;
            in a stream of one event it is a kB or a line.
        units: The number of units. The growth is measured with twice and four times as many.
        cut: The bytes in a chunk; 0 for one chunk per block.
        forms: Whether ``feed``, ``aiter_events`` and ``Observer`` are measured, too.
    """

    name: str
    about: str
    blocks: Callable[[int], list[Block]]
    units: int
    cut: int
    forms: bool = False

    def chunks(self, blocks: list[Block]) -> list[bytes]:
        """Return the chunks of the stream."""
        if not self.cut:
            return [block.wire for block in blocks]
        stream = b"".join(block.wire for block in blocks)
        return [stream[start : start + self.cut] for start in range(0, len(stream), self.cut)]


def expected(blocks: list[Block]) -> tuple[int, str]:
    """Return the number of events in the blocks, and the digest of their data."""
    data = [block.data for block in blocks if block.data is not None]
    return len(data), digest(data)


def digest(data: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for each in data:
        digest.update(each.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _name(stream: str, cut: str) -> str:
    return stream if cut == DEFAULT_CUT else f"{stream}/{cut}"


def _case(stream: str, about: str, cut: str = DEFAULT_CUT, forms: bool = False) -> Case:
    blocks, units = STREAMS[stream]
    reads = {"64k": "64 KiB reads", "evt": "one event per read"}.get(cut, f"{cut}-byte reads")
    return Case(_name(stream, cut), f"{about}, {reads}", blocks, units, CUTS[cut], forms)


def _both(stream: str, about: str, forms: bool = False) -> list[Case]:
    return [_case(stream, about, cut, forms) for cut in (DEFAULT_CUT, "evt")]


CASES = [
    *_both("chat", "chat chunks of about 240 bytes", forms=True),
    _case("chat", "chat chunks", "1448"),
    _case("chat", "chat chunks", "100"),
    _case("chat", "chat chunks", "1"),
    _case("no-space", "chat chunks, no space after the colon"),
    *_both("crlf", "chat chunks with CRLF"),
    _case("cr", "chat chunks with CR"),
    *_both("chinese", "chat chunks in Chinese"),
    _case("reasoning", "chat chunks with reasoning"),
    _case("tool-calls", "chat chunks with pieces of tool calls"),
    *_both("anthropic", "deltas of Anthropic's Messages API", forms=True),
    *_both("responses", "deltas of OpenAI's Responses API"),
    *_both("mcp", "notifications of MCP with CRLF", forms=True),
    _case("mcp-1-mb", "one JSON-RPC message of 1 MB"),
    *_both("spring", "DashScope's events through Spring"),
    _case("wikimedia", "event, id, non-ASCII data"),
    _case("comments", "three comments before an event"),
    _case("heartbeats", "twenty comments before an event"),
    _case("three-lines", "three data lines in each event"),
    _case("ids", "an id in each event"),
    _case("two-shapes", "two shapes of blocks in turn"),
    _case("four-shapes", "four shapes of blocks in turn"),
    _case("tiny", "events of one digit"),
    _case("2-byte", "Cyrillic text"),
    _case("4-byte", "emoji"),
    Case("8-mb-event", "one event of 8 MB, 16 KiB reads", one_event, 8000, 16 * KIB),
    Case("million-lines", "one event of a million lines", one_event_of_lines, 10**6, 64 * KIB),
    _case("endless-comment", "one comment of 250 kB", "1448"),
]


def crossed(cases: Iterable[Case], cuts: Iterable[str]) -> list[Case]:
    """Return a case for each stream of the cases and each cut, in the size that ``STREAMS`` has."""
    makers = {case.blocks for case in cases}
    return [
        Case(_name(name, cut), f"stream {name}, cut {cut}", blocks, units, CUTS[cut])
        for name, (blocks, units) in STREAMS.items()
        if blocks in makers
        for cut in cuts
    ]


def growth_cases(cases: Iterable[Case]) -> list[Case]:
    """Return a case for each pair of a stream of the cases and a cut that no case has."""
    measured = list(cases)
    known = {(case.blocks, case.units, case.cut) for case in [*CASES, *measured]}
    return [
        case for case in crossed(measured, CUTS) if (case.blocks, case.units, case.cut) not in known
    ]
