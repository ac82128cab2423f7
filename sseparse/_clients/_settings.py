"""The settings of a client: its arguments, or the values of the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from .. import __version__
from .._core import DEFAULT_MAX_EVENT_SIZE, Parser
from ..completions._errors import ExchangeError
from ._address import Address
from ._requests import Query, checked_headers, encoded_query, merged_headers
from ._timeout import Timeout

_DEFAULT_BASE_URL = "https://api.openai.com/v1"

UNSET: Any = object()  # the default of arguments for which None has a meaning

ApiKey = str | Callable[[], str] | None
OnRetry = Callable[[int, float, ExchangeError], object]


def limits(timeout: Any, default: Timeout) -> Timeout:
    """Return the time limits for an argument ``timeout``.

    Raises:
        TypeError: It is not a Timeout, a number or None.
    """
    if timeout is UNSET:
        return default
    if isinstance(timeout, Timeout):
        return timeout
    if timeout is None or (isinstance(timeout, (int, float)) and not isinstance(timeout, bool)):
        return Timeout(connect=timeout, idle=timeout)
    kind = type(timeout)
    raise TypeError(
        "timeout must be a number of seconds, None, or a sseparse.completions.Timeout, "
        f"not {kind.__module__}.{kind.__qualname__}"
    )


def _max_retries(_: object, __: object, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"max_retries must be an int of at least 0, not {value!r}")


def _max_event_size(_: object, __: object, value: Any) -> None:
    Parser(max_event_size=value)  # which checks it


@attrs.frozen(kw_only=True)
class Settings:
    """The settings of a client, checked, with the values of the environment filled in."""

    api_key: ApiKey = attrs.field(repr=False)
    key_name: str  # where the key comes from, for messages
    address: Address = attrs.field(repr=False)  # a query may contain a key
    organization: str | None
    project: str | None
    timeout: Timeout
    max_retries: int = attrs.field(validator=_max_retries)
    default_headers: Mapping[str, str] = attrs.field(repr=False)
    default_query: Query = attrs.field(repr=False)
    on_retry: OnRetry | None
    max_event_size: int | None = attrs.field(
        default=DEFAULT_MAX_EVENT_SIZE, validator=_max_event_size
    )
    json_loads: Callable[[str], Any] = json.loads

    def __attrs_post_init__(self) -> None:
        """Check the headers and the query. A key from a function is checked when it is returned."""
        encoded_query(self.default_query)
        key = "k" if callable(self.api_key) else self.api_key
        self._headers(key)

    def headers(self) -> dict[str, str]:
        """Return the headers of the next attempt.

        Raises:
            TypeError: The function of the key does not return a str.
            ValueError: A header cannot contain the key.
        """
        key = self.api_key
        return self._headers(key() if callable(key) else key)

    def _headers(self, key: object) -> dict[str, str]:
        if key is not None and not isinstance(key, str):
            raise TypeError(
                f"{self.key_name} must be a str or a function that returns one, "
                f"not {type(key).__name__}"
            )
        if key and ("\n" in key or "\r" in key):
            raise ValueError(f"{self.key_name} contains a line end, which no header can contain")
        own = {
            "User-Agent": f"sseparse/{__version__}",
            "Accept-Encoding": "identity",  # under compression an event waits for the next flush
            "Authorization": f"Bearer {key}" if key else None,
            "OpenAI-Organization": self.organization,
            "OpenAI-Project": self.project,
        }
        headers = checked_headers({name: value for name, value in own.items() if value})
        return merged_headers(headers, self.default_headers)


def settings_of(
    *,
    api_key: ApiKey,
    base_url: str | None,
    organization: str | None,
    project: str | None,
    timeout: Any,
    **others: Any,
) -> Settings:
    """Return the settings, with the values of the environment for arguments that are None.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: There is no key and no base URL, or an argument cannot be used.
    """
    environment = os.environ.get
    key = environment("OPENAI_API_KEY") if api_key is None else api_key
    given = base_url or environment("OPENAI_BASE_URL")
    if not key and not given:
        raise ValueError(
            "no API key: set OPENAI_API_KEY, give api_key, or give the base_url of a server "
            "that needs none"
        )
    return Settings(
        api_key=key,
        key_name="OPENAI_API_KEY" if api_key is None else "api_key",
        address=Address.of(given or _DEFAULT_BASE_URL),
        organization=organization or environment("OPENAI_ORG_ID"),
        project=project or environment("OPENAI_PROJECT_ID"),
        timeout=limits(timeout, Timeout()),
        **others,
    )
