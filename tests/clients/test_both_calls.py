"""Scenarios for both clients: retries, requests, settings, proxies, TLS, results."""

from __future__ import annotations

import logging
import pickle
import socket
import ssl
import threading
import time as time_module
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from either import Either, Make, both
from loopback import DONE, PATIENCE, Peer, Request, Server, delta, relay, serving, wait, wire
from secured import CA_FILE, https, over_tls, server_context
from sseparse._clients import _client, _retries
from sseparse._clients._aiohttp import Running
from sseparse.completions import (
    ContentTypeError,
    ExchangeError,
    Outcome,
    StatusError,
    StreamError,
    Timeout,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WHOLE = {"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}
FINISH = delta(finish="stop")
KEY = "sk-very-secret"
NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
OPENAI = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NAMES, *map(str.upper, NAMES), *OPENAI):
        monkeypatch.delenv(name, raising=False)


class Clock:
    """Time that passes only while a client waits between attempts."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.now = 1_800_000_000.0

    def pause(self, seconds: float, _: threading.Event) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()

    async def pause(_: Running, seconds: float) -> None:
        fake.pause(seconds, threading.Event())

    monkeypatch.setattr(_client, "pause", fake.pause)
    monkeypatch.setattr(Running, "pause", pause)
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
        elif answer == "reset":
            peer.reset()
        else:
            peer.answer("failed", *answer[1:], status=f"{answer[0]} X", kind="text/plain")

    return handle


# Retries


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 599])
@both
async def test_retried(make: Make, status: int, clock: Clock) -> None:
    reported: list[tuple[int, float, str]] = []

    def on_retry(attempt: int, seconds: float, cause: Exception) -> None:
        reported.append((attempt, seconds, str(cause)))

    with serving(failing([status], [status])) as server:
        async with make(server, max_retries=2, on_retry=on_retry) as own:
            assert (await own.create()).text == "hi"
    assert clock.waits == [0.5, 1.0]
    text = f"status {status}: failed"
    assert reported == [(1, 0.5, text), (2, 1.0, text)]


@pytest.mark.parametrize("status", [300, 304, 400, 401, 403, 404, 422, 499])
@both
async def test_not_retried(make: Make, status: int, clock: Clock) -> None:
    with serving(failing([status])) as server:
        async with make(server, max_retries=5) as own:
            with pytest.raises(StatusError) as caught:
                await own.ask()
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
@both
async def test_how_long_it_waits(
    make: Make, headers: list[str], waits: list[float] | None, clock: Clock
) -> None:
    with serving(failing([503, *headers])) as server:
        async with make(server, max_retries=1) as own:
            if waits is None:
                with pytest.raises(StatusError):
                    await own.create()
            else:
                assert (await own.ask()).outcome is None
    assert clock.waits == (waits or [])


@both
async def test_should_retry_overrides_the_status(make: Make, clock: Clock) -> None:
    with serving(failing([400, "x-should-retry: true"])) as server:
        async with make(server, max_retries=1) as own:
            await own.create()
    assert clock.waits == [0.5]


@both
async def test_the_wait_doubles_to_8_seconds_less_jitter(
    make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.random", lambda: 1.0)
    with serving(failing(*[[500]] * 7)) as server:
        async with make(server, max_retries=7) as own:
            await own.create()
    assert clock.waits == [0.375, 0.75, 1.5, 3.0, 6.0, 6.0, 6.0]


@both
async def test_max_retries_0_sends_once(make: Make, clock: Clock) -> None:
    with serving(failing([500], [500])) as server:
        async with make(server, max_retries=0) as own:
            with pytest.raises(StatusError):
                await own.ask()
    assert (len(server.requests), clock.waits) == (1, [])


@both
async def test_lost_connections_are_retried(make: Make, clock: Clock) -> None:
    with serving(failing(None, "reset")) as server:
        async with make(server, max_retries=2) as own:
            assert (await own.create()).text == "hi"
    assert (len(server.requests), clock.waits) == (3, [0.5, 1.0])


@both
async def test_no_server(make: Make, clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with make(base_url=f"http://127.0.0.1:{port}", max_retries=1) as own:
        with pytest.raises(TransportError, match=f"127.0.0.1:{port}: Connection refused") as caught:
            await own.create()
    assert type(caught.value.__cause__) is ConnectionRefusedError
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert clock.waits == [0.5]


@both
async def test_an_unknown_name(make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    async with make(base_url="http://model.test:1", max_retries=1) as own:
        with pytest.raises(TransportError, match="its name is not known: Name or") as caught:
            await own.create()
    assert isinstance(caught.value.__cause__, socket.gaierror)
    assert clock.waits == [0.5]


@both
async def test_never_again_after_a_success(make: Make, clock: Clock) -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.head("Content-Length: 1000", kind="application/json")
        peer.send(b"{")
        peer.close()

    with serving(handle) as server:
        async with make(server, max_retries=2) as own:
            with pytest.raises(TransportError):
                await own.create()
            with pytest.raises(ExchangeError):
                await (await own.ask()).collect()
    assert (len(server.requests), clock.waits) == (2, [])


@both
async def test_no_wait_past_the_deadline(make: Make, clock: Clock) -> None:
    with serving(failing([503, "retry-after: 60"])) as server:
        async with make(server, max_retries=1, timeout=Timeout(deadline=30)) as own:
            with pytest.raises(StatusError):
                await own.create()
    assert clock.waits == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@both
async def test_redirects_are_not_followed(make: Make, status: int) -> None:
    with serving(lambda peer, _: peer.answer(WHOLE)) as other:
        location = f"Location: {other.url}/chat/completions"
        with serving(failing([status, location])) as server:
            async with make(server, max_retries=2) as own:
                with pytest.raises(StatusError, match="redirects are not followed") as caught:
                    await own.ask()
    assert caught.value.status == status
    assert other.requests == []


# What is sent


def answer(peer: Peer, request: Request) -> None:
    if "/x?" in request.line:
        peer.stream(b"data: 1\n\n")
    elif "/chat/" not in request.line:
        peer.answer({"object": "list", "data": []})
    elif request.json().get("stream"):
        peer.stream(delta("hi"), FINISH, DONE)
    else:
        peer.answer(WHOLE, "x-request-id: req-1", "X-Own: 1", "Set-Cookie: a=b")


@both
async def test_what_is_sent(make: Make) -> None:
    """Paths and queries are sent unchanged; cookies are not kept; nothing else is added."""
    with serving(answer) as server:
        url = f"{server.url}/%7Ea?api-version=1"
        options = {"default_query": {"a": 1}, "organization": "o", "project": "p"}
        async with make(server, base_url=url, **options) as own:
            await own.create(
                extra_query={"b": "é&", "c": [1, True, None]}, temperature=0, stop=["a", "b"]
            )
            await own.create()
            await own.request(
                "GET", "/models%2Fx y?limit=2&q=%c3%a9+%20é\r\nX: y", extra_query={"a": None}
            )
            events = await own.events(
                "POST",
                "/x?u=https://example.org/y",
                {"b": 1},
                extra_headers={"X-A": "é"},
                extra_query={"z": 1},
            )
            assert [event.data for event in await events.all()] == ["1"]
    first, second, *_ = server.requests
    assert [request.line for request in server.requests] == [
        "POST /v1/%7Ea/chat/completions?api-version=1&a=1&b=%C3%A9%26&c=1&c=true HTTP/1.1",
        "POST /v1/%7Ea/chat/completions?api-version=1&a=1 HTTP/1.1",
        "GET /v1/%7Ea/models%2Fx%20y?api-version=1&limit=2&q=%c3%a9+%20%C3%A9%0D%0AX:%20y HTTP/1.1",
        "POST /v1/%7Ea/x?api-version=1&u=https://example.org/y&a=1&z=1 HTTP/1.1",
    ]
    assert first.body == b'{"temperature":0,"stop":["a","b"]}'
    assert first.headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": first.headers["user-agent"],
        "accept-encoding": "identity",
        "authorization": "Bearer sk-test",
        "openai-organization": "o",
        "openai-project": "p",
        "accept": "application/json",
        "content-type": "application/json",
        "content-length": str(len(first.body)),
    }
    assert "cookie" not in second.headers
    assert server.requests[2].headers["accept"] == "application/json"
    assert server.requests[3].body == b'{"b":1}'
    assert server.requests[3].headers["x-a"] == "é"
    assert server.requests[3].headers["accept"] == "text/event-stream"
    assert server.connections == 1


@both
async def test_settings(make: Make) -> None:
    with serving(answer) as server:
        async with make(server, default_headers={"X-A": "1"}) as own:
            other = own.with_options(
                api_key="sk-2", max_retries=5, timeout=7, default_headers={"X-B": "2"}, project="p"
            )
            await own.create()
            await other.create()
            await own.with_options().create()
            assert server.connections == 1
            assert type(other.client) is type(own.client)
            assert (own.client.max_retries, other.client.max_retries) == (0, 5)
            assert other.client.timeout == Timeout(connect=7, idle=7)
            assert own.client.base_url == server.url
            assert repr(own.client) == f"{type(own.client).__name__}(base_url={server.url!r})"
            with pytest.raises(ValueError, match="max_retries"):
                own.with_options(max_retries=-1)
    first, second, third = (request.headers for request in server.requests)
    assert (first["authorization"], first["x-a"]) == ("Bearer sk-test", "1")
    assert (second["authorization"], second["x-b"]) == ("Bearer sk-2", "2")
    assert second["openai-project"] == "p"
    assert "x-a" not in second
    assert third == first


@pytest.mark.usefixtures("clock")
@both
async def test_a_key_that_a_function_gives(make: Make) -> None:
    keys = iter(["one", "two"])
    with serving(failing([500])) as server:
        async with make(server, api_key=lambda: next(keys), max_retries=1) as own:
            await own.create()
    sent = [request.headers["authorization"] for request in server.requests]
    assert sent == ["Bearer one", "Bearer two"]
    async with make(base_url="http://localhost:1", api_key=lambda: b"key") as own:
        with pytest.raises(TypeError, match="api_key must be a str or a function"):
            await own.create()


@both
async def test_files_that_are_refused(make: Make) -> None:
    endless: list[Any] = []
    endless.append(endless)
    async with make(base_url="http://127.0.0.1:1") as own:
        with pytest.raises(ValueError, match="whole URL"):
            await own.events("GET", "http://127.0.0.2/x")
        with pytest.raises(ValueError, match="is set by the transport"):
            await own.request("GET", "/", extra_headers={"Host": "x"})
        with pytest.raises(ValueError, match="header"):
            await own.request("GET", "/", extra_headers={"x": "a\r\nb: c"})
        with pytest.raises(ValueError, match="the body cannot be sent as JSON"):
            await own.request("POST", "/", endless)
        with pytest.raises(TypeError, match="timeout must be a number"):
            await own.request("GET", "/", timeout="5")
        with pytest.raises(ValueError, match="method"):
            await own.request("GET / HTTP/1.1\r\nX: y\r\n\r\nGET", "/")


@both
async def test_keys_are_never_shown(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    with serving(failing([401], None, None)) as server:
        async with make(server, api_key=KEY, default_headers={"api-key": KEY}) as own:
            shown += [repr(own.client), repr(own.client.chat), repr(own.client._http)]
            for _ in range(2):
                with pytest.raises(ExchangeError) as caught:
                    await own.ask()
                error: BaseException | None = caught.value
                while error:
                    shown += [repr(error), str(error), repr(vars(error))]
                    error = error.__cause__ or error.__context__
            stream = await own.ask()
            shown.append(repr(stream.stream))
            await stream.close()
    shown.append(caplog.text)
    assert not any(KEY in each for each in shown)


# What is read


@both
async def test_json_of_any_kind(make: Make) -> None:
    with serving(answer) as server:
        async with make(server) as own:
            assert (await own.request("GET", "/models"))["data"] == []
            assert (await own.request("POST", "/x", {"a": 1}))["object"] == "list"
    assert "content-length" not in server.requests[0].headers
    assert server.requests[1].json() == {"a": 1}
    with serving(lambda peer, _: peer.answer("<html>", kind="text/html")) as server:
        async with make(server) as own:
            with pytest.raises(ContentTypeError, match="text/html"):
                await own.request("GET", "/")
    with serving(lambda peer, _: peer.answer("{}", status="404 X")) as server:
        async with make(server) as own:
            with pytest.raises(StatusError, match=r"status 404: {}"):
                await own.request("GET", "/")


@both
async def test_an_event_stream_goes_on_where_it_was(make: Make) -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.stream(b"retry: 70\ndata: 1\n\n", b"id: 9\ndata: 2\n\n")

    with serving(handle) as server:
        async with make(server) as own:
            events = await own.events("GET", "/", extra_headers={"last-EVENT-id": "é7"})
            stream = events.stream
            assert (stream.last_event_id, stream.retry, stream.arrival_ns) == ("é7", None, 0)
            assert [event.last_event_id for event in await events.all()] == ["é7", "9"]
            assert (stream.last_event_id, stream.retry) == ("9", 70)
            assert stream.arrival_ns >= stream.timing.first_byte_ns > 0
            assert stream.outcome is Outcome.ENDED
            assert repr(stream).startswith(f"<{type(stream).__name__}: ended, 2 events in ")
            await (await own.events("GET", "/", extra_headers={"Last-Event-ID": "\ud800"})).close()
            assert (await (await own.events("GET", "/")).next()).last_event_id == ""
    sent = [request.headers["last-event-id"].encode("latin-1") for request in server.requests[:2]]
    assert sent == ["é7".encode(), b"\xed\xa0\x80"]


@both
async def test_an_answer_to_head_has_no_body(make: Make) -> None:
    """Whatever its length says, which is that of the answer to GET."""
    with serving(lambda peer, _: peer.head("Content-Length: 9")) as server:
        async with make(server) as own:
            for _ in range(2):
                events = await own.events("HEAD", "/")
                assert await events.all() == []
                assert events.outcome is Outcome.ENDED
    assert server.connections == 1


@pytest.mark.parametrize(
    ("body", "choices"),
    [
        ({}, 1),
        ({"n": 2}, 2),
        ({"n": 0}, 1),
        ({"n": True}, 1),
        ({"n": 2.0}, 1),
        ({"n": None, "prompt": "ab"}, 1),
        ({"prompt": ["a", "b"]}, 2),
        ({"prompt": ("a", "b"), "n": 2}, 4),
        ({"prompt": [[1, 2, 3], [4, 5, 6]]}, 2),
        ({"prompt": [1, 2, 3]}, 1),
        ({"prompt": []}, 1),
    ],
)
@both
async def test_a_stream_has_finished_when_all_choices_have(
    make: Make, body: dict[str, Any], choices: int
) -> None:
    """As many as the request asks for: here the server does not say when it has finished."""

    def handle(peer: Peer, request: Request) -> None:
        peer.head()
        for index in range(request.json()["sent"]):
            choice = {"index": index, "text": "a", "finish_reason": "stop"}
            peer.send(wire({"choices": [choice]}))
        peer.close()

    with serving(handle) as server:
        async with make(server) as own:
            stream = await own.legacy_stream(sent=choices, **body)
            assert len((await stream.collect()).choices) == choices
            assert stream.outcome is Outcome.FINISHED
            stream = await own.legacy_stream(sent=choices - 1, **body)
            with pytest.raises(ExchangeError):
                await stream.collect()


@both
async def test_text_collect_and_next(make: Make) -> None:
    events = [delta("a\ud83d"), delta("\ude00"), delta("b"), FINISH, DONE]
    with serving(lambda peer, _: peer.stream(*events)) as server:
        async with make(server) as own:
            assert "".join(await (await own.ask()).text()) == "a😀b"
            stream = await own.ask()
            assert (await stream.next()).text == "a\ud83d"
            assert (await stream.collect()).text == "a😀b"
            assert stream.outcome is Outcome.DONE
            assert stream.stream.completion().timing is stream.timing
            with pytest.raises((StopIteration, StopAsyncIteration)):
                await stream_end(stream)
    assert server.connections == 1


async def stream_end(stream: Any) -> None:
    """Call next once more; a coroutine cannot raise StopIteration, so it raises another one."""
    try:
        await stream.next()
    except (StopIteration, RuntimeError) as error:
        raise StopAsyncIteration from error


@both
async def test_timing(make: Make) -> None:
    with serving(answer) as server:
        async with make(server) as own:
            before = time_module.perf_counter_ns()
            stream = await own.ask()
            assert (await stream.collect()).timing is stream.timing
            timing = stream.timing
            steps = [
                before,
                timing.call_ns,
                timing.request_sent_ns,
                timing.headers_ns,
                timing.first_byte_ns,
                timing.end_ns,
                time_module.perf_counter_ns(),
            ]
            assert steps == sorted(steps)
            assert (timing.attempt, timing.is_new_connection) == (1, True)
            completion = await own.create()
            assert completion.timing is not None
            assert completion.timing.is_new_connection is False
            assert completion.timing.end_ns > completion.timing.call_ns > timing.end_ns
            assert (completion.request_id, completion.headers["x-own"]) == ("req-1", "1")


@both
async def test_the_first_byte_is_that_of_the_body(make: Make) -> None:
    may_go_on = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")))
        wait(may_go_on)
        peer.chunk(wire(delta("b")) + DONE)

    with serving(handle) as server:
        async with make(server) as own:
            stream = await own.ask()
            first = await stream.next()
            may_go_on.set()
            second = await stream.next()
            assert stream.timing.first_byte_ns == first.arrival_ns < second.arrival_ns
            await stream.close()


@both
async def test_timing_of_errors(make: Make) -> None:
    def refuse(peer: Peer, _: Request) -> None:
        peer.answer("", "retry-after-ms: 1", status="500 X")

    def report(peer: Peer, _: Request) -> None:
        peer.stream(delta("a"), {"error": "x"})

    def vanish(peer: Peer, _: Request) -> None:
        peer.close()

    cases: list[tuple[Any, type[ExchangeError], int]] = [
        (refuse, StatusError, 2),
        (report, StreamError, 1),
        (vanish, TransportError, 2),
    ]
    for handle, kind, attempts in cases:
        with serving(handle) as server:
            async with make(server, max_retries=1) as own:
                with pytest.raises(ExchangeError) as caught:
                    await (await own.ask()).collect()
        assert type(caught.value) is kind
        timing = caught.value.timing
        assert timing is not None
        assert timing.attempt == attempts
        assert 0 < timing.call_ns < timing.request_sent_ns < timing.end_ns


# Proxies


def proxying(peer: Peer, _: Request) -> None:
    peer.answer(WHOLE)


@pytest.mark.parametrize("how", ["argument", "environment", "without scheme"])
@both
async def test_proxy(make: Make, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(proxying) as proxy:
        url = f"http://us%65r:p%40ss@127.0.0.1:{proxy.port}"
        options: dict[str, Any] = {"proxy": url}
        if how == "environment":
            monkeypatch.setenv("http_proxy", url)
            options["proxy"] = None
        elif how == "without scheme":
            options["proxy"] = url.removeprefix("http://")
        async with make(base_url="http://model.test/v1", **options) as own:
            for _ in range(2):
                assert (await own.create()).text == "hi"
            assert "ss@" not in repr(own.client)
    request, _ = proxy.requests
    assert proxy.connections == 1
    assert request.line == "POST http://model.test/v1/chat/completions HTTP/1.1"
    assert request.headers["host"] == "model.test"
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8", "*", "http://127.0.0.1"])
@both
async def test_no_proxy(make: Make, entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", f"other.test, {entry}")
    with serving(proxying) as server:
        async with make(server, proxy=None) as own:
            assert (await own.create()).text == "hi"


@both
async def test_a_dead_proxy(make: Make) -> None:
    for url in ("http://model.test", "https://model.test"):
        async with make(base_url=url, proxy="http://u:secret@127.0.0.1:1") as own:
            with pytest.raises(TransportError) as caught:
                await own.create()
        assert str(caught.value) == (
            "no answer from the proxy http://127.0.0.1:1: Connection refused"
        )


def streaming(peer: Peer, _: Request) -> None:
    peer.stream(delta("a", finish="stop"), DONE)


@both
async def test_proxy_for_tls(make: Make) -> None:
    """The client asks the proxy for a tunnel; the proxy cannot read what goes through it."""
    seen: list[bytes] = []
    with serving(streaming, over_tls) as server, serving(partial(relay, seen=seen)) as proxy:
        options = {"ca_file": CA_FILE, "proxy": f"u:p@127.0.0.1:{proxy.port}"}
        async with make(base_url=https(server), api_key=KEY, **options) as own:
            for _ in range(2):
                assert (await (await own.ask()).collect()).text == "a"
    assert (len(server.requests), server.connections) == (2, 1)
    (request,) = proxy.requests
    assert request.line.startswith(f"CONNECT 127.0.0.1:{server.port} ")
    assert request.headers["proxy-authorization"] == "Basic dTpw"
    assert "authorization" not in request.headers
    assert KEY.encode() not in b"".join(seen)
    assert "proxy-authorization" not in server.requests[0].headers


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("status", "is_retried"), [(300, False), (407, False), (403, False), (503, True)]
)
@both
async def test_a_refused_tunnel(make: Make, status: int, is_retried: bool) -> None:
    with serving(lambda peer, _: peer.answer("no", status=f"{status} Why")) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        async with make(base_url="https://model.test", proxy=url, max_retries=1) as own:
            with pytest.raises(TransportError) as caught:
                await own.create()
    assert str(caught.value) == (
        f"no answer from the proxy {url}: it does not connect to the server: {status} Why"
    )
    assert len(proxy.requests) == 1 + is_retried


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 2", b"SSH-2.0\r\n\r\n"])
@both
async def test_a_url_that_is_no_proxy(make: Make, raw: bytes) -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.send(raw)
        peer.close()

    with serving(handle) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        async with make(base_url="https://model.test", proxy=url) as own:
            with pytest.raises(TransportError, match=f"no answer from the proxy {url}: "):
                await own.create()


@both
async def test_a_proxy_behind_tls(make: Make) -> None:
    with serving(proxying, over_tls) as proxy:
        url = f"https://127.0.0.1:{proxy.port}"
        async with make(base_url="http://model.test/v1", proxy=url, ca_file=CA_FILE) as own:
            assert (await own.create()).text == "hi"
        async with make(base_url="http://model.test/v1", proxy=url) as own:
            with pytest.raises(TransportError, match=f"the proxy {url}: certificate verify failed"):
                await own.create()


# TLS and unix sockets


def refuse_tls(connection: socket.socket) -> Any:
    """Act as a server without TLS."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    raise ConnectionAbortedError


@pytest.mark.parametrize("how", ["ca_file", "ssl_context"])
@both
async def test_tls(make: Make, how: str) -> None:
    given: Any = CA_FILE if how == "ca_file" else ssl.create_default_context(cafile=CA_FILE)
    with serving(streaming, over_tls) as server:
        async with make(base_url=https(server), **{how: given}) as own:
            for _ in range(3):
                assert (await (await own.ask()).collect()).text == "a"
    assert server.connections == 1


@both
async def test_tls_that_fails(make: Make, clock: Clock) -> None:
    with serving(streaming, over_tls) as server:
        async with make(base_url=https(server), max_retries=3) as own:
            with pytest.raises(TransportError, match=r"certificate verify failed.*ssl_context"):
                await own.ask()
        url = https(server).replace("127.0.0.1", "localhost")
        async with make(base_url=url, ca_file=CA_FILE, max_retries=3) as own:
            with pytest.raises(TransportError, match=r"certificate verify failed: [Hh]ostname"):
                await own.ask()
    with serving(streaming, refuse_tls) as server:
        async with make(base_url=https(server), max_retries=3) as own:
            with pytest.raises(TransportError, match=r"it does not use TLS \(https\) on this port"):
                await own.ask()
    assert clock.waits == []
    with pytest.raises(OSError, match="No such file"):
        async with make(base_url="https://x", ca_file="missing.pem"):
            pass


@both
async def test_tls_that_the_server_refuses(make: Make, clock: Clock) -> None:
    """The reason is OpenSSL's own. It would be the same the next time."""

    def newest_tls(connection: socket.socket) -> ssl.SSLSocket:
        context = server_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context.wrap_socket(connection, server_side=True)

    older = ssl.create_default_context(cafile=CA_FILE)
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving(streaming, newest_tls) as server:
        async with make(base_url=https(server), ssl_context=older, max_retries=1) as own:
            with pytest.raises(TransportError) as caught:
                await own.ask()
    assert str(caught.value) == (
        f"no answer from https://127.0.0.1:{server.port}: TLS failed: TLSV1_ALERT_PROTOCOL_VERSION"
    )
    assert clock.waits == []


class UnixServer(Server):
    """A server behind a unix socket."""

    def __init__(self, handle: Any, path: Path) -> None:
        super().__init__(handle)
        super().close()
        self.__dict__.update(_threads=[], _peers=[], requests=[], connections=0)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self.url = f"http+unix://{str(path).replace('/', '%2F')}/v1"
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()


@pytest.fixture
def unix(tmp_path: Path) -> Iterator[Server]:
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("there are no unix sockets")
    server = UnixServer(answer, tmp_path / "s")
    yield server
    server.close()


@both
async def test_a_unix_socket(make: Make, unix: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with make(unix, proxy=None) as own:
        assert (await (await own.ask()).collect()).text == "hi"
        assert (await own.create()).text == "hi"
    assert unix.connections == 1
    assert unix.requests[0].line == "POST /v1/chat/completions HTTP/1.1"
    assert unix.requests[0].headers["host"] == "localhost"
    missing = f"{unix.url.removesuffix('/v1')}-missing"
    async with make(base_url=missing) as own:
        with pytest.raises(TransportError, match=r"no answer from .*: No such file or directory"):
            await own.create()


@both
async def test_many_idle_connections(make: Make) -> None:
    """No more connections than that are kept."""

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        barrier.wait(PATIENCE)
        peer.chunk(b"data: 1\n\n")
        peer.send(b"0\r\n\r\n")

    async def open_all(own: Either) -> None:
        streams = [await own.events("GET", "/") for _ in range(4)]
        for stream in streams:
            assert len(await stream.all()) == 1

    barrier = threading.Barrier(4)
    with serving(handle) as server:
        async with make(server, max_idle=2) as own:
            await open_all(own)
            assert server.connections == 4
            await open_all(own)
            assert server.connections == 6
