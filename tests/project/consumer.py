"""A program that uses the public names with types: checked with mypy --strict against the wheel.

Each ``type: ignore`` is a misuse that the types must refuse: strict mypy reports one that is not
needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import sseparse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator
    from mmap import mmap

    from typing_extensions import assert_type


def events(stream: list[bytes], buffer: sseparse.BytesLike, mapped: mmap) -> list[str]:
    parser = sseparse.Parser(last_event_id=None, max_event_size=None)
    found: list[sseparse.Event] = []
    for chunk in stream:
        found += parser.feed(chunk)
    found += parser.feed(bytearray(b"data: a\n"))
    found += parser.feed(memoryview(b"\n"))
    found += parser.feed(buffer)
    if TYPE_CHECKING:
        assert_type(parser.close(), sseparse.Pending | None)
        assert_type(parser.last_event_id, str)
        assert_type(parser.retry, int | None)
        assert_type(found[0].type, str)
        assert_type(found[0].data, str)
        assert_type(found[0].last_event_id, str)
        assert_type(found[0].json(), Any)
        assert_type(sseparse.parse(b""), list[sseparse.Event])
        assert_type(sseparse.parse(mapped), list[sseparse.Event])
        assert_type(sseparse.encode("text", type="note", id="1", retry=3, comment=""), bytes)
    return [event.data for event in found]


def iterators(stream: list[bytes]) -> None:
    parser = sseparse.Parser(last_event_id="7", max_event_size=1024)
    observer = sseparse.Observer(lines=False, last_event_id="7", max_event_size=None)
    if TYPE_CHECKING:
        assert_type(sseparse.iter_events(stream), Generator[sseparse.Event, None, None])
        assert_type(sseparse.iter_events(stream, parser), Generator[sseparse.Event, None, None])
        assert_type(sseparse.iter_events(stream, observer), Generator[sseparse.Item, None, None])
    for event in sseparse.iter_events(stream, parser=parser):
        if TYPE_CHECKING:
            assert_type(event, sseparse.Event)


async def async_events(stream: AsyncIterator[bytes]) -> list[sseparse.Event]:
    if TYPE_CHECKING:
        items = sseparse.aiter_events(stream, sseparse.Observer())
        assert_type(items, AsyncGenerator[sseparse.Item, None])
        assert_type(sseparse.aiter_events(stream), AsyncGenerator[sseparse.Event, None])
    return [event async for event in sseparse.aiter_events(stream, parser=sseparse.Parser())]


def comments(stream: bytes) -> list[str]:
    found = []
    observer = sseparse.Observer()
    try:
        for item in observer.feed(stream):
            if TYPE_CHECKING:
                assert_type(item, sseparse.Item)
                assert_type(item.kind, Literal["field", "comment", "block", "byte order mark"])
                assert_type(item.name, str | None)
                assert_type(item.value, str | None)
                assert_type(
                    item.reason, Literal["unknown name", "NUL in id", "retry not taken"] | None
                )
                assert_type(item.separator, str | None)
                assert_type(item.start, int)
                assert_type(item.end, int)
                assert_type(item.terminator, Literal["\r", "\n", ""])
                assert_type(item.replaced, bool)
                assert_type(item.event, str | None)
                assert_type(item.data, str | None)
                assert_type(item.id, str | None)
                assert_type(item.retry, int | None)
                assert_type(item.comments, tuple[str, ...] | None)
                assert_type(item.block_start, int | None)
                assert_type(item.last_event_id, str | None)
                assert_type(item.to_event(), sseparse.Event | None)
            if item.kind == "comment" and item.value is not None:
                found.append(item.value)
    except sseparse.EventTooLargeError as error:
        if TYPE_CHECKING:
            assert_type(error.limit, int)
            assert_type(error.offset, int)
            assert_type(error.events, list[sseparse.Event])
            assert_type(error.items, list[sseparse.Item])
    if TYPE_CHECKING:
        assert_type(observer.close(), sseparse.Pending | None)
        assert_type(observer.last_event_id, str)
        assert_type(observer.retry, int | None)
    return found


def pending(left: sseparse.Pending) -> None:
    if TYPE_CHECKING:
        assert_type(left.type, str)
        assert_type(left.data, str)
        assert_type(left.last_event_id, str)
        assert_type(left.line, bytes)
        assert_type(left.start, int)


def matched(event: sseparse.Event) -> str:
    match event:
        case sseparse.Event("done", data, last_event_id):
            if TYPE_CHECKING:
                assert_type(data, str)
                assert_type(last_event_id, str)
            return data
    return ""


def misuse(event: sseparse.Event, item: sseparse.Item, stream: list[bytes]) -> None:
    event.data = "new"  # type: ignore[misc]
    item.start = 0  # type: ignore[misc]
    sseparse.parse("text")  # type: ignore[arg-type]
    sseparse.Parser().feed("text")  # type: ignore[arg-type]
    sseparse.Parser(limit=1024)  # type: ignore[call-arg]
    sseparse.Parser("7")  # type: ignore[call-arg]
    sseparse.Parser(lines=False)  # type: ignore[call-arg]
    sseparse.Observer(True)  # type: ignore[call-arg]
    sseparse.Observer(lines=None)  # type: ignore[arg-type]
    sseparse.iter_events(b"data")  # type: ignore[arg-type]
    sseparse.iter_events(["data"])  # type: ignore[list-item]
    sseparse.iter_events(stream, max_event_size=1024)  # type: ignore[call-overload]
    sseparse.aiter_events(stream)  # type: ignore[call-overload]
    sseparse.iter_events(stream, sseparse.Parser)  # type: ignore[call-overload]

    class SubEvent(sseparse.Event):  # type: ignore[misc]
        pass

    class SubItem(sseparse.Item):  # type: ignore[misc]
        pass

    class SubParser(sseparse.Parser):  # type: ignore[misc]
        pass

    class SubObserver(sseparse.Observer):  # type: ignore[misc]
        pass
