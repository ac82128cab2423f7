"""The client against a real server: llama.cpp's own, with a model whose answers are known.

It needs the extra ``servers``; see ``llama_cpp``.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from llama_cpp import SENTENCES, LlamaCpp, make_model, needs_llama_cpp, running
from loopback import PATIENCE, partial
from sseparse.completions import (
    Client,
    Completion,
    Outcome,
    StatusError,
    Stream,
    StreamError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_llama_cpp

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "enum": ["Rome", "Oslo"]},
                    "days": {"type": "integer", "minimum": 1, "maximum": 9},
                },
                "required": ["city", "days"],
            },
        },
    }
]
USAGE = {"include_usage": True}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def server(model: Path) -> Iterator[LlamaCpp]:
    with running(model) as server:
        yield server


@pytest.fixture
def own(server: LlamaCpp) -> Iterator[Client]:
    with Client(base_url=server.url, api_key="", max_retries=0, proxy="") as client:
        yield client


def say(own: Client, text: str, **more: Any) -> Completion:
    messages = [{"role": "user", "content": text}]
    asked: dict[str, Any] = {"temperature": 0, "max_tokens": 60, **more}
    completion = own.chat.completions.create(model="tiny", messages=messages, **asked)
    assert isinstance(completion, Completion)
    return completion


def ask(own: Client, text: str, **more: Any) -> Stream:
    messages = [{"role": "user", "content": text}]
    asked: dict[str, Any] = {"temperature": 0, "max_tokens": 60, **more}
    stream = own.chat.completions.create(model="tiny", messages=messages, stream=True, **asked)
    assert isinstance(stream, Stream)
    return stream


def done(stream: Stream) -> Completion:
    whole = stream.collect()
    assert stream.outcome is Outcome.DONE
    return whole


def test_chat(own: Client) -> None:
    completion = say(own, "hello")
    assert completion.text in SENTENCES
    assert completion.choices[0].message.role == "assistant"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 6
    assert completion.usage.total_tokens == 6 + completion.usage.prompt_tokens


def test_stream_has_the_text_of_chat(own: Client) -> None:
    stream = ask(own, "hello")
    pieces = list(stream.text())
    assert "".join(pieces) == say(own, "hello").text
    assert len(pieces) == 5
    assert stream.outcome is Outcome.DONE


def test_usage(own: Client) -> None:
    whole = done(ask(own, "hello", stream_options=USAGE))
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 6
    assert len(whole.usages) == 1


def test_n_2(own: Client) -> None:
    whole = done(ask(own, "hello", n=2, seed=1, temperature=1, stream_options=USAGE))
    assert [choice.index for choice in whole.choices] == [0, 1]
    assert {choice.message.content for choice in whole.choices} <= SENTENCES
    assert [choice.finish_reason for choice in whole.choices] == ["stop", "stop"]
    assert len(whole.usages) == 2


def test_stop_and_length(own: Client) -> None:
    whole = done(ask(own, "please count", stop=[" five"]))
    assert (whole.text, whole.choices[0].finish_reason) == ("one two three four", "stop")
    whole = done(ask(own, "please count", max_tokens=3))
    assert (whole.text, whole.choices[0].finish_reason) == ("one two three", "length")


@pytest.mark.parametrize("is_stream", [True, False])
def test_tools(own: Client, is_stream: bool) -> None:
    if is_stream:
        whole = done(ask(own, "use a tool", tools=TOOLS, max_tokens=100))
    else:
        whole = say(own, "use a tool", tools=TOOLS, max_tokens=100)
    (call,) = whole.choices[0].message.tool_calls
    assert whole.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_weather"
    assert call.function.arguments is not None
    assert json.loads(call.function.arguments) == {"city": "Rome", "days": 3}
    assert call.id
    answer = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    messages = [{"role": "user", "content": "tool"}, whole.choices[0].message, answer]
    next_ = own.chat.completions.create(model="tiny", messages=messages, tools=TOOLS, seed=1)
    assert next_.choices[0].finish_reason in ("stop", "tool_calls")


def test_reasoning(own: Client) -> None:
    message = done(ask(own, "think first")).choices[0].message
    assert message.reasoning == "Let me see.. \n"
    assert message.content == "The answer is 42. "


def test_unicode_and_what_looks_like_a_stream(own: Client) -> None:
    assert done(ask(own, "some unicode")).text == "é漢👋 ok"
    text = 'data: {"a":\\n\n\n\r\ndata: [DONE]\r\n\r\n\t</s>\u2028 end'
    assert done(ask(own, "escape this")).text == text


def test_legacy(own: Client) -> None:
    whole = own.completions.create(model="tiny", prompt="Once", max_tokens=8, temperature=0)
    stream = own.completions.create(
        model="tiny", prompt="Once", max_tokens=8, temperature=0, stream=True
    )
    assert "".join(stream.text()) == whole.text
    assert stream.outcome is Outcome.DONE


def test_plain_events(own: Client) -> None:
    body = {"model": "tiny", "prompt": "Once", "max_tokens": 4, "stream": True}
    stream = own.stream("POST", "/completions", body)
    *events, last = stream
    assert [event.json()["object"] for event in events] == ["text_completion"] * len(events)
    assert last.data == "[DONE]"
    assert stream.outcome is Outcome.ENDED


def test_errors(own: Client) -> None:
    with pytest.raises(StatusError, match="exceeds the available context size") as caught:
        ask(own, "word " * 6000)
    assert (caught.value.status, caught.value.type) == (400, "exceed_context_size_error")
    with pytest.raises(StatusError) as caught:
        own.chat.completions.create(model="tiny", messages="no list", stream=True)
    assert caught.value.status in (400, 500)
    with pytest.raises(StatusError) as caught:
        own.stream("POST", "/nope", {})
    assert (caught.value.status, caught.value.message) == (404, "File Not Found")


def test_a_client_that_leaves_frees_the_server(own: Client) -> None:
    """Two slots, and four clients that leave in the middle of endless answers."""
    for _ in range(4):
        with ask(own, "please count", max_tokens=100_000) as stream:
            assert next(stream.text()) == "one"
        assert stream.outcome is Outcome.CLOSED
    assert done(ask(own, "hello")).text in SENTENCES


def test_an_api_key(model: Path) -> None:
    with running(model, "--api-key", "sk-right") as server:
        with Client(base_url=server.url, api_key="sk-wrong", proxy="") as own:
            with pytest.raises(StatusError, match="Invalid API Key") as caught:
                ask(own, "hello")
            assert caught.value.status == 401
        with Client(base_url=server.url, api_key="sk-right", proxy="") as own:
            assert done(ask(own, "hello")).text in SENTENCES


def test_an_error_inside_the_stream(model: Path) -> None:
    """Two endless answers share a context that is too small for both."""
    options = ("--kv-unified", "--ctx", "512", "--parallel", "2")
    with running(model, *options) as server:
        with Client(base_url=server.url, api_key="", max_retries=0, proxy="") as own:
            streams = [ask(own, "please count", max_tokens=100_000) for _ in range(2)]
            errors: list[StreamError] = []

            def read(stream: Stream) -> None:
                with pytest.raises(StreamError) as caught:
                    stream.collect()
                errors.append(caught.value)

            readers = [threading.Thread(target=read, args=[stream]) for stream in streams]
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join(PATIENCE)
            assert len(errors) == 2
            for error in errors:
                assert error.message == "Context size has been exceeded."
                assert (error.code, error.type) == (500, "server_error")
                assert partial(error).text.startswith("one two three")
                assert partial(error).choices[0].finish_reason is None
            assert [stream.outcome for stream in streams] == [Outcome.STREAM_ERROR] * 2


def test_a_server_that_dies(model: Path) -> None:
    with running(model, "--ctx", "65536", "--parallel", "1") as server:
        with Client(base_url=server.url, api_key="", max_retries=0, proxy="") as own:
            stream = ask(own, "please count", max_tokens=100_000)
            assert next(stream).choices[0].finish_reason is None
            server._process.kill()
            with pytest.raises(TransportError):
                stream.collect()
            assert stream.outcome is Outcome.TRANSPORT_ERROR


def test_1000_posts_back_to_back(model: Path) -> None:
    """The server closes the connection after each streamed answer, but announces to keep it."""
    with running(model) as server:
        with Client(base_url=server.url, api_key="", max_retries=0, proxy="") as own:
            for _ in range(1000):
                assert done(ask(own, "hello", max_tokens=2)).text == "Streams of"
        server.wait_for_generations(1000)
    assert server.generations() == 1000
