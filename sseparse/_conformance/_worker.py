"""Run a Python parser in a process of its own, which reads and writes JSON lines.

``_subject`` starts the process. docs/conformance.rst describes the protocol.
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
    # The parser may print, but not among the answers.
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
    sys.path.insert(0, "")  # as for ``python -c`` in the working directory
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
    except ValueError:  # a function written in C may have no signature
        has_limit = False
    return Adapter(found, read, has_limit), target


def read(event: Any) -> dict[str, Any]:
    """Return an event, which has attributes or is a dict, as a dict."""
    if isinstance(event, dict):
        return event
    names = ("type", "data", "last_event_id", "retry")
    return {name: getattr(event, name) for name in names if hasattr(event, name)}


def answer(adapter: Adapter, chunks: list[bytes], limit: int | None = None) -> dict[str, Any]:
    """Run the parser on one stream, and return the answer in the form of the protocol."""
    by_chunk: list[list[Any]] = []  # the events of each chunk

    def feeding() -> Iterator[bytes]:
        for chunk in chunks:
            by_chunk.append([])
            yield chunk
        by_chunk.append([])  # for events that only the end of the stream completes

    result: dict[str, Any] = {"events": by_chunk}
    options = {}
    if limit is not None and adapter.has_limit:
        options["max_event_size"] = limit
        result["limited"] = True
    max_events = sum(map(len, chunks))  # a parser that yields endless events would take all memory
    begin = time.process_time()
    try:
        stream = adapter.parse(feeding(), **options)
        for count, event in enumerate(stream):
            if count > max_events:
                raise OverflowError("more events than the stream has bytes")
            if not by_chunk:
                by_chunk.append([])
            by_chunk[-1].append(event)
    except Exception as error:
        result["error"] = f"{type(error).__name__}: {error}"[:200]
    else:
        for name in ("last_event_id", "retry"):
            if hasattr(stream, name):
                result[name] = getattr(stream, name)
    result["seconds"] = time.process_time() - begin
    result["events"] = [[adapter.read(event) for event in each] for each in by_chunk]
    return result
