"""Measure the completions client beside the official package, on the same loopback server.

    python -m benchmarks.client [--rounds 9] [--chunks 4000]

Each client runs in a process of its own, the server in a third. The two take turns, and the medians
and ratios over all turns are printed: the ratios hold for a machine, the absolute figures for the
moment. The measured loop reads ``chunk.choices[0].delta.content`` of every chunk.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import resource
import socket
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENTS = {"sseparse": "sseparse.completions", "openai": "openai"}
WORD = " token"


def event(content: str | None, finish: str | None = None) -> bytes:
    """Return an HTTP chunk with one event, of the size that servers send."""
    delta = {} if content is None else {"content": content}
    body = {
        "id": "chatcmpl-7eSvSno8venz3QcuQhTA3vT8kN18D6gj",
        "object": "chat.completion.chunk",
        "created": 1795333748,
        "model": "tiny",
        "system_fingerprint": "b0-unknown",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    data = b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


def serve() -> None:
    """Answer each request with the stream that its body asks for, on one thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A client may leave without reading the very end.
            with connection, contextlib.suppress(ConnectionError):
                answer(connection)


def answer(connection: socket.socket) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    one = event(WORD)
    end = event(None, "stop") + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    with connection.makefile("rb") as requests:
        while requests.readline():
            length = 0
            while (line := requests.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            asked = json.loads(requests.read(length))
            connection.sendall(head)
            chunks = asked["max_tokens"]
            if asked["user"] == "64k":
                body = one * chunks
                for at in range(0, len(body), 65536):
                    connection.sendall(body[at : at + 65536])
            else:
                for _ in range(chunks):
                    connection.sendall(one)
            connection.sendall(end)


def work(name: str, port: int) -> None:
    """Do what standard input asks for: a kind and a number in each line; print the figure."""
    client, ask = connected(name, port)
    for line in sys.stdin:
        kind, count = line.split()
        print(json.dumps(MEASURES[kind](ask, int(count))), flush=True)
    client.close()


def connected(name: str, port: int) -> tuple[Any, Callable[[str, int], Any]]:
    client: Any
    url = f"http://127.0.0.1:{port}/v1"
    if name == "openai":
        import openai

        client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    else:
        from sseparse.completions import Client

        client = Client(base_url=url, api_key="none", max_retries=0, proxy="")

    def ask(user: str, chunks: int) -> Any:
        return client.chat.completions.create(
            model="tiny",
            messages=[{"role": "user", "content": "hello"}],
            max_tokens=chunks,
            user=user,
            stream=True,
        )

    return client, ask


def cpu(user: str) -> Callable[[Any, int], float]:
    def measure(ask: Any, chunks: int) -> float:
        """Return the CPU time per chunk, in microseconds."""
        stream = ask(user, chunks)
        size = 0
        began = time.process_time()
        for chunk in stream:
            content = chunk.choices[0].delta.content
            if content is not None:
                size += len(content)
        seconds = time.process_time() - began
        assert size == chunks * len(WORD)
        return seconds / chunks * 1e6

    return measure


def first_token(ask: Any, requests: int) -> float:
    """Return the median time from the call to the first content, in milliseconds."""
    times = []
    for _ in range(requests):
        began = time.perf_counter()
        has_it = False
        for chunk in ask("event", 3):
            if not has_it and chunk.choices[0].delta.content:
                times.append(time.perf_counter() - began)
                has_it = True
    return statistics.median(times) * 1e3


def memory(ask: Any, chunks: int) -> float:
    """Return the most memory that the process has held, in MB."""
    cpu("64k")(ask, chunks)
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


MEASURES: dict[str, Callable[[Any, int], float]] = {
    "event": cpu("event"),
    "64k": cpu("64k"),
    "first": first_token,
    "memory": memory,
}


def child(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.client", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def asked(worker: subprocess.Popen[str], kind: str, count: int) -> float:
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(f"{kind} {count}\n")
    worker.stdin.flush()
    return float(json.loads(worker.stdout.readline()))


def printed(code: str) -> float:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return float(done.stdout)


def import_ms(module: str) -> float:
    return printed(
        f"import time; t = time.process_time(); import {module}; "
        "print((time.process_time() - t) * 1e3)"
    )


def fresh_memory(name: str, port: int) -> float:
    with child("--work", name, str(port)) as worker:
        return asked(worker, "memory", 100)


BARE = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.client", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--chunks", type=int, default=4000)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
    elif arguments.work:
        work(arguments.work[0], int(arguments.work[1]))
    else:
        report(arguments.rounds, arguments.chunks)


def report(rounds: int, chunks: int) -> None:
    os.environ.update(OPENAI_API_KEY="none", NO_PROXY="*")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # imports are measured as users have them
    for module in CLIENTS.values():
        import_ms(module)
    versions = {name: importlib.metadata.version(name) for name in ("openai", "urllib3")}
    print(f"Python {platform.python_version()}, {versions}, rounds: {rounds}, chunks: {chunks}")
    server = child("--serve")
    assert server.stdout
    port = int(server.stdout.readline())
    bare = statistics.median(printed(BARE) for _ in range(3))
    rows: dict[str, dict[str, list[float]]] = {}

    def add(row: str, measure: Callable[[str], float], turns: int) -> None:
        figures: dict[str, list[float]] = {name: [] for name in CLIENTS}
        for _ in range(turns):
            for name in CLIENTS:
                figures[name].append(measure(name))
        rows[row] = figures

    try:
        add("import, CPU ms", lambda name: import_ms(CLIENTS[name]), rounds)
        add("memory over bare Python, MB", lambda name: fresh_memory(name, port) - bare, 3)
        # The server has one thread: the clients take turns with connections, too.
        add(
            "CPU per chunk, µs, one event per write",
            lambda name: turn(name, port, "event", chunks),
            rounds,
        )
        add(
            "CPU per chunk, µs, 64 KiB writes", lambda name: turn(name, port, "64k", chunks), rounds
        )
        add("time to first token, ms", lambda name: turn(name, port, "first", 100), rounds)
    finally:
        server.kill()
        server.communicate()
    print(f"{'median':<45}{'sseparse':>10}{'openai':>10}{'ratio':>8}   ratios of the rounds")
    for row, figures in rows.items():
        own, other = (statistics.median(figures[name]) for name in CLIENTS)
        pairs = [b / a for a, b in zip(figures["sseparse"], figures["openai"], strict=True)]
        spread = f"{min(pairs):.1f} to {max(pairs):.1f}"
        print(f"{row:<45}{own:>10.2f}{other:>10.2f}{other / own:>8.1f}   {spread}")


def turn(name: str, port: int, kind: str, count: int) -> float:
    """Measure in a fresh process, after a run that warms it up."""
    with child("--work", name, str(port)) as worker:
        asked(worker, kind, max(count // 4, 3))
        return asked(worker, kind, count)


if __name__ == "__main__":
    main()
