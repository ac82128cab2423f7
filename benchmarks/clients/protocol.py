"""Measure the protocol of completions without a socket: its time above parser and JSON.

    python -m benchmarks.completions [--rounds 15] [--chunks 2000]

Both sides read the same chunks of a chat completion. One feeds a parser and decodes the JSON of
each event; the other iterates over ``iter_chunks``, which merges the completion, too. The two take
turns, and the ratio is taken within each round.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from typing import TYPE_CHECKING

import sseparse._core
from sseparse import Parser
from sseparse.completions import iter_chunks

from .. import arguments
from .server import END, ONE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def reads_of(count: int) -> dict[str, list[bytes]]:
    """Return the reads of a stream of that many chunks, by how they are cut."""
    events = [ONE] * (count - 1) + END.split(b"\n\n", 1)
    events[-2] += b"\n\n"
    body = b"".join(events)
    return {
        "one event per read": events,
        "64 KiB reads": [body[at : at + 65536] for at in range(0, len(body), 65536)],
        "4 KiB reads": [body[at : at + 4096] for at in range(0, len(body), 4096)],
    }


def parse_and_decode(reads: list[bytes]) -> int:
    parser = Parser()
    count = 0
    for read in reads:
        for event in parser.feed(read):
            if event.data != "[DONE]":
                json.loads(event.data)
                count += 1
    return count


def iterate(reads: list[bytes]) -> int:
    return sum(1 for _ in iter_chunks(reads))


def timed(function: Callable[[list[bytes]], int], reads: list[bytes], count: int) -> float:
    """Return the processor time for each chunk, in microseconds."""
    began = time.process_time()
    assert function(reads) == count
    return (time.process_time() - began) / count * 1e6


def main(given: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = arguments.parser("benchmarks.completions", __doc__)
    parser.add_argument("--rounds", type=arguments.positive, default=15, help="15 by default")
    parser.add_argument("--chunks", type=arguments.positive, default=2000, help="of the stream")
    options = parser.parse_args(given)
    build = "compiled" if sseparse._core.COMPILED else "pure"
    print(f"sseparse {sseparse.__version__} ({build}), CPython {platform.python_version()}")
    print(
        f"{options.chunks} chunks of {len(ONE)} bytes, medians of {options.rounds} rounds, in µs\n"
    )
    print(f"{'':20} {'feed + json':>12} {'iter_chunks':>12} {'ratio':>6}")
    for name, reads in reads_of(options.chunks).items():
        rounds = [
            (
                timed(parse_and_decode, reads, options.chunks),
                timed(iterate, reads, options.chunks),
            )
            for _ in range(options.rounds)
        ]
        base, ours = (statistics.median(each) for each in zip(*rounds, strict=True))
        ratio = statistics.median(b / a for a, b in rounds)
        print(f"{name:20} {base:>12.2f} {ours:>12.2f} {ratio:>6.2f}", flush=True)
    return 0
