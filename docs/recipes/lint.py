"""What a server's stream has wrong with it, line by line."""

from collections.abc import Generator, Iterable

from sseparse import ByteOrderMark, Field, NoData, Observed, Parser


def lint(chunks: Iterable[bytes]) -> Generator[tuple[int, str], None, None]:
    """Yield pairs of byte offset and complaint."""
    parser = Parser()
    for chunk in chunks:
        for seen in parser.observe(chunk):
            for complaint in _complaints(seen):
                yield seen.start, complaint
    if pending := parser.close():
        yield pending.start, "the stream ends inside an event, which is dropped"


def _complaints(seen: Observed) -> Generator[str, None, None]:
    if seen.replaced:
        yield "not UTF-8"
    match seen.item:
        case ByteOrderMark():
            yield "a byte order mark, on which many clients lose the first event"
        case Field(applied=False, name=name, reason=reason):
            yield f"{name!r} is ignored: {reason}"
        case NoData(type=type) if type:
            yield f"no data, so no event of type {type!r} comes of it"
        case _:
            pass
