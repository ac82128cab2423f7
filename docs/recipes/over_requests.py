"""The events of a response, over requests."""

from collections.abc import Generator

import requests

from sseparse import Event, iter_events

HEADERS = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
TIMEOUT = (5, 60)  # s, to connect and of silence


def events(url: str) -> Generator[Event, None, None]:
    """Yield each event as soon as the server has sent it."""
    with requests.get(url, headers=HEADERS, timeout=TIMEOUT, stream=True) as response:
        response.raise_for_status()
        raw = response.raw  # the urllib3 response, which has read1()
        yield from iter_events(iter(lambda: raw.read1(65536, decode_content=True), b""))
