"""The parsers that sseparse is compared with, and the split that is none.

Each is used through its public way where it has one that ends in events. What its figures mean,
where that differs from the others, stands in its note and is printed beside them.
"""

from __future__ import annotations

import codecs
import itertools
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .connections import aiohttp_sse_client2, launchdarkly_client, requests_sse
from .contestants import Batches, Contestant, version
from .node import eventsource_parser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

YARDSTICK = "httpx-sse"
NAIVE = "naive"
NODE = "eventsource-parser"
EVENT_STREAM = {"content-type": "text/event-stream"}


def peers(names: Iterable[str]) -> tuple[list[Contestant], dict[str, str]]:
    """Return the named peers that can be imported, and why the others cannot, by name."""
    found: list[Contestant] = []
    missing: dict[str, str] = {}
    for name in names:
        try:
            found.append(PEERS[name](name))
        except ImportError as error:
            missing[name] = f"{error.name} is not installed"
    return found, missing


def _httpx_sse(name: str) -> Contestant:
    """Return what ``EventSource.iter_sse`` does to the text of a response, as it does it."""
    distribution = version("httpx-sse")
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


def _httpx_sse_response(name: str) -> Contestant:
    distribution = f"{version('httpx-sse')}, {version('httpx')}"
    httpx = import_module("httpx")
    httpx_sse = import_module("httpx_sse")

    def batches(chunks: Iterable[bytes]) -> Batches:
        response = httpx.Response(200, headers=EVENT_STREAM, content=iter(chunks))
        return [httpx_sse.EventSource(response).iter_sse()]

    return Contestant(name, distribution, batches, note="through httpx.Response")


def _httpx2(name: str) -> Contestant:
    distribution = version("httpx2")
    httpx2 = import_module("httpx2")
    request = httpx2.Request("GET", "http://localhost/")

    def batches(chunks: Iterable[bytes]) -> Batches:
        response = httpx2.Response(200, headers=EVENT_STREAM, content=iter(chunks), request=request)
        return [httpx2.EventSource(response, max_event_size=None)]

    note = "through httpx2.Response, without its limit of 1 MiB"
    return Contestant(name, distribution, batches, note=note)


def _launchdarkly(name: str) -> Contestant:
    distribution = version("launchdarkly-eventsource")
    reader = import_module("ld_eventsource.reader")
    event_type = import_module("ld_eventsource.actions").Event

    def batches(chunks: Iterable[bytes]) -> Batches:
        lines = reader._BufferedLineReader.lines_from(chunks)
        seen = reader._SSEReader(lines).events_and_comments()
        return [(event for event in seen if isinstance(event, event_type))]

    return Contestant(name, distribution, batches, note="its readers, without its client")


def _stainless(name: str) -> Contestant:
    """Return the decoder of an official package; both come from one generator, but differ."""
    distribution = version(name)
    streaming = import_module(f"{name}._streaming")

    def batches(chunks: Iterable[bytes]) -> Batches:
        return [streaming.SSEDecoder().iter_bytes(iter(chunks))]

    note = "its private decoder; the public way parses JSON, too"
    return Contestant(name, distribution, batches, note=note)


def _sseclient_py(name: str) -> Contestant:
    distribution = version("sseclient-py")
    sseclient = import_module("sseclient")

    def batches(chunks: Iterable[bytes]) -> Batches:
        return [sseclient.SSEClient(chunks).events()]

    return Contestant(name, distribution, batches)


def _assel(name: str) -> Contestant:
    distribution = version("assel")
    assel = import_module("assel")

    def batches(chunks: Iterable[bytes]) -> Batches:
        return [assel.parse(chunks)]

    return Contestant(name, distribution, batches)


def _axio_sse(name: str) -> Contestant:
    distribution = version("axio-sse")
    axio_sse = import_module("axio_sse")

    def batches(chunks: Iterable[bytes]) -> Batches:
        decode = axio_sse.Decoder().decode
        # Without the call for the end, a CR that ends the stream ends no event.
        return itertools.chain(map(decode, chunks), map(decode, [b""], [True]))

    return Contestant(name, distribution, batches)


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
    return Contestant(name, what, lambda chunks: [events(chunks)], str, "right on this stream only")


PEERS: dict[str, Callable[[str], Contestant]] = {
    YARDSTICK: _httpx_sse,
    "httpx-sse-response": _httpx_sse_response,
    "launchdarkly": _launchdarkly,
    "launchdarkly-client": launchdarkly_client,
    "openai": _stainless,
    "sseclient-py": _sseclient_py,
    "httpx2": _httpx2,
    "anthropic": _stainless,
    "requests-sse": requests_sse,
    "aiohttp-sse-client2": aiohttp_sse_client2,
    "assel": _assel,
    "axio-sse": _axio_sse,
    NODE: eventsource_parser,
    NAIVE: _naive,
}
# Without one of these, ``--required`` is an error; CI runs with it. The others are left out where
# they are missing: axio-sse needs Python 3.12, httpx2 and assel 3.11, eventsource-parser Node.
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
]
