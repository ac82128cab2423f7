"""``client.chat.completions`` and ``client.completions``, which ask for a completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

import attrs

from ..completions._stream import Stream, read_whole
from ._settings import UNSET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..completions._models import Completion
    from ._client import Client
    from ._requests import Query
    from ._timeout import Timeout


@attrs.frozen
class Completions:
    """``client.chat.completions`` and, for legacy completions, ``client.completions``."""

    _client: Client
    _path: str
    _api: Literal["chat", "completions"]

    # The API's names that most programs use, so that an editor completes them. create takes all
    # others, too.
    @overload
    def create(
        self,
        *,
        stream: Literal[False] | None = ...,
        model: str = ...,
        messages: Iterable[Any] = ...,
        prompt: str | list[str] = ...,
        n: int | None = ...,
        max_tokens: int | None = ...,
        max_completion_tokens: int | None = ...,
        temperature: float | None = ...,
        top_p: float | None = ...,
        stop: str | list[str] | None = ...,
        seed: int | None = ...,
        tools: Iterable[Mapping[str, Any]] = ...,
        tool_choice: str | Mapping[str, Any] = ...,
        response_format: Mapping[str, Any] = ...,
        reasoning_effort: str | None = ...,
        logprobs: bool | int | None = ...,
        extra_headers: Mapping[str, str] | None = ...,
        extra_query: Query | None = ...,
        extra_body: Mapping[str, Any] | None = ...,
        timeout: Timeout | float | None = ...,
        **body: Any,
    ) -> Completion: ...

    @overload
    def create(
        self,
        *,
        stream: Literal[True],
        stream_options: Mapping[str, Any] | None = ...,
        model: str = ...,
        messages: Iterable[Any] = ...,
        prompt: str | list[str] = ...,
        n: int | None = ...,
        max_tokens: int | None = ...,
        max_completion_tokens: int | None = ...,
        temperature: float | None = ...,
        top_p: float | None = ...,
        stop: str | list[str] | None = ...,
        seed: int | None = ...,
        tools: Iterable[Mapping[str, Any]] = ...,
        tool_choice: str | Mapping[str, Any] = ...,
        response_format: Mapping[str, Any] = ...,
        reasoning_effort: str | None = ...,
        logprobs: bool | int | None = ...,
        extra_headers: Mapping[str, str] | None = ...,
        extra_query: Query | None = ...,
        extra_body: Mapping[str, Any] | None = ...,
        timeout: Timeout | float | None = ...,
        **body: Any,
    ) -> Stream: ...

    @overload
    def create(self, *, stream: bool | None, **body: Any) -> Completion | Stream: ...

    def create(
        self,
        *,
        stream: bool | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Query | None = None,
        extra_body: Mapping[str, Any] | None = None,
        timeout: Timeout | float | None = UNSET,
        **body: Any,
    ) -> Completion | Stream:
        """Ask for a completion.

        Args:
            stream: Whether to return the stream of its chunks instead of the whole completion.
            extra_headers: Sent with this request; they replace the client's of the same name.
            extra_query: Added to the query; its names replace the client's of the same name.
            extra_body: Further keys of the body; they replace other arguments of the same name.
            timeout: As for the client.
            **body: The keys of the body: ``model``, ``messages`` or ``prompt``, and any others.
                Among the messages may be a ``Message`` of an earlier answer.

        Raises:
            StatusError: The status is not a success.
            TransportError: There is no answer, or it was cut off.
            TimedOutError: A time limit was reached.
            StreamError: The status is a success, but the body reports an error or is not JSON.
            TypeError: A header, the query or the body cannot be sent.
            ValueError: A header or the body cannot be sent.
        """
        call, make = self._client._completion_call(
            self._path, self._api, body, stream, extra_headers, extra_query, extra_body, timeout
        )
        parser, exchange = self._client._send(call, make)
        if stream:
            return Stream(parser, exchange)
        read_whole(parser, exchange)
        completion = parser.completion()
        completion.timing = exchange.timing
        return completion
