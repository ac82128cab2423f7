"""The client over urllib3: the methods for users, and the sending of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..completions._answer import Answer
from ..completions._errors import StatusError, TimedOutError, TransportError
from ..completions._stream import read_whole
from ._base import ClientBase
from ._completions import Completions
from ._events import EventStream
from ._http import Exchange, Http, Route, Running, pause
from ._retries import wanted_wait
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


class Client(ClientBase):
    """A client for OpenAI-compatible servers. Threads may share one.

    Args:
        api_key: Sent as ``Authorization: Bearer``; by default OPENAI_API_KEY. "" for no key. A
            function is called for each attempt, and returns the key.
        base_url: By default OPENAI_BASE_URL, or else the official API. A query in it is kept.
        organization: By default OPENAI_ORG_ID.
        project: By default OPENAI_PROJECT_ID.
        timeout: The time limits; a number sets ``connect`` and ``idle``, None sets no limits.
        max_retries: How often a request is sent again after a failure that may pass.
        default_headers: Sent with every request.
        default_query: Added to the query of every request.
        on_retry: Called before each wait, with the number of the attempt that failed, from 1, the
            seconds of the wait, and the error.
        proxy: The URL of an HTTP proxy; by default that of the environment. "" for no proxy.
        ca_file: A file with certificate authorities in PEM, trusted instead of the system's.
        ssl_context: The TLS settings for the server and the proxy, for everything that ``ca_file``
            cannot set: certificates of the client, other authorities, no verification.
        max_idle: How many idle connections are kept.
        max_event_size: As for ``sseparse.Parser``.
        json_loads: As for ``CompletionParser``.

    Raises:
        ValueError: There is no API key and no base URL; or an argument cannot be used. The
            message never contains a key or a password.
        TypeError: An argument has the wrong type.
        OSError: ``ca_file`` cannot be read.

    >>> from sseparse.completions import Client
    >>> Client(base_url="http://127.0.0.1:8080/v1")
    Client(base_url='http://127.0.0.1:8080/v1')
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

    def _share(self, client: Client) -> None:
        self._http = client._http
        self._running = Running()

    # Made at each access: a cycle of references would keep connections open until the garbage
    # collector runs.
    @property
    def chat(self) -> Chat:
        """Chat completions, as ``client.chat.completions.create``."""
        return Chat(Completions(self, "/chat/completions", "chat"))

    @property
    def completions(self) -> Completions:
        """Legacy completions."""
        return Completions(self, "/completions", "completions")

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
        """
        call = self._call(method, path, body, extra_headers, extra_query, timeout, is_stream=True)
        answer, exchange = self._send(call, self._events_answer(extra_headers))
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
        """Send a request to any endpoint that answers with JSON, and return the decoded JSON.

        ``client.request("GET", "/models")``, for example.

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
        """
        call = self._call(method, path, body, extra_headers, extra_query, timeout, is_stream=False)
        answer, exchange = self._send(call, self._json_answer)
        read_whole(answer, exchange)
        return answer.value

    def cancel(self) -> None:
        """End every exchange of this client, from any thread, and every wait for a retry.

        Running calls and streams raise a TransportError, also while they wait for the head of an
        answer. Only the lookup of a name cannot be ended. The client can still be used.
        """
        self._running.cancel()

    def close(self) -> None:
        """Close the idle connections. The client can still be used."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, call: Call, make: Callable[[int, Headers], _A]) -> tuple[_A, Exchange]:
        """Send a request until it succeeds or must not be sent again.

        Args:
            call: The request.
            make: Makes the reader of the answer, from its status and headers.
        """
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
