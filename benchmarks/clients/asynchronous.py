"""Measure clients for asyncio: the processor time of a chunk, and how late chunks come under load.

    python -m benchmarks.asynchronous [--rounds 9] [--chunks 4000] [--streams 500] [--rate 50]

Each client runs in a process of its own, the server in another; the clients take turns. For the
lateness the client has one core and the server another. The server writes the time of sending into
each event, and the client takes the time when its program has the chunk. With ``sseparse`` the time
that the chunk has, ``arrival_ns``, is reported too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import arguments
from . import paced, report
from .server import WORD

if TYPE_CHECKING:
    from collections.abc import Sequence

# The content of each chunk, and when it had arrived; 0 if the client does not report that.
Contents = AsyncIterator[tuple["str | None", int]]
Ask = Callable[[str, int], Contents]


class Client(NamedTuple):
    """A client; as in ``adapters``."""

    distributions: tuple[str, ...]
    connect: Callable[[int], AbstractAsyncContextManager[Ask]]
    note: str


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


def _body(user: str, chunks: int) -> dict[str, Any]:
    messages = [{"role": "user", "content": "hello"}]
    return {"model": "m", "messages": messages, "max_tokens": chunks, "user": user, "stream": True}


@asynccontextmanager
async def _sseparse(port: int) -> AsyncIterator[Ask]:
    from sseparse.completions import AsyncClient

    async def ask(user: str, chunks: int) -> Contents:
        stream: Any = await client.chat.completions.create(**_body(user, chunks))
        async for chunk in stream:
            yield chunk.choices[0].delta.content, chunk.arrival_ns

    client = AsyncClient(base_url=_url(port), api_key="none", max_retries=0, proxy="")
    async with client:
        yield ask


@asynccontextmanager
async def _aiohttp(port: int) -> AsyncIterator[Ask]:
    import aiohttp

    import sseparse

    async def ask(user: str, chunks: int) -> Contents:
        url = f"{_url(port)}/chat/completions"
        async with session.post(url, json=_body(user, chunks)) as response:
            async for event in sseparse.aiter_events(response.content.iter_any()):
                if event.data != "[DONE]":
                    yield json.loads(event.data)["choices"][0]["delta"].get("content"), 0

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield ask


@asynccontextmanager
async def _openai(port: int) -> AsyncIterator[Ask]:
    import openai

    async def ask(user: str, chunks: int) -> Contents:
        stream: Any = await client.chat.completions.create(**_body(user, chunks))
        async for chunk in stream:
            yield chunk.choices[0].delta.content, 0

    client = openai.AsyncOpenAI(base_url=_url(port), api_key="none", max_retries=0)
    async with client:
        yield ask


CLIENTS = {
    "sseparse": Client(("sseparse", "aiohttp", "attrs"), _sseparse, "typed chunks"),
    "aiohttp": Client(("aiohttp", "sseparse"), _aiohttp, "aiter_events, and json.loads"),
    "openai": Client(("openai", "httpx2"), _openai, "typed chunks"),
}


async def work(name: str, port: int) -> None:
    """Read a way of sending and a number from each line of input; print the CPU time per chunk."""
    async with CLIENTS[name].connect(port) as ask:
        for line in sys.stdin:
            kind, count = line.split()
            print(await cpu(ask, kind, int(count)), flush=True)


async def cpu(ask: Ask, kind: str, chunks: int) -> float:
    """Return the CPU time per chunk, in microseconds."""
    size = 0
    began = time.process_time()
    async for content, _ in ask(kind, chunks):
        if content is not None:
            size += len(content)
    seconds = time.process_time() - began
    assert size == chunks * len(WORD)
    return seconds / chunks * 1e6


async def load(name: str, port: int, streams: int, events: int) -> None:
    """Read many streams at once; print how late each chunk was, in ns, and had arrived."""
    delivered: list[int] = []
    arrived: list[int] = []

    async def read(ask: Ask) -> None:
        async for content, arrival_ns in ask("paced", events):
            now = time.perf_counter_ns()
            if content:
                delivered.append(now - int(content))
                if arrival_ns:
                    arrived.append(arrival_ns - int(content))

    async with CLIENTS[name].connect(port) as ask:
        await asyncio.gather(*[read(ask) for _ in range(streams)])
    assert len(delivered) == streams * events
    print(json.dumps({"delivered": quantiles(delivered), "arrived": quantiles(arrived)}))


def quantiles(late: list[int]) -> list[float]:
    """Return the median, the 99th percentile and the maximum, in ms; nothing without values."""
    if not late:
        return []
    ordered = sorted(late)
    return [ordered[int(len(ordered) * part)] / 1e6 for part in (0.5, 0.99)] + [ordered[-1] / 1e6]


def child(*given: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.asynchronous", *given]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=report.ROOT)


def on_core(number: int) -> None:
    """Stay on one of the cores that this process may use, where the system lets one choose."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})


def turn(name: str, port: int, kind: str, chunks: int) -> float:
    """Measure the CPU time per chunk in a fresh process, after a run that warms it up."""
    with child("--work", name, str(port)) as worker:
        report.request(worker, kind, max(chunks // 4, 3))
        return report.request(worker, kind, chunks)


def lateness(name: str, streams: int, rate: int, seconds: int) -> dict[str, list[float]]:
    """Return the quantiles of one run against a server of its own."""
    events = rate * seconds
    with child("--pace", *map(str, (streams, rate, events))) as server:
        assert server.stdout
        port = server.stdout.readline().strip()
        with child("--load", name, port, str(streams), str(events)) as loaded:
            assert loaded.stdout
            found: dict[str, list[float]] = json.loads(loaded.stdout.readline())
        return found


def main(given: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = arguments.parser("benchmarks.asynchronous", __doc__)
    for option, default, help_ in [
        ("rounds", 9, "of the processor time"),
        ("chunks", 4000, "of an answer whose processor time is measured"),
        ("streams", 500, "at once under load"),
        ("rate", 50, "events a second in each stream under load"),
    ]:
        parser.add_argument(f"--{option}", type=arguments.positive, default=default, help=help_)
    parser.add_argument(
        "--seconds", type=arguments.positive, default=4, help="the length of a run under load"
    )
    parser.add_argument("--turns", type=arguments.positive, default=5, help="runs under load")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--load", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--pace", nargs=3, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(given)
    if options.work:
        asyncio.run(work(options.work[0], int(options.work[1])))
    elif options.load:
        on_core(0)
        name, *numbers = options.load
        asyncio.run(load(name, *map(int, numbers)))
    elif options.pace:
        on_core(1)
        paced.serve(*options.pace)
    else:
        os.environ.update(OPENAI_API_KEY="none", NO_PROXY="*")
        print_report(options)
    return 0


def print_report(options: argparse.Namespace) -> None:
    names = []
    for name, client in CLIENTS.items():
        is_there, line = report.version_line(name, client.distributions, client.note)
        print(line)
        names += [name] * is_there
    print(f"Python {platform.python_version()}, rounds: {options.rounds}", flush=True)
    with report.child("--serve") as server, contextlib.ExitStack() as stack:
        stack.callback(server.kill)
        assert server.stdout
        port = int(server.stdout.readline())
        rows: report.Figures = {}
        for row, kind in [("one event per write", "event"), ("64 KiB writes", "64k")]:
            figures: dict[str, list[float]] = {name: [] for name in names}
            rows[f"CPU per chunk, µs, {row}"] = figures
            for _ in range(options.rounds):
                for name in names:
                    figures[name].append(turn(name, port, kind, options.chunks))
        print(report.table(names, rows), flush=True)
    print(f"\nLateness in ms, {options.streams} streams of {options.rate} events/s on one core")
    print(f"{'':<30}{'median':>10}{'p99':>10}{'longest':>10}")
    all_found: dict[str, list[list[float]]] = {}
    for _ in range(options.turns):
        for name in names:
            for what, found in lateness(
                name, options.streams, options.rate, options.seconds
            ).items():
                if found:
                    all_found.setdefault(f"{name}, {what}", []).append(found)
    for label, each in all_found.items():
        columns = [statistics.median(column) for column in zip(*each, strict=True)]
        print(f"{label:<30}" + "".join(f"{column:>10.2f}" for column in columns), flush=True)
    print(ratio_of_p99(all_found))


def ratio_of_p99(found: dict[str, list[list[float]]]) -> str:
    """Return how late sseparse is, beside aiohttp in the same turn."""
    if not {"sseparse, delivered", "aiohttp, delivered"} <= found.keys():
        return ""
    own, other = found["sseparse, delivered"], found["aiohttp, delivered"]
    ratios = [a[1] / b[1] for a, b in zip(own, other, strict=True)]
    return f"p99 of sseparse to aiohttp, median of turns: {statistics.median(ratios):.2f}"
