"""What a contestant is, and those of this project: both builds of sseparse.

A contestant takes the chunks and gives batches of events: the list that each call returns, where it
is called for each chunk, or one iterator for the stream. So one loop counts the events of all, and
each comes in the form that suits it best: a list per chunk would cost httpx-sse up to 15 %.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib import import_module, metadata, util
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import sseparse

BUILDS = ("compiled", "pure")
Batches = Iterable[Iterable[Any]]


def event_data(event: Any) -> str:
    """Return the data of an event that has it as an attribute, as nearly all have."""
    data: str = event.data
    return data


def version(distribution: str) -> str:
    return f"{distribution} {metadata.version(distribution)}"


class Contestant(NamedTuple):
    """One parser.

    Attributes:
        name: For ``--builds`` and ``--peers``.
        version: Its distribution and version.
        batches: Parses the chunks of one stream.
        data: Takes the data out of one of its events.
        note: What its figures mean, where that is not what the others' mean; printed beside them.
        seconds: Takes the chunks and a number of parses, and returns how many seconds one of them
            took; for a parser that runs in another process. None where the harness takes the time.
    """

    name: str
    version: str
    batches: Callable[[Iterable[bytes]], Batches]
    data: Callable[[Any], str] = event_data
    note: str = ""
    seconds: Callable[[list[bytes], int], float] | None = None


def builds() -> list[Contestant]:
    """Return sseparse as it is imported, and its pure build too if that one is compiled."""
    imported = import_module("sseparse._parser")
    path = Path(str(imported.__file__))
    if path.suffix == ".py":
        found = {"pure": imported}
    else:
        found = {"compiled": imported, "pure": _pure(path.parent)}
    return [_sseparse(name, module) for name, module in found.items()]


def _sseparse(name: str, module: ModuleType) -> Contestant:
    def batches(chunks: Iterable[bytes]) -> Batches:
        return map(module.Parser().feed, chunks)

    return Contestant(name, f"sseparse {sseparse.__version__}", batches)


def _pure(package: Path) -> ModuleType:
    """Import the source beside the extension, under another package name."""
    name = "sseparse_pure"
    parent = sys.modules[name] = ModuleType(name)
    parent.__path__ = [str(package)]
    spec = util.spec_from_file_location(f"{name}._parser", package / "_parser.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
