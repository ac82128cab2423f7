"""The settings and the calls of both clients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import attrs

from .._core import DEFAULT_MAX_EVENT_SIZE
from ..completions._answer import EventsAnswer, JsonAnswer
from ..completions._parser import CompletionParser
from ._calls import Call
from ._proxies import proxy_of
from ._route import MAX_IDLE
from ._settings import UNSET, ApiKey, OnRetry, Settings, limits, settings_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from typing_extensions import Self

    from ..completions._headers import Headers
    from ._proxies import Proxy
    from ._requests import Query
    from ._timeout import Timeout


class ClientBase:
    """The settings of a client, and the methods that make its calls."""

    _settings: Settings

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
        self._open(proxy_of(proxy, self._settings), ssl_context, ca_file, max_idle)

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
        """The organization, or None."""
        return self._settings.organization

    @property
    def project(self) -> str | None:
        """The project, or None."""
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
    ) -> Self:
        """Return a client with other settings over the same connections.

        Settings that are not given stay as they are here; the environment is not read again.
        ``close`` of either client closes the idle connections of both.

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
        client._share(self)
        return client

    def _open(
        self,
        proxy: Proxy | None,
        ssl_context: ssl.SSLContext | None,
        ca_file: str | None,
        max_idle: int,
    ) -> None:
        """Prepare the connections to the server."""
        raise NotImplementedError

    def _share(self, client: Self) -> None:
        """Use the connections of another client."""
        raise NotImplementedError

    def _call(
        self,
        method: str,
        path: str,
        body: Any,
        extra_headers: Mapping[str, str] | None,
        extra_query: Query | None,
        timeout: Any,
        *,
        is_stream: bool,
    ) -> Call:
        return Call(
            self._settings,
            method,
            path,
            body,
            extra_headers=extra_headers,
            extra_query=extra_query,
            timeout=timeout,
            is_stream=is_stream,
        )

    def _completion_call(
        self,
        path: str,
        api: Literal["chat", "completions"],
        body: dict[str, Any],
        stream: bool | None,
        extra_headers: Mapping[str, str] | None,
        extra_query: Query | None,
        extra_body: Mapping[str, Any] | None,
        timeout: Any,
    ) -> tuple[Call, Callable[[int, Headers], CompletionParser]]:
        """Return the call for a completion, and a function that makes the reader of its answer."""
        if stream is not None:
            body["stream"] = stream
        body.update(extra_body or {})
        if bool(body.get("stream")) is not bool(stream):
            raise ValueError("give stream as an argument: the type of the result depends on it")
        options = body.get("stream_options")
        settings = self._settings

        def make(status: int, headers: Headers) -> CompletionParser:
            return CompletionParser(
                status,
                headers,
                n=_choices(body),
                api=api,
                stream=bool(stream),
                include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
                max_event_size=settings.max_event_size,
                json_loads=settings.json_loads,
            )

        call = self._call(
            "POST", path, body, extra_headers, extra_query, timeout, is_stream=bool(stream)
        )
        return call, make

    def _events_answer(
        self, extra_headers: Mapping[str, str] | None
    ) -> Callable[[int, Headers], EventsAnswer]:
        """Return a function that makes the reader of an answer that is an event stream."""
        names = {name.lower(): value for name, value in (extra_headers or {}).items()}
        last_event_id = names.get("last-event-id", "")
        size = self._settings.max_event_size

        def make(status: int, headers: Headers) -> EventsAnswer:
            return EventsAnswer(status, headers, size, last_event_id=last_event_id)

        return make

    def _json_answer(self, status: int, headers: Headers) -> JsonAnswer:
        return JsonAnswer(status, headers, self._settings.json_loads)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"


def _choices(body: Mapping[str, Any]) -> int:
    """Return how many choices a request asks for: ``n``, for each of the prompts."""
    n = body.get("n")
    choices = n if type(n) is int and n > 0 else 1
    prompts = body.get("prompt")
    # A list of numbers is one prompt, in tokens.
    if isinstance(prompts, (list, tuple)) and prompts and not isinstance(prompts[0], int):
        choices *= len(prompts)
    return choices
