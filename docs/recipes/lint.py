"""Report the mistakes of a server's stream, line by line."""

from collections.abc import Generator, Iterable

from sseparse import Item, Observer


def lint(chunks: Iterable[bytes]) -> Generator[tuple[int, str], None, None]:
    """Yield pairs of byte offset and complaint."""
    observer = Observer()
    for chunk in chunks:
        for item in observer.feed(chunk):
            for complaint in _complaints(item):
                yield item.start, complaint
    if pending := observer.close():
        yield pending.start, "the stream ends inside an event, which is dropped"


def _complaints(item: Item) -> Generator[str, None, None]:
    if item.replaced:
        yield "not UTF-8"
    if item.reason is not None:
        yield f"{item.name!r} is ignored: {item.reason}"
    if item.kind == "byte order mark":
        yield "a byte order mark, on which many clients lose the first event"
    if item.kind == "block" and item.event and item.data is None:
        yield f"no data, so there is no event of type {item.event!r}"
