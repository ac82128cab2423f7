"""The client over urllib3: what users call, and the requests that come of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import attrs

from .._core import DEFAULT_MAX_EVENT_SIZE
from ..completions._answer import Answer, EventsAnswer, JsonAnswer
from ..completions._errors import StatusError, TimedOutError, TransportError
from ..completions._stream import read_whole
from ._calls import Call
from ._completions import Completions
from ._events import EventStream
from ._http import MAX_IDLE, Exchange, Http, Route, Running, pause
from ._proxies import proxy_of
from ._retries import wanted_wait
from ._settings import UNSET, ApiKey, OnRetry, limits, settings_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from ..completions._headers import Headers
    from ._requests import Query
    from ._timeout import Timeout

_A = TypeVar("_A", bound=Answer[Any])


class Client:
    """A client for OpenAI-compatible servers. Threads may share one.

    Args:
        api_key: Sent as ``Authorization: Bearer``; by default OPENAI_API_KEY. "" for none. A
            function is called for each attempt, and returns the key.
        base_url: By default OPENAI_BASE_URL, or else the official API. A query in it is kept.
        organization: By default OPENAI_ORG_ID.
        project: By default OPENAI_PROJECT_ID.
        timeout: The time limits; a number stands for ``connect`` and ``idle``, None for no limits.
        max_retries: How often a request is sent again after a failure that may pass.
        default_headers: Sent with every request.
        default_query: Added to the query of every request.
        on_retry: Called before each wait, with the number of the attempt that failed, from 1, the
            seconds that will be waited, and the error.
        proxy: URL of an HTTP proxy; by default what the environment says. "" for none.
        ca_file: A file with certificate authorities in PEM, trusted instead of the system's.
        ssl_context: The TLS to the server and to the proxy, for all that ``ca_file`` cannot say:
            certificates of the client, other authorities, no verification.
        max_idle: How many idle connections are kept.
        max_event_size: As for ``sseparse.Parser``.
        json_loads: As for ``CompletionParser``.

    Raises:
        ValueError: There is no API key, and no base URL that might do without; or an argument
            cannot be used. Keys and passwords never stand in the message.
        TypeError: An argument has the wrong type.
        OSError: ``ca_file`` cannot be read.

    >>> from sseparse.completions import Client
    >>> Client(base_url="http://127.0.0.1:8080/v1")
    Client(base_url='http://127.0.0.1:8080/v1')
    """

    def __init__(
        self,
        *,
        api_key: ApiKey = None,
        base_url: str | None = None,
        organization: str | None = None,
        project: str | None = None,
        timeout: Timeout | float | None = UNSET,
        max_retries: int = 2,
        default_headers: Mapping[str, str] | None = None,
        default_query: Query | None = None,
        on_retry: OnRetry | None = None,
        proxy: str | None = None,
        ca_file: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        max_idle: int = MAX_IDLE,
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        json_loads: Callable[[str], Any] = json.loads,
    ) -> None:
        self._settings = settings_of(
            api_key=api_key,
            base_url=base_url,
            organization=organization,
            project=project,
            timeout=timeout,
            max_retries=max_retries,
            default_headers=dict(default_headers or {}),
            default_query=dict(default_query or {}),
            on_retry=on_retry,
            max_event_size=max_event_size,
            json_loads=json_loads,
        )
        if isinstance(max_idle, bool) or not isinstance(max_idle, int) or max_idle < 0:
            raise ValueError(f"max_idle must be an int of at least 0, not {max_idle!r}")
        address = self._settings.address
        route = Route.to(address, proxy_of(proxy, self._settings), ssl_context, ca_file)
        self._http = Http(route, max_idle)
        self._running = Running()

    # Made when they are asked for: a cycle of references would keep connections open until the
    # garbage collector comes by.
    @property
    def chat(self) -> Chat:
        """Chat completions, as ``client.chat.completions.create``."""
        return Chat(Completions(self, "/chat/completions", "chat"))

    @property
    def completions(self) -> Completions:
        """Legacy completions."""
        return Completions(self, "/completions", "completions")

    @property
    def base_url(self) -> str:
        """The base URL, without its query."""
        return self._settings.address.origin + self._settings.address.path

    @property
    def timeout(self) -> Timeout:
        """The time limits."""
        return self._settings.timeout

    @property
    def max_retries(self) -> int:
        """How often a request is sent again after a failure that may pass."""
        return self._settings.max_retries

    @property
    def organization(self) -> str | None:
        """The organization; None for none."""
        return self._settings.organization

    @property
    def project(self) -> str | None:
        """The project; None for none."""
        return self._settings.project

    @property
    def default_headers(self) -> Mapping[str, str]:
        """The headers that were given for every request."""
        return dict(self._settings.default_headers)

    @property
    def default_query(self) -> Query:
        """The query that was given for every request."""
        return dict(self._settings.default_query)

    def with_options(
        self,
        *,
        api_key: ApiKey = UNSET,
        organization: str | None = UNSET,
        project: str | None = UNSET,
        timeout: Timeout | float | None = UNSET,
        max_retries: int = UNSET,
        default_headers: Mapping[str, str] = UNSET,
        default_query: Query = UNSET,
        on_retry: OnRetry | None = UNSET,
        max_event_size: int | None = UNSET,
        json_loads: Callable[[str], Any] = UNSET,
    ) -> Client:
        """Return a client with other settings over the same connections.

        What is not given is as it is here; the environment is not asked. ``close`` of either client
        closes the idle connections of both.

        Raises:
            ValueError: An argument cannot be used.
            TypeError: An argument has the wrong type.
        """
        given: dict[str, Any] = {
            "api_key": api_key,
            "organization": organization,
            "project": project,
            "max_retries": max_retries,
            "default_headers": default_headers,
            "default_query": default_query,
            "on_retry": on_retry,
            "max_event_size": max_event_size,
            "json_loads": json_loads,
        }
        changed = {name: value for name, value in given.items() if value is not UNSET}
        if "api_key" in changed:
            changed["key_name"] = "api_key"
        changed["timeout"] = limits(timeout, self._settings.timeout)
        client = object.__new__(type(self))
        client._settings = attrs.evolve(self._settings, **changed)
        client._http = self._http
        client._running = Running()
        return client

    def stream(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Query | None = None,
        timeout: Timeout | float | None = UNSET,
    ) -> EventStream:
        """Send a request to any endpoint that answers with events, and return these as they are.

        A ``Last-Event-ID`` among the headers is where the stream goes on: its ``last_event_id``
        begins with it.

        Args:
            method: The HTTP method.
            path: Path and query below the base URL.
            body: Sent as JSON; None for none.
            extra_headers: Sent with this request; they go before the client's.
            extra_query: Added to the query; its names go before the client's.
            timeout: As for the client.

        Raises:
            StatusError: The server refuses.
            TransportError: There is no answer.
            TimedOutError: A time limit was reached before there was an answer.
            TypeError: A header, the query or the body cannot be sent.
            ValueError: The path is a whole URL; a header or the body cannot be sent.
        """
        names = {name.lower(): value for name, value in (extra_headers or {}).items()}
        last_event_id = names.get("last-event-id", "")

        def make(status: int, headers: Headers) -> EventsAnswer:
            size = self._settings.max_event_size
            return EventsAnswer(status, headers, size, last_event_id=last_event_id)

        answer, exchange = self._send(
            method, path, body, make, extra_headers, extra_query, timeout, is_stream=True
        )
        return EventStream(answer, exchange)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Query | None = None,
        timeout: Timeout | float | None = UNSET,
    ) -> Any:
        """Send a request to any endpoint that answers with JSON, and return this decoded.

        ``client.request("GET", "/models")``, for example.

        Args:
            method: The HTTP method.
            path: Path and query below the base URL.
            body: Sent as JSON; None for none.
            extra_headers: Sent with this request; they go before the client's.
            extra_query: Added to the query; its names go before the client's.
            timeout: As for the client.

        Raises:
            StatusError: The server refuses.
            TransportError: There is no answer, or it was cut off.
            TimedOutError: A time limit was reached.
            ContentTypeError: The answer is not JSON.
            TypeError: A header, the query or the body cannot be sent.
            ValueError: The path is a whole URL; a header or the body cannot be sent.
        """

        def make(status: int, headers: Headers) -> JsonAnswer:
            return JsonAnswer(status, headers, self._settings.json_loads)

        answer, exchange = self._send(method, path, body, make, extra_headers, extra_query, timeout)
        read_whole(answer, exchange)
        return answer.value

    def cancel(self) -> None:
        """End every exchange of this client, from any thread, and every wait for a retry.

        What runs raises a TransportError, also where it waits for the head of an answer. Only the
        lookup of a name cannot be ended. The client can still be used.
        """
        self._running.cancel()

    def close(self) -> None:
        """Close the idle connections. The client can still be used."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(
        self,
        method: str,
        path: str,
        body: Any,
        make: Callable[[int, Headers], _A],
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Query | None = None,
        timeout: Any = UNSET,
        *,
        is_stream: bool = False,
    ) -> tuple[_A, Exchange]:
        """Send a request until it succeeds or must not be sent again.

        Args:
            method: The HTTP method.
            path: Path and query below the base URL.
            body: Sent as JSON; None for none.
            make: Makes what reads the answer, of its status and headers.
            extra_headers: Sent with this request.
            extra_query: Added to the query.
            timeout: As for the client.
            is_stream: Whether the answer is to be an event stream.
        """
        call = Call(
            self._settings,
            method,
            path,
            body,
            extra_headers=extra_headers,
            extra_query=extra_query,
            timeout=timeout,
            is_stream=is_stream,
        )
        cancelled = self._running.cancelled()
        while True:
            headers = call.headers()
            try:
                exchange = self._http.send(call, headers, self._running, cancelled)
                answer = make(exchange.status, exchange.headers)
                if 200 <= exchange.status < 300:
                    return answer, exchange
                wait = call.wait_after(refusal(answer, exchange), exchange.headers)
            except (TransportError, TimedOutError) as failure:
                wait = call.wait_after(failure)
            pause(wait, cancelled)

    def __repr__(self) -> str:
        return f"Client(base_url={self.base_url!r})"


class Chat(NamedTuple):
    """``client.chat``."""

    completions: Completions


def refusal(answer: Answer[Any], exchange: Exchange) -> StatusError:
    """Return the error for a status that is not a success."""
    try:
        read_whole(answer, exchange)
    except StatusError as error:
        error.retry_after = wanted_wait(exchange.headers)
        return error
    raise AssertionError("a status that is not a success is an error")  # pragma: no cover
