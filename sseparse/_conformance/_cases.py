"""Provide the families, each with the standard's sentence, and their streams.

streams.json.xz contains the streams of two corpora. Browsers confirmed the answers for one,
eventsource; the other, tricky, is written by hand, with cuts at which parsers often fail. They are
parts of larger corpora, which are in the sdist, in tests/data/corpora. The streams for promptness,
limits and growth are made here, because these families are about chunks.
"""

from __future__ import annotations

import json
import lzma
from importlib.resources import files
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from ._standard import answer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FAMILIES",
    "LIMIT",
    "Growth",
    "Limited",
    "Prompt",
    "Stream",
    "corpora",
    "growths",
    "limited",
    "prompts",
]

# The package may be in a zip file, so __file__ would not do.
DATA = files(__package__)

LIMIT = 10_000  # bytes

# Milliseconds. Many JSON readers use doubles, which cannot represent every integer above this.
_MAX_RETRY = 2**53 - 1


class Family(NamedTuple):
    """Name a rule of the standard, by which streams are grouped.

    Attributes:
        name: The name in the table.
        section: The section of the WHATWG HTML standard that contains the sentence.
        sentence: The sentence of the standard, shortened to what matters.
    """

    name: str
    section: str
    sentence: str


FAMILIES = [
    Family(
        "BOM",
        "9.2.6",
        "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any.",
    ),
    Family("line ends", "9.2.5", "end-of-line = ( cr lf / cr / lf )"),
    Family("UTF-8", "9.2.6", "Streams must be decoded using the UTF-8 decode algorithm."),
    Family(
        "fields",
        "9.2.6",
        "Field names must be compared literally, with no case folding performed. … If value starts "
        "with a U+0020 SPACE character, remove it from value.",
    ),
    Family(
        "ids",
        "9.2.6",
        "Set the last event ID string of the event source to the value of the last event ID "
        "buffer. The buffer does not get reset, so the last event ID string of the event source "
        "remains set to this value until the next time it is set by the server.",
    ),
    Family(
        "retry",
        "9.2.6",
        "If the field value consists of only ASCII digits, then interpret the field value as an "
        "integer in base ten, and set the event stream's reconnection time to that integer. "
        "Otherwise, ignore the field.",
    ),
    Family(
        "dispatch",
        "9.2.6",
        "If the data buffer is an empty string, set the data buffer and the event type buffer to "
        "the empty string and return. … Once the end of the file is reached, any pending data must "
        "be discarded.",
    ),
    Family("mixed", "9.2.5, 9.2.6", "All of these sentences at once."),
    Family(
        "promptness",
        "9.2.5",
        "… block buffering or line buffering with different expected line endings can cause "
        "delays in event dispatch.",
    ),
    Family(
        "limits",
        "2.1.8",
        "User agents may impose implementation-specific limits on otherwise unconstrained inputs, "
        "e.g. to prevent denial of service attacks, to guard against running out of memory …",
    ),
    Family(
        "growth",
        "9.2.5",
        "Since connections established to remote servers for such resources are expected to be "
        "long-lived, UAs should ensure that appropriate buffering is used.",
    ),
]


class Stream(NamedTuple):
    """Hold a stream of the corpora, with its answer.

    Attributes:
        family: The name of its family.
        name: The corpus, and the stream's number or name in it.
        chunks: The chunks of the corpus; one chunk if the corpus does not cut the stream.
        events: The type, the data and the last event ID of each event.
        last_event_id: The last event ID that is committed at the end.
        retry: A list with the reconnection time in ms, or with None if there is none. The list is
            empty if the standard leaves the answer open or a double cannot represent it.
    """

    family: str
    name: str
    chunks: list[bytes]
    events: list[tuple[str, str, str]]
    last_event_id: str
    retry: list[int | None]


class Prompt(NamedTuple):
    """Hold chunks, and how many events must have come by the end of each."""

    name: str
    chunks: list[bytes]
    due: list[int]


class Limited(NamedTuple):
    """Hold chunks for a parser with a limit of LIMIT bytes.

    Attributes:
        breaks: Whether the parser may raise.
        events: How many events there are if it does not raise; None if it must raise.
    """

    name: str
    chunks: list[bytes]
    breaks: bool
    events: int | None


class Growth(NamedTuple):
    """Build a stream of the given total size in bytes, as chunks."""

    name: str
    chunks: Callable[[int], list[bytes]]


def corpora() -> list[Stream]:
    """Read the streams of both corpora, and compute their answers."""
    packed = (DATA / "streams.json.xz").read_bytes()
    content = json.loads(lzma.decompress(packed).decode("latin-1"))
    found = [
        _stream(family, f"eventsource:{number}", [stream])
        for family, (steps, streams) in content["eventsource"].items()
        for number, stream in zip(accumulate(steps), streams, strict=True)
    ]
    return found + [
        _stream(family, f"tricky:{name}", chunks)
        for family, named in content["tricky"].items()
        for name, chunks in named.items()
    ]


def _stream(family: str, name: str, texts: list[str]) -> Stream:
    """Return a stream, whose chunks are given with one character for each byte."""
    chunks = [text.encode("latin-1") for text in texts]
    events, last_event_id, retry = answer(b"".join(chunks))
    return Stream(family, name, chunks, events, last_event_id, _retries(retry))


def _retries(retry: int | str | None) -> list[int | None]:
    """Return the reconnection time that the parser must report; an empty list if any may do."""
    if retry is None:
        return [None]
    return [retry] if isinstance(retry, int) and retry <= _MAX_RETRY else []


def prompts() -> list[Prompt]:
    """Return the streams for promptness: each line end at several cuts, and mixed line ends.

    No chunk ends between a CR and its LF, because a parser may be right to wait for that LF.
    """
    found = []
    for name, end in (("LF", b"\n"), ("CRLF", b"\r\n"), ("CR", b"\r")):
        event = b"data: a" + end + end
        full = b"event: x" + end + b"id: 1" + end + b"data: a" + end + b"data: b" + end + end
        comment = b": ping" + end
        found += [
            Prompt(f"{name}, one event a chunk", [event] * 3, [1, 2, 3]),
            Prompt(f"{name}, two events a chunk", [event * 2] * 2, [2, 4]),
            Prompt(f"{name}, all fields", [full] * 2, [1, 2]),
            Prompt(
                f"{name}, the blank line by itself", [event[: -len(end)], end] * 2, [0, 1, 1, 2]
            ),
            Prompt(f"{name}, an event and the half of one", [event + b"data", event[4:]], [1, 2]),
            Prompt(f"{name}, a comment afterwards", [event, comment, event], [1, 1, 2]),
            Prompt(f"{name}, a long event", [b"data: " + b"x" * 99_999, end, end], [0, 0, 1]),
            Prompt(
                f"{name}, the bytes of an event one by one",
                [bytes([byte]) for byte in event[: -2 * len(end)]] + [end, end],
                [0] * 8 + [1],
            ),
        ]
    return [
        *found,
        Prompt("LF, then CR", [b"data: a\n\r"] * 2, [1, 2]),
        Prompt("CRLF, then LF", [b"data: a\r\n\n"] * 2, [1, 2]),
        Prompt("LF, then CRLF", [b"data: a\n\r\n"] * 2, [1, 2]),
    ]


def limited() -> list[Limited]:
    """Return the streams for a parser with a limit of LIMIT bytes, in chunks of about 1,000."""
    kilobyte = b"x" * 1000
    half = b"data: " + b"x" * (LIMIT // 2) + b"\n\n"
    endless = {
        "an endless line": [b"data: ", *[kilobyte] * 100],
        "an endless type": [b"event: ", *[kilobyte] * 100],
        "data lines without end": [b"data: " + b"x" * 93 + b"\n"] * 1000,
        "a line that is not UTF-8": [b"data: ", *[b"\xff" * 1000] * 100],
    }
    # A parser may drop an ignored line as it comes. Then the line does not exceed the limit.
    ignored = {
        "a long line without a field": [*[kilobyte] * 100, b"\n", half],
        "a long comment": [b": ", *[kilobyte] * 100, b"\n", half],
    }
    return [
        *(Limited(name, chunks, breaks=True, events=None) for name, chunks in endless.items()),
        *(Limited(name, chunks, breaks=True, events=1) for name, chunks in ignored.items()),
        Limited("events below the limit", [half] * 20, breaks=False, events=20),
        Limited("events below the limit in one chunk", [half * 20], breaks=False, events=20),
        Limited("comments between events", [half, *[b": ping\n"] * 9000], breaks=False, events=1),
    ]


def growths() -> list[Growth]:
    """Return the streams whose time is measured at a small and at a large size."""

    def line(size: int) -> list[bytes]:
        return [b"data: ", *[b"x" * 16] * (size // 16), b"\n\n"]

    def repeated(unit: bytes, size: int) -> list[bytes]:
        return [unit] * (size // len(unit))

    return [
        Growth("one line, 16 bytes a chunk", line),
        Growth(
            "data lines of one event, in one chunk",
            lambda size: [b"".join(repeated(b"data: word\n", size)) + b"\n"],
        ),
        Growth(
            "data lines of one event, one a chunk",
            lambda size: [*repeated(b"data: some ten words more\n", size), b"\n"],
        ),
        Growth("comments, one a chunk", lambda size: repeated(b": keep-alive and so on\n", size)),
        Growth("events, in one chunk", lambda size: [b"".join(repeated(b"data: word\n\n", size))]),
        Growth(
            "events ended by CR, in one chunk",
            lambda size: [b"".join(repeated(b"data: word\r\r", size))],
        ),
    ]
