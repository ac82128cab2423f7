"""The events of a response, over aiohttp."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import aiohttp

from sseparse import Event, aiter_events

HEADERS = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
# s; sock_read: the longest silence. The default total would end the stream after 300 s.
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=60)


async def events(url: str) -> AsyncGenerator[Event, None]:
    """Yield each event as soon as the server has sent it."""
    async with (
        aiohttp.ClientSession(headers=HEADERS, timeout=TIMEOUT) as http,
        http.get(url) as response,
    ):
        response.raise_for_status()
        async with aclosing(aiter_events(response.content.iter_any())) as stream:
            async for event in stream:
                yield event
