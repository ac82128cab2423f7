"""An endless stream over urllib3, which reconnects after a cut."""

import random
import time
from collections.abc import Generator

import urllib3

from sseparse import Event, Parser

HEADERS = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
TIMEOUT = urllib3.Timeout(connect=5, read=60)  # s; read: the longest silence
LONGEST_WAIT = 60_000  # ms; a server may ask for any time
CUT_OFF = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.TimeoutError,
)
RESTARTING = {502, 503, 504}  # what proxies answer while the server behind them starts


def events(url: str, last_event_id: str = "") -> Generator[Event, None, None]:
    """Yield events, and reconnect whenever the stream ends, until the server refuses."""
    wait = 3000  # ms, unless the server sets another with retry
    failures = 0  # connections in a row without an event
    with urllib3.PoolManager(timeout=TIMEOUT, retries=False) as http:
        while True:
            headers = dict(HEADERS)
            if last_event_id:
                # A header is sent as Latin-1; the standard demands UTF-8 bytes.
                headers["Last-Event-ID"] = last_event_id.encode().decode("latin-1")
            parser = Parser(last_event_id=last_event_id)
            try:
                with http.request("GET", url, headers=headers, preload_content=False) as response:
                    if response.status == 204:  # the server asks not to reconnect
                        return
                    if response.status not in {200, *RESTARTING}:
                        raise RuntimeError(f"status {response.status} from {url}")
                    while response.status == 200 and (chunk := response.read1(65536)):
                        for event in parser.feed(chunk):
                            failures = 0
                            yield event
            except CUT_OFF:
                pass  # the same as the end of the stream
            last_event_id = parser.last_event_id
            if parser.retry is not None:
                wait = parser.retry
            # Twice as long after each failure, less a random part that keeps clients apart.
            longer = min(wait * 2 ** min(failures, 10), LONGEST_WAIT)
            time.sleep(longer / 1000 * random.uniform(0.75, 1))
            failures += 1
