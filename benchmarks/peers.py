"""Who is measured: both builds of sseparse, other parsers, and the split that is none.

A contestant takes the chunks and gives batches of events: the list that each call returns, where it
is called for each chunk, or one iterator for the stream. So one loop counts the events of all, and
each comes in the form that suits it best: a list per chunk would cost httpx-sse up to 15 %.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module, metadata, util
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import sseparse

BUILDS = ("compiled", "pure")
YARDSTICK = "httpx-sse"
NAIVE = "naive"
Batches = Iterable[Iterable[Any]]


class Contestant(NamedTuple):
    """One parser.

    Attributes:
        name: For ``--builds`` and ``--peers``.
        version: Its distribution and version.
        batches: Parses the chunks of one stream.
        data: Takes the data out of one of its events.
    """

    name: str
    version: str
    batches: Callable[[Iterable[bytes]], Batches]
    data: Callable[[Any], str]


def builds() -> list[Contestant]:
    """Return sseparse as it is imported, and its pure build too if that one is compiled."""
    imported = import_module("sseparse._parser")
    path = Path(str(imported.__file__))
    if path.suffix == ".py":
        found = {"pure": imported}
    else:
        found = {"compiled": imported, "pure": _pure(path.parent)}
    return [_sseparse(name, module) for name, module in found.items()]


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


def _sseparse(name: str, module: ModuleType) -> Contestant:
    def batches(chunks: Iterable[bytes]) -> Batches:
        return map(module.Parser().feed, chunks)

    return Contestant(name, f"sseparse {sseparse.__version__}", batches, _data)


def _pure(package: Path) -> ModuleType:
    """Import the source beside the extension, under another package name."""
    name = "sseparse_pure"
    parent = sys.modules[name] = ModuleType(name)
    parent.__path__ = [str(package)]
    spec = util.spec_from_file_location(f"{name}._parser", package / "_parser.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _httpx_sse(name: str) -> Contestant:
    """Return what ``EventSource.iter_sse`` does to the text of a response, as it does it."""
    version = _version("httpx-sse")
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

    return Contestant(name, version, lambda chunks: [events(chunks)], _data)


def _httpx_sse_response(name: str) -> Contestant:
    """Return httpx-sse's public way: through a response of httpx."""
    version = f"{_version('httpx-sse')}, {_version('httpx')}"
    httpx = import_module("httpx")
    httpx_sse = import_module("httpx_sse")
    headers = {"content-type": "text/event-stream"}

    def batches(chunks: Iterable[bytes]) -> Batches:
        response = httpx.Response(200, headers=headers, content=iter(chunks))
        return [httpx_sse.EventSource(response).iter_sse()]

    return Contestant(name, version, batches, _data)


def _launchdarkly(name: str) -> Contestant:
    version = _version("launchdarkly-eventsource")
    reader = import_module("ld_eventsource.reader")
    event_type = import_module("ld_eventsource.actions").Event

    def batches(chunks: Iterable[bytes]) -> Batches:
        lines = reader._BufferedLineReader.lines_from(chunks)
        seen = reader._SSEReader(lines).events_and_comments()
        return [(event for event in seen if isinstance(event, event_type))]

    return Contestant(name, version, batches, _data)


def _openai(name: str) -> Contestant:
    version = _version("openai")
    streaming = import_module("openai._streaming")

    def batches(chunks: Iterable[bytes]) -> Batches:
        return [streaming.SSEDecoder().iter_bytes(iter(chunks))]

    return Contestant(name, version, batches, _data)


def _sseclient_py(name: str) -> Contestant:
    version = _version("sseclient-py")
    sseclient = import_module("sseclient")

    def batches(chunks: Iterable[bytes]) -> Batches:
        return [sseclient.SSEClient(chunks).events()]

    return Contestant(name, version, batches, _data)


def _naive(name: str) -> Contestant:
    """Return what people write first. It knows LF, one data line and nothing else."""

    def events(chunks: Iterable[bytes]) -> Iterator[str]:
        rest = b""
        for chunk in chunks:
            rest += chunk
            *blocks, rest = rest.split(b"\n\n")
            for block in blocks:
                yield block.decode()[len("data: ") :]

    version = 'split(b"\\n\\n") and decode(), which is wrong'
    return Contestant(name, version, lambda chunks: [events(chunks)], str)


def _data(event: Any) -> str:
    data: str = event.data
    return data


def _version(distribution: str) -> str:
    return f"{distribution} {metadata.version(distribution)}"


PEERS: dict[str, Callable[[str], Contestant]] = {
    YARDSTICK: _httpx_sse,
    "httpx-sse-response": _httpx_sse_response,
    "launchdarkly": _launchdarkly,
    "openai": _openai,
    "sseclient-py": _sseclient_py,
    NAIVE: _naive,
}
