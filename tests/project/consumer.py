"""A program that uses the public names with types: checked with mypy --strict against the wheel.

Each ``type: ignore`` is a misuse that the types must refuse: strict mypy reports one that is not
needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sseparse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from typing_extensions import assert_type


def events(stream: list[bytes]) -> list[str]:
    parser = sseparse.Parser(last_event_id="7", max_event_size=None)
    found: list[sseparse.Event] = []
    for chunk in stream:
        found += parser.feed(chunk)
    found += parser.feed(bytearray(b"data: a\n"))
    found += parser.feed(memoryview(b"\n"))
    if TYPE_CHECKING:
        assert_type(parser.close(), sseparse.Pending | None)
        assert_type(parser.last_event_id, str)
        assert_type(parser.retry, int | None)
        assert_type(found[0].type, str)
        assert_type(found[0].data, str)
        assert_type(found[0].last_event_id, str)
        assert_type(found[0].json(), Any)
        assert_type(sseparse.parse(b""), list[sseparse.Event])
        assert_type(sseparse.encode("text", type="note", id="1", retry=3, comment=""), bytes)
    return [event.data for event in sseparse.iter_events(stream, max_event_size=1024)]


async def async_events(stream: AsyncIterator[bytes]) -> list[sseparse.Event]:
    return [event async for event in sseparse.aiter_events(stream, last_event_id="7")]


def comments(stream: bytes) -> list[str]:
    found = []
    try:
        for seen in sseparse.Parser().observe(stream):
            if TYPE_CHECKING:
                assert_type(seen.start, int)
                assert_type(seen.replaced, bool)
            if isinstance(seen.item, sseparse.Comment):
                found.append(seen.item.text)
    except sseparse.EventTooLargeError as error:
        if TYPE_CHECKING:
            assert_type(error.limit, int)
            assert_type(error.offset, int)
            assert_type(error.events, list[sseparse.Event])
    return found


def misuse(event: sseparse.Event) -> None:
    event.data = "new"  # type: ignore[misc]
    sseparse.parse("text")  # type: ignore[arg-type]
    sseparse.Parser(limit=1024)  # type: ignore[call-arg]
    sseparse.iter_events(b"data")  # type: ignore[arg-type]

    class Subclass(sseparse.Event):  # type: ignore[misc]
        pass
