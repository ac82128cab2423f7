"""How the blocking client sends requests: connections, threads, time limits, keys, TLS."""

from __future__ import annotations

import concurrent.futures
import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from loopback import (
    DONE,
    PATIENCE,
    Peer,
    Request,
    Server,
    ask,
    chunked,
    client,
    delta,
    own_path,
    serving,
    source_of,
    wait,
    wire,
)
from secured import over_tls, secured
from sseparse.completions import (
    Client,
    Outcome,
    TimedOutError,
    Timeout,
    TransportError,
)

if TYPE_CHECKING:
    import socket

# Each starts a server.
pytestmark = pytest.mark.thorough

WHOLE = {"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}
ENVIRONMENT = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ENVIRONMENT, *PROXIES, *map(str.upper, PROXIES)):
        monkeypatch.delenv(name, raising=False)


# Settings


@pytest.mark.parametrize("wrong", [0, -1, True, "1"])
def test_wrong_max_event_size(wrong: Any) -> None:
    """The error comes before anything is sent."""
    with pytest.raises((TypeError, ValueError), match=r"max_event_size|int or None"):
        Client(base_url="http://localhost", max_event_size=wrong)


# Connections


def test_many_parked_connections_are_closed_in_the_end() -> None:
    is_over = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")))
        wait(is_over)
        peer.chunk(DONE)
        peer.send(b"0\r\n\r\n")

    with serving(handle) as server, client(server) as own:
        streams = [ask(own) for _ in range(20)]
        is_over.set()
        assert [stream.collect().text for stream in streams] == ["a"] * 20


def test_a_client_that_is_dropped_closes_its_connections() -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.stream(delta("a"), DONE)
        peer.wait_for_close()
        has_left.set()

    has_left = threading.Event()
    with serving(handle) as server:
        own = client(server)
        ask(own).collect()
        del own
        wait(has_left)


def test_threads_share_a_client() -> None:
    def handle(peer: Peer, request: Request) -> None:
        word = request.json()["messages"][0]["content"]
        peer.stream(*[delta(f"{word}{number} ") for number in range(20)], DONE)

    def talk(word: str) -> str:
        stream = own.chat.completions.create(messages=[{"content": word}], stream=True)
        return stream.collect().text

    words = [f"w{number}-" for number in range(100)]
    with serving(handle) as server, client(server) as own:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            texts = list(pool.map(talk, words))
    assert texts == ["".join(f"{word}{number} " for number in range(20)) for word in words]
    assert len(server.requests) == 100
    assert server.connections <= 16


# Time limits


def test_event_idle_does_not_run_while_the_reader_is_busy() -> None:
    may_go_on = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")))
        wait(may_go_on)
        peer.chunk(wire(delta("b")) + DONE)

    with serving(handle) as server, client(server) as own:
        stream = ask(own, timeout=Timeout(event_idle=0.1))
        assert next(stream).text == "a"
        threading.Event().wait(0.2)  # the reader is busy for longer than the limit
        may_go_on.set()
        assert [chunk.text for chunk in stream] == ["b"]
        assert stream.outcome is Outcome.DONE


def test_deadline_of_an_answer_that_is_not_streamed() -> None:
    with serving(lambda peer, _: peer.wait_for_close()) as server, client(server) as own:
        with pytest.raises(TimedOutError, match="deadline"):
            own.chat.completions.create(timeout=Timeout(deadline=0.1))


@pytest.mark.parametrize(
    "code",
    ["", "next(stream)", "stream = iter(stream); next(stream)", "for _ in stream: sys.exit()"],
)
def test_exit_in_a_stream(code: str) -> None:

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")))
        peer.wait_for_close()

    with serving(handle) as server:
        program = (
            "import sys\nfrom sseparse.completions import Client, Timeout\n"
            f"client = Client(base_url={server.url!r}, api_key='', proxy='')\n"
            "limits = Timeout(event_idle=60, deadline=60)\n"
            "stream = client.chat.completions.create(stream=True, timeout=limits)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program + code],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=own_path(),
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_event_idle_is_for_events() -> None:
    """An answer that is not streamed has no events, and some servers send blank lines before it."""
    is_waiting = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        body = json.dumps(WHOLE).encode()
        peer.head(f"Content-Length: {len(body) + 20}", kind="application/json")
        for _number in range(20):
            peer.send(b"\n")
            is_waiting.wait(0.02)
        peer.send(body)

    with serving(handle) as server, client(server, timeout=Timeout(event_idle=0.1)) as own:
        assert own.chat.completions.create().text == "hi"


def test_limits_need_no_thread() -> None:
    limits = Timeout(event_idle=60, deadline=60)
    with serving(lambda peer, _: peer.stream(delta("a"), DONE)) as server, client(server) as own:
        ask(own).collect()  # the server has a thread for each connection
        before = threading.active_count()
        with ask(own, timeout=limits) as stream:
            next(stream)
            assert threading.active_count() == before


def test_a_large_body_is_not_bound_to_the_time_to_connect() -> None:
    may_read = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.answer(WHOLE)

    class Slow(Server):
        def _serve(self, connection: socket.socket) -> None:
            if may_read.wait(PATIENCE):
                super()._serve(connection)
            connection.close()  # for a client that would wait for ever

    server = Slow(handle)
    with client(server, timeout=Timeout(connect=0.2, idle=PATIENCE)) as own:
        opener = threading.Timer(0.5, may_read.set)
        opener.start()
        assert own.chat.completions.create(padding="x" * 20_000_000).text == "hi"
    server.close()


@pytest.mark.parametrize("limit", ["connect", "idle", "event_idle", "deadline"])
@pytest.mark.parametrize("wrong", [0, -1, "5", float("nan"), float("inf"), 2e6, 10**400])
def test_wrong_limits(limit: str, wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Timeout(**{limit: wrong})


# Keys and where they go


def test_no_key_at_the_default_address() -> None:
    with pytest.raises(ValueError, match="OPENAI_API_KEY"):
        Client()
    with pytest.raises(ValueError, match="OPENAI_API_KEY"):
        Client(api_key="")
    assert repr(Client(api_key="sk-1")) == "Client(base_url='https://api.openai.com/v1')"


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_no_key_no_header(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda peer, _: peer.answer(WHOLE)) as server:
        if how == "environment":
            monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with Client(base_url=server.url if how == "argument" else None) as own:
            own.chat.completions.create()
    assert "authorization" not in server.requests[0].headers
    assert "openai-project" not in server.requests[0].headers


KEY = "sk-very-secret"


def test_the_settings_of_the_environment_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda peer, _: peer.answer(WHOLE)) as server:
        for name, value in zip(ENVIRONMENT, ["key", server.url, "o", "p"], strict=True):
            monkeypatch.setenv(name, value)
        with Client() as own:
            own.chat.completions.create()
        with Client(api_key="mine", organization="mine", project="mine") as own:
            own.chat.completions.create()
    names = ("authorization", "openai-organization", "openai-project")
    assert [[request.headers[name] for name in names] for request in server.requests] == [
        ["Bearer key", "o", "p"],
        ["Bearer mine", "mine", "mine"],
    ]


@pytest.mark.parametrize("end", ["\n", "\r\nX: y", "\0", "\u2028", "\x7f"])
def test_a_key_that_no_header_can_hold(end: str) -> None:
    for options in (
        {"api_key": KEY + end},
        {"organization": KEY + end},
        {"default_headers": {"api-key": KEY + end}},
        {"default_headers": {"api-key" + end: KEY}},
    ):
        with pytest.raises(ValueError, match="header") as caught:
            Client(base_url="http://localhost", **options)
        assert KEY not in str(caught.value)
    with pytest.raises(ValueError, match="header"):
        Client(base_url="http://localhost").stream("GET", "/", extra_headers={"x": KEY + end})


@pytest.mark.parametrize(
    "url",
    ["localhost:80", "ftp://x", "http://", "http://u:p@x/", "http://x:port/", "//x", "http://["],
)
def test_wrong_base_urls(url: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # urlsplit has texts of its own
        Client(base_url=url)
    assert "u:p" not in str(caught.value)


# Proxies


def test_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with serving(lambda peer, _: peer.answer(WHOLE)) as server:
        with Client(base_url=server.url, proxy="") as own:
            own.chat.completions.create()


def test_a_key_of_the_environment_does_not_go_through_its_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # below
        Client(base_url="http://model.test/v1")
    assert str(caught.value) == (
        "the environment's proxy would see the environment's API key: use an https "
        "base_url, give proxy or api_key, or name the host in NO_PROXY"
    )
    Client(base_url="https://model.test/v1")
    Client(base_url="http://model.test/v1", proxy="http://127.0.0.1:1")
    Client(base_url="http://model.test/v1", api_key="own")


# TLS


@pytest.mark.parametrize("how", ["close", "deadline", "cut"])
def test_tls_interrupted(how: str) -> None:
    is_over = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")))
        if how != "cut":
            peer.wait_for_close()
        peer.close()

    with serving(handle, over_tls) as server:
        with client(server, **secured(server, True)) as own:
            stream = ask(own, timeout=Timeout(deadline=0.3 if how == "deadline" else 60))
            assert next(stream).text == "a"
            if how == "close":
                got: list[object] = []
                reader = threading.Thread(target=lambda: got.extend(stream))
                reader.start()
                while not source_of(stream)._is_reading:
                    pass
                stream.close()
                reader.join(PATIENCE)
                assert got == []
                assert stream.outcome is Outcome.CLOSED
            else:
                with pytest.raises(TimedOutError if how == "deadline" else TransportError):
                    next(stream)
                assert source_of(stream)._connection is None  # it was closed
        is_over.set()


def test_tls_connection_that_the_server_has_closed() -> None:
    def handle(peer: Peer, _: Request) -> None:
        if len(server.requests) == 2:
            peer.close()
        else:
            peer.answer(WHOLE)

    with serving(handle, over_tls) as server:
        with client(server, **secured(server, True)) as own:
            for _ in range(2):
                assert own.chat.completions.create().text == "hi"
    assert len(server.requests) == 3


# The package


def test_the_core_does_not_load_the_client() -> None:
    code = (
        "import sys, sseparse\n"
        "assert not {'urllib3', 'attrs', 'attr', 'http', 'ssl'} & set(sys.modules)\n"
        "import sseparse.completions\n"
        "assert 'urllib3' not in sys.modules\n"
        "sseparse.completions.Client\n"
        "assert 'urllib3' in sys.modules and 'urllib.request' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=own_path())


@pytest.mark.parametrize("missing", ["urllib3", "attrs"])
def test_without_the_extra(missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "import pydoc, sseparse.completions\n"
        "assert 'iter_chunks' in pydoc.render_doc(sseparse.completions)\n"  # as help() does
        "try:\n    from sseparse.completions import Client\n"
        "except ModuleNotFoundError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=own_path()
    )
    assert done.stdout.strip() == (
        f"sseparse.completions.Client needs {missing}: pip install 'sseparse[client]'"
    )


def test_chunks_are_framed_as_the_tests_say() -> None:
    assert chunked(b"abc") == b"3\r\nabc\r\n"
