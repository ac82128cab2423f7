"""The data of events as dicts, read by orjson."""

from collections.abc import Generator, Iterable
from typing import Any

import orjson

from sseparse import iter_events


def objects(chunks: Iterable[bytes]) -> Generator[Any, None, None]:
    """Yield the object in the data of each event, until the data is [DONE]."""
    for event in iter_events(chunks):
        if event.data == "[DONE]":
            return
        yield orjson.loads(event.data)
