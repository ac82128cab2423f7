"""The events of a response, over httpx."""

from collections.abc import Generator

import httpx

from sseparse import Event, iter_events

HEADERS = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
TIMEOUT = httpx.Timeout(5, read=60)  # s; read: the longest silence


def events(url: str) -> Generator[Event, None, None]:
    """Yield each event as soon as the server has sent it."""
    with httpx.stream("GET", url, headers=HEADERS, timeout=TIMEOUT) as response:
        response.raise_for_status()
        yield from iter_events(response.iter_bytes())
