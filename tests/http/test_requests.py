"""How requests are sent: retries, time limits, connections, threads, proxies, TLS, keys."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import logging
import pickle
import socket
import ssl
import subprocess
import sys
import threading
import time as time_module
from email.utils import formatdate
from pathlib import Path
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
    partial,
    sending,
    serving,
    source_of,
    wait,
    wire,
)
from sseparse._clients import _client, _retries
from sseparse.completions import (
    Client,
    ExchangeError,
    Outcome,
    StatusError,
    TimedOutError,
    Timeout,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# Each starts a server.
pytestmark = pytest.mark.thorough

TLS = Path(__file__).parents[1] / "data" / "tls"
WHOLE = {"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}
ENVIRONMENT = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ENVIRONMENT, *PROXIES, *map(str.upper, PROXIES)):
        monkeypatch.delenv(name, raising=False)


class Clock:
    """Time that passes only while the client waits between attempts."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.now = 1_800_000_000.0

    def pause(self, seconds: float, _: threading.Event) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def time(self) -> float:
        return self.now

    def perf_counter(self) -> float:
        return time_module.perf_counter()

    def perf_counter_ns(self) -> int:
        return time_module.perf_counter_ns()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(_client, "pause", fake.pause)
    monkeypatch.setattr(_retries, "time", fake)
    monkeypatch.setattr("random.random", lambda: 0.0)
    return fake


def failing(*answers: Any) -> Callable[[Peer, Request], object]:
    """Return a handler that gives these answers in turn: (status, headers...), then a whole one."""
    rest = list(answers)

    def handle(peer: Peer, _: Request) -> None:
        if not rest:
            peer.answer(WHOLE)
            return
        answer = rest.pop(0)
        if answer is None:
            peer.close()
        else:
            peer.answer("failed", *answer[1:], status=f"{answer[0]} X", kind="text/plain")

    return handle


# Retries


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 599])
def test_retried(status: int, clock: Clock) -> None:
    told: list[tuple[int, float, str]] = []

    def on_retry(attempt: int, seconds: float, cause: Exception) -> None:
        told.append((attempt, seconds, str(cause)))

    with serving(failing([status], [status])) as server:
        with client(server, max_retries=2, on_retry=on_retry) as own:
            assert own.chat.completions.create().text == "hi"
    assert clock.waits == [0.5, 1.0]
    assert told == [
        (1, 0.5, f"status {status}: failed"),
        (2, 1.0, f"status {status}: failed"),
    ]


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 422, 499])
def test_not_retried(status: int, clock: Clock) -> None:
    with serving(failing([status])) as server, client(server, max_retries=5) as own:
        with pytest.raises(StatusError) as caught:
            own.chat.completions.create()
    assert caught.value.status == status
    assert (len(server.requests), clock.waits) == (1, [])


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        (["retry-after-ms: 1500"], [1.5]),
        (["retry-after: 7"], [7.0]),
        (["retry-after: 0.25"], [0.25]),
        (["retry-after-ms: 1500", "retry-after: 7"], [1.5]),
        (["retry-after-ms: soon", "retry-after: 7"], [7.0]),
        (["retry-after: 120"], [120.0]),
        (["retry-after: 120.1"], None),
        (["retry-after: 1e999"], None),
        (["retry-after: inf"], None),
        (["retry-after: 0"], [0.5]),
        (["retry-after: -3"], [0.5]),
        (["retry-after: nan"], [0.5]),
        (["retry-after: soon"], [0.5]),
        (["retry-after: " + formatdate(1_800_000_010, usegmt=True)], [10.0]),
        (["retry-after: " + formatdate(1_800_000_500, usegmt=True)], None),
        (["retry-after: " + formatdate(1_700_000_000, usegmt=True)], [0.5]),
        (["retry-after: Mon, 99 Foo 2026 00:00:00 GMT"], [0.5]),
        (["x-should-retry: false"], None),
        (["x-should-retry: true"], [0.5]),
        (["x-should-retry: true", "retry-after: 500"], None),
    ],
)
def test_how_long_it_waits(headers: list[str], waits: list[float] | None, clock: Clock) -> None:
    with serving(failing([503, *headers])) as server, client(server, max_retries=1) as own:
        if waits is None:
            with pytest.raises(StatusError):
                own.chat.completions.create()
        else:
            own.chat.completions.create()
    assert clock.waits == (waits or [])


def test_should_retry_overrides_the_status(clock: Clock) -> None:
    with serving(failing([400, "x-should-retry: true"])) as server:
        with client(server, max_retries=1) as own:
            own.chat.completions.create()
    assert clock.waits == [0.5]


def test_the_wait_doubles_to_8_seconds_less_jitter(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.random", lambda: 1.0)
    with serving(failing(*[[500]] * 7)) as server, client(server, max_retries=7) as own:
        own.chat.completions.create()
    assert clock.waits == [0.375, 0.75, 1.5, 3.0, 6.0, 6.0, 6.0]


def test_lost_connections_are_retried(clock: Clock) -> None:
    with serving(failing(None, None)) as server, client(server, max_retries=2) as own:
        own.chat.completions.create()
    assert (len(server.requests), clock.waits) == (3, [0.5, 1.0])


def test_no_server(clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Client(base_url=f"http://127.0.0.1:{port}", max_retries=1) as own:
        with pytest.raises(TransportError, match=f"127.0.0.1:{port}: Connection refused") as caught:
            own.chat.completions.create()
    assert caught.value.__cause__ is not None
    assert type(caught.value.__cause__) is ConnectionRefusedError
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert clock.waits == [0.5]


def test_max_retries_0_sends_once(clock: Clock) -> None:
    with serving(failing([500], [500])) as server, client(server, max_retries=0) as own:
        with pytest.raises(StatusError):
            ask(own)
    assert (len(server.requests), clock.waits) == (1, [])


def test_never_again_after_a_success(clock: Clock) -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.head("Content-Length: 1000", kind="application/json")
        peer.send(b"{")
        peer.close()

    with serving(handle) as server, client(server, max_retries=2) as own:
        with pytest.raises(TransportError):
            own.chat.completions.create()
        stream = ask(own)
        with pytest.raises(ExchangeError):
            stream.collect()
    assert (len(server.requests), clock.waits) == (2, [])


def test_no_wait_past_the_deadline(clock: Clock) -> None:
    with serving(failing([503, "retry-after: 60"])) as server:
        with client(server, max_retries=1, timeout=Timeout(deadline=30)) as own:
            with pytest.raises(StatusError):
                own.chat.completions.create()
    assert clock.waits == []


@pytest.mark.parametrize("wrong", [-1, True, 1.5, None])
def test_wrong_max_retries(wrong: Any) -> None:
    with pytest.raises(ValueError, match="max_retries"):
        Client(base_url="http://localhost", max_retries=wrong)


@pytest.mark.parametrize("wrong", [0, -1, True, "1"])
def test_wrong_max_event_size(wrong: Any) -> None:
    """The error comes before anything is sent."""
    with pytest.raises((TypeError, ValueError), match=r"max_event_size|int or None"):
        Client(base_url="http://localhost", max_event_size=wrong)


# Connections


def test_1000_posts_use_one_connection() -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.stream(delta("a", finish="stop"), DONE)

    with serving(handle) as server, client(server, max_retries=0) as own:
        for _ in range(1000):
            stream = ask(own)
            assert stream.collect().text == "a"
            assert stream.outcome is Outcome.DONE
    assert (len(server.requests), server.connections) == (1000, 1)


def test_the_end_may_come_later_than_done() -> None:
    """The rest of a body is read before the next request, if it has come by then."""
    may_end = threading.Event()
    has_ended = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")) + DONE)
        wait(may_end)
        peer.send(b"0\r\n\r\n")
        has_ended.set()

    with serving(handle) as server, client(server) as own:
        ask(own).collect()
        may_end.set()
        wait(has_ended)
        ask(own).collect()
    assert (len(server.requests), server.connections) == (2, 1)


@pytest.mark.parametrize("rest", ["never", "endless", "cut"])
def test_a_body_without_end_closes_its_connection(rest: str) -> None:
    is_over = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")) + DONE)
        if rest == "endless":
            for _number in range(100):
                peer.chunk(wire(delta("b")))
        if rest == "cut":
            peer.send(b"0\r")
        wait(is_over)

    with serving(handle) as server, client(server) as own:
        for _ in range(3):
            assert ask(own).collect().text == "a"
        is_over.set()
    assert (len(server.requests), server.connections) == (3, 3)


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


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_connection_that_the_server_has_closed(how: str) -> None:
    """If a used connection ends before a byte of the answer, the request is sent again."""

    def handle(peer: Peer, _: Request) -> None:
        if len(server.requests) == 2:
            (peer.close if how == "close" else peer.reset)()
        else:
            peer.answer(WHOLE)

    with serving(handle) as server, client(server, max_retries=0) as own:
        for _ in range(2):
            assert own.chat.completions.create().text == "hi"
    assert (len(server.requests), server.connections) == (3, 2)


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("answer", ["H", "HTTP/1.1 200 OK\r\n"])
def test_a_begun_answer_is_not_asked_for_again(how: str, answer: str) -> None:
    has_sent = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        if len(server.requests) == 1:
            peer.answer(WHOLE)
            return
        peer.send(answer.encode())
        has_sent.set()
        (peer.close if how == "close" else peer.reset)()

    with serving(handle) as server, client(server, max_retries=0) as own:
        own.chat.completions.create()
        with pytest.raises(ExchangeError):
            own.chat.completions.create()
    assert len(server.requests) == 2


def test_a_fresh_connection_is_not_tried_again() -> None:
    with serving(lambda peer, _: peer.close()) as server, client(server, max_retries=0) as own:
        with pytest.raises(TransportError):
            own.chat.completions.create()
    assert len(server.requests) == 1


@pytest.mark.parametrize("is_slow", [False, True])
def test_interim_answers_are_skipped(is_slow: bool) -> None:
    """RFC 9110, section 15.2: any number of them may come before the answer."""
    interim = b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"

    def handle(peer: Peer, _: Request) -> None:
        if is_slow:
            for byte in b"".join(interim):
                peer.send(bytes([byte]))
        else:
            peer.send(b"".join(interim))
        peer.answer(WHOLE)

    with serving(handle) as server, client(server) as own:
        for _ in range(2):
            assert own.chat.completions.create().text == "hi"
    assert server.connections == 1


def test_interim_answers_without_end() -> None:
    def handle(peer: Peer, _: Request) -> None:
        while True:
            peer.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 1000)

    with serving(handle) as server, client(server) as own:
        with pytest.raises(TransportError, match="larger than 256 KiB"):
            own.chat.completions.create()


def test_a_switch_of_protocols() -> None:
    raw = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    with serving(sending(raw)) as server, client(server) as own:
        with pytest.raises(TransportError, match="another protocol"):
            own.chat.completions.create()


def test_connection_close_is_honoured() -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked", "Connection: close")
        peer.chunk(wire(delta("a")) + DONE)
        peer.wait_for_close()

    with serving(handle) as server, client(server) as own:
        for _ in range(2):
            assert ask(own).collect().text == "a"
    assert server.connections == 2


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


@pytest.mark.parametrize("part", ["headers", "body"])
@pytest.mark.parametrize("is_stream", [True, False])
def test_idle(part: str, is_stream: bool) -> None:
    def handle(peer: Peer, _: Request) -> None:
        if part == "body":
            peer.head("Content-Length: 1000")
            peer.send(wire(delta("a")))
        peer.wait_for_close()

    with serving(handle) as server, client(server, timeout=Timeout(idle=0.1)) as own:
        create: Any = (lambda: ask(own).collect()) if is_stream else own.chat.completions.create
        with pytest.raises(TimedOutError, match=r"nothing received for 0.1 s \(idle\)") as caught:
            create()
    assert caught.value.limit == "idle"
    assert pickle.loads(pickle.dumps(caught.value)).limit == "idle"
    if is_stream and part == "body":
        assert partial(caught.value).text == "a"


def test_a_number_is_connect_and_idle() -> None:
    with serving(lambda peer, _: peer.wait_for_close()) as server, client(server) as own:
        with pytest.raises(TimedOutError, match=r"for 0\.1 s"):
            own.chat.completions.create(timeout=0.1)


@pytest.mark.parametrize("kept_warm", [True, False])
@pytest.mark.parametrize("framing", ["chunked", "plain"])
def test_event_idle(kept_warm: bool, framing: str) -> None:
    is_over = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head(*(["Transfer-Encoding: chunked"] if framing == "chunked" else []))
        send = peer.chunk if framing == "chunked" else peer.send
        send(wire(delta("a")))
        while kept_warm and not is_over.wait(0.02):
            send(b": still here\n\n")
        peer.wait_for_close()

    with serving(handle) as server, client(server) as own:
        stream = ask(own, timeout=Timeout(event_idle=0.3))
        assert next(stream).text == "a"
        began = time_module.perf_counter()
        with pytest.raises(TimedOutError, match=r"no event for 0.3 s.*\(event_idle\)") as caught:
            next(stream)
        seconds = time_module.perf_counter() - began
        is_over.set()
    assert 0.29 < seconds < 0.8
    assert caught.value.limit == "event_idle"
    assert stream.outcome is Outcome.TIMED_OUT


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


@pytest.mark.parametrize("part", ["headers", "dripping headers", "body", "busy body"])
def test_deadline(part: str) -> None:
    is_over = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        if part == "dripping headers":
            peer.send(b"HTTP/1.1 200 OK\r\n")
            while not is_over.wait(0.02):
                peer.send(b"X: y\r\n")
        elif part != "headers":
            peer.head("Transfer-Encoding: chunked")
            peer.chunk(wire(delta("a")))
            while part == "busy body" and not is_over.wait(0.02):
                peer.chunk(wire(delta("a")))
        peer.wait_for_close()

    with serving(handle) as server, client(server, timeout=Timeout(deadline=0.3)) as own:
        began = time_module.perf_counter()
        with pytest.raises(TimedOutError, match=r"not whole within 0.3 s \(deadline\)") as caught:
            ask(own).collect()
        seconds = time_module.perf_counter() - began
        is_over.set()
    assert 0.29 < seconds < 0.8
    assert caught.value.limit == "deadline"
    if "body" in part:
        assert partial(caught.value).text.startswith("a")


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


def test_connect() -> None:
    """A listener whose queue is full does not answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Client(base_url=url, max_retries=0, proxy="") as own:
            with pytest.raises(TimedOutError, match=r"no connection within 0.1 s \(connect\)"):
                own.chat.completions.create(timeout=Timeout(connect=0.1))
            with pytest.raises(TimedOutError, match="deadline"):
                own.chat.completions.create(timeout=Timeout(deadline=0.1))
        for filler in fillers:
            filler.close()


def test_a_large_body_is_not_bound_to_the_time_to_connect() -> None:
    may_read = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.answer(WHOLE)

    class Slow(Server):
        def _serve(self, connection: socket.socket) -> None:
            wait(may_read)
            super()._serve(connection)

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


def test_no_limits() -> None:
    with serving(lambda peer, _: peer.answer(WHOLE)) as server, client(server, timeout=None) as own:
        assert own.chat.completions.create().text == "hi"
        assert own.chat.completions.create(timeout=Timeout(connect=None, deadline=9)).text == "hi"


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


@pytest.mark.parametrize("path", ["http://127.0.0.2/x", "//127.0.0.2/x", "HTTPS://x"])
def test_keys_go_to_the_base_url_only(path: str) -> None:
    with serving(lambda peer, _: peer.answer(WHOLE)) as server, client(server) as own:
        with pytest.raises(ValueError, match="whole URL"):
            own.stream("GET", path)
    assert server.requests == []


KEY = "sk-very-secret"


def test_keys_are_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    with serving(failing([401], None, None)) as server:
        with client(server, api_key=KEY, default_headers={"api-key": KEY}) as own:
            shown += [repr(own), repr(own.chat), repr(own._http)]
            for _ in range(2):
                with pytest.raises(ExchangeError) as caught:
                    ask(own)
                error: BaseException | None = caught.value
                while error:
                    shown += [repr(error), str(error), repr(vars(error))]
                    error = error.__cause__ or error.__context__
            with ask(own) as stream:
                shown.append(repr(stream))
    shown.append(caplog.text)
    assert not any(KEY in each for each in shown)


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


def proxying(peer: Peer, _: Request) -> None:
    peer.answer(WHOLE, "X-Proxied: 1")


@pytest.mark.parametrize("how", ["argument", "environment", "without scheme"])
def test_proxy(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(proxying) as proxy:
        url = f"http://user:p%40ss@127.0.0.1:{proxy.port}"
        options: dict[str, Any] = {}
        if how == "environment":
            monkeypatch.setenv("http_proxy", url)
        elif how == "argument":
            options["proxy"] = url
        else:
            options["proxy"] = url.removeprefix("http://")
        with Client(base_url="http://model.test/v1", api_key="sk-1", **options) as own:
            assert own.chat.completions.create().text == "hi"
            assert "ss@" not in repr(own)
    (request,) = proxy.requests
    assert request.line == "POST http://model.test/v1/chat/completions HTTP/1.1"
    assert request.headers["host"] == "model.test"
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"


def test_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with serving(lambda peer, _: peer.answer(WHOLE)) as server:
        with Client(base_url=server.url, proxy="") as own:
            own.chat.completions.create()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with Client(base_url=server.url) as own:
            own.chat.completions.create()


def test_a_key_of_the_environment_does_not_go_through_its_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with pytest.raises(ValueError, match="proxy would see the environment's API key"):
        Client(base_url="http://model.test/v1")
    Client(base_url="https://model.test/v1")
    Client(base_url="http://model.test/v1", proxy="http://127.0.0.1:1")
    Client(base_url="http://model.test/v1", api_key="own")


@pytest.mark.parametrize("proxy", ["socks5://u:secret@x:1", "http://u:secret@[::1", "ftp://x"])
def test_wrong_proxies(proxy: str) -> None:
    with pytest.raises(ValueError, match="proxy") as caught:
        Client(base_url="http://x", proxy=proxy)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_dead_proxy() -> None:
    with Client(base_url="http://model.test", proxy="http://127.0.0.1:1", max_retries=0) as own:
        with pytest.raises(TransportError, match="Connection refused"):
            own.chat.completions.create()


def test_proxy_for_tls() -> None:
    """The client asks the proxy for a tunnel; the proxy cannot read what goes through it."""

    def tunnel(peer: Peer, request: Request) -> None:
        host, _, port = request.line.split()[1].partition(":")
        with socket.create_connection((host, int(port)), PATIENCE) as upstream:
            peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=pump, args=[upstream, peer.socket])
            back.start()
            pump(peer.socket, upstream)
            back.join(PATIENCE)
        peer.close()

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                seen.append(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    seen: list[bytes] = []
    with serving(lambda peer, _: peer.stream(delta("a"), DONE), over_tls) as server:
        with serving(tunnel) as proxy:
            url = server.url.replace("http:", "https:")
            options = {"ca_file": str(TLS / "cert.pem"), "proxy": f"127.0.0.1:{proxy.port}"}
            with client(server, base_url=url, api_key=KEY, **options) as own:
                for _ in range(2):
                    assert ask(own).collect().text == "a"
    assert (len(server.requests), server.connections) == (2, 1)
    (request,) = proxy.requests
    assert request.line.startswith(f"CONNECT 127.0.0.1:{server.port} ")
    assert "authorization" not in request.headers
    assert KEY.encode() not in b"".join(seen)


# TLS


def over_tls(connection: socket.socket) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    connection.settimeout(PATIENCE)
    return context.wrap_socket(connection, server_side=True)


def test_tls_with_own_authorities() -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.stream(delta("a"), DONE)

    with serving(handle, over_tls) as server:
        url = server.url.replace("http:", "https:")
        with client(server, base_url=url, ca_file=str(TLS / "cert.pem")) as own:
            for _ in range(3):
                assert ask(own).collect().text == "a"
        assert server.connections == 1
        with client(server, base_url=url) as own:
            with pytest.raises(TransportError, match="certificate verify failed"):
                ask(own)
    with pytest.raises(OSError, match="No such file"):
        Client(base_url="https://x", ca_file="missing.pem")


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
        url = server.url.replace("http:", "https:")
        with client(server, base_url=url, ca_file=str(TLS / "cert.pem")) as own:
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
        is_over.set()


def test_tls_connection_that_the_server_has_closed() -> None:
    def handle(peer: Peer, _: Request) -> None:
        if len(server.requests) == 2:
            peer.close()
        else:
            peer.answer(WHOLE)

    with serving(handle, over_tls) as server:
        url = server.url.replace("http:", "https:")
        with client(server, base_url=url, ca_file=str(TLS / "cert.pem")) as own:
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
