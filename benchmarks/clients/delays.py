"""Measure the delay of each event, from the server's send to the client's loop.

The server waits for a line of standard input before each event. The line comes when the client has
received the event before, or has not received it for a while. Both sides read the monotonic clock,
which is the same in all processes of a machine.
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

# The time after which the next event is sent although the one before has not been received. A
# client that reads bytes as they come needs a thousandth of it.
PATIENCE_S = 0.3


class Delays(NamedTuple):
    """The times of the events of one stream.

    Attributes:
        sent: The time at which each event was sent, and then the end, in monotonic ns.
        received: The time at which each event was received, in monotonic ns. It is shorter than
            ``sent`` by more than one if events were never received.
        fault: The exception that the client raised; "" if none.
    """

    sent: list[int]
    received: list[int]
    fault: str

    def in_time(self) -> list[float]:
        """Return the delays, in ms, of the events that were received before the next was sent."""
        return [
            (received - sent) / 1e6
            for sent, following, received in zip(
                self.sent, self.sent[1:], self.received, strict=False
            )
            if received < following
        ]

    def __str__(self) -> str:
        """Return a short summary. It has delays only if all events were received in time."""
        if self.fault:
            return self.fault
        events, delays = len(self.sent) - 1, self.in_time()
        if len(self.received) < events:
            return f"{events - len(self.received)} of {events} never received"
        if len(delays) == events:
            return f"{statistics.median(delays):.2f} ms, at most {max(delays):.2f}"
        held = sum(received >= self.sent[-1] for received in self.received)
        if held == events:
            return "all held to the end"
        return f"{len(delays)} of {events} in time, {held} held to the end"


def watch(ask: Ask, framing: str, count: int) -> Iterator[str]:
    """Yield the time of each event when it is received, then "end" or the exception, as lines."""
    try:
        for content in ask(framing, count):
            if content == WORD:
                yield str(time.monotonic_ns())
    except Exception as error:  # any exception of a client is its result
        yield f"raises {type(error).__name__}"
    else:
        yield "end"


def measure(
    server: subprocess.Popen[str],
    watcher: subprocess.Popen[str],
    count: int,
    patience: float = PATIENCE_S,
) -> Delays:
    """Have the server send events to the watcher, one at a time, and return their times.

    Args:
        server: A process that runs ``server.serve``, and has printed its port.
        watcher: A process that prints the lines of ``watch``, with the same count.
        count: The number of events.
        patience: The time to wait for each, in s.
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
