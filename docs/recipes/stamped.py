"""Events with the time at which the chunk that completed them arrived."""

import time
from collections.abc import Generator
from typing import Protocol

from sseparse import Event, Parser


class Readable(Protocol):
    """A urllib3 or http.client response, a file or pipe opened in "rb", a socket's makefile."""

    def read1(self, size: int, /) -> bytes:
        """Return the bytes that are there, at most size; wait only if there are none."""


def stamped_events(source: Readable) -> Generator[tuple[int, Event], None, None]:
    """Yield pairs of arrival time, in ns of time.perf_counter_ns, and event."""
    parser = Parser()
    while chunk := source.read1(65536):
        arrived = time.perf_counter_ns()
        yield from ((arrived, event) for event in parser.feed(chunk))
