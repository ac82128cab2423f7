"""Measure clients end to end: over real sockets, from one loopback server.

    python -m benchmarks.client [--rounds 9] [--chunks 4000] [--clients sseparse,openai]

Each client runs in a process of its own, the server in another. The clients take turns. The report
has the medians of all turns and the ratios to the first client. The ratios stay about the same on a
machine, the times do not. The measured loop reads the content of every chunk. ``delays``
measures the delay of each event.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

from .. import arguments
from . import delays
from .adapters import CLIENTS
from .memory import resident_mb
from .server import FRAMINGS, WORD, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .adapters import Ask

ROOT = Path(__file__).resolve().parents[2]
DELAYED_EVENTS = 20
Figures = dict[str, dict[str, list[float]]]


def work(name: str, port: int) -> None:
    """Read a kind and a number from each line of standard input; measure, and print the figure."""
    with CLIENTS[name].connect(port) as ask:
        for line in sys.stdin:
            kind, count = line.split()
            print(json.dumps(MEASURES[kind](ask, int(count))), flush=True)


def watch(name: str, port: int, framing: str, count: int) -> None:
    """Print the time of each event in that framing, after a stream that warms up."""
    with CLIENTS[name].connect(port) as ask:
        cpu("event")(ask, 50)
        for line in delays.watch(ask, framing, count):
            print(line, flush=True)


def cpu(user: str) -> Callable[[Ask, int], float]:
    def measure(ask: Ask, chunks: int) -> float:
        """Return the CPU time per chunk, in microseconds."""
        contents = ask(user, chunks)
        size = 0
        began = time.process_time()
        for content in contents:
            if content is not None:
                size += len(content)
        seconds = time.process_time() - began
        assert size == chunks * len(WORD)
        return seconds / chunks * 1e6

    return measure


def first_token(ask: Ask, requests: int) -> float:
    """Return the median time from the call to the first content, in milliseconds."""
    times = []
    for _ in range(requests):
        began = time.perf_counter()
        has_it = False
        for content in ask("event", 3):
            if not has_it and content:
                times.append(time.perf_counter() - began)
                has_it = True
    return statistics.median(times) * 1e3


def memory(ask: Ask, chunks: int) -> float:
    """Return the most memory that the process has held, in MB."""
    cpu("64k")(ask, chunks)
    return resident_mb()


MEASURES: dict[str, Callable[[Ask, int], float]] = {
    "event": cpu("event"),
    "64k": cpu("64k"),
    "cut": cpu("cut"),
    "none": cpu("none"),
    "first": first_token,
    "memory": memory,
}


def child(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.client", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)


def request(worker: subprocess.Popen[str], kind: str, count: int) -> float:
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(f"{kind} {count}\n")
    worker.stdin.flush()
    return float(json.loads(worker.stdout.readline()))


def output_of(code: str) -> float:
    # The working directory goes last: an installed sseparse, which may be compiled, comes first.
    code = f"import sys, time; sys.path.append(sys.path.pop(0)); {code}"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=ROOT)
    return float(done.stdout)


def import_ms(module: str) -> float:
    return output_of(
        f"t = time.process_time(); import {module}; print((time.process_time() - t) * 1e3)"
    )


def fresh_memory(name: str, port: int) -> float:
    with child("--work", name, str(port)) as worker:
        return request(worker, "memory", 100)


def turn(name: str, port: int, kind: str, count: int) -> float:
    """Measure in a fresh process, after a run that warms it up."""
    with child("--work", name, str(port)) as worker:
        request(worker, kind, max(count // 4, 3))
        return request(worker, kind, count)


def delay(
    name: str,
    server: subprocess.Popen[str],
    port: int,
    framing: str,
    count: int,
    patience: float = delays.PATIENCE_S,
) -> delays.Delays:
    with child("--watch", name, str(port), framing, str(count)) as watcher:
        return delays.measure(server, watcher, count, patience)


BARE = "from benchmarks.clients.memory import resident_mb; print(resident_mb())"


def main(given: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = arguments.parser("benchmarks.client", __doc__)
    parser.add_argument("--rounds", type=arguments.positive, default=9, help="9 by default")
    parser.add_argument("--chunks", type=arguments.positive, default=4000, help="of each answer")
    parser.add_argument(
        "--clients",
        type=arguments.names(list(CLIENTS)),
        default=list(CLIENTS),
        metavar="NAME,...",
        help=f"the clients to measure, of: {', '.join(CLIENTS)}",
    )
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--watch", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(given)
    if options.serve:
        serve()
    elif options.work:
        work(options.work[0], int(options.work[1]))
    elif options.watch:
        name, port, framing, count = options.watch
        watch(name, int(port), framing, int(count))
    else:
        return report(options.clients, options.rounds, options.chunks)
    return 0


def versions(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the clients that are installed, and a line about each that was named."""
    found, lines = [], []
    for name in names:
        client = CLIENTS[name]
        is_there, line = version_line(name, client.distributions, client.note)
        lines.append(line)
        found += [name] * is_there
    return found, lines


def version_line(name: str, distributions: Sequence[str], note: str) -> tuple[bool, str]:
    """Return whether a client is installed, and a line about it."""
    try:
        numbers = ", ".join(f"{each} {_version(each)}" for each in distributions)
    except metadata.PackageNotFoundError as error:
        return False, f"{name:16} left out: {error.name} is not installed"
    return True, f"{name:16} {numbers}: {note}"


def _version(distribution: str) -> str:
    if distribution != "sseparse":
        return metadata.version(distribution)
    # It need not be installed.
    build = "compiled" if import_module("sseparse._core").COMPILED else "pure"
    return f"{import_module('sseparse').__version__} ({build})"


def report(names: Sequence[str], rounds: int, chunks: int) -> int:
    os.environ.update(OPENAI_API_KEY="none", NO_PROXY="*")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # users import from the bytecode
    names, lines = versions(names)
    print("\n".join(lines))
    if not names:
        print("none of these clients is installed", file=sys.stderr)
        return 1
    print(f"Python {platform.python_version()}, rounds: {rounds}, chunks: {chunks}", flush=True)
    with child("--serve") as server:
        assert server.stdout
        port = int(server.stdout.readline())
        try:
            print(table(names, figures(names, port, rounds, chunks)), flush=True)
            print(f"\nDelay of each of {DELAYED_EVENTS} events: the median, and the longest")
            for framing in FRAMINGS:
                print(f"{framing}")
                for name in names:
                    found = delay(name, server, port, framing, DELAYED_EVENTS)
                    print(f"  {name:16} {found}", flush=True)
        finally:
            server.kill()
    return 0


def figures(names: Sequence[str], port: int, rounds: int, chunks: int) -> Figures:
    """Measure the clients, and return a figure of each client for each turn."""
    for name in names:
        import_ms(CLIENTS[name].imports)  # writes the bytecode
    bare = statistics.median(output_of(BARE) for _ in range(3))
    rows: Figures = {}

    def add(row: str, measure: Callable[[str], float], turns: int) -> None:
        found: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(turns):
            for name in names:
                found[name].append(measure(name))
        rows[row] = found

    def turns_of(kind: str, count: int) -> Callable[[str], float]:
        return lambda name: turn(name, port, kind, count)

    add("import, CPU ms", lambda name: import_ms(CLIENTS[name].imports), rounds)
    add("memory over bare Python, MB", lambda name: fresh_memory(name, port) - bare, 3)
    add("CPU per chunk, µs, one event per write", turns_of("event", chunks), rounds)
    add("CPU per chunk, µs, 64 KiB writes", turns_of("64k", chunks), rounds)
    add("CPU per chunk, µs, 4 KiB HTTP chunks", turns_of("cut", chunks), rounds)
    add("CPU per chunk, µs, no framing", turns_of("none", chunks), rounds)
    add("time to first token, ms", turns_of("first", 100), rounds)
    return rows


def table(names: Sequence[str], rows: Figures) -> str:
    """Return the medians; below each row are the ratios of the other clients to the first."""
    first, *others = names
    lines = [f"{'median':<40}" + "".join(f"{name:>17}" for name in names)]
    for row, found in rows.items():
        medians = "".join(f"{statistics.median(found[name]):>17.2f}" for name in names)
        lines.append(f"{row:<40}{medians}")
        if others:
            lines.append(f"{f'  to {first}, quartiles':<57}" + _ratios(first, others, found))
    return "\n".join(lines)


def _ratios(first: str, others: Sequence[str], found: dict[str, list[float]]) -> str:
    texts = []
    for name in others:
        pairs = sorted(b / a for a, b in zip(found[first], found[name], strict=True))
        texts.append(f"{f'{pairs[len(pairs) // 4]:.1f} to {pairs[-1 - len(pairs) // 4]:.1f}':>17}")
    return "".join(texts)
