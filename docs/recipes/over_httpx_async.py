"""The events of a response, over httpx and asyncio."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx

from sseparse import Event, aiter_events

HEADERS = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
TIMEOUT = httpx.Timeout(5, read=60)  # s; read: the longest silence


async def events(url: str) -> AsyncGenerator[Event, None]:
    """Yield each event as soon as the server has sent it."""
    async with (
        httpx.AsyncClient(headers=HEADERS, timeout=TIMEOUT) as http,
        http.stream("GET", url) as response,
    ):
        response.raise_for_status()
        async with aclosing(aiter_events(response.aiter_bytes())) as stream:
            async for event in stream:
                yield event
