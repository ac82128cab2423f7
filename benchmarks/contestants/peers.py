"""The parsers that sseparse is compared with, and the split and the C extension that are none.

Each is used through its public way where it has one that ends in events, by the adapter that
``sseparse conformance`` has for it. What its figures mean, where that differs from the others,
stands in its note and is printed beside them.
"""

from __future__ import annotations

import codecs
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

from sseparse._conformance._peers import PEERS as ADAPTERS
from sseparse._conformance._peers import versions

from .by_hand import by_hand
from .contestant import Batches, Contestant
from .node import eventsource_parser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

YARDSTICK = "httpx-sse"
NAIVE = "naive"
BY_HAND = "c-by-hand"
NODE = "eventsource-parser"
PRIVATE = "its private decoder; the public way parses JSON, too"


def peers(names: Iterable[str]) -> tuple[list[Contestant], dict[str, str]]:
    """Return the named peers that can be had here, and why the others cannot, by name."""
    found: list[Contestant] = []
    missing: dict[str, str] = {}
    for name in names:
        try:
            found.append(PEERS[name](name))
        except ImportError as error:
            missing[name] = f"{error.name} is not installed" if error.name else str(error)
    return found, missing


def _httpx_sse(name: str) -> Contestant:
    """Return what ``EventSource.iter_sse`` does to the text of a response, as it does it."""
    distribution = f"httpx-sse {metadata.version('httpx-sse')}"
    decoders = import_module("httpx_sse._decoders")

    def events(chunks: Iterable[bytes]) -> Iterator[Any]:
        text = codecs.getincrementaldecoder("utf-8")("replace")
        split = decoders.SSELineDecoder()
        decode = decoders.SSEDecoder().decode
        for chunk in chunks:
            for line in split.decode(text.decode(chunk)):
                event = decode(line.rstrip("\n"))
                if event is not None:
                    yield event
        for line in split.flush():
            event = decode(line.rstrip("\n"))
            if event is not None:
                yield event

    return Contestant(
        name, distribution, lambda chunks: [events(chunks)], note="its decoders, without httpx"
    )


def _launchdarkly(name: str) -> Contestant:
    distribution = versions(ADAPTERS["launchdarkly-eventsource"])
    reader = import_module("ld_eventsource.reader")
    event_type = import_module("ld_eventsource.actions").Event

    def batches(chunks: Iterable[bytes]) -> Batches:
        lines = reader._BufferedLineReader.lines_from(chunks)
        seen = reader._SSEReader(lines).events_and_comments()
        return [(event for event in seen if isinstance(event, event_type))]

    return Contestant(name, distribution, batches, note="its readers, without its client")


def _adapted(peer: str, note: str = "") -> Callable[[str], Contestant]:
    """Return a function that makes a contestant of an adapter of ``sseparse conformance``."""

    def make(name: str) -> Contestant:
        version = versions(ADAPTERS[peer])
        adapter = ADAPTERS[peer].load()
        return Contestant(
            name, version, lambda chunks: [adapter.parse(chunks)], adapter.type, note=note
        )

    return make


def _naive(name: str) -> Contestant:
    """Return what people write first. It knows LF, one data line and nothing else."""

    def events(chunks: Iterable[bytes]) -> Iterator[str]:
        rest = b""
        for chunk in chunks:
            rest += chunk
            *blocks, rest = rest.split(b"\n\n")
            for block in blocks:
                yield block.decode()[len("data: ") :]

    what = 'split(b"\\n\\n") and decode(), which is wrong'
    # It is right on some streams, which does not make it a parser.
    note = "right on this stream only"
    return Contestant(name, what, lambda chunks: [events(chunks)], "", str, note)


PEERS: dict[str, Callable[[str], Contestant]] = {
    YARDSTICK: _httpx_sse,
    "httpx-sse-response": _adapted("httpx-sse", "through httpx.Response"),
    "launchdarkly": _launchdarkly,
    "launchdarkly-client": _adapted("launchdarkly-eventsource", "SSEClient, on our connection"),
    "openai": _adapted("openai", PRIVATE),
    "sseclient-py": _adapted("sseclient-py"),
    "httpx2": _adapted("httpx2", "through httpx2.Response, without its limit of 1 MiB"),
    "anthropic": _adapted("anthropic", PRIVATE),
    "requests-sse": _adapted("requests-sse", "through requests.Response"),
    "aiohttp-sse-client2": _adapted(
        "aiohttp-sse-client2", "asynchronous, through aiohttp.StreamReader"
    ),
    "assel": _adapted("assel"),
    "axio-sse": _adapted("axio-sse"),
    NODE: eventsource_parser,
    NAIVE: _naive,
    BY_HAND: by_hand,
}
# Without one of these, ``--required`` is an error; CI runs with it, and has a compiler. The others
# are left out where they are missing: axio-sse needs Python 3.12, httpx2 and assel 3.11, and
# eventsource-parser Node.
REQUIRED = [
    YARDSTICK,
    "httpx-sse-response",
    "launchdarkly",
    "launchdarkly-client",
    "openai",
    "sseclient-py",
    "anthropic",
    "requests-sse",
    "aiohttp-sse-client2",
    NAIVE,
    BY_HAND,
]
