"""The text of a streamed chat completion, over httpx and asyncio."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx

from sseparse.completions import aiter_chunks

TIMEOUT = httpx.Timeout(5, read=600)  # s; a slow model may be silent for minutes


async def answer(url: str, key: str, body: dict[str, Any]) -> AsyncGenerator[str, None]:
    """Yield the text piece by piece, and raise an error if it is not whole."""
    headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}
    body = {**body, "stream": True}
    async with (
        httpx.AsyncClient(headers=headers, timeout=TIMEOUT) as http,
        http.stream("POST", url, json=body) as response,
        aiter_chunks(
            response.aiter_bytes(), status=response.status_code, headers=response.headers
        ) as stream,
    ):
        async for text in stream.text():
            yield text
