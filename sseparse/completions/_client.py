"""The client: what users call, the requests that come of it, and when they are sent again."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import sys
import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload
from urllib.parse import urlsplit

import attrs

from .. import __version__
from .._core import DEFAULT_MAX_EVENT_SIZE, Parser
from .._http import Exchange, ExchangeError, Http, TimedOutError, Timeout, TransportError
from ._errors import ContentTypeError, StatusError, StreamError, said
from ._gather import Gatherer
from ._models import Completion, Model, Raw, Usage, dict_in
from ._stream import EventStream, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    _Headers = Mapping[str, str] | None

_DEFAULT_BASE_URL = "https://api.openai.com/v1"
_ANSWER_LIMIT = 1 << 28  # bytes of a completion that is not streamed
_ERROR_LIMIT = 1 << 20  # bytes of the body of an error

# The official client's rules, which its users know.
_RETRIED = frozenset({408, 409, 429})  # and all from 500
_FIRST_DELAY, _MAX_DELAY = 0.5, 8.0  # seconds
_MAX_WAIT = 120.0  # seconds; a server that wants more is not asked again

_UNSET: Any = object()  # the default of arguments for which None says something


class Client:
    """A client for OpenAI-compatible servers. Threads may share one.

    Args:
        api_key: Sent as ``Authorization: Bearer``; by default OPENAI_API_KEY. "" for none.
        base_url: By default OPENAI_BASE_URL, or else the official API. A query in it is kept.
        organization: By default OPENAI_ORG_ID.
        project: By default OPENAI_PROJECT_ID.
        timeout: The time limits; a number stands for ``connect`` and ``idle``, None for no limits.
        max_retries: How often a request is sent again after a failure that may pass.
        default_headers: Sent with every request.
        on_retry: Called before each wait, with the number of the attempt that failed, from 1, the
            seconds that will be waited, and the error.
        proxy: URL of an HTTP proxy; by default what the environment says. "" for none.
        ca_file: A file with certificate authorities in PEM, trusted instead of the system's.
        max_event_size: As for ``sseparse.Parser``.

    Raises:
        ValueError: There is no API key, and no base URL that might do without; or an argument
            cannot be used. Keys and passwords never stand in the message.
        TypeError: A limit or a size is not a number.
        OSError: ``ca_file`` cannot be read.

    >>> from sseparse.completions import Client
    >>> Client(base_url="http://127.0.0.1:8080/v1")
    Client(base_url='http://127.0.0.1:8080/v1')
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        organization: str | None = None,
        project: str | None = None,
        timeout: Timeout | float | None = _UNSET,
        max_retries: int = 2,
        default_headers: Mapping[str, str] | None = None,
        on_retry: Callable[[int, float, ExchangeError], object] | None = None,
        proxy: str | None = None,
        ca_file: str | None = None,
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
    ) -> None:
        environment = os.environ.get
        key = environment("OPENAI_API_KEY") if api_key is None else api_key
        given = base_url or environment("OPENAI_BASE_URL")
        if not key and not given:
            raise ValueError(
                "no API key: set OPENAI_API_KEY, give api_key, or give the base_url of a server "
                "that needs none"
            )
        parts = urlsplit(given or _DEFAULT_BASE_URL)
        if "@" in parts.netloc:
            raise ValueError("base_url must not hold a user or password; use default_headers")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("base_url must begin with http:// or https:// and a host")
        if proxy is None:
            proxy = _proxy_of_environment(parts.scheme, parts.netloc)
            if proxy and parts.scheme == "http" and key and api_key is None:
                # Over plain http the proxy can read it, and nobody named it as a host for this key.
                raise ValueError(
                    "the environment's proxy would see the API key out of the environment: use an "
                    "https base_url, give proxy or api_key, or name the host in NO_PROXY"
                )
        if isinstance(max_retries, bool) or not isinstance(max_retries, int) or max_retries < 0:
            raise ValueError(f"max_retries must be an int of at least 0, not {max_retries!r}")
        headers = {
            "User-Agent": f"sseparse/{__version__}",
            "Accept-Encoding": "identity",  # under compression an event waits for the next flush
            "Authorization": f"Bearer {key}" if key else None,
            "OpenAI-Organization": organization or environment("OPENAI_ORG_ID"),
            "OpenAI-Project": project or environment("OPENAI_PROJECT_ID"),
        }
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path.rstrip("/")
        self._query = parts.query
        self._http = Http(self._origin, proxy or None, ca_file)
        self._headers = _merged({k: v for k, v in headers.items() if v}, default_headers)
        self._timeout = _limits(timeout, Timeout())
        self._max_retries = max_retries
        self._on_retry = on_retry
        Parser(max_event_size=max_event_size)  # so that a wrong one is told here
        self._max_event_size = max_event_size

    # Made when they are asked for: a cycle of references would keep connections open until the
    # garbage collector comes by.
    @property
    def chat(self) -> Chat:
        """Chat completions, as ``client.chat.completions.create``."""
        return Chat(Completions(self, "/chat/completions", is_chat=True))

    @property
    def completions(self) -> Completions:
        """Legacy completions."""
        return Completions(self, "/completions", is_chat=False)

    def stream(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        extra_headers: Mapping[str, str] | None = None,
        timeout: Timeout | float | None = _UNSET,
    ) -> EventStream:
        """Send a request to any endpoint that answers with events, and return these as they are.

        Args:
            method: The HTTP method.
            path: Path and query below the base URL.
            body: Sent as JSON; None for none.
            extra_headers: Sent with this request; they go before the client's.
            timeout: As for the client.

        Raises:
            StatusError: The server refuses.
            TransportError: There is no answer.
            TimedOutError: Nor within a limit.
            ValueError: The path is a whole URL; a header or the body cannot be sent.
        """
        exchange = self._send(method, path, body, extra_headers, timeout, is_stream=True)
        return EventStream(exchange, self._max_event_size)

    def close(self) -> None:
        """Close the idle connections. The client can still be used."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(
        self, method: str, path: str, body: Any, headers: _Headers, timeout: Any, *, is_stream: bool
    ) -> Exchange:
        """Send a request until it succeeds or must not be sent again."""
        if "://" in path or path.startswith("//"):
            raise ValueError("the path must not be a whole URL: the API key is for base_url's host")
        path, _, query = path.partition("?")
        query = "&".join(part for part in (self._query, query) if part)
        target = f"{self._path}/{path.lstrip('/')}" + (f"?{query}" if query else "")
        limits = _limits(timeout, self._timeout)
        if not is_stream:
            limits = attrs.evolve(limits, event_idle=None)
        own = {"Accept": "text/event-stream" if is_stream else "application/json"}
        data = None
        if body is not None:
            own["Content-Type"] = "application/json"
            data = json.dumps(body, default=_raw_of, separators=(",", ":")).encode()
        merged = _merged({**self._headers, **own}, headers)
        deadline_at = None if limits.deadline is None else time.perf_counter() + limits.deadline
        attempt = 0
        while True:
            attempt += 1
            try:
                exchange = self._http.send(method, target, merged, data, limits, deadline_at)
                if 200 <= exchange.status < 300:
                    return exchange
                error: ExchangeError = _status_error(exchange)
                is_retried = _is_retried(exchange)
            except (TransportError, TimedOutError) as failure:
                error, is_retried = failure, True
            wait = vars(error).get("retry_after")
            if not wait:
                wait = min(_FIRST_DELAY * 2.0 ** min(attempt - 1, 10), _MAX_DELAY)
                wait *= 1 - 0.25 * random.random()
            is_too_late = deadline_at is not None and time.perf_counter() + wait >= deadline_at
            if not is_retried or attempt > self._max_retries or wait > _MAX_WAIT or is_too_late:
                raise error
            if self._on_retry is not None:
                self._on_retry(attempt, wait, error)
            time.sleep(wait)

    def __repr__(self) -> str:
        return f"Client(base_url={self._origin + self._path!r})"


class Chat(NamedTuple):
    """``client.chat``."""

    completions: Completions


@attrs.frozen
class Completions:
    """``client.chat.completions`` and, for legacy completions, ``client.completions``."""

    _client: Client
    _path: str
    _is_chat: bool

    @overload
    def create(self, *, stream: Literal[False] | None = ..., **body: Any) -> Completion: ...

    @overload
    def create(self, *, stream: Literal[True], **body: Any) -> Stream: ...

    @overload
    def create(self, *, stream: bool | None, **body: Any) -> Completion | Stream: ...

    def create(
        self,
        *,
        stream: bool | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        timeout: Timeout | float | None = _UNSET,
        **body: Any,
    ) -> Completion | Stream:
        """Ask for a completion.

        Args:
            stream: Whether to return its chunks as they come, instead of the whole.
            extra_headers: Sent with this request; they go before the client's.
            extra_body: Further keys of the body; they go before other arguments.
            timeout: As for the client.
            **body: ``model``, ``messages`` or ``prompt``, and all else that stands in the body, as
                it is given. A ``Message`` of an earlier answer may stand among the messages.

        Raises:
            StatusError: The server refuses.
            TransportError: There is no answer, or it was cut off.
            TimedOutError: Nor within a limit.
            StreamError: The answer is a success and says otherwise, or is not JSON.
            ValueError: A header or the body cannot be sent.
        """
        if stream is not None:
            body["stream"] = stream
        body.update(extra_body or {})
        exchange = self._client._send(
            "POST", self._path, body, extra_headers, timeout, is_stream=bool(stream)
        )
        if not stream:
            return _completion(exchange)
        wanted = body.get("n")
        gatherer = Gatherer(wanted if isinstance(wanted, int) else 1, is_chat=self._is_chat)
        return Stream(exchange, self._client._max_event_size, gatherer)


def _completion(exchange: Exchange) -> Completion:
    """Read a completion that is not streamed."""
    data = exchange.read_all(_ANSWER_LIMIT)
    text = data.decode("utf-8", "replace")
    raw = dict_in(text)
    if raw is None:
        kind = exchange.headers.get("content-type", "")
        raise ContentTypeError.of("application/json", kind, data)
    if raw.get("error"):
        raise StreamError(**said(text), data=text)
    usage = raw.get("usage")
    return Completion(raw, (Usage(usage),) if isinstance(usage, dict) else ())


def _limits(timeout: Any, default: Timeout) -> Timeout:
    if timeout is _UNSET or isinstance(timeout, Timeout):
        return default if timeout is _UNSET else timeout
    return Timeout(connect=timeout, idle=timeout)


# A value with a line end could smuggle in headers, and the exception that http.client raises for it
# shows the value, which may be a key.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def _merged(headers: dict[str, str], extra: _Headers) -> dict[str, str]:
    """Return the headers with the extra ones, which replace those of the same name."""
    extra = extra or {}
    replaced = {name.lower() for name in extra}
    merged = {name: value for name, value in headers.items() if name.lower() not in replaced}
    merged.update(extra)
    for name, value in merged.items():
        if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
            raise ValueError(f"the header {name!r} holds what a header cannot hold")
    return merged


def _proxy_of_environment(scheme: str, host: str) -> str | None:
    asked = sys.platform in ("darwin", "win32")  # where the system's settings count too
    if not asked and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None  # and the import is saved
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    return None if proxy is None or proxy_bypass(host) else proxy


def _raw_of(value: object) -> Raw:
    if isinstance(value, Model):
        return value.raw
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _is_retried(exchange: Exchange) -> bool:
    wish = exchange.headers.get("x-should-retry")
    is_failure = exchange.status in _RETRIED or exchange.status >= 500
    return wish == "true" or (is_failure and wish != "false")


def _status_error(exchange: Exchange) -> StatusError:
    body = ""
    with contextlib.suppress(ExchangeError):  # the status is what counts
        body = exchange.read_all(_ERROR_LIMIT).decode("utf-8", "replace")
    request_id = exchange.headers.get("x-request-id")
    wait = _retry_after(exchange.headers)
    return StatusError(
        **said(body), status=exchange.status, body=body, request_id=request_id, retry_after=wait
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with contextlib.suppress(KeyError, ValueError):
            return max(0.0, float(headers[name]) * unit)  # in this order NaN becomes 0 too
    from email.utils import parsedate_to_datetime

    with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
        return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    return None
