"""Streams and completions whose bytes come from any HTTP library, a file or a list."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable
from typing import Any, Literal

from .._core import DEFAULT_MAX_EVENT_SIZE, BytesLike
from .._core._bytes import to_bytes
from .._core._iterate import LineWatch, refuse_whole
from ._async_stream import AsyncStream
from ._errors import ExchangeError, is_timeout, lost
from ._headers import HeadersLike
from ._models import Completion
from ._parser import CompletionParser
from ._stream import Stream
from ._timing import Timing

_WHOLE = "CompletionParser.feed()"  # takes a whole stream


def iter_chunks(
    chunks: Iterable[BytesLike],
    *,
    status: int = 200,
    headers: HeadersLike = (),
    n: int = 1,
    api: Literal["chat", "completions"] = "chat",
    include_usage: bool = False,
    max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
    json_loads: Callable[[str], Any] = json.loads,
) -> Stream:
    r"""Return the stream of a completion whose bytes come from any iterable.

    The iterable may be the stream of a response of any HTTP library, a file, or a list. If it is a
    generator, it is closed at the end of the stream; close anything else yourself. An exception
    that it raises becomes the cause of a TransportError, or of a TimedOutError if the name of its
    class contains "Timeout".

    Give the status and the headers of the answer, so that the stream can raise the server's own
    error.

    Args:
        chunks: The bytes of the body, cut anywhere.
        status: The status of the answer.
        headers: Its headers: a mapping, or pairs of str or bytes.
        n: How many choices the request asked for.
        api: "chat", or "completions" for the legacy API.
        include_usage: Whether the request asked for the count of tokens.
        max_event_size: As for ``sseparse.Parser``.
        json_loads: As for ``CompletionParser``.

    Raises:
        TypeError: ``chunks`` is bytes or str.
        ValueError: An argument has a value that it cannot have.

    >>> from sseparse.completions import iter_chunks
    >>> stream = iter_chunks([
    ...     b'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\n',
    ...     b'data: {"choices": [{"index": 0, "delta": {"content": "lo"}}]}\n\ndata: [DONE]\n\n',
    ... ])
    >>> list(stream.text())
    ['Hel', 'lo']
    >>> stream
    <Stream: done, 3 events in 2 reads>
    """
    source = _Chunks(chunks)
    parser = CompletionParser(
        status,
        headers,
        n=n,
        api=api,
        include_usage=include_usage,
        max_event_size=max_event_size,
        json_loads=json_loads,
    )
    return Stream(parser, source)


def aiter_chunks(
    chunks: AsyncIterable[BytesLike],
    *,
    status: int = 200,
    headers: HeadersLike = (),
    n: int = 1,
    api: Literal["chat", "completions"] = "chat",
    include_usage: bool = False,
    max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
    json_loads: Callable[[str], Any] = json.loads,
) -> AsyncStream:
    r"""Return the stream of a completion whose bytes come from any async iterable.

    An async generator is closed at the end of the stream. A CancelledError is raised unchanged, and
    the outcome is CLOSED. Everything else is as for ``iter_chunks``.

    Args:
        chunks: The bytes of the body, cut anywhere.
        status: The status of the answer.
        headers: Its headers: a mapping, or pairs of str or bytes.
        n: How many choices the request asked for.
        api: "chat", or "completions" for the legacy API.
        include_usage: Whether the request asked for the count of tokens.
        max_event_size: As for ``sseparse.Parser``.
        json_loads: As for ``CompletionParser``.

    Raises:
        TypeError: ``chunks`` is bytes or str.
        ValueError: An argument has a value that it cannot have.

    >>> import asyncio
    >>> from sseparse.completions import aiter_chunks
    >>> async def body():
    ...     yield b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
    ...     yield b"data: [DONE]\n\n"
    >>> async def main():
    ...     async with aiter_chunks(body()) as stream:
    ...         return await stream.collect()
    >>> asyncio.run(main()).text
    'Hi'
    """
    source = _AsyncChunks(chunks)
    parser = CompletionParser(
        status,
        headers,
        n=n,
        api=api,
        include_usage=include_usage,
        max_event_size=max_event_size,
        json_loads=json_loads,
    )
    return AsyncStream(parser, source)


def completion(
    data: BytesLike,
    *,
    status: int = 200,
    headers: HeadersLike = (),
    json_loads: Callable[[str], Any] = json.loads,
) -> Completion:
    r"""Return the completion in an answer that was not streamed.

    Args:
        data: The body of the answer.
        status: The status of the answer.
        headers: Its headers: a mapping, or pairs of str or bytes.
        json_loads: As for ``CompletionParser``.

    Raises:
        StatusError: The status is not a success.
        StreamError: The body reports an error, or has no choice and no count of tokens.
        ContentTypeError: The body is not a JSON object.

    >>> from sseparse.completions import completion
    >>> completion(b'{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}').text
    'Hi'
    """
    parser = CompletionParser(status, headers, stream=False, json_loads=json_loads)
    parser.feed(data)
    parser.close()
    if parser.error is not None:
        raise parser.error
    return parser.completion()


class _Chunks:
    """The source of a stream whose bytes come from an iterable."""

    arrival_ns = 0

    def __init__(self, chunks: Iterable[BytesLike]) -> None:
        refuse_whole(chunks, _WHOLE)
        self.timing = Timing()
        self._chunks = chunks
        self._iterator = iter(chunks)
        self._watch: LineWatch | None = LineWatch()

    def read(self) -> bytes:
        while True:
            try:
                chunk = next(self._iterator)
            except StopIteration:
                return _ended(self._watch)
            except ExchangeError:
                raise
            except Exception as error:
                raise lost(is_timeout(error), error) from error
            data = to_bytes(chunk)
            if self._watch is not None:
                self._watch = self._watch.after(data)
            if data:  # an empty one would look like the end
                return data

    def has_event(self) -> None:
        pass

    def limit_rest(self, seconds: float | None) -> None:
        pass  # the iterable has its own time limits, or none

    def park(self) -> None:
        self.close()

    def close(self) -> None:
        if isinstance(self._chunks, Generator):
            with contextlib.suppress(ValueError):  # it runs in another thread
                self._chunks.close()


class _AsyncChunks:
    """The source of a stream whose bytes come from an async iterable."""

    arrival_ns = 0

    def __init__(self, chunks: AsyncIterable[BytesLike]) -> None:
        refuse_whole(chunks, _WHOLE)
        if not hasattr(chunks, "__aiter__"):
            kind = type(chunks).__name__
            raise TypeError(f"expected an async iterable of bytes, not {kind}; see iter_chunks")
        self.timing = Timing()
        self._chunks = chunks
        self._iterator = chunks.__aiter__()
        self._watch: LineWatch | None = LineWatch()
        self._data: bytes | None = None  # by arrival, until take

    def take(self) -> bytes | None:
        data, self._data = self._data, None
        return data

    async def arrival(self) -> None:
        try:
            chunk = await self._iterator.__anext__()
        except StopAsyncIteration:
            self._data = _ended(self._watch)
            return
        except ExchangeError:
            raise
        except Exception as error:
            raise lost(is_timeout(error), error) from error
        data = to_bytes(chunk)
        if self._watch is not None:
            self._watch = self._watch.after(data)
        if data:  # an empty one would look like the end
            self._data = data

    def has_event(self) -> None:
        pass

    def limit_rest(self, seconds: float | None) -> None:
        pass  # the iterable has its own time limits, or none

    async def park(self) -> None:
        await self.close()

    async def close(self) -> None:
        if isinstance(self._chunks, AsyncGenerator):
            with contextlib.suppress(RuntimeError):  # it runs in another task
                await self._chunks.aclose()


def _ended(watch: LineWatch | None) -> bytes:
    """Return the sign of the end; raise a ValueError if the chunks were lines without ends."""
    if watch is not None:
        watch.end()
    return b""
