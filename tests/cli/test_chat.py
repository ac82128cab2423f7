"""The command ``sseparse chat``."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import sseparse.completions
from loopback import (
    DONE,
    PATIENCE,
    Peer,
    Request,
    Server,
    chunked,
    delta,
    sending,
    serving,
    wait,
    wire,
)
from sseparse import _cli

# Each starts the command and a server.
pytestmark = pytest.mark.thorough

PARENT = str(Path(sseparse.__file__).parents[1])


def command(
    server: Server | None, *arguments: str, **variables: str
) -> tuple[list[str], dict[str, str]]:
    kept = {"PATH", "SYSTEMROOT", "HOME", "TMPDIR", "TEMP"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    environment.update(PYTHONPATH=PARENT, PYTHONDONTWRITEBYTECODE="1", **variables)
    if server:
        environment["OPENAI_BASE_URL"] = server.url
    code = "import sys; from sseparse._cli import main; sys.exit(main(sys.argv[1:]))"
    return [sys.executable, "-W", "error", "-c", code, "chat", *arguments], environment


def chat(
    server: Server | None, *arguments: str, input: bytes = b"", **variables: str
) -> tuple[int, str, str]:
    """Return the exit status and what was printed."""
    line, environment = command(server, *arguments, **variables)
    done = subprocess.run(
        line, env=environment, input=input, capture_output=True, check=False, timeout=60
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def streaming(*events: object) -> Any:
    return serving(lambda peer, _: peer.stream(*events))


def test_text() -> None:
    events = [delta("", role="assistant"), delta("Hel"), delta("lo é"), delta(finish="stop"), DONE]
    with streaming(*events) as server:
        arguments = ("say it", "--model", "m", "--system", "be brief")
        assert chat(server, *arguments, OPENAI_API_KEY="sk-1") == (0, "Hello é\n", "")
    (request,) = server.requests
    assert request.headers["authorization"] == "Bearer sk-1"
    assert request.json() == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "say it"},
        ],
        "stream": True,
    }


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_prompt_of_standard_input(arguments: list[str]) -> None:
    with streaming(delta("a\n"), DONE) as server:
        url = server.url
        got = chat(None, *arguments, "--base-url", url, input="é\xff".encode("latin-1"))
    assert got == (0, "a\n", "")
    assert server.requests[0].json()["messages"] == [{"role": "user", "content": "\ufffd\ufffd"}]
    assert "authorization" not in server.requests[0].headers


def test_control_characters_cannot_drive_the_terminal() -> None:
    text = "a\x1b[2J\x9b1m\r\x07b\tc\u202e\ud800\x7f\nd"
    with streaming(delta(text), DONE) as server:
        status, out, _ = chat(server, "x")
    assert (status, out) == (0, "a\\x1b[2J\\x9b1m\\r\\x07b\tc\\u202e\\ud800\\x7f\nd\n")


def test_json() -> None:
    chunks = [delta("a\x1b\u009b"), delta(finish="stop")]
    with streaming(*chunks, DONE) as server:
        status, out, _ = chat(server, "x", "--json")
    assert status == 0
    assert out.isascii()
    assert "\x1b" not in out
    assert [json.loads(line) for line in out.splitlines()] == chunks


def test_stats() -> None:
    usage = {"choices": [], "usage": {"completion_tokens": 7}}
    with streaming(delta("a"), delta("b"), delta(finish="stop"), usage, DONE) as server:
        status, out, said = chat(server, "x", "--stats")
    assert (status, out) == (0, "ab\n")
    assert said.startswith("first token after 0.")
    assert ", 7 tokens" in said
    assert server.requests[0].json()["stream_options"] == {"include_usage": True}
    with streaming(delta(None, reasoning_content="hm"), delta("b"), DONE) as server:
        assert ", 2 chunks" in chat(server, "x", "--stats")[2]
    with streaming(delta(finish="stop"), DONE) as server:
        assert chat(server, "x", "--stats") == (0, "", "sseparse: the answer has no text\n")
    for odd in ("7", None, 7.5, [7]):
        usage = {"choices": [], "usage": {"completion_tokens": odd}}
        with streaming(delta("a"), delta("b"), usage, DONE) as server:
            status, out, said = chat(server, "x", "--stats")
        assert (status, out, ", 2 chunks" in said) == (0, "ab\n", True)


def test_reasoning_and_refusals() -> None:
    events = [
        delta(None, reasoning="I \x1bneed"),
        delta(None, reasoning=" it"),
        delta("ok"),
        delta(None, refusal=" but no"),
        delta(finish="stop"),
        DONE,
    ]
    with streaming(*events) as server:
        assert chat(server, "x") == (0, "ok but no\n", "I \\x1bneed it\n")
        assert chat(server, "x", "--no-reasoning") == (0, "ok but no\n", "")
    with streaming(delta(None, reasoning="hm"), DONE) as server:
        status, out, said = chat(server, "x")
    assert (status, out) == (0, "")
    assert said == "hm\nsseparse: the answer has no text\n"


def test_an_answer_without_text() -> None:
    calls = [{"index": 0, "id": "1", "function": {"name": "get_\x1bit", "arguments": "{}"}}]
    with streaming(delta(None, tool_calls=calls), delta(finish="tool_calls"), DONE) as server:
        got = chat(server, "x")
    assert got == (0, "", "sseparse: the answer has no text; it calls get_\\x1bit\n")


@pytest.mark.parametrize(
    ("reason", "status", "complaint"),
    [
        ("length", 8, "the answer ended at the limit of tokens (finish reason 'length')"),
        ("content_filter", 9, "the server's content filter ended the answer"),
    ],
)
@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_an_answer_that_is_cut_short(
    reason: str, status: int, complaint: str, arguments: list[str]
) -> None:
    with streaming(delta("a"), delta(finish=reason), DONE) as server:
        got, out, said = chat(server, "x", *arguments)
    assert (got, said) == (status, f"sseparse: {complaint}\n")
    assert out.startswith("{" if arguments else "a\n")


def test_a_character_that_is_cut_in_two() -> None:
    with streaming(delta("\ud83d"), delta("\ude00"), delta("\ud83d"), DONE) as server:
        assert chat(server, "x") == (0, "😀\\ud83d\n", "")


def test_retries_are_reported() -> None:
    def handle(peer: Peer, _: Request) -> None:
        if len(server.requests) == 1:
            peer.answer("busy \x1b", "retry-after-ms: 100", status="503 X", kind="text/plain")
        else:
            peer.stream(delta("a"), DONE)

    with serving(handle) as server:
        status, out, said = chat(server, "x")
    assert (status, out) == (0, "a\n")
    assert said == (
        "sseparse: attempt 1 failed: status 503: busy \\x1b; the next one follows in 0.1 s\n"
    )


def test_a_hint_for_an_address_without_v1() -> None:
    with serving(refuse) as server:
        root = server.url.removesuffix("/v1")
        _, _, said = chat(None, "x", "--base-url", root)
        assert said.endswith(f"; the address {root} does not end with /v1, as most do\n")
        assert "/v1, as most do" not in chat(server, "x")[2]


def refuse(peer: Peer, _: Request) -> None:
    peer.answer({"error": {"message": "no \x1b[2Jsuch model"}}, status="404 Not Found")


def cut(peer: Peer, _: Request) -> None:
    peer.head("Transfer-Encoding: chunked")
    peer.chunk(wire(delta("a")))
    peer.close()


@pytest.mark.parametrize(
    ("handle", "status", "out", "complaint"),
    [
        (lambda peer, _: peer.stream(delta("a", finish="stop")), 0, "a\n", ""),
        (lambda peer, _: peer.stream(delta("a")), 3, "a\n", "without a finish reason"),
        (lambda peer, _: peer.stream(), 3, "", "without a choice"),
        (lambda peer, _: peer.stream(delta("a"), {"error": "x"}), 4, "a\n", "the answer: x"),
        (lambda peer, _: peer.answer("<html>"), 4, "", "expected text/event-stream"),
        (cut, 5, "a\n", "cut off"),
        (refuse, 7, "", "status 404: no \\x1b[2Jsuch model"),
    ],
)
def test_exit_status(handle: Any, status: int, out: str, complaint: str) -> None:
    with serving(handle) as server:
        got, printed, said = chat(server, "x")
    assert (got, printed) == (status, out)
    assert complaint in said
    assert said.count("\n") == (1 if complaint else 0)
    assert said.startswith("sseparse: " if complaint else "")


@pytest.mark.parametrize(
    "answer",
    [
        b"\x1b[2JHTTP\r\n\r\n",
        b"HTTP/1.1 404 X\r\nx-request-id: \x1b[2J\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: \x1b[2J\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\n\r\nevent: error\ndata: \x1b[2J\n\n",
    ],
)
def test_messages_cannot_drive_the_terminal(answer: bytes) -> None:
    with serving(sending(answer)) as server:
        status, out, said = chat(server, "x")
    assert (status > 0, out) == (True, "")
    assert "\\x1b[2J" in said
    assert "\x1b" not in said
    # After a garbled answer the request is sent again, and each attempt is reported.
    assert said.count("\n") == (3 if answer.startswith(b"\x1b") else 1)


def test_exit_status_of_a_time_limit(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")))
        peer.wait_for_close()

    hasty = functools.partial(sseparse.completions.Client, timeout=0.1, api_key="", proxy="")
    monkeypatch.setattr("sseparse.completions.Client", hasty)
    with serving(handle) as server:
        assert _cli.main(["chat", "x", "--base-url", server.url]) == 6
    out, said = capfdbinary.readouterr()
    assert out == b"a\n"
    assert said == b"sseparse: nothing received for 0.1 s (idle)\n"


def test_wrong_usage() -> None:
    status, _, said = chat(None, "x")
    assert (status, "OPENAI_API_KEY" in said) == (2, True)
    status, _, said = chat(None, " ", OPENAI_API_KEY="x")
    assert (status, "no prompt" in said) == (2, True)
    status, _, said = chat(None, "x", "--base-url", "localhost")
    assert (status, "base_url must begin" in said) == (2, True)
    status, _, said = chat(None, "x", "--nope")
    assert status == 2
    status, out, _ = chat(None, "--help")
    assert (status, "exit status:" in out) == (0, True)


def test_the_parameters_and_headers_of_the_request() -> None:
    options = ["temperature=0", "stop=END", "seed=", "tools=[]", "note=a=b", "top_p=NaN", "seed=7"]
    headers = ["X-Title: a test", "x-empty:"]
    with streaming(delta("a", finish="stop"), DONE) as server:
        arguments = [f"-o{each}" for each in options] + [f"-H{each}" for each in headers]
        assert chat(server, "x", "-s", "be brief", *arguments)[0] == 0
    (request,) = server.requests
    body = request.json()
    assert [message["role"] for message in body.pop("messages")] == ["system", "user"]
    assert body == {
        "model": "gpt-4o-mini",
        "stream": True,
        "temperature": 0,
        "stop": "END",
        "seed": 7,
        "tools": [],
        "note": "a=b",
        "top_p": "NaN",  # which is no JSON
    }
    assert request.headers["x-title"] == "a test"
    assert request.headers["x-empty"] == ""


def test_the_model_of_the_environment() -> None:
    with streaming(delta("a", finish="stop"), DONE) as server:
        assert chat(server, "x", SSEPARSE_MODEL="theirs")[0] == 0
        assert chat(server, "x", "-m", "mine", SSEPARSE_MODEL="theirs")[0] == 0
    assert [request.json()["model"] for request in server.requests] == ["theirs", "mine"]


def test_the_key_of_another_variable() -> None:
    with streaming(delta("a", finish="stop"), DONE) as server:
        arguments = ("x", "--api-key-env", "OTHER_KEY")
        assert chat(server, *arguments, OPENAI_API_KEY="one", OTHER_KEY="two")[0] == 0
        status, _, said = chat(server, "x", "--api-key-env", "NO_KEY", OPENAI_API_KEY="one")
    assert (status, said) == (2, "sseparse: --api-key-env: NO_KEY is not set in the environment\n")
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer two"]


def test_the_models_of_the_server() -> None:
    models = {"object": "list", "data": [{"id": "b"}, {"id": "a\x1b[2J\u202e", "owned_by": "é"}]}
    with serving(lambda peer, _: peer.answer(models)) as server:
        assert chat(server, "--models") == (0, "b\na\\x1b[2J\\u202e\n", "")
        _, out, _ = chat(server, "--models", "-j")
    assert [json.loads(line) for line in out.splitlines()] == models["data"]
    assert "\x1b" not in out
    assert "\u202e" not in out
    (request, _) = server.requests
    assert request.line == "GET /v1/models HTTP/1.1"


@pytest.mark.parametrize(
    ("answer", "status", "complaint"),
    [
        ({"data": []}, 0, "sseparse: the server has no models\n"),
        (
            {"models": []},
            4,
            "sseparse: the server's list of models has another form than OpenAI's\n",
        ),
        (
            {"data": ["a"]},
            4,
            "sseparse: the server's list of models has another form than OpenAI's\n",
        ),
        ("<html>", 4, "expected application/json"),
    ],
)
def test_a_server_without_a_list_of_models(answer: Any, status: int, complaint: str) -> None:
    with serving(lambda peer, _: peer.answer(answer)) as server:
        got, out, said = chat(server, "--models")
    assert (got, out) == (status, "")
    assert complaint in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-o", "temperature"], "expected NAME=VALUE, not 'temperature'"),
        (["-o", "=1"], "expected NAME=VALUE, not '=1'"),
        (["-o", "stream=false"], "'stream' is always true, because"),
        (["-o", "messages=[]"], "'messages' is set by PROMPT and --system"),
        (["-H", "secret"], "argument -H/--header: expected NAME:VALUE, as 'X-Title: test'"),
        (["x", "--models"], "not allowed with argument"),
    ],
)
def test_wrong_arguments(arguments: list[str], says: str) -> None:
    status, out, said = chat(None, *arguments, "-u", "http://127.0.0.1:9/v1")
    assert (status, out) == (2, "")
    assert says in said


def test_a_parameter_that_cannot_be_sent() -> None:
    """Infinity, which JSON does not have, is too large a number here."""
    status, _, said = chat(None, "x", "-u", "http://127.0.0.1:9/v1", "-o", "seed=1e999")
    assert (status, said.count("\n")) == (2, 1)
    assert said.startswith("sseparse: ")


def test_a_header_that_cannot_be_sent() -> None:
    status, _, said = chat(None, "x", "-u", "http://127.0.0.1:9/v1", "-H", "a b: c")
    assert (status, said.count("\n")) == (2, 1)
    assert said.startswith("sseparse: ")


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send")
def test_ctrl_c_leaves_what_arrived() -> None:
    has_left = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.send(chunked(wire(delta("as far as this"))))
        peer.wait_for_close()
        has_left.set()

    with serving(handle) as server:
        line, environment = command(server, "x")
        with subprocess.Popen(
            line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout
            assert process.stderr
            assert process.stdout.read(14) == b"as far as this"
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == -signal.SIGINT
            assert process.stdout.read() == b"\n"
            assert process.stderr.read() == b""
        wait(has_left)


def test_a_pipe_that_is_closed_early() -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")))
        wait(has_left)
        for _number in range(1000):
            peer.chunk(wire(delta("b")))

    has_left = threading.Event()
    with serving(handle) as server:
        line, environment = command(server, "x")
        with subprocess.Popen(
            line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout
            assert process.stderr
            assert process.stdout.read(1) == b"a"
            process.stdout.close()
            has_left.set()
            assert process.wait(PATIENCE) == 141
            assert process.stderr.read() == b""
