"""The data of events as typed objects, read by msgspec."""

from collections.abc import Generator, Iterable

import msgspec

from sseparse import iter_events


class Delta(msgspec.Struct):
    """What a chunk adds to the answer."""

    content: str | None = None


class Choice(msgspec.Struct):
    """One choice of a chunk."""

    index: int
    delta: Delta
    finish_reason: str | None = None


class Chunk(msgspec.Struct):
    """A chunk of a chat completion: only the fields that this program reads."""

    id: str
    choices: list[Choice]


decode = msgspec.json.Decoder(Chunk).decode  # made once, for all events


def chunks_of_answer(chunks: Iterable[bytes]) -> Generator[Chunk, None, None]:
    """Yield the chunk in the data of each event, until the data is [DONE]."""
    for event in iter_events(chunks):
        if event.data == "[DONE]":
            return
        yield decode(event.data)
