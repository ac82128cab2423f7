"""A real server, llama.cpp's own, with a model whose answers are known.

It needs the extra ``servers``. Without it, tests that use the server are skipped; if
SSEPARSE_REAL_SERVER is set, as in CI, they fail.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loopback import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = Path(__file__).parents[1] / "servers"
needs_llama_cpp = pytest.mark.skipif(
    not os.environ.get("SSEPARSE_REAL_SERVER") and not importlib.util.find_spec("xllamacpp"),
    reason="needs xllamacpp: pip install 'sseparse[servers]'",
)
SENTENCES = {
    "Hello from a tiny model.",
    "Hello from a tiny llama server.",
    "Streams of tokens flow.",
    "Streams of events arrive quickly.",
}


class LlamaCpp:
    """A running server.

    Attributes:
        url: Its base URL.
        log: The lines that it has written so far.
    """

    def __init__(self, model: Path, *options: str) -> None:
        command = [sys.executable, str(SERVERS / "serve_llama_cpp.py"), str(model), *options]
        # Its log goes to standard error. In one pipe a line of it could be broken by the address.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.log: list[str] = []
        self._has_line = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        assert self._process.stdout
        address = self._process.stdout.readline().decode().strip()
        assert address.startswith("http"), self.log
        self.url = f"{address}/v1"

    def _read(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            with self._has_line:
                self.log.append(line.decode("utf-8", "replace").rstrip())
                self._has_line.notify_all()

    def generations(self) -> int:
        """How many answers it has begun to generate, according to its log."""
        return sum("launch_slot_" in line for line in self.log)

    def wait_for_generations(self, count: int) -> None:
        """Wait until the log, which another thread of the server writes, has that many answers."""
        with self._has_line:
            assert self._has_line.wait_for(lambda: self.generations() >= count, PATIENCE)

    def stop(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self._process.stdout.close()
        self._process.stderr.close()


@contextlib.contextmanager
def running(model: Path, *options: str) -> Iterator[LlamaCpp]:
    server = LlamaCpp(model, *options)
    try:
        yield server
    finally:
        server.stop()


def make_model(folder: Path) -> Path:
    """Write the model into a folder, and return its path."""
    path = folder / "tiny.gguf"
    subprocess.run([sys.executable, SERVERS / "make_gguf.py", path], check=True, timeout=PATIENCE)
    return path
