"""What a contestant is, and those of this project: the builds of sseparse, and its other forms.

A contestant takes the chunks and gives batches of events, which one loop reads. Nearly all give a
single batch, a generator over the chunks. What is called for each chunk gives the list that each
call returns.
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
    """Return the data of an event that has it as an attribute, as nearly all have."""
    data: str = event.data
    return data


class Contestant(NamedTuple):
    """One parser, or one way to use it.

    Attributes:
        name: For ``--builds`` and ``--peers``.
        version: Its distribution and version.
        batches: Parses the chunks of one stream.
        type: The attribute in which its events have their type; beside it they have ``data``. ""
            where an event is a str, so that nothing has to be read.
        data: Takes the data out of one of its events; None for one that is not an event.
        note: What its figures mean, where that is not what the others' mean; printed beside them.
        seconds: Takes the chunks, a number of parses and whether to read type and data, and returns
            how many seconds one parse took; for a parser that runs in another process. None where
            the harness takes the time.
        loop: Counts the events in a loop of its own, which reads nothing of them. None for the
            harness's loop.
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
    """Return both builds of sseparse, as far as they are there: ``iter_events`` of each."""
    return [_iter_events(name, core, sseparse_version()) for name, core in cores().items()]


def before(folder: Path) -> Contestant:
    """Return the build that ``python -m benchmarks.before`` put into the folder.

    Raises:
        ImportError: There is none, or not for this Python.
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
