"""The arguments of requests, what is refused, and the attributes afterwards."""

from __future__ import annotations

import gc
import inspect
import json
import threading
import time
from typing import Any

import pytest

from loopback import (
    DONE,
    Peer,
    Request,
    ask,
    client,
    delta,
    serving,
    wait,
    wire,
)
from sseparse.completions import (
    Client,
    ContentTypeError,
    ExchangeError,
    Outcome,
    StatusError,
    StreamError,
    TimedOutError,
    Timeout,
    TransportError,
)

WHOLE = {"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}
FINISH = delta(finish="stop")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "ORG_ID", "PROJECT_ID"):
        monkeypatch.delenv(f"OPENAI_{name}", raising=False)


def answer(peer: Peer, request: Request) -> None:
    if "/x?" in request.line:
        peer.stream(b"data: 1\n\n")
    elif "/chat/" not in request.line:
        peer.answer({"object": "list", "data": [], "error": {"message": "of a job"}})
    elif request.json().get("stream"):
        peer.stream(delta("hi"), FINISH, DONE)
    else:
        peer.answer(WHOLE, "x-request-id: req-1", "X-Own: 1")


# Queries, keys, options


def test_queries() -> None:
    with serving(answer) as server:
        url = f"{server.url}?api-version=1"
        with client(server, base_url=url, default_query={"a": 1, "b": "x"}) as own:
            own.chat.completions.create(extra_query={"b": "é&", "c": [1, True, None], "d": None})
            own.request("GET", "/models?limit=2", extra_query={"a": None})
            list(own.stream("GET", "/x?url=https://example.org/y", extra_query={"z": 1}, body={}))
    lines = [request.line.split()[1] for request in server.requests]
    assert lines == [
        "/v1/chat/completions?api-version=1&a=1&b=%C3%A9%26&c=1&c=true",
        "/v1/models?api-version=1&limit=2&b=x",
        "/v1/x?api-version=1&url=https://example.org/y&a=1&b=x&z=1",
    ]
    assert "extra_query" not in server.requests[0].json()


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/a b", "/v1/a%20b"),
        ("/\u00e9?q=\u00fc r", "/v1/%C3%A9?q=%C3%BC%20r"),
        ("/a%20b%zz%", "/v1/a%20b%25zz%25"),
        ("/a\r\nX: y", "/v1/a%0D%0AX:%20y"),
        ("/a\tb\x7f\ud800", "/v1/a%09b%7F%ED%A0%80"),
        ("/a[0]~b|c'd(e)", "/v1/a[0]~b|c'd(e)"),
    ],
)
def test_targets_are_encoded(path: str, target: str) -> None:
    with serving(answer) as server, client(server) as own:
        own.request("GET", path)
    assert server.requests[0].line == f"GET {target} HTTP/1.1"


@pytest.mark.parametrize("query", [{"a": {"b": 1}}, {5: "x"}])
def test_queries_that_cannot_be_sent(query: Any) -> None:
    with pytest.raises(TypeError, match=r"the query .* must be a str with a plain value or a list"):
        Client(base_url="http://localhost", default_query=query)
    with pytest.raises(TypeError, match="the query"):
        Client(base_url="http://localhost").request("GET", "/", extra_query=query)


def test_a_key_that_a_function_gives() -> None:
    keys = iter(["one", "two", "three"])

    def refuse_once(peer: Peer, _: Request) -> None:
        if len(server.requests) == 1:
            peer.answer("", "retry-after-ms: 1", status="500 X")
        else:
            peer.answer(WHOLE)

    with serving(refuse_once) as server:
        with client(server, api_key=lambda: next(keys), max_retries=1) as own:
            own.chat.completions.create()
            own.chat.completions.create()
    sent = [request.headers["authorization"] for request in server.requests]
    assert sent == ["Bearer one", "Bearer two", "Bearer three"]
    with client(server, api_key=lambda: b"key") as own:
        with pytest.raises(TypeError, match="api_key must be a str or a function that returns one"):
            own.chat.completions.create()


def test_with_options() -> None:
    with serving(answer) as server, client(server, default_headers={"X-A": "1"}) as own:
        other = own.with_options(
            api_key="sk-2", max_retries=5, timeout=7, default_headers={"X-B": "2"}, project="p"
        )
        own.chat.completions.create()
        other.chat.completions.create()
        own.with_options().chat.completions.create()
        assert server.connections == 1
    first, second, third = (request.headers for request in server.requests)
    assert (first["authorization"], first["x-a"]) == ("Bearer sk-test", "1")
    assert (second["authorization"], second["x-b"]) == ("Bearer sk-2", "2")
    assert second["openai-project"] == "p"
    assert "x-a" not in second
    assert third == first
    assert (own.max_retries, other.max_retries) == (0, 5)
    assert other.timeout == Timeout(connect=7, idle=7)
    with pytest.raises(ValueError, match="max_retries"):
        own.with_options(max_retries=-1)


def test_settings_can_be_read() -> None:
    own = Client(
        api_key="sk-secret",
        base_url="http://localhost:1/v1/?key=secret",
        organization="o",
        project="p",
        default_headers={"X-A": "1"},
        default_query={"q": 1},
    )
    assert own.base_url == "http://localhost:1/v1"
    assert (own.timeout, own.max_retries) == (Timeout(), 2)
    assert (own.organization, own.project) == ("o", "p")
    assert (own.default_headers, own.default_query) == ({"X-A": "1"}, {"q": 1})
    assert "secret" not in repr(own) + repr(own._settings)


def test_names_for_editors() -> None:
    """The overloads have the names that most programs use."""
    source = inspect.getsource(type(Client(base_url="http://x").chat.completions))
    for name in ("model", "messages", "n", "temperature", "tools", "extra_query", "stream_options"):
        assert f"        {name}: " in source


# Any JSON


def test_any_json() -> None:
    with serving(answer) as server, client(server) as own:
        assert own.request("GET", "/models")["data"] == []
        assert own.request("POST", "/x", {"a": 1})["object"] == "list"
    assert server.requests[0].line == "GET /v1/models HTTP/1.1"
    assert server.requests[0].headers["accept"] == "application/json"
    assert server.requests[1].json() == {"a": 1}
    with serving(lambda peer, _: peer.answer("<html>", kind="text/html")) as server:
        with client(server) as own, pytest.raises(ContentTypeError, match="text/html"):
            own.request("GET", "/")
    with serving(lambda peer, _: peer.answer("{}", status="404 X")) as server:
        with client(server) as own, pytest.raises(StatusError, match=r"status 404: {}"):
            own.request("GET", "/")


def test_another_decoder() -> None:
    def loads(text: str) -> Any:
        return {**json.loads(text), "decoded": True}

    with serving(answer) as server, client(server, json_loads=loads) as own:
        assert own.chat.completions.create().raw["decoded"]
        assert next(ask(own)).raw["decoded"]
        assert own.request("GET", "/")["decoded"]


# What is refused


@pytest.mark.parametrize("key", [b"key", 5, ["key"]])
def test_wrong_types_of_keys(key: Any) -> None:
    with pytest.raises(TypeError, match="api_key must be a str"):
        Client(base_url="http://localhost", api_key=key)


def test_a_line_end_in_a_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="api_key contains a line end") as caught:
        Client(api_key="sk-secret\n")
    assert "secret" not in str(caught.value)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret\r\n")
    with pytest.raises(ValueError, match="OPENAI_API_KEY contains a line end"):
        Client()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_bodies_that_json_cannot_encode(number: float) -> None:
    own = Client(base_url="http://localhost:1")
    with pytest.raises(ValueError, match=r"the body cannot be sent as JSON: .*[Oo]ut of range"):
        own.chat.completions.create(model="m", temperature=number)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="the body cannot be sent as JSON"):
        own.request("POST", "/", endless)
    with pytest.raises(TypeError, match="object cannot be sent as JSON"):
        own.request("POST", "/", object())


class ForeignTimeout:
    pass


@pytest.mark.parametrize("timeout", ["5", (1, 2), ForeignTimeout(), True])
def test_timeouts_of_another_library(timeout: Any) -> None:
    kind = type(timeout).__name__
    for make in (
        lambda: Client(base_url="http://localhost", timeout=timeout),
        lambda: Client(base_url="http://localhost").with_options(timeout=timeout),
        lambda: Client(base_url="http://localhost").request("GET", "/", timeout=timeout),
    ):
        with pytest.raises(TypeError, match=f"timeout must be a number of seconds.*{kind}"):
            make()


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "HOST"])
def test_headers_of_the_transport(name: str) -> None:
    with pytest.raises(ValueError, match=f"the header '{name}' is set by the transport"):
        Client(base_url="http://localhost", default_headers={name: "1"})
    with pytest.raises(ValueError, match="is set by the transport"):
        Client(base_url="http://localhost").request("GET", "/", extra_headers={name: "1"})


@pytest.mark.parametrize(("name", "value"), [("x", 5), ("x", b"y"), (b"x", "y"), ("x", None)])
def test_wrong_types_of_headers(name: Any, value: Any) -> None:
    with pytest.raises(TypeError, match=r"the header .* must be a str with a str as its value"):
        Client(base_url="http://localhost", default_headers={name: value})


# Event streams


def test_stream_is_an_argument() -> None:
    """The type of the result depends on it, so it cannot be changed in the body alone."""
    own = Client(base_url="http://localhost", proxy="")
    for stream, extra in ((None, True), (False, True), (True, False)):
        with pytest.raises(ValueError, match="give stream as an argument"):
            own.chat.completions.create(stream=stream, extra_body={"stream": extra})


def test_an_event_stream_goes_on_where_it_was() -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.stream(b"retry: 70\ndata: 1\n\n", b"id: 9\ndata: 2\n\n")

    with serving(handle) as server, client(server) as own:
        events = own.stream("GET", "/", extra_headers={"last-EVENT-id": "é7"})
        assert (events.last_event_id, events.retry) == ("é7", None)
        assert [event.last_event_id for event in events] == ["é7", "9"]
        assert (events.last_event_id, events.retry) == ("9", 70)
        assert repr(events).startswith("<EventStream: ended, 2 events in ")
    assert server.requests[0].headers["last-event-id"].encode("latin-1").decode() == "é7"


# When things happened


def test_timing() -> None:
    with serving(answer) as server, client(server) as own:
        before = time.perf_counter_ns()
        stream = ask(own)
        whole = stream.collect()
        timing = stream.timing
        assert whole.timing is timing
        steps = [
            before,
            timing.call_ns,
            timing.request_sent_ns,
            timing.headers_ns,
            timing.first_byte_ns,
            timing.end_ns,
            time.perf_counter_ns(),
        ]
        assert steps == sorted(steps)
        assert (timing.attempt, timing.is_new_connection) == (1, True)
        completion = own.chat.completions.create()
        assert completion.timing is not None
        assert completion.timing.is_new_connection is False
        assert completion.timing.end_ns > completion.timing.call_ns > timing.end_ns
        assert (completion.request_id, completion.headers["x-own"]) == ("req-1", "1")
        assert "call_ns=" in repr(timing)


def test_timing_of_errors() -> None:
    def refuse(peer: Peer, _: Request) -> None:
        peer.answer("", "retry-after-ms: 1", status="500 X")

    def report(peer: Peer, _: Request) -> None:
        peer.stream(delta("a"), {"error": "x"})

    def vanish(peer: Peer, _: Request) -> None:
        peer.close()

    for handle, kind, attempts in (
        (refuse, StatusError, 2),
        (report, StreamError, 1),
        (vanish, TransportError, 2),
    ):
        with serving(handle) as server, client(server, max_retries=1) as own:
            with pytest.raises(ExchangeError) as caught:
                ask(own).collect()
        assert type(caught.value) is kind
        timing = caught.value.timing
        assert timing is not None
        assert timing.attempt == attempts
        assert 0 < timing.call_ns < timing.request_sent_ns < timing.end_ns


def test_an_attempt_has_its_number() -> None:
    def handle(peer: Peer, _: Request) -> None:
        if len(server.requests) == 1:
            peer.answer("", "retry-after-ms: 1", status="500 X")
        else:
            peer.stream(delta("a"), FINISH, DONE)

    with serving(handle) as server, client(server, max_retries=1) as own:
        stream = ask(own)
        chunks = list(stream)
    assert stream.timing.attempt == 2
    assert [chunk.read for chunk in chunks] == sorted(chunk.read for chunk in chunks)
    assert chunks[0].read == 1


# The wait for [DONE]


@pytest.mark.parametrize("framing", ["chunked", "close"])
@pytest.mark.parametrize("drip", [False, True])
def test_the_wait_for_done_is_short(
    framing: str, drip: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sseparse.completions._stream.DONE_WAIT", 0.3)
    has_left = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head(*(["Transfer-Encoding: chunked"] if framing == "chunked" else []))
        send = peer.chunk if framing == "chunked" else peer.send
        send(wire(delta("a")) + wire(FINISH))
        if drip:
            while not has_left.wait(0.05):
                send(b": keep-alive\n\n")
        else:
            peer.wait_for_close()

    with serving(handle) as server, client(server, timeout=60) as own:
        stream = ask(own)
        try:
            assert stream.collect().text == "a"
        finally:
            has_left.set()
        assert stream.outcome is Outcome.FINISHED


def test_the_wait_for_done_begins_when_all_has_come() -> None:
    """Here the count of tokens, which the request asked for, is missing."""

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")) + wire(FINISH))
        peer.wait_for_close()

    with serving(handle) as server, client(server, timeout=0.2) as own:
        stream = ask(own, stream_options={"include_usage": True})
        with pytest.raises(TimedOutError):
            stream.collect()
        assert stream.outcome is Outcome.TIMED_OUT


def test_a_stream_that_is_dropped_is_closed_at_once() -> None:
    """Without the garbage collector: nothing else has a reference to it."""
    has_left = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")) + wire(delta("b")))
        peer.wait_for_close()
        has_left.set()

    gc.disable()
    try:
        with serving(handle) as server, client(server) as own:
            assert next(ask(own)).text == "a"
            wait(has_left)
    finally:
        gc.enable()
