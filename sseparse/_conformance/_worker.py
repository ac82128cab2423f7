"""The process in which a Python parser runs. It reads requests and writes answers as JSON lines.

It is the other end of ``_subject``, and speaks the protocol that docs/conformance.rst describes.
"""

from __future__ import annotations

import base64
import inspect
import json
import os
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._peers import PEERS, Adapter, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["answer", "main", "read"]


def main() -> None:
    """Answer the requests on standard input until it ends; the last argument names the parser."""
    # What the parser prints must not get among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    target = sys.argv[-1]
    try:
        adapter, name = _load(target)
    except ImportError as error:
        _write(answers, {"cannot": str(error)})
        return
    for line in sys.stdin:
        request = json.loads(line)
        chunks = [base64.b64decode(chunk) for chunk in request["chunks"]]
        _write(answers, {**answer(adapter, chunks, request.get("limit")), "parser": name})


def _write(answers: Any, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer, default=repr) + "\n")
    answers.flush()


def _load(target: str) -> tuple[Adapter, str]:
    if target in PEERS:
        peer = PEERS[target]
        try:
            return peer.load(), versions(peer)
        except ImportError as error:
            advice = f"pip install {' '.join(peer.packages)}"
            raise ImportError(f"{target} is not installed ({error}): {advice}") from error
    module, _, path = target.partition(":")
    sys.path.insert(0, "")  # as for any script that is run in the working directory
    try:
        found: Any = import_module(module)
    except Exception as error:
        raise ImportError(
            f"cannot import the module {module!r} of {target!r}, MODULE:FUNCTION, "
            f"with {sys.executable}: {type(error).__name__}: {error}"
        ) from error
    for name in path.split("."):
        if not hasattr(found, name):
            raise ImportError(f"the module {module!r} has no {path!r}")
        found = getattr(found, name)
    if not callable(found):
        raise ImportError(f"{target!r} cannot be called")
    try:
        has_limit = "max_event_size" in inspect.signature(found).parameters
    except ValueError:  # what is written in C need not tell
        has_limit = False
    return Adapter(found, read, has_limit), target


def read(event: Any) -> dict[str, Any]:
    """Return what an event says: one with attributes, or a dict."""
    if isinstance(event, dict):
        return event
    names = ("type", "data", "last_event_id", "retry")
    return {name: getattr(event, name) for name in names if hasattr(event, name)}


def answer(adapter: Adapter, chunks: list[bytes], limit: int | None = None) -> dict[str, Any]:
    """Run the parser on one stream, and return the answer that the protocol asks for."""
    said: list[list[Any]] = []

    def fed() -> Iterator[bytes]:
        for chunk in chunks:
            said.append([])
            yield chunk
        said.append([])  # for what comes at the end of the stream only

    found: dict[str, Any] = {"events": said}
    options = {}
    if limit is not None and adapter.has_limit:
        options["max_event_size"] = limit
        found["limited"] = True
    most = sum(map(len, chunks))  # one that gives events without end would take all memory
    begin = time.process_time()
    try:
        stream = adapter.parse(fed(), **options)
        for count, event in enumerate(stream):
            if count > most:
                raise OverflowError("more events than the stream has bytes")
            if not said:
                said.append([])
            said[-1].append(event)
    except Exception as error:
        found["error"] = f"{type(error).__name__}: {error}"[:200]
    else:
        for name in ("last_event_id", "retry"):
            if hasattr(stream, name):
                found[name] = getattr(stream, name)
    found["seconds"] = time.process_time() - begin
    found["events"] = [[adapter.read(event) for event in each] for each in said]
    return found
