"""Blocks, each with its bytes as they were sent."""

from collections.abc import Generator, Iterable

from sseparse import Item, Observer


def raw_blocks(chunks: Iterable[bytes]) -> Generator[tuple[bytes, Item], None, None]:
    """Yield pairs of bytes and block, and keep the bytes since the last blank line."""
    observer = Observer(lines=False)
    kept = bytearray()
    kept_from = 0  # the position of kept[0] in the stream
    for chunk in chunks:
        kept += chunk
        for block in observer.feed(chunk):
            start = block.block_start or 0  # only lines have None
            raw = kept[start - kept_from : block.end - kept_from]
            del kept[: block.end - kept_from]
            kept_from = block.end
            yield bytes(raw), block
