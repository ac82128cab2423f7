"""The parsers that sseparse is compared with, and two contestants that are not parsers.

The adapters of ``sseparse conformance`` drive the peers, through a public interface where there is
one that returns events. httpx-sse and launchdarkly are measured without their HTTP clients as well.
A note is printed beside figures that differ in meaning from the others.
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
    """Return those of the named peers that are installed, and why the others are missing."""
    found: list[Contestant] = []
    missing: dict[str, str] = {}
    for name in names:
        try:
            found.append(PEERS[name](name))
        except ImportError as error:
            missing[name] = f"{error.name} is not installed" if error.name else str(error)
    return found, missing


def _httpx_sse(name: str) -> Contestant:
    """Return httpx-sse's decoders, called as ``EventSource.iter_sse`` calls them."""
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
    """Return the usual first attempt. It knows LF and one data line, and nothing else."""

    def events(chunks: Iterable[bytes]) -> Iterator[str]:
        rest = b""
        for chunk in chunks:
            rest += chunk
            *blocks, rest = rest.split(b"\n\n")
            for block in blocks:
                yield block.decode()[len("data: ") :]

    version = 'split(b"\\n\\n") and decode(), which is wrong'
    note = "right on this stream only"
    return Contestant(name, version, lambda chunks: [events(chunks)], "", str, note)


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
# ``--required``, which CI uses, fails if one of these is missing. The others do not install
# everywhere: axio-sse needs Python 3.12, httpx2 and assel need 3.11, and eventsource-parser needs
# Node.
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
