"""Ready adapters for other parsers, each through its public interface, if it has one.

An adapter returns the peer's own events, and has a separate function that reads one, so that a
benchmark of the peer does not measure the reading. Peers are imported when they are loaded.
"""

from __future__ import annotations

import asyncio
from importlib import import_module, metadata
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import EventTooLargeError, Parser, __version__
from .._core import COMPILED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .. import Event

__all__ = ["PEERS", "Adapter", "Peer", "result", "versions"]

# The address of a request that is never sent, for peers that are also clients.
_URL = "http://127.0.0.1/"
_HEADERS = {"content-type": "text/event-stream"}


class Adapter(NamedTuple):
    """The functions that run one parser.

    Attributes:
        parse: Takes the chunks of one stream, and returns or yields the parser's own events. The
            iterable may have attributes ``last_event_id`` and ``retry``, with the values at the
            end. Takes ``max_event_size``, in bytes, if the parser has a limit.
        read: Returns ``type`` and ``data`` of one event, and ``last_event_id`` and ``retry`` if the
            parser reports them; these are None for an event without them.
        has_limit: Whether ``parse`` takes ``max_event_size``.
        type: The name of the attribute with an event's type; its data is in ``data``.
    """

    parse: Callable[..., Iterable[Any]]
    read: Callable[[Any], dict[str, Any]]
    has_limit: bool = False
    type: str = "type"


class Peer(NamedTuple):
    """One parser.

    Attributes:
        packages: The distributions whose versions are printed, the parser's own first. sseparse
            has none, because it may run without being installed.
        load: Imports it; raises an ImportError if it is not installed.
        note: What differs in meaning, for the reports.
    """

    packages: tuple[str, ...]
    load: Callable[[], Adapter]
    note: str = ""


def versions(peer: Peer) -> str:
    """Return the packages of a peer with their versions.

    Raises:
        ModuleNotFoundError: One is not installed. (``PackageNotFoundError`` is one.)
    """
    if not peer.packages:
        return f"sseparse {__version__} ({'compiled' if COMPILED else 'pure'})"
    return ", ".join(f"{package} {metadata.version(package)}" for package in peer.packages)


class _Ended(Exception):  # noqa: N818  nothing went wrong
    """The stream is over; raised from a client's hook, so that it does not reconnect."""


class _Sseparse:
    """sseparse, with the ID and the reconnection time also if they come without an event."""

    def __init__(self, chunks: Iterable[bytes], *, max_event_size: int | None = None) -> None:
        self._chunks = chunks
        self._parser = Parser(max_event_size=max_event_size)

    def __iter__(self) -> Iterator[Event]:
        for chunk in self._chunks:
            try:
                events = self._parser.feed(chunk)
            except EventTooLargeError as error:
                yield from error.events
                raise
            yield from events

    @property
    def last_event_id(self) -> str:
        return self._parser.last_event_id

    @property
    def retry(self) -> int | None:
        return self._parser.retry


def _sseparse() -> Adapter:
    return _adapter(_Sseparse, "type", "last_event_id", has_limit=True)


def _httpx_sse() -> Adapter:
    httpx, httpx_sse = import_module("httpx"), import_module("httpx_sse")

    def parse(chunks: Iterable[bytes]) -> Iterable[Any]:
        response = httpx.Response(200, headers=_HEADERS, content=iter(chunks))
        events: Iterable[Any] = httpx_sse.EventSource(response).iter_sse()
        return events

    return _adapter(parse, "event", "id", "retry")


def _httpx2() -> Adapter:
    httpx2 = import_module("httpx2")
    request = httpx2.Request("GET", _URL)

    def parse(chunks: Iterable[bytes], *, max_event_size: int | None = None) -> Iterable[Any]:
        response = httpx2.Response(200, headers=_HEADERS, content=iter(chunks), request=request)
        source: Iterable[Any] = httpx2.EventSource(response, max_event_size=max_event_size)
        return source

    return _adapter(parse, "event", "id", "retry", has_limit=True)


def _openai() -> Adapter:
    return _decoder("openai._streaming")


def _anthropic() -> Adapter:
    return _decoder("anthropic._streaming")


def _decoder(module: str) -> Adapter:
    decoder = import_module(module).SSEDecoder
    return _adapter(lambda chunks: decoder().iter_bytes(iter(chunks)), "event", "id", "retry")


def _launchdarkly() -> Adapter:
    ld = import_module("ld_eventsource")
    config = import_module("ld_eventsource.config")

    class Strategy(config.ConnectStrategy):  # type: ignore[misc, name-defined]  # imported late
        def __init__(self, chunks: Iterable[bytes]) -> None:
            self.chunks = chunks

        def create_client(self, _logger: object) -> Strategy:
            return self

        def connect(self, _last_event_id: str | None) -> object:
            return config.ConnectionResult(iter(self.chunks), None)

        def close(self) -> None: ...

    class Stream:
        def __init__(self, chunks: Iterable[bytes]) -> None:
            self.client = ld.SSEClient(Strategy(chunks))

        def __iter__(self) -> Iterator[Any]:
            return iter(self.client.events)

        @property
        def last_event_id(self) -> str:
            return self.client.last_event_id or ""

    return _adapter(Stream, "event", "last_event_id")


def _sseclient_py() -> Adapter:
    sseclient = import_module("sseclient")
    return _adapter(lambda chunks: sseclient.SSEClient(chunks).events(), "event", "id")


def _requests_sse() -> Adapter:
    requests, requests_sse = import_module("requests"), import_module("requests_sse")

    class Raw:
        def __init__(self, chunks: Iterable[bytes]) -> None:
            self.chunks = chunks

        def stream(self, *_: object, **__: object) -> Iterable[bytes]:
            return self.chunks

        def close(self) -> None: ...

        release_conn = close

    class Memory(requests.adapters.BaseAdapter):  # type: ignore[misc, name-defined]  # imported late
        def __init__(self, chunks: Iterable[bytes]) -> None:
            super().__init__()
            self.chunks = chunks

        def send(self, request: Any, **_: object) -> Any:
            response = requests.Response()
            response.status_code, response.url = 200, request.url
            response.headers.update(_HEADERS)
            response.raw = Raw(self.chunks)
            return response

        def close(self) -> None: ...

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        with requests.Session() as session:
            session.trust_env = False
            session.mount(_URL, Memory(chunks))
            try:
                with requests_sse.EventSource(_URL, session=session, on_error=_end) as source:
                    yield from source
            except _Ended:
                return

    return _adapter(parse, "type", "last_event_id")


def _aiohttp_sse_client2() -> Adapter:
    aiohttp = import_module("aiohttp")
    client = import_module("aiohttp_sse_client2.client")
    origin = SimpleNamespace(origin=lambda: _URL)
    # After a large chunk aiohttp pauses the socket, but there is none.
    socketless = SimpleNamespace(pause_reading=lambda: None, resume_reading=lambda **_: None)
    # aiohttp asks for an event loop. It never runs: its turns would cost more than the parser.
    loop = asyncio.new_event_loop()
    loop.close()

    class Content(aiohttp.StreamReader):  # type: ignore[misc, name-defined]  # imported late
        """A response's content that takes the next chunk instead of waiting for the socket.

        It overrides a private method. In a release of aiohttp without that method, the first
        wait raises, and no stream passes.
        """

        def __init__(self, chunks: Iterable[bytes]) -> None:
            super().__init__(socketless, 2**16, loop=loop)  # 2**16 is aiohttp's default
            self.chunks = iter(chunks)

        async def _wait(self, _: str) -> None:
            chunk = next(self.chunks, None)
            if chunk is None:
                self.feed_eof()
            else:
                self.feed_data(chunk)

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        response = SimpleNamespace(
            status=200,
            content_type="text/event-stream",
            real_url=origin,
            content=Content(chunks),
            close=lambda: None,
        )

        async def request(*_: object, **__: object) -> object:
            return response

        session = SimpleNamespace(request=request)
        source = client.EventSource(_URL, session=session, on_error=_end)
        try:
            result(source.connect())
            while True:
                yield result(source.__anext__())
        except _Ended:
            return

    return _adapter(parse, "type", "last_event_id")


def result(coroutine: Any) -> Any:
    """Run a coroutine that never waits, without an event loop, and return its result."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("the coroutine waits, although it needs nothing more")


def _end() -> None:
    raise _Ended


def _assel() -> Adapter:
    return _adapter(import_module("assel").parse, "event", "id", "retry")


def _axio_sse() -> Adapter:
    axio_sse = import_module("axio_sse")

    def parse(chunks: Iterable[bytes], *, max_event_size: int | None = None) -> Iterator[Any]:
        options = {} if max_event_size is None else {"limit": max_event_size}
        decoder = axio_sse.Decoder(**options)
        for chunk in chunks:
            yield from decoder.decode(chunk)
        yield from decoder.decode(final=True)

    return _adapter(parse, "name", "id", "retry", has_limit=True)


def _adapter(
    parse: Callable[..., Iterable[Any]],
    type: str,
    last_event_id: str,
    retry: str | None = None,
    has_limit: bool = False,
) -> Adapter:
    """Return an adapter for events with these names of attributes."""

    def read(event: Any) -> dict[str, Any]:
        found = {
            "type": getattr(event, type) or "message",
            "data": event.data,
            "last_event_id": getattr(event, last_event_id),
        }
        if retry is not None:
            found["retry"] = getattr(event, retry)
        return found

    return Adapter(parse, read, has_limit, type)


_OWN_ID = "An event carries the ID of its own block; the last one is kept, as a client would."
_WITH_EVENT = "retry comes with an event only."
_NO_RETRY = "retry cannot be asked for."
_PRIVATE = "SSEDecoder is private; the public way goes on to read each event's data as JSON."

PEERS: Mapping[str, Peer] = {
    "sseparse": Peer((), _sseparse),
    "httpx-sse": Peer(("httpx-sse", "httpx"), _httpx_sse, _WITH_EVENT),
    "httpx2": Peer(("httpx2",), _httpx2, _WITH_EVENT),
    "openai": Peer(("openai",), _openai, f"{_PRIVATE} {_WITH_EVENT}"),
    "anthropic": Peer(("anthropic",), _anthropic, f"{_PRIVATE} {_WITH_EVENT}"),
    "launchdarkly-eventsource": Peer(("launchdarkly-eventsource",), _launchdarkly, _NO_RETRY),
    "sseclient-py": Peer(
        ("sseclient-py",), _sseclient_py, f"{_OWN_ID} retry is the field's text, unread."
    ),
    "requests-sse": Peer(("requests-sse", "requests"), _requests_sse, _NO_RETRY),
    "aiohttp-sse-client2": Peer(
        ("aiohttp-sse-client2", "aiohttp"), _aiohttp_sse_client2, _NO_RETRY
    ),
    "assel": Peer(("assel",), _assel, f"{_OWN_ID} {_WITH_EVENT}"),
    "axio-sse": Peer(("axio-sse",), _axio_sse, _WITH_EVENT),
}
