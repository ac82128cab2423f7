"""The clients of ``python -m benchmarks.client``, each used as its documentation shows.

Each yields the content of every chunk. Two of them return typed objects. The others return events,
whose data is read with ``json.loads``, as in a program that uses them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from importlib import import_module
from typing import NamedTuple

Contents = Iterator["str | None"]
# Takes the way in which the server sends, and the number of chunks; see ``server``.
Ask = Callable[[str, int], Contents]


class Client(NamedTuple):
    """A client.

    Attributes:
        imports: The modules that a program imports to use it.
        distributions: The distributions that it needs; their versions are printed.
        connect: Takes the server's port and returns a context manager, whose value is the function
            that sends a request.
        note: What it returns.
    """

    imports: str
    distributions: tuple[str, ...]
    connect: Callable[[int], AbstractContextManager[Ask]]
    note: str


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


def _body(user: str, chunks: int) -> dict[str, object]:
    return {
        "model": "tiny",
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": chunks,
        "user": user,
        "stream": True,
    }


def _content(data: str | bytes) -> str | None:
    content: str | None = json.loads(data)["choices"][0]["delta"].get("content")
    return content


@contextmanager
def _sseparse(port: int) -> Iterator[Ask]:
    from sseparse.completions import Client as Completions

    client = Completions(base_url=_url(port), api_key="none", max_retries=0, proxy="")

    def ask(user: str, chunks: int) -> Contents:
        for chunk in client.chat.completions.create(**_body(user, chunks)):  # type: ignore[call-overload]  # plain JSON
            yield chunk.choices[0].delta.content

    with closing(client):
        yield ask


@contextmanager
def _sseparse_events(port: int) -> Iterator[Ask]:
    import urllib3

    import sseparse

    pool = urllib3.PoolManager()
    url = f"{_url(port)}/chat/completions"

    def ask(user: str, chunks: int) -> Contents:
        response = pool.request("POST", url, json=_body(user, chunks), preload_content=False)
        for event in sseparse.iter_events(iter(lambda: response.read1(65536), b"")):
            if event.data != "[DONE]":
                yield _content(event.data)
        response.release_conn()

    with pool:
        yield ask


@contextmanager
def _urllib3(port: int) -> Iterator[Ask]:
    """The shortest reader that works: it knows one form of an event, and no error."""
    import urllib3

    pool = urllib3.PoolManager()
    url = f"{_url(port)}/chat/completions"

    def ask(user: str, chunks: int) -> Contents:
        response = pool.request("POST", url, json=_body(user, chunks), preload_content=False)
        rest = b""
        while data := response.read1(65536):
            *blocks, rest = (rest + data).split(b"\n\n")
            for block in blocks:
                if block != b"data: [DONE]":
                    yield _content(block[6:])
        response.release_conn()

    with pool:
        yield ask


@contextmanager
def _openai(port: int) -> Iterator[Ask]:
    import openai

    client = openai.OpenAI(base_url=_url(port), api_key="none", max_retries=0)

    def ask(user: str, chunks: int) -> Contents:
        for chunk in client.chat.completions.create(**_body(user, chunks)):  # type: ignore[call-overload]  # plain JSON
            yield chunk.choices[0].delta.content

    with closing(client):
        yield ask


@contextmanager
def _httpx_sse(port: int) -> Iterator[Ask]:
    import httpx
    import httpx_sse

    client = httpx.Client(trust_env=False)
    url = f"{_url(port)}/chat/completions"

    def ask(user: str, chunks: int) -> Contents:
        with httpx_sse.connect_sse(client, "POST", url, json=_body(user, chunks)) as source:
            for event in source.iter_sse():
                if event.data != "[DONE]":
                    yield _content(event.data)

    with closing(client):
        yield ask


@contextmanager
def _launchdarkly(port: int) -> Iterator[Ask]:
    import urllib3

    source = import_module("ld_eventsource").SSEClient
    strategy = import_module("ld_eventsource.config").ConnectStrategy
    pool = urllib3.PoolManager()

    def ask(user: str, chunks: int) -> Contents:
        url = f"{_url(port)}/chat/completions?user={user}&max_tokens={chunks}"
        for event in source(strategy.http(url, pool=pool)).events:
            if event.data != "[DONE]":
                yield _content(event.data)

    with pool:
        yield ask


CLIENTS = {
    "sseparse": Client(  # the client's own module: sseparse.completions imports it when it is used
        "sseparse._clients._client", ("sseparse", "urllib3", "attrs"), _sseparse, "typed chunks"
    ),
    "sseparse-events": Client(
        "sseparse, urllib3", ("sseparse", "urllib3"), _sseparse_events, "events, and json.loads"
    ),
    "urllib3": Client(
        "urllib3", ("urllib3",), _urllib3, "the text between blank lines, and json.loads"
    ),
    "openai": Client("openai", ("openai", "httpx2"), _openai, "typed chunks"),
    "httpx-sse": Client(
        "httpx, httpx_sse", ("httpx-sse", "httpx"), _httpx_sse, "events, and json.loads"
    ),
    "launchdarkly": Client(
        "ld_eventsource",
        ("launchdarkly-eventsource", "urllib3"),
        _launchdarkly,
        "events, and json.loads; it sends GET only",
    ),
}
