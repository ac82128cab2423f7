"""``client.chat.completions`` and ``client.completions`` of an asynchronous client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

import attrs

from ..completions._async_stream import AsyncStream, aread_whole
from ._settings import UNSET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..completions._models import Completion
    from ._async_client import AsyncClient
    from ._requests import Query
    from ._timeout import Timeout


@attrs.frozen
class AsyncCompletions:
    """``client.chat.completions`` and, for legacy completions, ``client.completions``."""

    _client: AsyncClient
    _path: str
    _api: Literal["chat", "completions"]

    # The API's names that most programs use, so that an editor completes them. create takes all
    # others, too.
    @overload
    async def create(
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
    async def create(
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
    ) -> AsyncStream: ...

    @overload
    async def create(self, *, stream: bool | None, **body: Any) -> Completion | AsyncStream: ...

    async def create(
        self,
        *,
        stream: bool | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Query | None = None,
        extra_body: Mapping[str, Any] | None = None,
        timeout: Timeout | float | None = UNSET,
        **body: Any,
    ) -> Completion | AsyncStream:
        """Ask for a completion. Arguments and errors are those of ``Client``'s ``create``."""
        call, make = self._client._completion_call(
            self._path, self._api, body, stream, extra_headers, extra_query, extra_body, timeout
        )
        parser, exchange = await self._client._send(call, make)
        if stream:
            return AsyncStream(parser, exchange)
        await aread_whole(parser, exchange)
        completion = parser.completion()
        completion.timing = exchange.timing
        return completion
