"""Scenarios that hold for both clients: each is written once, as a coroutine.

    @both
    async def test_it(make: Make) -> None:
        with serving(handle) as server:
            async with make(server) as own:
                stream = await own.ask()

``make`` returns a client whose calls are coroutines, for each of the two clients. Those of the
blocking client block the event loop, in which nothing else runs. When a scenario has ended, nothing
may be left in the loop.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sseparse.completions import (
    AsyncClient,
    AsyncEventStream,
    AsyncStream,
    Client,
    Completion,
    EventStream,
    Outcome,
    Stream,
    Timing,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias

    from loopback import Server

KINDS = ("blocking", "async")
Make: TypeAlias = "Callable[..., AbstractAsyncContextManager[Either]]"


class EitherStream:
    """A stream of either client."""

    def __init__(self, stream: Stream | AsyncStream | EventStream | AsyncEventStream) -> None:
        self.stream: Any = stream
        self.is_async = isinstance(stream, AsyncStream | AsyncEventStream)

    @property
    def outcome(self) -> Outcome | None:
        outcome: Outcome | None = self.stream.outcome
        return outcome

    @property
    def timing(self) -> Timing:
        timing: Timing = self.stream.timing
        return timing

    async def __aiter__(self) -> AsyncIterator[Any]:
        if self.is_async:
            async for item in self.stream:
                yield item
        else:
            for item in self.stream:
                yield item

    async def next(self) -> Any:
        return await self.stream.__anext__() if self.is_async else next(self.stream)

    async def all(self) -> list[Any]:
        return [item async for item in self]

    async def text(self) -> list[str]:
        if self.is_async:
            return [piece async for piece in self.stream.text()]
        return list(self.stream.text())

    async def collect(self) -> Completion:
        completion: Any = self.stream.collect()
        return await completion if self.is_async else completion  # type: ignore[no-any-return]

    async def close(self) -> None:
        closing = self.stream.close()
        if self.is_async:
            await closing


class Either:
    """Either client."""

    def __init__(self, client: Client | AsyncClient) -> None:
        self.client: Any = client
        self.is_async = isinstance(client, AsyncClient)

    async def _result(self, called: Any) -> Any:
        return await called if self.is_async else called

    async def create(self, **body: Any) -> Completion:
        completion = await self._result(self.client.chat.completions.create(**body))
        assert isinstance(completion, Completion)
        return completion

    async def legacy(self, **body: Any) -> Completion:
        completion = await self._result(self.client.completions.create(**body))
        assert isinstance(completion, Completion)
        return completion

    async def ask(self, **more: Any) -> EitherStream:
        """Start a streamed chat completion."""
        messages = [{"role": "user", "content": "hi"}]
        asked = {"model": "tiny", "messages": messages, "stream": True, **more}
        stream = await self._result(self.client.chat.completions.create(**asked))
        return EitherStream(stream)

    async def legacy_stream(self, **body: Any) -> EitherStream:
        called = self.client.completions.create(stream=True, **body)
        return EitherStream(await self._result(called))

    async def events(self, *given: Any, **more: Any) -> EitherStream:
        return EitherStream(await self._result(self.client.stream(*given, **more)))

    async def request(self, *given: Any, **more: Any) -> Any:
        return await self._result(self.client.request(*given, **more))

    def with_options(self, **options: Any) -> Either:
        return Either(self.client.with_options(**options))

    async def close(self) -> None:
        await self._result(self.client.close())


def maker(kind: str) -> Make:
    """Return a function that makes a client for a server, without settings from the environment."""

    @asynccontextmanager
    async def make(server: Server | None = None, **options: Any) -> AsyncIterator[Either]:
        given: dict[str, Any] = {"api_key": "sk-test", "proxy": "", "max_retries": 0}
        if server is not None:
            given["base_url"] = server.url
        client = AsyncClient if kind == "async" else Client
        own = Either(client(**{**given, **options}))
        try:
            yield own
        finally:
            await own.close()

    return make


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Run a scenario, and check that it leaves nothing behind."""

    async def main() -> None:
        await scenario
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    gc.collect(1)  # an open resource warns now, and a warning is an error


def both(scenario: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Return a test for each client out of a scenario, whose first argument makes a client."""

    @functools.wraps(scenario)
    def test(*, kind: str, **others: Any) -> None:
        run(scenario(maker(kind), **others))

    _, *others = inspect.signature(scenario).parameters.values()
    kind = inspect.Parameter("kind", inspect.Parameter.KEYWORD_ONLY)
    made: Any = test
    made.__signature__ = inspect.Signature([*others, kind])
    del made.__wrapped__  # otherwise pytest would read its arguments
    parametrized: Callable[..., None] = pytest.mark.parametrize("kind", KINDS)(made)
    return parametrized
