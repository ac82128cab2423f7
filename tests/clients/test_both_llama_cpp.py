"""Both clients against a real server, llama.cpp's own, whose answers ``llama_cpp`` defines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from either import Either, EitherStream, Make, both
from llama_cpp import SENTENCES, LlamaCpp, make_model, needs_llama_cpp, running
from loopback import PATIENCE, partial
from sseparse.completions import (
    AsyncClient,
    AsyncStream,
    Completion,
    Outcome,
    StatusError,
    StreamError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_llama_cpp
USAGE = {"include_usage": True}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[LlamaCpp]:
    with running(model) as server:
        yield server


def asked(text: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"messages": messages, "temperature": 0, "max_tokens": 60, **more}


async def done(stream: EitherStream) -> Completion:
    whole = await stream.collect()
    assert stream.outcome is Outcome.DONE
    return whole


async def said(own: Either, text: str, **more: Any) -> str:
    return (await done(await own.ask(**asked(text, **more)))).text


@both
async def test_chat(make: Make, server: LlamaCpp) -> None:
    async with make(base_url=server.url) as own:
        completion = await own.create(**asked("hello"))
        assert completion.text in SENTENCES
        assert completion.usage is not None
        assert completion.usage.completion_tokens == 6
        stream = await own.ask(**asked("hello"))
        pieces = await stream.text()
        assert "".join(pieces) == completion.text
        assert len(pieces) == 5
        assert stream.outcome is Outcome.DONE
        whole = await done(await own.ask(**asked("hello", stream_options=USAGE)))
        assert whole.usage is not None
        assert whole.usage.completion_tokens == 6


@both
async def test_n_2(make: Make, server: LlamaCpp) -> None:
    more = {"n": 2, "seed": 1, "temperature": 1, "stream_options": USAGE}
    async with make(base_url=server.url) as own:
        whole = await done(await own.ask(**asked("hello", **more)))
    assert [choice.index for choice in whole.choices] == [0, 1]
    assert {choice.message.content for choice in whole.choices} <= SENTENCES
    assert len(whole.usages) == 2


@both
async def test_the_answers_of_the_model(make: Make, server: LlamaCpp) -> None:
    async with make(base_url=server.url) as own:
        assert await said(own, "please count", stop=[" five"]) == "one two three four"
        assert await said(own, "some unicode") == "é漢👋 ok"
        text = 'data: {"a":\\n\n\n\r\ndata: [DONE]\r\n\r\n\t</s>\u2028 end'
        assert await said(own, "escape this") == text
        message = (await done(await own.ask(**asked("think first")))).choices[0].message
        assert (message.reasoning, message.content) == ("Let me see.. \n", "The answer is 42. ")
        legacy = {"prompt": "Once", "max_tokens": 8, "temperature": 0}
        stream = await own.legacy_stream(**legacy)
        assert "".join(await stream.text()) == (await own.legacy(**legacy)).text
        body = {"model": "tiny", "prompt": "Once", "max_tokens": 4, "stream": True}
        events = await own.events("POST", "/completions", body)
        *_, last = await events.all()
        assert (last.data, events.outcome) == ("[DONE]", Outcome.ENDED)
        assert (await own.request("GET", "/models"))["object"] == "list"


@both
async def test_errors(make: Make, server: LlamaCpp) -> None:
    async with make(base_url=server.url) as own:
        with pytest.raises(StatusError, match="exceeds the available context size") as caught:
            await own.ask(**asked("word " * 6000))
        assert (caught.value.status, caught.value.type) == (400, "exceed_context_size_error")
        with pytest.raises(StatusError) as caught:
            await own.events("POST", "/nope", {})
        assert (caught.value.status, caught.value.message) == (404, "File Not Found")


@both
async def test_a_client_that_leaves_frees_the_server(make: Make, server: LlamaCpp) -> None:
    """Two slots, and four clients that leave in the middle of endless answers."""
    async with make(base_url=server.url) as own:
        for _ in range(4):
            stream = await own.ask(**asked("please count", max_tokens=100_000))
            await stream.next()
            await stream.close()
            assert stream.outcome is Outcome.CLOSED
        assert await said(own, "hello") in SENTENCES


@both
async def test_a_server_that_dies(make: Make, model: Path) -> None:
    with running(model, "--ctx", "65536", "--parallel", "1") as server:
        async with make(base_url=server.url) as own:
            stream = await own.ask(**asked("please count", max_tokens=100_000))
            await stream.next()
            server._process.kill()
            with pytest.raises(TransportError):
                await stream.collect()
            assert stream.outcome is Outcome.TRANSPORT_ERROR


@both
async def test_300_posts_back_to_back(make: Make, model: Path) -> None:
    """The server closes the connection after each streamed answer, but announces to keep it."""
    with running(model) as server:
        async with make(base_url=server.url) as own:
            for _ in range(300):
                assert await said(own, "hello", max_tokens=2) == "Streams of"
        server.wait_for_generations(300)
    assert server.generations() == 300


def test_an_error_inside_the_stream(model: Path) -> None:
    """Two endless answers share a context that is too small for both."""

    async def read(own: AsyncClient) -> StreamError:
        stream = await own.chat.completions.create(
            stream=True, **asked("please count", max_tokens=100_000)
        )
        assert isinstance(stream, AsyncStream)
        with pytest.raises(StreamError) as caught:
            await stream.collect()
        return caught.value

    async def main(url: str) -> None:
        async with AsyncClient(base_url=url, api_key="", max_retries=0, proxy="") as own:
            reading = asyncio.gather(read(own), read(own))
            for error in await asyncio.wait_for(reading, PATIENCE):
                assert error.message == "Context size has been exceeded."
                assert (error.code, error.type) == (500, "server_error")
                assert partial(error).text.startswith("one two three")

    with running(model, "--kv-unified", "--ctx", "512", "--parallel", "2") as server:
        asyncio.run(main(server.url))
