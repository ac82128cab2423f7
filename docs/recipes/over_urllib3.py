"""The events of a response, over urllib3."""

from collections.abc import Generator

import urllib3

from sseparse import Event, iter_events

HEADERS = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
TIMEOUT = urllib3.Timeout(connect=5, read=60)  # s; read: the longest silence


def events(url: str) -> Generator[Event, None, None]:
    """Yield each event as soon as the server has sent it."""
    with (
        urllib3.PoolManager(headers=HEADERS, timeout=TIMEOUT, retries=False) as http,
        http.request("GET", url, preload_content=False) as response,
    ):
        if response.status != 200:
            raise urllib3.exceptions.HTTPError(f"status {response.status} from {url}")
        yield from iter_events(iter(lambda: response.read1(65536), b""))
