"""Peers that take a connection instead of chunks: each gets one that gives the chunks.

A connection that ends is one to open again, after seconds of sleep. Where the peer calls back
before that, the call raises ``_EndedError``, which ends its iteration.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from .contestants import Batches, Contestant, version

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

URL = "http://localhost/"
EVENT_STREAM = {"Content-Type": "text/event-stream"}


class _EndedError(Exception):
    """The chunks are at their end."""


def _ended() -> None:
    raise _EndedError


def launchdarkly_client(name: str) -> Contestant:
    distribution = version("launchdarkly-eventsource")
    client = import_module("ld_eventsource").SSEClient
    config: Any = import_module("ld_eventsource.config.connect_strategy")

    class Connection(config.ConnectionClient):  # type: ignore[misc]  # its types are not known here
        def __init__(self, chunks: Iterable[bytes]) -> None:
            self.chunks = chunks

        def connect(self, _: str | None) -> Any:
            return config.ConnectionResult(iter(self.chunks), None)

    class Strategy(config.ConnectStrategy):  # type: ignore[misc]  # as above
        def __init__(self, chunks: Iterable[bytes]) -> None:
            self.chunks = chunks

        def create_client(self, _: object) -> Connection:
            return Connection(self.chunks)

    def batches(chunks: Iterable[bytes]) -> Batches:
        return [client(Strategy(chunks)).events]

    return Contestant(name, distribution, batches, note="SSEClient, on a connection of ours")


def requests_sse(name: str) -> Contestant:
    distribution = f"{version('requests-sse')}, {version('requests')}"
    requests = import_module("requests")
    source = import_module("requests_sse").EventSource

    def events(chunks: Iterable[bytes]) -> Iterator[Any]:
        response = requests.Response()
        response.status_code = 200
        response.url = URL
        response.headers.update(EVENT_STREAM)
        response.raw = SimpleNamespace(stream=lambda *_, **__: iter(chunks), close=lambda: None)
        session = SimpleNamespace(request=lambda **_: response)
        connection = source(URL, session=session, on_error=_ended)
        connection.connect()
        try:
            yield from connection
        except _EndedError:
            return

    def batches(chunks: Iterable[bytes]) -> Batches:
        return [events(chunks)]

    return Contestant(name, distribution, batches, note="through requests.Response")


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
        return [_stepped(source(URL, session=session, on_error=_ended))]

    note = "asynchronous, through aiohttp.StreamReader"
    return Contestant(name, distribution, batches, note=note)


def _stepped(connection: Any) -> Iterator[Any]:
    """Take the events without an event loop, whose turns would cost as much as the parser."""
    _result(connection.connect())
    events: AsyncIterator[Any] = connection.__aiter__()
    while True:
        try:
            event = _result(events.__anext__())
        except _EndedError:
            return
        yield event


def _result(coroutine: Any) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits, though all that it needs is there")
