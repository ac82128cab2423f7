"""An endless stream over urllib3, which connects again after a cut."""

import time
from collections.abc import Generator

import urllib3

from sseparse import Event, Parser

HEADERS = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
TIMEOUT = urllib3.Timeout(connect=5, read=60)  # s; read: the longest silence
LONGEST_WAIT = 60_000  # ms; a server may ask for any time at all
CUT_OFF = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.TimeoutError,
)


def events(url: str, last_event_id: str = "") -> Generator[Event, None, None]:
    """Yield events, and connect again whenever the stream ends, until the server refuses."""
    wait = 3000  # ms
    with urllib3.PoolManager(timeout=TIMEOUT, retries=False) as http:
        while True:
            headers = dict(HEADERS)
            if last_event_id:
                # A header is sent as Latin-1; the standard demands UTF-8 bytes.
                headers["Last-Event-ID"] = last_event_id.encode().decode("latin-1")
            parser = Parser(last_event_id=last_event_id)
            try:
                with http.request("GET", url, headers=headers, preload_content=False) as response:
                    if response.status == 204:  # the server's request not to connect again
                        return
                    if response.status != 200:
                        raise RuntimeError(f"status {response.status} from {url}")
                    while chunk := response.read1(65536):
                        yield from parser.feed(chunk)
            except CUT_OFF:
                pass  # the same as the end of the stream
            last_event_id = parser.last_event_id
            if parser.retry is not None:
                wait = min(parser.retry, LONGEST_WAIT)
            time.sleep(wait / 1000)
