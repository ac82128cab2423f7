"""The other forms of both builds of sseparse: ``feed``, ``Observer`` and ``aiter_events``.

Compare each with a form that is called in the same way: ``Observer.feed`` with ``Parser.feed``, for
each chunk; ``aiter_events`` with a loop over the same asynchronous chunks that calls ``feed``. No
event loop runs: nothing waits, and its turns would cost more than the parser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sseparse._conformance._peers import result

from .contestant import Batches, Contestant, cores, sseparse_version

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Container, Iterable, Iterator
    from types import ModuleType


def forms(builds: Container[str]) -> list[Contestant]:
    """Return the other forms of those of the builds that are installed."""
    return [
        form for build, core in cores().items() if build in builds for form in _forms(build, core)
    ]


def _forms(build: str, core: ModuleType) -> Iterator[Contestant]:
    def fed(form: str, parser: Callable[[], Any], type: str, note: str) -> Contestant:
        def batches(chunks: Iterable[bytes]) -> Batches:
            return map(parser().feed, chunks)

        return Contestant(f"{build}-{form}", sseparse_version(), batches, type, note=note)

    def iterated(chunks: Iterable[bytes]) -> AsyncIterator[Any]:
        events: AsyncIterator[Any] = core.aiter_events(_source(chunks))
        return events

    feed = fed("feed", core.Parser, "type", "Parser.feed for each chunk")
    yield feed
    yield fed("observer", core.Observer, "event", "Observer.feed, an item for each line")
    yield fed("blocks", lambda: core.Observer(lines=False), "event", "Observer.feed, lines=False")
    yield feed._replace(
        name=f"{build}-async-feed",
        note="async for over the chunks, Parser.feed for each",
        loop=lambda chunks: result(_count_fed(_source(chunks), core.Parser().feed)),
    )
    yield Contestant(
        f"{build}-aiter",
        sseparse_version(),
        lambda chunks: [result(_listed(iterated(chunks)))],
        "type",
        note="async for over aiter_events",
        loop=lambda chunks: result(_count(iterated(chunks))),
    )


async def _source(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _listed(events: AsyncIterator[Any]) -> list[Any]:
    return [event async for event in events]


async def _count(events: AsyncIterator[Any]) -> int:
    count = 0
    async for _ in events:
        count += 1
    return count


async def _count_fed(chunks: AsyncIterator[bytes], feed: Callable[[bytes], list[Any]]) -> int:
    count = 0
    async for chunk in chunks:
        for _ in feed(chunk):
            count += 1
    return count
