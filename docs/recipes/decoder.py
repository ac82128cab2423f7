"""A decoder like those inside clients, which yields the fields of each block and adds nothing."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sseparse import Observer


class Block(NamedTuple):
    """The fields of one block; a field that the block does not have is None."""

    event: str | None
    data: str | None
    id: str | None
    retry: int | None
    comments: tuple[str, ...] | None
    raw: bytes  # joined, they are the stream


def decode(chunks: Iterable[bytes]) -> Iterator[Block]:
    """Yield each block as soon as its blank line has come."""
    observer, kept, taken = Observer(lines=False), bytearray(), 0
    for chunk in chunks:
        kept += chunk
        for item in observer.feed(chunk):
            raw = bytes(kept[: item.end - taken])
            del kept[: item.end - taken]
            taken = item.end
            yield Block(item.event, item.data, item.id, item.retry, item.comments, raw)
