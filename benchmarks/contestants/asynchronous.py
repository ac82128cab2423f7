"""aiohttp-sse-client2, which takes a connection: one that gives the chunks, without an event loop.

The adapter of ``sseparse conformance`` runs a loop, as the peer's users do: some turns of it for a
chunk cost more than the parser. Here nothing waits, so that the peer's own work is timed.

A connection that ends is one to open again, after seconds of sleep. The peer calls back before
that, and the call raises ``_EndedError``, which ends its iteration.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from .contestant import Batches, Contestant, version

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

URL = "http://localhost/"


class _EndedError(Exception):
    """The chunks are at their end."""


def _ended() -> None:
    raise _EndedError


def aiohttp_sse_client2(name: str) -> Contestant:
    distribution = f"{version('aiohttp-sse-client2')}, {version('aiohttp')}"
    aiohttp = import_module("aiohttp")
    source = import_module("aiohttp_sse_client2.client").EventSource
    origin = SimpleNamespace(origin=lambda: URL)
    # A large chunk tells the socket to pause, of which there is none.
    socketless = SimpleNamespace(pause_reading=lambda: None, resume_reading=lambda **_: None)
    loop = asyncio.new_event_loop()
    loop.close()  # nothing waits, so that nothing needs it to run

    class Content(aiohttp.StreamReader):  # type: ignore[misc, name-defined]  # not known here
        """What ``ClientResponse.content`` is, with chunks at hand in place of a socket."""

        def __init__(self, chunks: Iterable[bytes]) -> None:
            super().__init__(socketless, 2**16, loop=loop)  # 2**16 is aiohttp's default
            self.chunks = iter(chunks)

        async def _wait(self, _: str) -> None:
            chunk = next(self.chunks, None)
            if chunk is None:
                self.feed_eof()
            else:
                self.feed_data(chunk)

    def batches(chunks: Iterable[bytes]) -> Batches:
        response = SimpleNamespace(
            status=200,
            content_type="text/event-stream",
            real_url=origin,
            content=Content(chunks),
            close=lambda: None,
        )

        async def request(*_: object, **__: object) -> Any:
            return response

        session = SimpleNamespace(request=request)
        return [_events(source(URL, session=session, on_error=_ended))]

    note = "asynchronous, through aiohttp.StreamReader"
    return Contestant(name, distribution, batches, "type", note=note)


def _events(connection: Any) -> Iterator[Any]:
    result(connection.connect())
    try:
        yield from stepped(connection.__aiter__())
    except _EndedError:
        return


def stepped(events: AsyncIterator[Any]) -> Iterator[Any]:
    """Take the events without an event loop, whose turns would cost as much as the parser."""
    while True:
        try:
            event = result(events.__anext__())
        except StopAsyncIteration:
            return
        yield event


def result(coroutine: Any) -> Any:
    """Return what the coroutine returns; it may not wait for anything."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits, though all that it needs is there")
