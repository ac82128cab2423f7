"""Run the parser for the tests: over chunks, from a copy, in another interpreter."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import reference
import sseparse

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

# Where the package under test is: a checkout, or what a wheel installed.
PACKAGE = Path(sseparse.__file__).parent


def event(event: sseparse.Event) -> reference.Event:
    """Return the event as the reference writes it."""
    assert [type(event.type), type(event.data), type(event.last_event_id)] == [str] * 3
    return (event.type, event.data, event.last_event_id)


def item(item: Any) -> tuple[str | None, ...]:
    """Return an observed item, of any build of the package, as the reference writes it."""
    kind = type(item).__name__
    if kind == "Event":
        return ("event", *event(item))
    if kind == "Comment":
        return ("comment", item.text)
    if kind == "NoData":
        return ("no data", item.type, item.last_event_id)
    if kind == "ByteOrderMark":
        return ("byte order mark",)
    assert kind == "Field"
    assert item.applied is (item.reason is None)
    return ("field", item.name, item.value, item.reason)


def feed_all(
    chunks: Iterable[bytes | bytearray | memoryview],
    *,
    limit: int | None = None,
    last_event_id: str = "",
    sse: Any = sseparse,
) -> reference.Outcome:
    """Feed the chunks and return all that can be asked; the observed items are left out.

    After the error every further chunk must raise its equal, without events.
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
            assert error.observed == []
            offset = _checked(error, limit, offset, sse)
        events += [event(each) for each in got]
    return _outcome(parser, events, [], offset)


def observe_all(
    chunks: Iterable[bytes | bytearray | memoryview],
    *,
    limit: int | None = None,
    last_event_id: str = "",
    sse: Any = sseparse,
) -> reference.Outcome:
    """Do the same with the observed form."""
    parser = sse.Parser(last_event_id=last_event_id, max_event_size=limit)
    seen: list[reference.Seen] = []
    offset = None
    for chunk in chunks:
        try:
            got = parser.observe(chunk)
            assert offset is None
        except sse.EventTooLargeError as error:
            got = error.observed
            assert offset is None or got == []
            assert error.events == [each.item for each in got if isinstance(each.item, sse.Event)]
            offset = _checked(error, limit, offset, sse)
        seen += [reference.Seen(item(each.item), *each[1:]) for each in got]
    events = [(str(i[1]), str(i[2]), str(i[3])) for i, *_ in seen if i[0] == "event"]
    return _outcome(parser, events, seen, offset)


def _checked(error: Any, limit: int | None, earlier: int | None, sse: Any) -> int:
    """Check all of an error that follows from the limit and the offset, and return the offset."""
    assert type(error) is sse.EventTooLargeError
    assert error.limit == limit
    assert earlier in (None, error.offset)
    assert str(error) == str(sse.EventTooLargeError(limit, error.offset))
    assert type(error.offset) is int
    return int(error.offset)


def _outcome(
    parser: Any, events: list[reference.Event], seen: list[reference.Seen], offset: int | None
) -> reference.Outcome:
    pending = parser.close()
    assert parser.close() == pending
    return reference.Outcome(
        events,
        seen,
        parser.last_event_id,
        parser.retry,
        None if pending is None else reference.Pending(*pending),
        offset,
    )


def load_copy(folder: Path, name: str) -> ModuleType:
    """Copy the core's .py files into folder/name and import them from there: always pure."""
    target = folder / name
    target.mkdir()
    for source in PACKAGE.glob("*.py"):
        (target / source.name).write_bytes(source.read_bytes())
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))


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
