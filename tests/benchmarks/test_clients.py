"""The end-to-end benchmark at small size: what the server sends, and the results of clients."""

from __future__ import annotations

import socket
import zlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import importable  # noqa: F401  before what it makes importable
import sseparse
from benchmarks.clients import delays, report, server
from benchmarks.clients.adapters import CLIENTS
from benchmarks.clients.delays import Delays
from benchmarks.clients.server import FRAMINGS, WORD

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

# Each starts a server and clients in processes.
pytestmark = pytest.mark.thorough

# Longer than any machine takes, so that each event that a client returns is in time.
PATIENT_S = 30.0


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[subprocess.Popen[str], int]]:
    with report.child("--serve") as process:
        assert process.stdout
        yield process, int(process.stdout.readline())
        process.kill()


def installed(name: str) -> str:
    found, [line] = report.versions([name])
    if not found:
        pytest.skip(line.partition("left out: ")[2])
    return name


def test_a_client_that_is_missing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = CLIENTS["openai"]._replace(distributions=("no-such-client",))
    monkeypatch.setitem(CLIENTS, "openai", missing)
    found, lines = report.versions([installed("sseparse-events"), "openai"])
    assert found == ["sseparse-events"]
    assert sseparse.__version__ in lines[0]
    assert lines[1] == "openai           left out: no-such-client is not installed"


@pytest.mark.parametrize("framing", FRAMINGS)
def test_framing(framing: str) -> None:
    head, pieces, end = FRAMINGS[framing](3)
    assert len(pieces) == 3
    body = b"".join([*pieces, end])
    if b"chunked" in head:
        chunks, rest = [], body
        while True:
            size, _, rest = rest.partition(b"\r\n")
            if size == b"0":
                break
            chunks.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        assert len(chunks) == (1 if framing == "coalesced" else 4)
        assert rest == b"\r\n"
        body = b"".join(chunks)
    if b"gzip" in head:
        body = zlib.decompress(body, wbits=31)
    if b"Content-Length" in head:
        assert head == b"Content-Length: %d\r\n" % len(body)
    assert body == server.ONE * 3 + server.END
    assert sseparse.parse(body)[-1].data == "[DONE]"


@pytest.mark.parametrize("kind", ["event", "64k", "cut"])
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_gives_the_content_of_every_chunk(
    name: str, kind: str, running: tuple[subprocess.Popen[str], int]
) -> None:
    with CLIENTS[installed(name)].connect(running[1]) as ask:
        for _ in range(2):
            contents = list(ask(kind, 400))
            assert contents[:400] == [WORD] * 400
            assert [each for each in contents[400:] if each] == []
        assert report.cpu(kind)(ask, 10) > 0
        assert report.first_token(ask, 2) > 0


@pytest.mark.parametrize("framing", FRAMINGS)
def test_events_are_received_before_the_next_is_sent(
    framing: str, running: tuple[subprocess.Popen[str], int]
) -> None:
    found = report.delay(installed("sseparse-events"), *running, framing, 3, PATIENT_S)
    assert found.fault == ""
    assert len(found.sent) == 4
    assert len(found.in_time()) == 3
    assert min(found.in_time()) > 0


def test_events_that_a_client_holds_are_not_in_time(
    running: tuple[subprocess.Popen[str], int],
) -> None:
    found = report.delay(installed("launchdarkly"), *running, "close-delimited", 3, 0.01)
    assert (len(found.received), found.in_time()) == (3, [])
    assert str(found) == "all held to the end"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Delays([0, 10**6, 2 * 10**6], [2 * 10**5, 14 * 10**5], ""), "0.30 ms, at most 0.40"),
        (Delays([0, 10, 20], [21, 22], ""), "all held to the end"),
        (Delays([0, 10, 20], [5, 22], ""), "1 of 2 in time, 1 held to the end"),
        (Delays([0, 10, 20, 30], [11, 12, 25], ""), "2 of 3 in time, 0 held to the end"),
        (Delays([0, 10, 20], [5], ""), "1 of 2 never received"),
        (Delays([0, 10, 20], [], "raises ValueError"), "raises ValueError"),
    ],
)
def test_the_summary_of_delays(found: Delays, said: str) -> None:
    assert str(found) == said


def test_an_exception_of_a_client_is_its_result() -> None:
    def ask(_: str, __: int) -> Iterator[str | None]:
        yield WORD
        yield None
        raise ValueError

    stamp, fault = delays.watch(ask, "gzip", 2)
    assert int(stamp) > 0
    assert fault == "raises ValueError"
    assert list(delays.watch(lambda *_: iter(["other"]), "gzip", 2)) == ["end"]


def test_measure_waits_only_for_its_patience() -> None:
    told: list[str] = []
    stamps = iter(["1\n", "2\n", "3\n"])
    sender: Any = SimpleNamespace(
        stdin=SimpleNamespace(write=told.append, flush=lambda: None),
        stdout=SimpleNamespace(readline=lambda: next(stamps)),
    )
    silent: Any = SimpleNamespace(stdout=iter(["raises KeyError\n"]))
    found = delays.measure(sender, silent, 2, 0.01)
    assert found == Delays([1, 2, 3], [], "raises KeyError")
    assert told == ["\n"] * 3


def test_figures_and_table(running: tuple[subprocess.Popen[str], int]) -> None:
    rows = report.figures([installed("sseparse-events")], running[1], 1, 8)
    assert [len(found["sseparse-events"]) for found in rows.values()] == [1, 3, 1, 1, 1, 1, 1]
    assert all(each > 0 for found in rows.values() for each in found["sseparse-events"])
    text = report.table(["a", "b"], {"row": {"a": [1.0, 2.0, 4.0], "b": [2.0, 6.0, 4.0]}})
    names, medians, ratios = text.splitlines()
    assert names.split() == ["median", "a", "b"]
    assert medians.split() == ["row", "2.00", "4.00"]
    assert ratios.split() == ["to", "a,", "quartiles", "1.0", "to", "3.0"]
    assert len(names) == len(medians) == len(ratios)  # the figures stand below the names


def test_the_command_names_its_clients(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        report.main(["--clients", "netcat"])
    assert "no 'netcat'; there are sseparse, sseparse-events" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--rounds", "--chunks"])
def test_an_option_of_zero_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        report.main([option, "0"])
    assert f"argument {option}: expected a whole number from 1" in capsys.readouterr().err


def test_no_client_is_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = CLIENTS["openai"]._replace(distributions=("no-such-client",))
    monkeypatch.setitem(CLIENTS, "openai", missing)
    assert report.main(["--clients", "openai"]) == 1
    said = capsys.readouterr()
    assert said.out == "openai           left out: no-such-client is not installed\n"
    assert said.err == "none of these clients is installed\n"


def test_server_outlives_a_client_that_leaves(running: tuple[subprocess.Popen[str], int]) -> None:
    process, port = running
    with socket.create_connection(("127.0.0.1", port)) as leaving:
        leaving.sendall(b"GET /?user=event&max_tokens=100000 HTTP/1.1\r\n\r\n")
        assert leaving.recv(16) == b"HTTP/1.1 200 OK\r"
    assert process.poll() is None
    with CLIENTS[installed("sseparse-events")].connect(port) as ask:
        assert list(ask("event", 1))[:1] == [WORD]
