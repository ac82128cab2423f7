"""What a parser is judged by: families, each with the standard's sentence, and their streams.

The corpora stand beside this file. Promptness, limits and growth are made here, because they are
about chunks rather than about streams.
"""

from __future__ import annotations

import json
import lzma
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

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

# Not by __file__, for the package may be in a zip file.
DATA = files(__package__)

LIMIT = 10_000  # bytes

# Milliseconds. Nobody waits that long, and beyond it a language whose numbers are doubles, as
# JSON's are to many readers, cannot say the integer that it took.
_MOST_RETRY = 2**53 - 1


class Family(NamedTuple):
    """One thing that parsers get right or wrong.

    Attributes:
        name: What the table calls it.
        section: Where its sentence stands in the WHATWG HTML standard.
        sentence: The standard's own, shortened to what matters.
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

# The family of a stream of eventsource.json.xz, by the first of its tags. A mixed one has pieces of
# everything, so that it tells that a parser is wrong and seldom where.
_BY_TAG = {
    "BOM": "bom",
    "line ends": "eol eol-start eol-long eol-eof splitlines",
    "UTF-8": "bad-utf8 utf8-pairs utf8-pairs-eol unicode",
    "fields": "field-name separator colon c0 c0-between event event-name long",
    "ids": "id rc-id rc-id-prev rc-id-eof",
    "retry": "retry rc-retry rc-retry-valid rc-retry-odd",
    "dispatch": "empty spec wpt",
    "mixed": "grammar mutated tokens rc-grammar eof-prefix",
}


class Stream(NamedTuple):
    """A stream of the corpora, with its answer.

    Attributes:
        family: The name of its family.
        name: The corpus and the stream's number or name there.
        chunks: As the corpus cuts it; one chunk where it does not.
        events: Type, data and last event ID of each.
        last_event_id: The one that is committed at the end.
        retry: Milliseconds, or None; absent where the standard leaves room, and where it is more
            than a double holds.
    """

    family: str
    name: str
    chunks: list[bytes]
    events: list[tuple[str, str, str]]
    last_event_id: str
    retry: list[int | None]


class Prompt(NamedTuple):
    """Chunks, and how many events must have come by the end of each."""

    name: str
    chunks: list[bytes]
    due: list[int]


class Limited(NamedTuple):
    """Chunks for a parser with a limit of LIMIT bytes, and whether they break it.

    Attributes:
        events: How many events there are if nothing is raised; None where something must be.
    """

    name: str
    chunks: list[bytes]
    breaks: bool
    events: int | None


class Growth(NamedTuple):
    """What makes chunks of so many bytes in all."""

    name: str
    chunks: Callable[[int], list[bytes]]


def eventsource() -> list[dict[str, Any]]:
    """Read the streams of eventsource.json.xz, one dict for each."""
    columns = json.loads(lzma.decompress((DATA / "eventsource.json.xz").read_bytes()))
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def tricky() -> list[dict[str, Any]]:
    """Read the streams of tricky.jsonl, one dict for each."""
    lines = (DATA / "tricky.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def corpora() -> list[Stream]:
    """Read all streams of both corpora."""
    families = {tag: family for family, tags in _BY_TAG.items() for tag in tags.split()}
    found = [
        (families[entry["tags"][0]], f"eventsource:{entry['id']}", [entry["stream"]], entry)
        for entry in eventsource()
    ]
    found += [
        (entry["family"], f"tricky:{entry['name']}", entry["chunks"], entry) for entry in tricky()
    ]
    return [
        Stream(
            family,
            name,
            [chunk.encode("latin-1") for chunk in chunks],
            [(type, data, last_id) for type, data, last_id in entry["events"]],
            entry["last_event_id"],
            _retries(entry["retry"]),
        )
        for family, name, chunks, entry in found
    ]


def _retries(retry: int | str | None) -> list[int | None]:
    """Return what retry must be, or nothing where it may be anything."""
    if retry is None:
        return [None]
    return [retry] if isinstance(retry, int) and retry <= _MOST_RETRY else []


def prompts() -> list[Prompt]:
    """Return the streams of promptness: those of each line end at several cuts, and mixed ones.

    No chunk ends between the CR and the LF of one line end, since a parser that waits there for the
    LF may know that it comes.
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
    """Return the streams for a parser with a limit of LIMIT bytes, in chunks of some 1,000."""
    kilobyte = b"x" * 1000
    half = b"data: " + b"x" * (LIMIT // 2) + b"\n\n"
    endless = {
        "an endless line": [b"data: ", *[kilobyte] * 100],
        "an endless type": [b"event: ", *[kilobyte] * 100],
        "data lines without end": [b"data: " + b"x" * 93 + b"\n"] * 1000,
        "a line that is not UTF-8": [b"data: ", *[b"\xff" * 1000] * 100],
    }
    # What is ignored anyway may be thrown away as it comes, and then breaks no limit.
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
    """Return what is measured with some bytes, and with many times as many."""

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
