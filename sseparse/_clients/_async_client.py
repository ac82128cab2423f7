"""The client over aiohttp: the methods for users, and the sending of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..completions._answer import Answer
from ..completions._async_stream import aread_whole
from ..completions._errors import StatusError, TimedOutError, TransportError
from ._aiohttp import Exchange, Http, Running
from ._async_completions import AsyncCompletions
from ._base import ClientBase
from ._events import AsyncEventStream
from ._retries import wanted_wait
from ._route import Route
from ._settings import UNSET

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from ..completions._headers import Headers
    from ._calls import Call
    from ._proxies import Proxy
    from ._requests import Query
    from ._timeout import Timeout

_A = TypeVar("_A", bound=Answer[Any])


class AsyncClient(ClientBase):
    """A client for OpenAI-compatible servers, for asyncio. The tasks of an event loop may share it.

    The arguments are those of ``Client``. Calls are made with ``await``; streams are read with
    ``async for``. The client belongs to the event loop in which it is first used, until it is
    closed.

    Raises:
        ValueError: There is no API key and no base URL; or an argument cannot be used. The
            message never contains a key or a password.
        TypeError: An argument has the wrong type.
        OSError: ``ca_file`` cannot be read.

    >>> from sseparse.completions import AsyncClient
    >>> AsyncClient(base_url="http://127.0.0.1:8080/v1")
    AsyncClient(base_url='http://127.0.0.1:8080/v1')
    """

    def _open(
        self,
        proxy: Proxy | None,
        ssl_context: ssl.SSLContext | None,
        ca_file: str | None,
        max_idle: int,
    ) -> None:
        route = Route.to(self._settings.address, proxy, ssl_context, ca_file)
        self._http = Http(route, max_idle)
        self._running = Running()

    def _share(self, client: AsyncClient) -> None:
        self._http = client._http
        self._running = Running()

    @property
    def chat(self) -> AsyncChat:
        """Chat completions, as ``await client.chat.completions.create``."""
        return AsyncChat(AsyncCompletions(self, "/chat/completions", "chat"))

    @property
    def completions(self) -> AsyncCompletions:
        """Legacy completions."""
        return AsyncCompletions(self, "/completions", "completions")

    async def stream(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Query | None = None,
        timeout: Timeout | float | None = UNSET,
    ) -> AsyncEventStream:
        """Send a request to any endpoint that answers with events, and return the stream of these.

        To continue a stream, put ``Last-Event-ID`` into the headers: the returned stream's
        ``last_event_id`` begins with it.

        Args:
            method: The HTTP method.
            path: Path and query below the base URL.
            body: Sent as JSON; None for no body.
            extra_headers: Sent with this request; they replace the client's of the same name.
            extra_query: Added to the query; its names replace the client's of the same name.
            timeout: As for the client.

        Raises:
            StatusError: The status is not a success.
            TransportError: There is no answer.
            TimedOutError: A time limit was reached before there was an answer.
            TypeError: A header, the query or the body cannot be sent.
            ValueError: The path is a whole URL; the method, a header or the body cannot be sent.
            RuntimeError: The client belongs to another event loop.
        """
        call = self._call(method, path, body, extra_headers, extra_query, timeout, is_stream=True)
        answer, exchange = await self._send(call, self._events_answer(extra_headers))
        return AsyncEventStream(answer, exchange)

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Query | None = None,
        timeout: Timeout | float | None = UNSET,
    ) -> Any:
        """Send a request to any endpoint that answers with JSON, and return the decoded JSON.

        ``await client.request("GET", "/models")``, for example.

        Args:
            method: The HTTP method.
            path: Path and query below the base URL.
            body: Sent as JSON; None for no body.
            extra_headers: Sent with this request; they replace the client's of the same name.
            extra_query: Added to the query; its names replace the client's of the same name.
            timeout: As for the client.

        Raises:
            StatusError: The status is not a success.
            TransportError: There is no answer, or it was cut off.
            TimedOutError: A time limit was reached.
            ContentTypeError: The answer is not JSON.
            TypeError: A header, the query or the body cannot be sent.
            ValueError: The path is a whole URL; the method, a header or the body cannot be sent.
            RuntimeError: The client belongs to another event loop.
        """
        call = self._call(method, path, body, extra_headers, extra_query, timeout, is_stream=False)
        answer, exchange = await self._send(call, self._json_answer)
        await aread_whole(answer, exchange)
        return answer.value

    def cancel(self) -> None:
        """End every exchange of this client, and every wait for a retry.

        Running calls and streams raise a TransportError, also while they wait for a connection or
        for the head of an answer. Call it in the event loop. The client can still be used.
        """
        self._running.cancel()

    async def close(self) -> None:
        """End every exchange and close all connections, also those of ``with_options``.

        Running calls and streams raise a TransportError. When this returns, nothing is left open in
        the event loop. The client can still be used, also in another event loop.

        Raises:
            RuntimeError: The client belongs to another event loop, which is not closed.
        """
        await self._http.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _send(self, call: Call, make: Callable[[int, Headers], _A]) -> tuple[_A, Exchange]:
        """Send a request until it succeeds or must not be sent again.

        Args:
            call: The request.
            make: Makes the reader of the answer, from its status and headers.
        """
        while True:
            headers = call.headers()
            try:
                exchange = await self._http.send(call, headers, self._running)
                answer = make(exchange.status, exchange.headers)
                if 200 <= exchange.status < 300:
                    return answer, exchange
                wait = call.wait_after(await _refusal(answer, exchange), exchange.headers)
            except (TransportError, TimedOutError) as failure:
                wait = call.wait_after(failure)
            await self._running.pause(wait)


class AsyncChat(NamedTuple):
    """``client.chat``."""

    completions: AsyncCompletions


async def _refusal(answer: Answer[Any], exchange: Exchange) -> StatusError:
    """Return the error for a status that is not a success."""
    try:
        await aread_whole(answer, exchange)
    except StatusError as error:
        error.retry_after = wanted_wait(exchange.headers)
        return error
    raise AssertionError("a status that is not a success is an error")  # pragma: no cover
