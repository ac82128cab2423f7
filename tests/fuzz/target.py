"""The check for any input: how the input is read, and what is compared.

An input contains the limit of an event, the cuts of a stream, and the stream:

    byte 0          max_event_size in bytes; 0 for none
    byte 1          how many chunk lengths follow, modulo 8
    these bytes     the lengths, used over and over; without any, the stream comes whole
    the rest        the stream
"""

from __future__ import annotations

import itertools
import re
from typing import Any

import reference
import sseparse
from running import check_all, event


def check(given: bytes, *builds: Any) -> None:
    """Compare the package, or the builds of it that are given, with the reference.

    Raises an AssertionError if they differ.
    """
    limit, chunks = read(given)
    stream = b"".join(chunks)
    expected = reference.outcome(stream, limit, "")
    for sse in builds or [sseparse]:
        check_all(chunks, limit=limit, sse=sse, expected=expected)
        check_all([stream], limit=limit, sse=sse, expected=expected)
        check_encode(stream.decode("utf-8", "replace"), expected.events, sse)


def check_encode(text: str, events: list[reference.Event], sse: Any) -> None:
    """Check that encode() writes what parses back, and refuses other arguments."""
    lines = re.sub("\r\n?", "\n", text)
    same(parsed(sse.encode(text, comment=text), sse), [("message", lines, "")])

    written = [sse.encode(data, type=type_, id=id_) for type_, data, id_ in events]
    same(parsed(b"".join(written), sse), events)

    try:
        block = sse.encode("", type=text, id=text)
    except ValueError:
        assert not text or re.search("[\r\n\0]", text)
    else:
        same(parsed(block, sse), [(text, "", text)])


def parsed(stream: bytes, sse: Any) -> list[reference.Event]:
    return [event(each) for each in sse.parse(stream)]


def same(got: object, expected: object) -> None:
    assert got == expected, f"got {got!r}, expected {expected!r}"


def read(given: bytes) -> tuple[int | None, list[bytes]]:
    """Return the limit and the chunks of an input."""
    header, rest = given[:2].ljust(2, b"\0"), given[2:]
    lengths, stream = rest[: header[1] % 8], rest[header[1] % 8 :]
    limit = header[0] or None
    if not any(lengths):
        return limit, [stream]
    chunks = []
    for length in itertools.cycle(lengths):
        if not stream:
            break
        chunks.append(stream[:length])
        stream = stream[length:]
    return limit, chunks
