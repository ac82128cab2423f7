"""An endless stream over httpx and asyncio, which reconnects after a cut."""

import asyncio
import random
from collections.abc import AsyncGenerator

import httpx

from sseparse import Event, Parser

HEADERS = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
TIMEOUT = httpx.Timeout(5, read=60)  # s; read: the longest silence
LONGEST_WAIT = 60_000  # ms; a server may ask for any time
RESTARTING = {502, 503, 504}  # what proxies answer while the server behind them starts


async def events(url: str, last_event_id: str = "") -> AsyncGenerator[Event, None]:
    """Yield events, and reconnect whenever the stream ends, until the server refuses."""
    wait = 3000  # ms, unless the server sets another with retry
    failures = 0  # connections in a row without an event
    async with httpx.AsyncClient(timeout=TIMEOUT) as http:
        while True:
            headers = {name: value.encode() for name, value in HEADERS.items()}
            if last_event_id:
                headers["Last-Event-ID"] = last_event_id.encode()
            parser = Parser(last_event_id=last_event_id)
            try:
                async with http.stream("GET", url, headers=headers) as response:
                    if response.status_code == 204:  # the server asks not to reconnect
                        return
                    if response.status_code not in {200, *RESTARTING}:
                        raise RuntimeError(f"status {response.status_code} from {url}")
                    if response.status_code == 200:
                        async for chunk in response.aiter_bytes():
                            for event in parser.feed(chunk):
                                failures = 0
                                yield event
            except httpx.TransportError:
                pass  # the same as the end of the stream
            last_event_id = parser.last_event_id
            if parser.retry is not None:
                wait = parser.retry
            # Twice as long after each failure, less a random part that keeps clients apart.
            longer = min(wait * 2 ** min(failures, 10), LONGEST_WAIT)
            await asyncio.sleep(longer / 1000 * random.uniform(0.75, 1))
            failures += 1
