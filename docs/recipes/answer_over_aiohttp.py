"""The text of a streamed chat completion, over aiohttp."""

from collections.abc import AsyncGenerator
from typing import Any

import aiohttp

from sseparse.completions import aiter_chunks

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=600)  # s


async def answer(url: str, key: str, body: dict[str, Any]) -> AsyncGenerator[str, None]:
    """Yield the text piece by piece, and raise an error if it is not whole."""
    headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}
    body = {**body, "stream": True}
    async with (
        aiohttp.ClientSession(headers=headers, timeout=TIMEOUT) as http,
        http.post(url, json=body) as response,
        aiter_chunks(
            response.content.iter_any(), status=response.status, headers=response.headers
        ) as stream,
    ):
        async for text in stream.text():
            yield text
