"""The text of a streamed chat completion, over httpx and asyncio."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from sseparse import aiter_events


async def answer(url: str, body: dict[str, Any]) -> AsyncGenerator[str, None]:
    """Yield the text piece by piece, and raise if it is not the whole text."""
    import httpx

    body = {**body, "stream": True}
    async with httpx.AsyncClient() as http, http.stream("POST", url, json=body) as response:
        response.raise_for_status()
        async with aclosing(aiter_events(response.aiter_bytes())) as events:
            async for event in events:
                if event.data == "[DONE]":
                    return
                chunk = event.json()
                if event.type == "error" or chunk.get("error"):
                    raise RuntimeError(event.data)
                for choice in chunk.get("choices") or ():
                    yield choice["delta"].get("content") or ""
    raise EOFError("the stream ended without [DONE]")
