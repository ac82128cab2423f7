"""The parts that only the asynchronous client has: event loops, tasks, cancellation, closing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.util
import os
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

import sseparse
from loopback import DONE, PATIENCE, Peer, Request, Server, chunked, delta, serving, wait, wire
from secured import over_tls, secured
from sseparse.completions import (
    AsyncClient,
    AsyncEventStream,
    AsyncStream,
    Chunk,
    Completion,
    Outcome,
    StatusError,
    TimedOutError,
    Timeout,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from typing_extensions import assert_type

# Each starts a server and an event loop.
pytestmark = pytest.mark.thorough

WHOLE = {"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}
LOOPS = ["asyncio", "uvloop"]

# The asynchronous streaming example of the official package, with another first line.
REFERENCE_EXAMPLE = """\
from sseparse.completions import AsyncClient as AsyncOpenAI
import asyncio

client = AsyncOpenAI()


async def main():
    stream = await client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Say this is a test"}],
        stream=True,
    )
    async for chunk in stream:
        print(chunk.choices[0].delta.content or "", end="")


asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "ORG_ID", "PROJECT_ID"):
        monkeypatch.delenv(f"OPENAI_{name}", raising=False)


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    """Run a coroutine in one of the event loops, and check that it leaves nothing behind."""
    if request.param == "uvloop":
        uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")
        new_loop: Any = uvloop.new_event_loop
    else:
        new_loop = asyncio.new_event_loop

    def run(main: Coroutine[Any, Any, None]) -> None:
        async def whole() -> None:
            asyncio.get_running_loop().set_exception_handler(
                lambda _, context: faults.append(context)
            )
            await main
            assert asyncio.all_tasks() == {asyncio.current_task()}

        faults: list[Any] = []
        loop = new_loop()
        try:
            loop.run_until_complete(whole())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()
        gc.collect(1)
        assert faults == []

    return run


def client(server: Server, **options: Any) -> AsyncClient:
    given = {"base_url": server.url, "api_key": "sk-test", "proxy": "", "max_retries": 0}
    return AsyncClient(**{**given, **options})


async def ask(own: AsyncClient, **more: Any) -> AsyncStream:
    stream = await own.chat.completions.create(model="tiny", messages=[], stream=True, **more)
    assert isinstance(stream, AsyncStream)
    return stream


async def until(is_true: Callable[[], object]) -> None:
    """Run the event loop until a condition is true."""

    async def look() -> None:
        while not is_true():
            await asyncio.sleep(0)

    await asyncio.wait_for(look(), PATIENCE)


def is_set(event: threading.Semaphore) -> Callable[[], bool]:
    return lambda: event.acquire(blocking=False)


class Endless:
    """A handler that sends one event, and waits for the client to leave.

    Attributes:
        left: Released when it has left.
    """

    def __init__(self) -> None:
        self.left = threading.Semaphore(0)

    def __call__(self, peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")))
        peer.wait_for_close()
        self.left.release()


# The surface


def test_the_reference_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [delta("", role="assistant"), delta("This is"), delta(" a test"), delta(finish="stop")]

    def handle(peer: Peer, _: Request) -> None:
        peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        )
        peer.send(b"".join(map(wire, events)) + DONE)
        peer.close()

    with serving(handle) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        exec(REFERENCE_EXAMPLE, {})
    assert capsys.readouterr().out == "This is a test"
    (request,) = server.requests
    assert request.headers["authorization"] == "Bearer sk-env"
    assert request.json()["stream"] is True


def own_path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(sseparse.__file__).parents[1])}


@pytest.mark.parametrize("missing", ["aiohttp", "attrs"])
@pytest.mark.parametrize("name", ["AsyncClient"])
def test_without_the_extra(missing: str, name: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "import pydoc, sseparse.completions\n"
        "assert 'iter_chunks' in pydoc.render_doc(sseparse.completions)\n"  # as help() does
        f"try:\n    from sseparse.completions import {name}\n"
        "except ModuleNotFoundError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=own_path()
    )
    assert done.stdout.strip() == (
        f"sseparse.completions.{name} needs {missing}: pip install 'sseparse[async]'"
    )


def test_each_client_loads_its_own_transport_only() -> None:
    code = (
        "import sys\n"
        "from sseparse.completions import AsyncClient, AsyncEventStream, Timeout\n"
        "assert 'aiohttp' in sys.modules and 'urllib3' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=own_path())
    code = (
        "import sys\n"
        "from sseparse.completions import Client, EventStream, Timeout, aiter_chunks\n"
        "assert 'urllib3' in sys.modules and not {'aiohttp', 'asyncio'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=own_path())


def test_the_module_has_at_most_300_lines() -> None:
    path = Path(sseparse.__file__).parent / "_clients" / "_async_client.py"
    assert len(path.read_text("utf-8").splitlines()) <= 300


# Event loops


def test_it_belongs_to_one_event_loop_until_it_is_closed() -> None:
    async def main() -> None:
        assert (await own.chat.completions.create()).text == "hi"

    async def close() -> None:
        await own.close()

    with serving(lambda peer, _: peer.answer(WHOLE)) as server:
        own = client(server)
        asyncio.run(own.close())  # it has no loop yet
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(main())
            for use in (main, close):
                with pytest.raises(RuntimeError, match="belongs to another event loop: close it"):
                    asyncio.run(use())
            loop.run_until_complete(close())
        finally:
            loop.close()

        async def again() -> None:
            for _ in range(2):
                await main()
            await own.with_options(max_retries=1).close()

        asyncio.run(again())
        asyncio.run(again())
    assert server.connections == 3


def test_an_event_loop_that_was_closed_before_it() -> None:
    """As in a program that forgets to close; aiohttp warns about the connection."""

    async def main() -> None:
        assert (await own.chat.completions.create()).text == "hi"

    with serving(lambda peer, _: peer.answer(WHOLE)) as server:
        own = client(server)

        def forget() -> None:
            asyncio.run(main())
            with pytest.raises(RuntimeError, match="belongs to another event loop"):
                asyncio.run(main())
            asyncio.run(own.close())
            gc.collect()

        with pytest.warns(ResourceWarning):
            forget()

        async def again() -> None:
            async with own:
                await main()

        asyncio.run(again())


def test_without_an_event_loop() -> None:
    own = AsyncClient(base_url="http://127.0.0.1:1")
    coroutine = own.request("GET", "/")
    with pytest.raises(RuntimeError, match="no running event loop"):
        coroutine.send(None)


# Many at once


def test_200_streams_at_once(run: Any) -> None:
    def handle(peer: Peer, request: Request) -> None:
        word = request.json()["messages"][0]["content"]
        peer.stream(*[delta(f"{word}{number} ") for number in range(20)], DONE)

    async def talk(own: AsyncClient, word: str) -> str:
        stream = await own.chat.completions.create(messages=[{"content": word}], stream=True)
        return (await stream.collect()).text

    async def main() -> None:
        async with client(server) as own:
            for _ in range(2):
                texts = await asyncio.gather(*[talk(own, word) for word in words])
                assert texts == ["".join(f"{w}{number} " for number in range(20)) for w in words]
            assert len(own._http._idle) <= 64

    words = [f"w{number}-" for number in range(200)]
    with serving(handle) as server:
        run(main())
    assert len(server.requests) == 400


@pytest.mark.parametrize("is_tls", [False, True])
def test_500_requests_to_a_server_that_closes_at_random(is_tls: bool, run: Any) -> None:
    """With FIN or RST, between answers: no request is lost, and none arrives twice."""
    chance = random.Random(14)
    closes, resets = (0.1, 0.2) if is_tls else (0.3, 0.6)  # handshakes take time

    def handle(peer: Peer, _: Request) -> None:
        peer.answer(WHOLE)
        # The next request may be on its way already.
        assert may_close.acquire(timeout=PATIENCE)
        how = chance.random()
        if how < closes:
            peer.close()
        elif how < resets:
            peer.reset()

    async def main() -> None:
        async with client(server, **secured(server, is_tls)) as own:
            for number in range(500):
                assert (await own.chat.completions.create(user=str(number))).text == "hi"
                may_close.release()
                if number % 3 == 0:  # let the loop process what has come
                    await asyncio.sleep(0)

    may_close = threading.Semaphore(0)
    with serving(handle, over_tls if is_tls else None) as server:
        run(main())
        may_close.release(500)
    assert [int(request.json()["user"]) for request in server.requests] == list(range(500))
    assert server.connections > 50


# Cancellation


async def cancelled(work: Coroutine[Any, Any, Any], ready: Callable[[], object]) -> None:
    """Cancel a task that does the work as soon as something is true."""
    task = asyncio.ensure_future(work)
    await until(lambda: task.done() or ready())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def nothing_is_open(own: AsyncClient) -> bool:
    http = own._http
    return not (http.connections or http.exchanges or http._idle or http._parked)


def test_cancelled_while_it_connects(run: Any) -> None:
    async def main() -> None:
        own = AsyncClient(base_url=url, proxy="")
        await cancelled(ask(own), lambda: any(each._connecting for each in own._http.exchanges))
        assert nothing_is_open(own)
        await own.close()

    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        run(main())


def test_cancelled_in_the_moment_of_connecting(run: Any) -> None:
    """No connection is left, in whichever turn of the event loop the task is cancelled."""

    async def main() -> None:
        async with client(server) as own:
            for turns in range(30):
                task = asyncio.ensure_future(own.chat.completions.create())
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                assert own._http.exchanges == set()
                assert asyncio.all_tasks() == {asyncio.current_task()}
                own._http._idle.clear()
                for connection in list(own._http.connections):
                    connection.abort()
                await until(lambda: nothing_is_open(own))

    with serving(lambda peer, _: peer.answer(WHOLE)) as server:
        run(main())


@pytest.mark.parametrize("how", ["cancel", "timeout", "wait_for"])
@pytest.mark.parametrize("part", ["head", "body", "whole"])
@pytest.mark.parametrize("is_tls", [False, True])
def test_cancellation_closes_at_once(how: str, part: str, is_tls: bool, run: Any) -> None:
    asked, left = threading.Semaphore(0), threading.Semaphore(0)

    def handle(peer: Peer, _: Request) -> None:
        if part != "head":
            peer.head("Content-Length: 1000", kind="text/event-stream" if part == "body" else "")
            peer.send(wire(delta("a")))
        asked.release()
        with contextlib.suppress(OSError):
            peer.wait_for_close()
        left.release()

    async def read(own: AsyncClient, got: list[str]) -> None:
        if part == "whole":
            await own.chat.completions.create()
        async with await ask(own) as stream:
            async for chunk in stream:
                got.append(chunk.text)

    async def main() -> None:
        async with client(server, **secured(server, is_tls)) as own:
            got: list[str] = []
            if how == "cancel":
                await cancelled(read(own, got), is_set(asked))
            elif how == "wait_for":
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(read(own, got), 0.3)
            else:
                with pytest.raises(TimeoutError):
                    await in_time(read(own, got), 0.3)
            await until(lambda: nothing_is_open(own))
            await until(is_set(left))

    if how == "timeout" and sys.version_info < (3, 11):
        pytest.skip("asyncio.timeout needs CPython 3.11 or newer")
    with serving(handle, over_tls if is_tls else None) as server:
        run(main())


async def in_time(work: Awaitable[Any], seconds: float) -> None:
    async with asyncio.timeout(seconds):  # type: ignore[attr-defined,unused-ignore]  # 3.11
        await work


@pytest.mark.parametrize("how", ["break", "raise", "close", "return"])
def test_leaving_a_stream(how: str, run: Any) -> None:
    async def read(stream: AsyncStream) -> None:
        async with stream:
            async for _ in stream:
                if how == "break":
                    break
                if how == "return":
                    return
                if how == "raise":
                    raise KeyError
                await stream.close()

    async def main() -> None:
        async with client(server) as own:
            stream = await ask(own)
            with pytest.raises(KeyError) if how == "raise" else contextlib.nullcontext():
                await read(stream)
            assert stream.outcome is Outcome.CLOSED
            assert own._http.exchanges == set()
            await until(lambda: nothing_is_open(own))
            await until(is_set(handle.left))

    handle = Endless()
    with serving(handle) as server:
        run(main())


def test_a_loop_without_a_context_manager(run: Any) -> None:
    """The end of the iterator closes the stream, soon."""

    async def main() -> None:
        async with client(server) as own:
            async for _ in await ask(own):
                break
            await until(lambda: nothing_is_open(own))
            await until(is_set(handle.left))

    handle = Endless()
    with serving(handle) as server:
        run(main())


def test_another_task_closes_the_stream(run: Any) -> None:
    async def read(stream: AsyncStream) -> list[str]:
        return [chunk.text async for chunk in stream]

    async def main() -> None:
        async with client(server) as own:
            stream = await ask(own)
            reading = asyncio.ensure_future(read(stream))
            await until(lambda: repr(stream).endswith("1 events in 1 reads>"))
            await stream.close()
            assert await reading == ["a"]
            assert stream.outcome is Outcome.CLOSED

    handle = Endless()
    with serving(handle) as server:
        run(main())


@pytest.mark.parametrize("part", ["connect", "head", "body", "retry", "unread"])
def test_cancel_ends_all_running_calls(part: str, run: Any) -> None:
    asked = threading.Semaphore(0)

    def handle(peer: Peer, _: Request) -> None:
        if part == "retry":
            peer.answer("", "retry-after: 100", status="503 X")
        elif part != "head":
            peer.head("Transfer-Encoding: chunked")
            peer.chunk(wire(delta("a")))
        asked.release()
        peer.wait_for_close()

    def is_connecting() -> bool:
        return any(each._connecting for each in own._http.exchanges)

    async def read() -> None:
        stream = await ask(own)
        if part == "unread":
            await until(lambda: is_cancelled)
        await stream.collect()

    async def main() -> None:
        async with own, client(server) as other:
            kept = await ask(other) if part != "head" and part != "retry" else None
            if kept is not None:
                await until(is_set(asked))
            task = asyncio.ensure_future(read())
            await until(is_connecting if part == "connect" else is_set(asked))
            if part == "retry":
                await until(lambda: own._running._pauses)
            await asyncio.sleep(0)
            own.cancel()
            is_cancelled.append(1)
            with pytest.raises(TransportError, match="the call was cancelled"):
                await task
            assert own._running.exchanges == set()
            if kept is not None:  # of another client
                assert (await kept.__anext__()).text == "a"
                await kept.close()

    is_cancelled: list[int] = []
    with serving(handle) as server:
        own = client(server, max_retries=1 if part == "retry" else 0)
        run(main())


def test_it_can_be_used_after_cancel(run: Any) -> None:
    async def main() -> None:
        async with client(server) as own:
            own.cancel()
            assert (await own.chat.completions.create()).text == "hi"
            own.cancel()
            assert (await own.chat.completions.create()).text == "hi"

    with serving(lambda peer, _: peer.answer(WHOLE)) as server:
        run(main())
    assert server.connections == 1


@pytest.mark.parametrize("part", ["connect", "body"])
def test_close_ends_running_calls(part: str, run: Any) -> None:
    async def read(own: AsyncClient) -> None:
        await (await ask(own)).collect()

    async def main() -> None:
        own = client(server)
        task = asyncio.ensure_future(read(own))
        if part == "connect":
            await until(lambda: any(each._connecting for each in own._http.exchanges))
        else:
            await until(lambda: own._http.connections)
        await own.close()
        assert nothing_is_open(own)
        with pytest.raises(TransportError, match="the call was cancelled"):
            await task

    with serving(Endless()) as server:
        run(main())


def test_a_client_that_is_not_closed_warns() -> None:
    """The warning is that of aiohttp, as for its own sessions."""
    code = (
        "import asyncio\nfrom sseparse.completions import AsyncClient\n"
        "async def main():\n"
        "    client = AsyncClient(base_url={url!r}, proxy='')\n"
        "    {body}\n"
        "asyncio.run(main())\n"
    )
    uses = {
        "await client.chat.completions.create()": "Unclosed connection",
        "await client.chat.completions.create(); await client.close()": "",
    }
    with serving(lambda peer, _: peer.answer(WHOLE)) as server:
        for body, warning in uses.items():
            program = code.format(url=server.url, body=body)
            done = subprocess.run(
                [sys.executable, "-X", "dev", "-c", program],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                env=own_path(),
            )
            assert done.returncode == 0
            assert (warning in done.stderr) if warning else (done.stderr == "")


# Time


def test_arrival_is_when_the_event_loop_has_the_bytes(run: Any) -> None:
    """And not the time at which the busy task reads them."""
    may_send = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")))
        wait(may_send)
        peer.chunk(wire(delta("b")))
        peer.chunk(DONE)

    async def main() -> None:
        async with client(server) as own:
            stream = await ask(own)
            assert (await stream.__anext__()).text == "a"
            (connection,) = own._http.connections
            before = time.perf_counter_ns()
            may_send.set()
            await until(lambda: connection.received)
            after = time.perf_counter_ns()
            chunk = await stream.__anext__()
            assert before < chunk.arrival_ns < after
            assert (chunk.text, chunk.read) == ("b", 2)

    with serving(handle) as server:
        run(main())


def test_bytes_that_came_with_the_head(run: Any) -> None:
    def handle(peer: Peer, _: Request) -> None:
        first, last = wire(delta("a")), DONE
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        peer.send(f"{head}Content-Length: {len(first + last)}\r\n\r\n".encode() + first + last)

    async def main() -> None:
        async with client(server) as own:
            stream = await ask(own)
            (connection,) = own._http.connections
            assert connection._waiting == len(connection.received) > 0
            timing = stream.timing
            chunk = await stream.__anext__()
            assert (connection._waiting, connection.received) == (0, b"")
            assert chunk.arrival_ns == timing.first_byte_ns == timing.headers_ns
            assert (await stream.collect()).text == "a"

    with serving(handle) as server:
        run(main())


def test_the_objects_of_a_stream_have_fewer_than_30_attributes(run: Any) -> None:
    """From 30 on, CPython gives an object a dict of its own, and each attribute takes longer."""

    async def main() -> None:
        async with client(server) as own, await ask(own) as stream:
            await stream.__anext__()
            (connection,) = own._http.connections
            (exchange,) = own._http.exchanges
            parser = stream._answer
            for each in (connection, exchange, parser, parser._merger, parser._strays):
                assert 0 < len(vars(each)) < 30

    with serving(Endless()) as server:
        run(main())


def test_a_busy_reader_makes_the_server_wait(run: Any) -> None:
    has_sent = threading.Event()
    size = 40_000_000

    def handle(peer: Peer, _: Request) -> None:
        peer.head(f"Content-Length: {size}")
        event = b"data: " + b"x" * 9992 + b"\n\n"
        for _number in range(size // 10_000):
            peer.send(event)
        has_sent.set()

    async def main() -> None:
        async with client(server) as own:
            events = await own.stream("GET", "/")
            (connection,) = own._http.connections
            await until(lambda: connection._is_paused)
            assert connection._waiting < 1_000_000
            assert not has_sent.is_set()
            count = 0
            async for event in events:
                count += len(event.data) == 9992
                assert connection._waiting < 1_000_000
            assert count == size // 10_000

    with serving(handle) as server:
        run(main())


def test_the_deadline_ends_the_look_up_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    may_answer = threading.Event()

    def lookup(*_: Any, **__: Any) -> Any:
        wait(may_answer)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async def main() -> None:
        async with AsyncClient(base_url="http://model.test", proxy="", max_retries=0) as own:
            with pytest.raises(TimedOutError, match="deadline"):
                await ask(own, timeout=Timeout(deadline=0.1))
            with pytest.raises(TimedOutError, match="connect"):
                await ask(own, timeout=Timeout(connect=0.1))
            may_answer.set()

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    asyncio.run(main())


def test_parked_connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(wire(delta("a")) + DONE)
        peer.wait_for_close()
        left.release()

    async def main() -> None:
        async with client(server) as own:
            stream = await ask(own)
            assert (await stream.collect()).text == "a"
            assert own._http._parked
            await stream.close()  # it has ended, and does not have the connection any more
            assert own._http._parked
            await until(is_set(left))
            assert not own._http._parked
        async with client(server, max_idle=0) as own:
            await (await ask(own)).collect()
            await until(is_set(left))

    left = threading.Semaphore(0)
    monkeypatch.setattr("sseparse._clients._aiohttp._http.PARKED_FOR", 0.05)
    with serving(handle) as server:
        asyncio.run(main())


def test_a_connection_with_bytes_without_a_request(run: Any) -> None:
    may_send = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.answer(WHOLE)
        if len(server.requests) == 1:
            wait(may_send)
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            peer.wait_for_close()

    async def main() -> None:
        async with client(server) as own:
            assert (await own.chat.completions.create()).text == "hi"
            may_send.set()
            await until(lambda: nothing_is_open(own))
            assert (await own.chat.completions.create()).text == "hi"

    with serving(handle) as server:
        run(main())
    assert server.connections == 2


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_server_that_answers_before_the_request(is_tls: bool) -> None:
    """A server may refuse a connection before it has read anything."""

    class Hasty(Server):
        def _serve(self, connection: socket.socket) -> None:
            with contextlib.suppress(OSError):
                connection = over_tls(connection) if is_tls else connection
                connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")
                Peer(connection).wait_for_close()
            connection.close()

    async def main() -> None:
        async with client(server, **secured(server, is_tls)) as own:
            with pytest.raises(
                (StatusError, TransportError), match=r"busy|before it had a request"
            ):
                await ask(own)

    server = Hasty(lambda *_: None)
    asyncio.run(main())
    server.close()


def test_aiohttp_only_makes_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client uses no session, with its cookies, redirects and limits."""

    def no_session(*_: Any, **__: Any) -> Any:
        raise AssertionError

    async def main() -> None:
        async with client(server) as own:
            assert (await (await ask(own)).collect()).text == "a"

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", no_session)
    with serving(lambda peer, _: peer.stream(delta("a", finish="stop"), DONE)) as server:
        asyncio.run(main())


def test_chunks_are_framed_as_the_tests_say() -> None:
    assert chunked(b"abc") == b"3\r\nabc\r\n"
    assert importlib.util.find_spec("aiohttp")


if TYPE_CHECKING:  # for mypy

    async def types(own: AsyncClient) -> None:
        assert_type(await own.chat.completions.create(model="m", messages=[]), Completion)
        assert_type(await own.chat.completions.create(model="m", stream=False), Completion)
        stream = await own.chat.completions.create(model="m", stream=True)
        assert_type(stream, AsyncStream)
        assert_type(await own.chat.completions.create(stream=bool(own)), Completion | AsyncStream)
        async for chunk in stream:
            assert_type(chunk, Chunk)
        assert_type(await stream.collect(), Completion)
        events = await own.stream("GET", "/events")
        assert_type(events, AsyncEventStream)
        async for event in events:
            assert_type(event, sseparse.Event)
        assert_type(own.with_options(max_retries=1), AsyncClient)
