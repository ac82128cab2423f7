"""The contestants of the benchmark, and the builds of sseparse among them.

A contestant takes the chunks and returns batches of events, which one loop reads. Most return a
single batch, a generator over the chunks. A parser that is called for each chunk returns a batch
for each call: the list that the call returns.
"""

from __future__ import annotations

import functools
import importlib
import sys
import tempfile
from collections.abc import Callable, Iterable
from importlib import import_module, machinery
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import sseparse
from sseparse import _core

if TYPE_CHECKING:
    from types import ModuleType

BUILDS = ("compiled", "pure")
BEFORE = "before"
# The name under which a package with an earlier build is imported beside this one.
BEFORE_PACKAGE = "sseparse_before"
_PURE_PACKAGE = "sseparse_pure"
Batches = Iterable[Iterable[Any]]


def event_data(event: Any) -> str:
    """Return the attribute ``data`` of an event; nearly all parsers have it."""
    data: str = event.data
    return data


class Contestant(NamedTuple):
    """One parser, or one way to use it.

    Attributes:
        name: The name for ``--builds`` and ``--peers``.
        version: Its distribution and version.
        batches: Parses the chunks of one stream.
        type: The attribute of an event that holds its type; ``data`` holds its data. "" if an event
            is a str, which has no attribute to read.
        data: Takes an event and returns its data; None for an item that is not an event.
        note: The difference in meaning between its figures and the others'; printed beside them.
        seconds: Takes the chunks, a number of parses and whether to read type and data, and returns
            the time of one parse, in s. It is for a parser that runs in another process; None if
            the benchmark takes the time.
        loop: Parses the chunks in a loop of its own and returns the number of events. None for the
            benchmark's loop.
    """

    name: str
    version: str
    batches: Callable[[Iterable[bytes]], Batches]
    type: str = "event"
    data: Callable[[Any], str | None] = event_data
    note: str = ""
    seconds: Callable[[list[bytes], int, bool], float] | None = None
    loop: Callable[[Iterable[bytes]], int] | None = None


def cores() -> dict[str, ModuleType]:
    """Return the core of the imported sseparse, and its pure build too if that one is compiled."""
    if _core.COMPILED:
        return {"compiled": _core, "pure": _pure()}
    return {"pure": _core}


def builds() -> list[Contestant]:
    """Return the builds of sseparse that are installed, by their ``iter_events``."""
    return [_iter_events(name, core, sseparse_version()) for name, core in cores().items()]


def before(folder: Path) -> Contestant:
    """Return the build that ``python -m benchmarks.before`` put into the folder.

    Raises:
        ImportError: There is no build, or it is not for this Python.
    """
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        package = import_module(BEFORE_PACKAGE)
    finally:
        sys.path.remove(str(folder))
    files = [
        str(module.__file__)
        for name, module in sys.modules.items()
        if name.startswith(f"{BEFORE_PACKAGE}.")
    ]
    if not any(each.endswith(tuple(machinery.EXTENSION_SUFFIXES)) for each in files):
        raise ImportError("it was not compiled for this Python")
    commit = Path(str(package.__file__)).with_name("COMMIT").read_text(encoding="utf-8").strip()
    return _iter_events(BEFORE, package, f"sseparse {package.__version__}, commit {commit}")


def sseparse_version() -> str:
    return f"sseparse {sseparse.__version__}"


def _iter_events(name: str, package: ModuleType, version: str) -> Contestant:
    return Contestant(name, version, lambda chunks: [package.iter_events(chunks)], "type")


@functools.cache
def _pure() -> ModuleType:
    """Import the source beside the extensions, from a copy under another name."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, _PURE_PACKAGE)
        target.mkdir()
        for source in Path(_core.__file__).parent.glob("*.py"):
            (target / source.name).write_bytes(source.read_bytes())
        sys.path.insert(0, folder)
        try:
            importlib.invalidate_caches()
            return import_module(_PURE_PACKAGE)
        finally:
            sys.path.remove(folder)
