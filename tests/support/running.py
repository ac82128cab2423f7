"""Run the parser for the tests: over chunks, from a copy, in another interpreter."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import reference
import sseparse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

# The folder of the package under test, in a checkout or installed from a wheel.
PACKAGE = Path(sseparse.__file__).parent
CORE = PACKAGE / "_core"

# If this is true, long tests try every point and every case; otherwise they try some of them.
IS_SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"


def event(event: sseparse.Event) -> reference.Event:
    """Return the event as the reference writes it."""
    assert [type(event.type), type(event.data), type(event.last_event_id)] == [str] * 3
    return (event.type, event.data, event.last_event_id)


def item(item: Any) -> reference.Item:
    """Return an item, of any build of the package, as the reference writes it."""
    assert type(item).__name__ == "Item"
    assert [type(item.start), type(item.end), type(item.replaced)] == [int, int, bool]
    came = item.to_event()
    return reference.Item(
        item.kind,
        item.name,
        item.value,
        item.reason,
        item.separator,
        item.start,
        item.end,
        item.terminator,
        item.replaced,
        item.event,
        item.data,
        item.id,
        item.retry,
        item.comments,
        item.block_start,
        item.last_event_id,
        None if came is None else event(came),
    )


def feed_all(
    chunks: Iterable[bytes | bytearray | memoryview],
    *,
    limit: int | None = None,
    last_event_id: str = "",
    sse: Any = sseparse,
) -> reference.Outcome:
    """Feed a Parser and return its events and its state; there are no items.

    After an error, every further chunk must raise an equal error without events.
    """
    parser = sse.Parser(last_event_id=last_event_id, max_event_size=limit)
    events: list[reference.Event] = []
    offset = None
    for chunk in chunks:
        try:
            got = parser.feed(chunk)
            assert offset is None
        except sse.EventTooLargeError as error:
            got = error.events
            assert offset is None or got == []
            assert error.items == []
            offset = _checked(error, limit, offset, sse)
        events += [event(each) for each in got]
    return _outcome(parser, events, [], offset)


def observe_all(
    chunks: Iterable[bytes | bytearray | memoryview],
    *,
    lines: bool = True,
    limit: int | None = None,
    last_event_id: str = "",
    sse: Any = sseparse,
) -> reference.Outcome:
    """Feed an Observer and return its items, the events of its blocks, and its state."""
    observer = sse.Observer(lines=lines, last_event_id=last_event_id, max_event_size=limit)
    items: list[reference.Item] = []
    offset = None
    for chunk in chunks:
        try:
            got = observer.feed(chunk)
            assert offset is None
        except sse.EventTooLargeError as error:
            got = error.items
            assert offset is None or got == []
            assert error.events == [came for each in got if (came := each.to_event())]
            offset = _checked(error, limit, offset, sse)
        items += [item(each) for each in got]
    events = [each.to_event for each in items if each.to_event is not None]
    return _outcome(observer, events, items, offset)


def without_items(outcome: reference.Outcome) -> reference.Outcome:
    """Return the outcome that a Parser must have if an Observer has the given one."""
    return outcome._replace(items=[])


def without_lines(outcome: reference.Outcome) -> reference.Outcome:
    """Return the outcome that an ``Observer(lines=False)`` must have."""
    return outcome._replace(items=[each for each in outcome.items if each.kind == "block"])


def check_all(
    chunks: list[bytes],
    *,
    limit: int | None = None,
    last_event_id: str = "",
    sse: Any = sseparse,
    expected: reference.Outcome | None = None,
) -> None:
    """Assert that a Parser and both Observers give the outcome of the reference.

    The expected outcome can be given, which saves time for many cuts of one stream.
    """
    options: dict[str, Any] = {"limit": limit, "last_event_id": last_event_id, "sse": sse}
    if expected is None:
        expected = reference.outcome(b"".join(chunks), limit, last_event_id)
    assert feed_all(chunks, **options) == without_items(expected)
    assert observe_all(chunks, **options) == expected
    assert observe_all(chunks, lines=False, **options) == without_lines(expected)


def _checked(error: Any, limit: int | None, earlier: int | None, sse: Any) -> int:
    """Check the error's type, limit, offset and message, and return the offset."""
    assert type(error) is sse.EventTooLargeError
    assert error.limit == limit
    assert earlier in (None, error.offset)
    assert str(error) == str(sse.EventTooLargeError(limit, error.offset))
    assert type(error.offset) is int
    return int(error.offset)


def _outcome(
    parser: Any, events: list[reference.Event], items: list[reference.Item], offset: int | None
) -> reference.Outcome:
    pending = parser.close()
    assert parser.close() == pending
    return reference.Outcome(
        events,
        items,
        parser.last_event_id,
        parser.retry,
        None if pending is None else reference.Pending(*pending),
        offset,
    )


def load_copy(
    folder: Path, name: str, change: Callable[[str], str] = str, **constants: str
) -> ModuleType:
    """Copy the core's .py files into folder/name and import them from there: always pure.

    Args:
        folder: An existing folder.
        name: The name of the package. An earlier copy of that name is no longer importable: in a
            random order of the tests, a fixture of a module is made more than once.
        change: Takes the source of each file and returns the source to write.
        **constants: New values, as source, for constants of the core, each of one module.
    """
    target = folder / name
    target.mkdir()
    missing = set(constants)
    for file in sorted(CORE.glob("*.py")):
        source = file.read_text(encoding="utf-8")
        for constant, value in constants.items():
            definition = rf"(?m)^({constant}: Final = ).*$"
            source, found = re.subn(definition, rf"\g<1>{value}", source)
            if found:
                missing.remove(constant)
        (target / file.name).write_text(change(source), encoding="utf-8")
    assert not missing, missing
    for module in [each for each in sys.modules if f"{each}.".startswith(f"{name}.")]:
        del sys.modules[module]
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))


def submodule(package: ModuleType, name: str) -> Any:
    """Return a module of the core, or of a copy of it."""
    return sys.modules[f"{package.__name__}.{name}"]


def run_python(code: str, *options: str, **environment: str) -> str:
    """Run code in another interpreter that can import this sseparse; return what it printed.

    The package's parent folder is the first argument of the code, for interpreters (-I) that do not
    look at PYTHONPATH.
    """
    parent = str(PACKAGE.parent)
    done = subprocess.run(
        [sys.executable, "-W", "error", *options, "-c", code, parent],
        env={**os.environ, "PYTHONPATH": parent, **environment},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
