"""The arguments of requests, what is refused, and the attributes afterwards."""

from __future__ import annotations

import gc
import inspect
import json
import ssl
import threading
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
    Outcome,
    TimedOutError,
    Timeout,
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


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/a b", "/v1/a%20b"),
        ("X/a", "/v1/X/a"),
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


def test_with_options_changes_what_it_is_given() -> None:
    given: dict[str, Any] = {
        "api_key": "k",
        "organization": "o",
        "project": "p",
        "timeout": Timeout(idle=1),
        "max_retries": 5,
        "default_headers": {"x": "y"},
        "default_query": {"a": 1},
        "on_retry": print,
        "max_event_size": 100,
        "json_loads": str,
    }
    own = Client(base_url="http://localhost", api_key="", proxy="")
    changed = own.with_options(**given)._settings
    assert {name: getattr(changed, name) for name in given} == given
    assert own.with_options()._settings == own._settings


def test_names_for_editors() -> None:
    """The overloads have the names that most programs use."""
    source = inspect.getsource(type(Client(base_url="http://x").chat.completions))
    for name in ("model", "messages", "n", "temperature", "tools", "extra_query", "stream_options"):
        assert f"        {name}: " in source


# Any JSON


def test_another_decoder() -> None:
    def loads(text: str) -> Any:
        return {**json.loads(text), "decoded": True}

    with serving(answer) as server, client(server, json_loads=loads) as own:
        assert own.chat.completions.create().raw["decoded"]
        assert next(ask(own)).raw["decoded"]
        assert own.request("GET", "/")["decoded"]


# What is refused


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


TRANSPORT = "is set by the transport and cannot be given"
NO_STR = "must be a str with a str as its value, not"
NO_QUERY = "must be a str with a plain value or a list"
NO_KEY = "must be a str or a function that returns one, not"
NO_TIMEOUT = "timeout must be a number of seconds, None, or a sseparse.completions.Timeout, not"
NO_COUNT = "must be an int of at least 0, not"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"base_url": None},
            "no API key: set OPENAI_API_KEY, give api_key, or give the base_url of a server that "
            "needs none",
        ),
        (
            {"base_url": "ftp://x"},
            "base_url must begin with http:// or https:// and a host, or with http+unix:// and the "
            "path of a socket",
        ),
        (
            {"base_url": "http+unix://run/server.sock"},
            "base_url must name a unix socket as http+unix://%2Fpath%2Fto%2Fsocket",
        ),
        (
            {"base_url": "http://u:secret@x"},
            "base_url must not contain a user or password; use default_headers",
        ),
        ({"base_url": "http://a..b"}, "base_url has an impossible host: 'a..b'"),
        ({"base_url": "http://\u00fc..b"}, "base_url has an impossible host: '\u00fc..b'"),
        *(
            ({"proxy": proxy}, "proxy must be the URL of an http or https proxy")
            for proxy in (
                "socks5://u:secret@x:1",
                "http://u:secret@[::1",
                "ftp://x",
                "://",
                "http://:80",
            )
        ),
        (
            {"ssl_context": ssl.create_default_context(), "ca_file": "x"},
            "give ssl_context or ca_file: a context has its own authorities",
        ),
        ({"api_key": b"secret"}, f"api_key {NO_KEY} bytes"),
        ({"api_key": ["secret"]}, f"api_key {NO_KEY} list"),
        ({"api_key": "secret\n"}, "api_key contains a line end, which no header can contain"),
        ({"api_key": "secret\r"}, "api_key contains a line end, which no header can contain"),
        *(
            ({name: wrong}, f"{name} {NO_COUNT} {wrong!r}")
            for name in ("max_idle", "max_retries")
            for wrong in (-1, True, 1.5, None)
        ),
        ({"timeout": "5"}, f"{NO_TIMEOUT} builtins.str"),
        ({"timeout": True}, f"{NO_TIMEOUT} builtins.bool"),
        ({"timeout": ForeignTimeout()}, f"{NO_TIMEOUT} {__name__}.ForeignTimeout"),
        *(
            ({"default_headers": {name: "1"}}, f"the header '{name}' {TRANSPORT}")
            for name in ("Content-Length", "transfer-encoding", "HOST")
        ),
        ({"default_headers": {"x": 5}}, f"the header 'x' {NO_STR} int"),
        ({"default_headers": {"x": None}}, f"the header 'x' {NO_STR} NoneType"),
        ({"default_headers": {b"x": "y"}}, f"the header b'x' {NO_STR} str"),
        (
            {"default_headers": {"x": "secret\n"}},
            "the header 'x' contains a character that cannot be sent",
        ),
        ({"default_query": {"a": {"b": 1}}}, f"the query 'a' {NO_QUERY}"),
        ({"default_query": {5: "x"}}, f"the query 5 {NO_QUERY}"),
    ],
)
def test_what_a_client_refuses(options: dict[str, Any], message: str) -> None:
    """The message says what to do instead. It shows no key and no password."""
    with pytest.raises((TypeError, ValueError)) as caught:
        Client(**{"base_url": "http://localhost", "proxy": "", **options})
    assert str(caught.value) == message
    assert caught.value.__cause__ is None
    kind = TypeError if "must be a str" in message or NO_TIMEOUT in message else ValueError
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        *(
            (
                ["GET", path],
                {},
                "the path must not be a whole URL: the API key is for base_url's host",
            )
            for path in ("http://127.0.0.2/x", "//127.0.0.2/x", "HTTPS://x")
        ),
        (["GET /", "/"], {}, "the method must be a name such as GET, not 'GET /'"),
        ([5, "/"], {}, "the method must be a str, not int"),
        (["POST", "/", object()], {}, "object cannot be sent as JSON"),
        (["GET", "/"], {"extra_headers": {"host": "x"}}, f"the header 'host' {TRANSPORT}"),
        (["GET", "/"], {"extra_headers": {"x": 5}}, f"the header 'x' {NO_STR} int"),
        (["GET", "/"], {"extra_query": {"a": {}}}, f"the query 'a' {NO_QUERY}"),
        (["GET", "/"], {"timeout": (1, 2)}, f"{NO_TIMEOUT} builtins.tuple"),
    ],
)
@pytest.mark.parametrize("call", ["request", "stream"])
def test_what_a_call_refuses(
    call: str, arguments: list[Any], options: dict[str, Any], message: str
) -> None:
    """Before anything is sent."""
    own = Client(base_url="http://localhost:1", proxy="", max_retries=0)
    with pytest.raises((TypeError, ValueError)) as caught:
        getattr(own, call)(*arguments, **options)
    assert str(caught.value) == message


def test_the_message_names_where_a_key_is_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret\r\n")
    with pytest.raises(
        ValueError, match=r"^OPENAI_API_KEY contains a line end, which no header can"
    ):
        Client()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with pytest.raises(
        ValueError, match=r"^api_key contains a line end, which no header can contain"
    ):
        Client().with_options(api_key="sk-secret\n")


def test_stream_is_an_argument() -> None:
    """The type of the result depends on it, so it cannot be changed in the body alone."""
    own = Client(base_url="http://localhost", proxy="")
    for stream, extra in ((None, True), (False, True), (True, False)):
        with pytest.raises(
            ValueError, match=r"^give stream as an argument: the type of the result"
        ):
            own.chat.completions.create(stream=stream, extra_body={"stream": extra})


# Event streams


# When things happened


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
