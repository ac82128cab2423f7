"""The recipes for completions over other HTTP libraries, as the documentation shows them."""

from __future__ import annotations

import asyncio
import gc
import runpy
import threading
from contextlib import aclosing, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopback import DONE, Peer, Request, delta, serving, wire
from sseparse.completions import (
    ExchangeError,
    StatusError,
    StreamError,
    TimedOutError,
    TransportError,
    TruncatedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
FINISH = delta(finish="stop")


@pytest.fixture(autouse=True)
def _nothing_left_open() -> Iterator[None]:
    yield
    gc.collect()  # an open resource warns now, and a warning is an error


@pytest.fixture(params=["answer_over_httpx", "answer_over_aiohttp", "answer_over_requests"])
def recipe(request: pytest.FixtureRequest) -> dict[str, Any]:
    library = request.param.removeprefix("answer_over_")
    pytest.importorskip(library, reason=f"{library} is not installed")
    return runpy.run_path(str(RECIPES / f"{request.param}.py"))


def read(answer: Any, url: str, take: Callable[[str], object]) -> ExchangeError | None:
    """Give each piece to take, and return the error."""
    stream = answer(f"{url}/chat/completions", "sk-1", {"model": "tiny"})

    async def main() -> None:
        async with aclosing(stream):
            async for text in stream:
                take(text)

    try:
        if hasattr(stream, "__aiter__"):
            asyncio.run(main())
        else:
            with closing(stream):
                for text in stream:
                    take(text)
    except ExchangeError as error:
        return error
    return None


def test_each_piece_comes_before_the_next_is_sent(recipe: dict[str, Any]) -> None:
    has_it = threading.Semaphore(0)

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        for event in (delta("a"), b"data:\n\n", delta("x", index=1), delta("é")):
            peer.chunk(wire(event))
            if event in (delta("a"), delta("é")):
                assert has_it.acquire(timeout=20)
        peer.chunk(wire(FINISH) + DONE)
        peer.send(b"0\r\n\r\n")

    texts: list[str] = []

    def take(text: str) -> None:
        texts.append(text)
        has_it.release()

    with serving(handle) as server:
        assert read(recipe["answer"], server.url, take) is None
    assert texts == ["a", "é"]
    (request,) = server.requests
    assert request.headers["authorization"] == "Bearer sk-1"
    assert request.json() == {"model": "tiny", "stream": True}


def refuse(peer: Peer, _: Request) -> None:
    peer.answer({"error": {"message": "no such model"}}, status="404 Not Found")


def report(peer: Peer, _: Request) -> None:
    peer.stream(delta("a"), {"error": {"message": "it broke"}})


def stop(peer: Peer, _: Request) -> None:
    peer.stream(delta("a"))


def cut(peer: Peer, _: Request) -> None:
    peer.head("Transfer-Encoding: chunked")
    peer.chunk(wire(delta("a")))
    peer.close()


def stall(peer: Peer, _: Request) -> None:
    peer.head("Transfer-Encoding: chunked")
    peer.chunk(wire(delta("a")))
    peer.wait_for_close()


@pytest.mark.parametrize(
    ("handle", "kind", "message"),
    [
        (refuse, StatusError, "status 404: no such model"),
        (report, StreamError, "it broke"),
        (stop, TruncatedError, "without a finish reason"),
        (cut, TransportError, "the answer was cut off: "),
        (stall, TimedOutError, "nothing more of the answer came in time"),
    ],
)
def test_errors(recipe: dict[str, Any], handle: Any, kind: Any, message: str) -> None:
    answer = recipe["answer"]
    seconds = recipe["TIMEOUT"]
    if isinstance(seconds, tuple):
        answer.__globals__["TIMEOUT"] = (5, 0.2)
    else:
        shorter = {"read": 0.2} if "httpx" in str(type(seconds)) else {"sock_read": 0.2}
        own = type(seconds)(5, **shorter) if "read" in shorter else type(seconds)(**shorter)
        answer.__globals__["TIMEOUT"] = own
    texts: list[str] = []
    with serving(handle) as server:
        error = read(answer, server.url, texts.append)
    assert type(error) is kind
    assert message in str(error)
    assert "IncompleteRead(" not in str(error)
    assert texts == ([] if handle is refuse else ["a"])
