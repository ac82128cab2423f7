"""A call of a client with all its attempts, for both clients."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import attrs

from ..completions._errors import ExchangeError, StatusError
from ..completions._timing import Timing
from ._requests import checked_method, encoded_body, merged_headers, target_of
from ._retries import is_retried, wait_before_retry
from ._settings import limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..completions._headers import Headers
    from ._requests import Query
    from ._settings import Settings
    from ._timeout import Timeout


class Call:
    """A request, and the decisions between its attempts. It does no I/O and does not wait.

    Attributes:
        method: The HTTP method.
        target: Path and query.
        data: The body, or None.
        timeout: The time limits.
        deadline_at: The deadline, by ``time.perf_counter``, or None.
        timing: The times of the current attempt.

    Raises:
        TypeError: A header, the query or the body cannot be sent.
        ValueError: The path is a whole URL; the method, a header or the body cannot be sent.
    """

    def __init__(
        self,
        settings: Settings,
        method: str,
        path: str,
        body: Any,
        *,
        extra_headers: Mapping[str, str] | None,
        extra_query: Query | None,
        timeout: Any,
        is_stream: bool,
    ) -> None:
        self._call_ns = time.perf_counter_ns()
        self._settings = settings
        self.method = checked_method(method)
        query = {**settings.default_query, **(extra_query or {})}
        self.target = target_of((settings.address.path, settings.address.query), path, query)
        self.timeout: Timeout = limits(timeout, settings.timeout)
        if not is_stream:  # then there are no events
            self.timeout = attrs.evolve(self.timeout, event_idle=None)
        self._headers = {"Accept": "text/event-stream" if is_stream else "application/json"}
        self.data: bytes | None = None
        if body is not None:
            self._headers["Content-Type"] = "application/json"
            self.data = encoded_body(body)
        self._extra_headers = extra_headers
        deadline = self.timeout.deadline
        self.deadline_at = None if deadline is None else time.perf_counter() + deadline
        self._attempt = 0
        self.timing = Timing()

    def headers(self) -> dict[str, str]:
        """Begin the next attempt, and return its headers.

        Raises:
            TypeError: The function of the key does not return a str; a header is no str.
            ValueError: A header cannot be sent.
        """
        self._attempt += 1
        self.timing = Timing()
        self.timing.call_ns, self.timing.attempt = self._call_ns, self._attempt
        return merged_headers({**self._settings.headers(), **self._headers}, self._extra_headers)

    def wait_after(self, error: ExchangeError, headers: Headers | None = None) -> float:
        """Return the seconds to wait before the next attempt; raise the error if there is none.

        Args:
            error: Why this attempt failed.
            headers: Those of the answer; None if there is no answer.
        """
        settings = self._settings
        if isinstance(error, StatusError) and headers is not None:
            may_pass = is_retried(error.status, headers)
            wait = wait_before_retry(self._attempt, error.retry_after)
        else:
            may_pass = error._may_pass
            wait = wait_before_retry(self._attempt, None)
        if wait is None or not may_pass or self._attempt > settings.max_retries:
            raise error
        if self.deadline_at is not None and time.perf_counter() + wait >= self.deadline_at:
            raise error
        if settings.on_retry is not None:
            settings.on_retry(self._attempt, wait, error)
        return wait
