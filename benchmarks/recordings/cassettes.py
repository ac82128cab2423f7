"""Measure how fast cassettes of VCR.py in YAML are parsed, by the size of an answer.

    python -m benchmarks.cassettes

Each cassette is in memory. The headers are not read. For comparison there are libyaml alone, which
makes no Python objects, and PyYAML's events, the objects in which libyaml's results are reported.
"""

from __future__ import annotations

import contextlib
import gc
import statistics
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

import sseparse
from sseparse.recording import streams

from .. import arguments
from ..parsers.header import header
from ..parsers.measure import CLOCK
from ..parsers.streams import chat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIZES = (500, 900, 4000, 40_000)  # bytes of an answer

# As the official client and its server write them.
_ASKED = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "Content-Length": "111",
    "Content-Type": "application/json",
    "Host": "api.example.com",
    "User-Agent": "OpenAI/Python 1.60.0",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Async": "false",
    "X-Stainless-Lang": "python",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Package-Version": "1.60.0",
    "x-stainless-retry-count": "0",
}
_ANSWERED = {
    "CF-RAY": "8f0d000000000000-CDG",
    "Connection": "keep-alive",
    "Content-Type": "text/event-stream; charset=utf-8",
    "Date": "Fri, 27 Nov 2026 13:58:17 GMT",
    "Server": "cloudflare",
    "Transfer-Encoding": "chunked",
    "X-Content-Type-Options": "nosniff",
    "access-control-expose-headers": "X-Request-ID",
    "openai-organization": "example",
    "openai-processing-ms": "123",
    "openai-version": "2020-10-01",
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
    "x-ratelimit-limit-requests": "10000",
    "x-request-id": "req_0123456789abcdef",
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = arguments.parser("benchmarks.cassettes", __doc__)
    parser.add_argument("--megabytes", type=arguments.positive, default=10, help="of each cassette")
    parser.add_argument("--rounds", type=arguments.positive, default=7)
    args = parser.parse_args(argv)
    yaml = _pyyaml()
    if yaml is None:
        print("PyYAML is not installed", file=sys.stderr)
        return 1
    build = "compiled" if sseparse._core.COMPILED else "pure"
    for name, value in header(build, args.rounds, [], {}).items():
        print(f"{name}: {value}")
    print(f"PyYAML: {yaml.__version__}")
    for size in SIZES:
        data, events = cassette(yaml, size, args.megabytes)
        _measure(yaml, data, size, events, args.rounds)
    return 0


def _pyyaml() -> Any:
    """Return the module, which has another name for free-threaded Python; None without it."""
    for name in ("yaml", "yaml_ft"):
        with contextlib.suppress(ImportError):
            return import_module(name)
    return None


def cassette(yaml: Any, size: int, megabytes: int) -> tuple[bytes, int]:
    """Return a cassette with answers of this size, and how many events are in it."""
    blocks = [block.wire for block in chat(2 + size // 100)]
    count = next(n for n in range(1, len(blocks)) if len(b"".join(blocks[:n])) >= size)
    request = {
        "body": '{"messages": [{"role": "user", "content": "Count to ten."}], "stream": true}',
        "headers": {name: [value] for name, value in _ASKED.items()},
        "method": "POST",
        "uri": "https://api.example.com/v1/chat/completions",
    }
    response = {
        "body": {"string": b"".join(blocks[:count]).decode()},
        "headers": {name: [value] for name, value in _ANSWERED.items()},
        "status": {"code": 200, "message": "OK"},
    }
    item = yaml.dump([{"request": request, "response": response}]).encode()
    number = max(1, megabytes * 1_000_000 // len(item))
    return b"interactions:\n" + item * number + b"version: 1\n", number * count


def _measure(yaml: Any, data: bytes, size: int, events: int, rounds: int) -> None:
    ways: dict[str, Callable[[], int]] = {
        "sseparse, streams and events": lambda: _events(data),
        "sseparse, streams": lambda: sum(1 for _ in streams(data)),
    }
    if hasattr(yaml, "CSafeLoader"):  # not every build of PyYAML has libyaml
        ways["libyaml"] = lambda: _parsed(yaml.CSafeLoader(data))
        ways["PyYAML's events"] = lambda: _reported(yaml.CSafeLoader(data))
    assert _events(data) == events
    times: dict[str, list[float]] = {way: [] for way in ways}
    clock = getattr(time, CLOCK)
    for _ in range(rounds):
        for way, run in ways.items():
            gc.collect()
            start = clock()
            run()
            times[way].append(clock() - start)
    print(f"\nanswers of {size:,} bytes: {len(data) / 1e6:.1f} MB, {events:,} events")
    for way, each in times.items():
        took = statistics.median(each)
        print(f"  {way:30} {len(data) / took / 1e6:6.1f} MB/s (median {took:.2f} s)")


def _events(data: bytes) -> int:
    return sum(1 for recording in streams(data) for _ in recording.events())


def _parsed(parser: Any) -> int:
    parser.raw_parse()
    return 0


def _reported(parser: Any) -> int:
    count = 0
    while parser.get_event() is not None:
        count += 1
    return count
