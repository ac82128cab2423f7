"""How long an event takes from the server's send to the client's loop, in each framing.

The server sends the next event only when it is told to: after the one before has been received, or
after a while in which it has not. Both sides stamp with the monotonic clock, which is one for all
processes of a machine.
"""

from __future__ import annotations

import contextlib
import queue
import statistics
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from .server import WORD

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from .adapters import Ask

# How long the next event waits for one that does not arrive. A client that reads bytes as they come
# needs a thousandth of it.
PATIENCE_S = 0.3


class Delays(NamedTuple):
    """What became of the events of one stream.

    Attributes:
        sent: When each was sent, and then the end, in monotonic ns.
        received: When each was received, likewise; fewer where some never were.
        fault: What the client raised; "" if nothing.
    """

    sent: list[int]
    received: list[int]
    fault: str

    def in_time(self) -> list[float]:
        """Return the delays, in ms, of those that came before anything was sent after them."""
        return [
            (received - sent) / 1e6
            for sent, following, received in zip(
                self.sent, self.sent[1:], self.received, strict=False
            )
            if received < following
        ]

    def __str__(self) -> str:
        """Say it in a few words, without making more of it than there was."""
        if self.fault:
            return self.fault
        events, delays = len(self.sent) - 1, self.in_time()
        if len(self.received) < events:
            return f"{events - len(self.received)} of {events} never"
        if len(delays) == events:
            return f"{statistics.median(delays):.2f} ms, at most {max(delays):.2f}"
        held = sum(received >= self.sent[-1] for received in self.received)
        if held == events:
            return "all held to the end"
        return f"{len(delays)} of {events} in time, {held} held to the end"


def watch(ask: Ask, framing: str, count: int) -> Iterator[str]:
    """Return a line for each event as it is received: when; then "end", or what was raised."""
    try:
        for content in ask(framing, count):
            if content == WORD:
                yield str(time.monotonic_ns())
    except Exception as error:  # whatever a client raises is its result
        yield f"raises {type(error).__name__}"
    else:
        yield "end"


def measure(
    server: subprocess.Popen[str],
    watcher: subprocess.Popen[str],
    count: int,
    patience: float = PATIENCE_S,
) -> Delays:
    """Have the server send so many events to the watcher, one at a time.

    Args:
        server: A process that runs ``server.serve``, and has printed its port.
        watcher: A process that prints the lines of ``watch``, with that count.
        count: How many events.
        patience: How long to wait for each, in s.
    """
    assert server.stdin
    assert server.stdout
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_pump, args=(watcher, lines))
    reader.start()
    sent: list[int] = []
    seen: list[str] = []
    for _ in range(count + 1):
        print(file=server.stdin, flush=True)
        sent.append(int(server.stdout.readline()))
        with contextlib.suppress(queue.Empty):
            while len(seen) < len(sent):
                seen.append(lines.get(timeout=patience))
    reader.join()
    while not lines.empty():
        seen.append(lines.get())
    *stamps, last = seen
    return Delays(sent, [int(each) for each in stamps], "" if last == "end" else last)


def _pump(watcher: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert watcher.stdout
    for line in watcher.stdout:
        lines.put(line.strip())
