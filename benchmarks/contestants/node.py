"""eventsource-parser, in JavaScript: another runtime, which measures its own time.

``npm install --prefix benchmarks/contestants/node`` installs it. One process of Node serves all
cases, so V8 has compiled the parser, as in a program that runs for a while. The time is the
processor time of that process, with the threads of its compiler and its garbage collector. The
chunks are in its memory before the time begins: the transfer from Python is not measured.
"""

from __future__ import annotations

import atexit
import base64
import functools
import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .contestant import Batches, Contestant

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(__file__).parent / "node"


def eventsource_parser(name: str) -> Contestant:
    package = FOLDER / "node_modules" / "eventsource-parser" / "package.json"
    if not package.exists():
        raise ImportError(name="eventsource-parser, of npm,")
    number = json.loads(package.read_text())["version"]
    node = _node()
    version = subprocess.check_output([node, "--version"], text=True).strip()

    def batches(chunks: Iterable[bytes]) -> Batches:
        return [_request(**_stream(chunks))["data"]]

    def seconds(chunks: list[bytes], times: int, read: bool) -> float:
        answer = _request(**_stream(chunks), times=times, read=read)
        return float(answer["seconds"]) / times

    return Contestant(
        name,
        f"eventsource-parser {number}, Node {version}",
        batches,
        type="",  # Node reads type and data itself
        data=str,
        note=f"ANOTHER RUNTIME: Node {version}, timed by itself",
        seconds=seconds,
    )


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        raise ImportError(name="node")
    return node


@functools.cache
def _process() -> subprocess.Popen[str]:
    command = [_node(), "--expose-gc", str(FOLDER / "parse.mjs")]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )
    atexit.register(process.communicate)  # closes its input, which ends it
    return process


def _stream(chunks: Iterable[bytes]) -> dict[str, Any]:
    chunks = list(chunks)
    stream = base64.b64encode(b"".join(chunks)).decode()
    return {"stream": stream, "sizes": [len(chunk) for chunk in chunks]}


def _request(**content: Any) -> Any:
    process = _process()
    assert process.stdin
    assert process.stdout
    print(json.dumps(content), file=process.stdin, flush=True)
    return json.loads(process.stdout.readline())
