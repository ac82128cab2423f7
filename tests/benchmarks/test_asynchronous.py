"""The benchmark of clients for asyncio, at small size."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import importable  # noqa: F401  before what it makes importable
from benchmarks.clients import asynchronous, paced, report
from benchmarks.clients.asynchronous import CLIENTS
from benchmarks.clients.server import WORD

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each starts a server and clients in processes.
pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with report.child("--serve") as process:
        assert process.stdout
        yield int(process.stdout.readline())
        process.kill()


def installed(name: str) -> str:
    client = CLIENTS[name]
    is_there, line = report.version_line(name, client.distributions, client.note)
    if not is_there:
        pytest.skip(line.partition("left out: ")[2])
    return name


@pytest.mark.parametrize("kind", ["event", "64k"])
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_gives_the_content_of_every_chunk(name: str, kind: str, port: int) -> None:
    async def main() -> None:
        async with CLIENTS[installed(name)].connect(port) as ask:
            for _ in range(2):
                got = [content async for content, _ in ask(kind, 300)]
                assert got[:300] == [WORD] * 300
                assert [each for each in got[300:] if each] == []
            assert await asynchronous.cpu(ask, kind, 10) > 0

    asyncio.run(main())


@pytest.mark.parametrize("name", CLIENTS)
def test_how_late_chunks_are(name: str) -> None:
    found = asynchronous.lateness(installed(name), streams=3, rate=20, seconds=1)
    assert set(found) == {"delivered", "arrived"}
    median, p99, longest = found["delivered"]
    assert 0 < median <= p99 <= longest
    if name == "sseparse":
        assert 0 < found["arrived"][0] <= median
    else:
        assert found["arrived"] == []


def test_requests_are_whole_or_not() -> None:
    request = bytearray(b'POST / HTTP/1.1\r\nContent-Length: 8\r\n\r\n{"a": 1}')
    assert paced.is_whole(request)
    for size in range(len(request)):
        assert not paced.is_whole(request[:size])


def test_quantiles() -> None:
    assert asynchronous.quantiles([]) == []
    assert asynchronous.quantiles([5_000_000]) == [5, 5, 5]
    assert asynchronous.quantiles([n * 10**6 for n in range(200)]) == [100, 198, 199]


def test_ratio_of_p99() -> None:
    found = {
        "sseparse, delivered": [[1.0, 2.0, 9.0], [1.0, 6.0, 9.0], [1.0, 3.0, 9.0]],
        "aiohttp, delivered": [[1.0, 2.0, 9.0], [1.0, 2.0, 9.0], [1.0, 2.0, 9.0]],
    }
    assert asynchronous.ratio_of_p99(found).endswith("to aiohttp, median of turns: 1.50")
    assert asynchronous.ratio_of_p99({}) == ""


def test_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    missing = CLIENTS["openai"]._replace(distributions=("no-such-client",))
    monkeypatch.setitem(CLIENTS, "openai", missing)
    options = "--rounds 1 --chunks 8 --streams 2 --rate 5 --seconds 1 --turns 1"
    assert asynchronous.main(options.split()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "openai           left out: no-such-client is not installed"
    assert any(line.startswith("sseparse, arrived ") for line in lines)
    assert lines[-1].startswith("p99 of sseparse to aiohttp, median of turns: ")
