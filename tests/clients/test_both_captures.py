"""Answers of real servers, sent in pieces: both clients return what the parser returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from captures import CAPTURES, NAMES, read_capture
from either import Either, EitherStream, Make, both
from loopback import PATIENCE, Peer, Request, serving
from sseparse.completions import CompletionParser, ExchangeError, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

# Each serves captured answers to both clients.
pytestmark = pytest.mark.thorough

SIZES = [7, 1448, 1 << 20]  # bytes


def sending_pieces(raw: bytes, size: int) -> Callable[[Peer, Request], None]:
    def handle(peer: Peer, _: Request) -> None:
        for at in range(0, len(raw), size):
            peer.send(raw[at : at + size])
        peer.socket.shutdown(1)
        peer.wait_for_close()

    return handle


async def asked(own: Either, options: dict[str, Any]) -> EitherStream | None:
    """Send the request of the capture; return None for an answer that is not a stream."""
    n = options["n"]
    if options["api"] == "completions":
        if options["stream"]:
            return await own.legacy_stream(n=n)
        await own.legacy(n=n)
    elif options["stream"]:
        return await own.ask(n=n)
    else:
        await own.create(n=n)
    return None


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
@both
async def test_captures(make: Make, name: str, size: int) -> None:
    capture = read_capture(name)
    expected = CompletionParser(**capture.options)
    raws = [chunk.raw for chunk in expected.feed(capture.body)]
    expected.close("cut" if capture.is_cut else "end")
    raw = (CAPTURES / f"{name}.raw").read_bytes()
    got: list[Any] = []
    error: ExchangeError | None = None
    stream = None
    with serving(sending_pieces(raw, size)) as server:
        async with make(server, timeout=PATIENCE) as own:
            try:
                stream = await asked(own, capture.options)
                if stream is not None:
                    async for chunk in stream:
                        got.append(chunk.raw)
            except ExchangeError as caught:
                error = caught
    assert got == raws
    assert type(error) is type(expected.error)
    if error is not None and expected.error is not None and not capture.is_cut:
        assert str(error) == str(expected.error)
    if stream is not None:
        assert stream.outcome is expected.outcome
        completion = stream.stream.completion()
        assert completion == expected.completion()
        ends = {Outcome.DONE, Outcome.FINISHED}
        assert (error is None) == (stream.outcome in ends)
