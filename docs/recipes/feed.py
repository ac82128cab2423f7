"""Send events to any number of clients, some of which reconnect after a cut."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from sseparse import encode

HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx: pass each event on at once
}
KEPT = 1000  # events that a client can catch up on
SILENCE = 15  # s without an event, after which a comment keeps the connection open


class Feed:
    """Publish events to all clients. Use it in one event loop."""

    def __init__(self) -> None:
        self._number = 0
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._clients: set[asyncio.Queue[bytes]] = set()

    def publish(self, data: str, type: str | None = None) -> None:
        """Send an event to every client, and keep it for those that reconnect."""
        self._number += 1
        block = encode(data, type=type, id=str(self._number))
        self._recent.append((self._number, block))
        for client in list(self._clients):
            if client.full():
                self._clients.discard(client)  # too slow: its stream ends below
            else:
                client.put_nowait(block)

    async def blocks(self, last_event_id: str = "") -> AsyncGenerator[bytes, None]:
        """Yield the blocks for one client, until it leaves.

        Args:
            last_event_id: The header Last-Event-ID of the client's request.
        """
        client: asyncio.Queue[bytes] = asyncio.Queue(2 * KEPT)
        if last_event_id.isdecimal():
            for number, block in self._recent:
                if number > int(last_event_id):
                    client.put_nowait(block)
        self._clients.add(client)
        try:
            yield encode(retry=2000, comment="welcome")  # ms; the headers are sent with it
            while client in self._clients or not client.empty():
                try:
                    block = await asyncio.wait_for(client.get(), SILENCE)
                except asyncio.TimeoutError:
                    block = encode(comment="keep-alive")
                yield block
        finally:
            self._clients.discard(client)
