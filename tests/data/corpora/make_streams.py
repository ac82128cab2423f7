"""Write streams.json.xz: the streams of the corpora that the package contains, by family.

    python tests/data/corpora/make_streams.py

All streams would make the package too large. Of the random streams, which are three quarters of the
bytes, it has every 20th. The answers are not written: ``_standard`` computes them.
"""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[2]
STREAMS = TESTS.parent / "sseparse" / "_conformance" / "streams.json.xz"

sys.path.insert(0, str(TESTS / "support"))

from corpora import eventsource, tricky  # noqa: E402  its folder is on the path only now

# The first tag of a stream of eventsource.json.xz decides its family. A mixed stream has pieces of
# everything, so it seldom shows which rule a parser breaks.
BY_TAG = {
    "BOM": "bom",
    "line ends": "eol eol-start eol-long eol-eof splitlines",
    "UTF-8": "bad-utf8 utf8-pairs utf8-pairs-eol unicode",
    "fields": "field-name separator colon c0 c0-between event event-name long",
    "ids": "id rc-id rc-id-prev rc-id-eof",
    "retry": "retry rc-retry rc-retry-valid rc-retry-odd",
    "dispatch": "empty spec wpt",
    "mixed": "grammar mutated tokens rc-grammar eof-prefix",
}
RANDOM = ("grammar", "mutated", "rc-grammar")
STEP = 20
# Of all streams, only these and a few longer ones have certain bytes at a border of UTF-8: C0 after
# C3, C1 as a first byte, and 8F after F0.
BORDERS = (4835, 3079, 4573)


def chosen() -> list[dict[str, Any]]:
    """Return the streams of eventsource.json.xz that the package contains."""
    streams = eventsource()
    numbers = [stream["id"] for stream in streams if stream["tags"][0] in RANDOM]
    left_out = {*numbers} - {*numbers[::STEP], *BORDERS}
    return [stream for stream in streams if stream["id"] not in left_out]


def content() -> dict[str, dict[str, Any]]:
    """Return what the file contains, by corpus and family, in columns, which compress well.

    A family of the corpus eventsource has the steps from number to number, and the streams. One of
    the corpus tricky has the chunks of each stream by name.
    """
    families = {tag: family for family, tags in BY_TAG.items() for tag in tags.split()}
    numbered: dict[str, tuple[list[int], list[str]]] = {family: ([], []) for family in BY_TAG}
    for stream in chosen():
        steps, streams = numbered[families[stream["tags"][0]]]
        steps.append(stream["id"] - sum(steps))
        streams.append(stream["stream"])
    named: dict[str, dict[str, list[str]]] = {family: {} for family in BY_TAG}
    for stream in tricky():
        named[stream["family"]][stream["name"]] = stream["chunks"]
    return {"eventsource": numbered, "tricky": named}


def packed(streams: dict[str, dict[str, Any]]) -> bytes:
    """Return the file. Each byte of a stream is a character, which Latin-1 turns into that byte."""
    text = json.dumps(streams, ensure_ascii=False, separators=(",", ":"))
    # For text of single bytes, positions have no meaning: pb is 0.
    lzma2 = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "pb": 0}
    return lzma.compress(text.encode("latin-1"), check=lzma.CHECK_CRC32, filters=[lzma2])


if __name__ == "__main__":
    STREAMS.write_bytes(packed(content()))
