"""Connections that the server closes between answers: no request is lost, none is answered twice.

The number of requests is small here. By hand, 2,000 of each kind:

    SSEPARSE_STALE_REQUESTS=2000 python -m pytest tests/http/test_stale.py
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import ssl
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from loopback import DONE, PATIENCE, Peer, Request, ask, client, delta, serving
from secured import over_tls, secured

if TYPE_CHECKING:
    from collections.abc import Callable

# Each starts a server.
pytestmark = pytest.mark.thorough

REQUESTS = int(os.environ.get("SSEPARSE_STALE_REQUESTS", "60"))


def close(peer: Peer) -> None:
    peer.close()


def close_with_notice(peer: Peer) -> None:
    """Send TLS's close_notify first; without TLS there is none."""
    if isinstance(peer.socket, ssl.SSLSocket):
        peer.socket.settimeout(0)  # the client's is not waited for
        with contextlib.suppress(OSError):
            peer.socket.unwrap()
    peer.close()


def end_without_closing(peer: Peer) -> None:
    """Announce the end, and still receive."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(peer.socket, socket.SHUT_WR)
    peer.wait_for_close()
    peer.close()


WAYS: list[Callable[[Peer], None]] = [close, close_with_notice, end_without_closing, Peer.reset]


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("size", [100, 400_000])
@pytest.mark.parametrize("wrap", [None, over_tls], ids=["plain", "tls"])
def test_no_request_is_lost(wrap: Any, size: int, is_stream: bool) -> None:
    chance = random.Random(size)
    answered: Counter[int] = Counter()
    whole = {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}

    def handle(peer: Peer, request: Request) -> None:
        answered[request.json()["number"]] += 1
        if is_stream:
            peer.stream(delta("a"), delta(finish="stop"), DONE)
        else:
            peer.answer(whole)
        if chance.random() < 0.6:
            chance.choice(WAYS)(peer)

    with serving(handle, wrap) as server:
        with client(server, **secured(server, wrap is not None)) as own:
            for number in range(REQUESTS):
                body: dict[str, Any] = {"number": number, "filling": "x" * size}
                if is_stream:
                    assert ask(own, **body).collect().text == "a"
                else:
                    assert own.chat.completions.create(**body).text == "a"
    assert len(answered) == REQUESTS
    assert set(answered.values()) == {1}
    assert server.connections > REQUESTS // 5


def test_many_threads_meet_closed_connections() -> None:
    chance = random.Random(1)

    def handle(peer: Peer, _: Request) -> None:
        peer.stream(delta("a"), delta(finish="stop"), DONE)
        if chance.random() < 0.3:
            chance.choice(WAYS)(peer)

    def ask_often() -> None:
        for _ in range(REQUESTS // 6):
            texts.append(ask(own).collect().text)

    texts: list[str | None] = []
    with serving(handle) as server, client(server) as own:
        threads = [threading.Thread(target=ask_often) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE * 10)
    assert texts == ["a"] * (REQUESTS // 6 * 6)
