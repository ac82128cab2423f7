"""How streams arrive and end: every framing, every cut, every outcome."""

from __future__ import annotations

import gzip
import json
import signal
import threading
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from loopback import (
    DONE,
    Peer,
    Request,
    ask,
    chunked,
    client,
    delta,
    partial,
    sending,
    serving,
    source_of,
    wait,
    wire,
)
from sseparse import Event, EventTooLargeError
from sseparse.completions import (
    ContentTypeError,
    EmptyStreamError,
    ExchangeError,
    Outcome,
    Stream,
    StreamError,
    Timeout,
    TransportError,
    TruncatedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"
)
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
FINISH = delta(finish="stop")


def ended(raw: bytes, **asked: Any) -> tuple[Stream, ExchangeError | None, str]:
    """Return the stream after its end, what it raised, and the text that came before."""
    text: list[str] = []
    error = None
    with serving(sending(raw)) as server, client(server) as own:
        stream = ask(own, **asked)
        try:
            for chunk in stream:
                text += [chunk.text for choice in chunk.choices if choice.index == 0]
        except ExchangeError as raised:
            error = raised
            assert partial(error).text == "".join(text)
            again: Callable[[], object]
            for again in (stream.collect, lambda: next(stream), lambda: list(stream.text())):
                with pytest.raises(type(error)):
                    again()
    assert stream.timing.end_ns >= stream.timing.headers_ns >= stream.timing.request_sent_ns > 0
    return stream, error, "".join(text)


def body(*events: object) -> bytes:
    return b"".join(wire(event) for event in events)


# Framings: each gets the events, sends one, and waits until the client has it.
def in_chunks(peer: Peer, events: list[bytes], step: Callable[[], None]) -> None:
    peer.head("Transfer-Encoding: chunked")
    for event in events:
        peer.chunk(event)
        step()
    peer.send(b"0\r\n\r\n")


def in_one_chunk(peer: Peer, events: list[bytes], step: Callable[[], None]) -> None:
    peer.head("Transfer-Encoding: chunked")
    peer.send(b"%x\r\n" % sum(map(len, events)))
    for event in events:
        peer.send(event)
        step()
    peer.send(b"\r\n0\r\n\r\n")


def until_close(peer: Peer, events: list[bytes], step: Callable[[], None]) -> None:
    peer.head()
    for event in events:
        peer.send(event)
        step()
    peer.close()


def with_length(peer: Peer, events: list[bytes], step: Callable[[], None]) -> None:
    peer.head(f"Content-Length: {sum(map(len, events))}")
    for event in events:
        peer.send(event)
        step()


def in_gzip(peer: Peer, events: list[bytes], step: Callable[[], None]) -> None:
    peer.head("Transfer-Encoding: chunked", "Content-Encoding: gzip")
    packer = zlib.compressobj(wbits=31)
    for event in events:
        peer.chunk(packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH))
        step()
    peer.chunk(packer.flush())
    peer.send(b"0\r\n\r\n")


FRAMINGS = [in_chunks, in_one_chunk, until_close, with_length, in_gzip]


@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_event_comes_before_the_next_is_sent(framing: Any) -> None:
    has_it = threading.Semaphore(0)

    def step() -> None:
        assert has_it.acquire(timeout=20)

    events = [wire(delta(text)) for text in ("a", "b", "c")] + [wire(FINISH)]
    with serving(lambda peer, _: framing(peer, events, step)) as server, client(server) as own:
        stream = ask(own)
        got = []
        for chunk in stream:
            got.append(chunk.text)
            has_it.release()
    assert got == ["a", "b", "c", ""]
    assert stream.outcome is Outcome.FINISHED


@pytest.mark.parametrize("framing", FRAMINGS)
def test_plain_events_in_every_framing(framing: Any) -> None:
    has_it = threading.Semaphore(0)

    def step() -> None:
        assert has_it.acquire(timeout=20)

    events = [
        b"event: thread.message.delta\nid: 1\ndata: {}\n\n",
        b"event: response.output_text.delta\ndata: a\ndata: b\n\n",
        b"event: content_block_delta\r\ndata: \xc3\xa9\r\n\r\n",
        b'event: error\ndata: {"error": 1}\n\n',
        b"event: done\rdata: [DONE]\r\r",
        b"data: after\n\n",
    ]
    with serving(lambda peer, _: framing(peer, events, step)) as server, client(server) as own:
        stream = own.stream("POST", "threads/runs?x=1", {"stream": True})
        got = []
        for event in stream:
            got.append(event)
            has_it.release()
    assert got == [
        Event("thread.message.delta", "{}", "1"),
        Event("response.output_text.delta", "a\nb", "1"),
        Event("content_block_delta", "é", "1"),
        Event("error", '{"error": 1}', "1"),
        Event("done", "[DONE]", "1"),
        Event("message", "after", "1"),
    ]
    assert all(type(event) is Event for event in got)
    assert stream.outcome is Outcome.ENDED
    assert stream.last_event_id == "1"
    assert stream.pending is None
    assert server.requests[0].line == "POST /v1/threads/runs?x=1 HTTP/1.1"
    assert server.requests[0].json() == {"stream": True}
    assert server.requests[0].headers["accept"] == "text/event-stream"


def test_get_has_no_body() -> None:
    with serving(lambda peer, _: peer.stream(b"data: 1\n\n")) as server, client(server) as own:
        assert [event.data for event in own.stream("GET", "/events")] == ["1"]
    assert server.requests[0].line == "GET /v1/events HTTP/1.1"
    assert "content-type" not in server.requests[0].headers
    assert server.requests[0].body == b""


CUT = body(delta("a"), {"error": None, **delta("é")}, FINISH, DONE)


@pytest.mark.parametrize("at", range(1, len(CUT)))
def test_cut_at_every_byte(at: int) -> None:
    """The events are the same for all reads, and the outcome is always DONE."""
    stream, error, text = ended(CHUNKED + chunked(CUT[:at]) + chunked(CUT[at:]) + b"0\r\n\r\n")
    assert (error, text, stream.outcome) == (None, "aé", Outcome.DONE)


TAIL = body(delta("a"), b'error: {"code": 7, "message": "old"}\n\n', DONE)


@pytest.mark.parametrize("at", range(1, len(TAIL)))
def test_error_field_cut_at_every_byte(at: int) -> None:
    stream, error, text = ended(CHUNKED + chunked(TAIL[:at]) + chunked(TAIL[at:]) + b"0\r\n\r\n")
    assert isinstance(error, StreamError)
    assert (error.message, error.code) == ("old", 7)
    assert (text, stream.outcome) == ("a", Outcome.STREAM_ERROR)


SHORT = body(delta("a"), FINISH)


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_a_body_cut_at_every_byte(framing: str) -> None:
    if framing == "length":
        head = PLAIN[:-2] + b"Content-Length: %d\r\n\r\n" % len(SHORT)
        whole = head + SHORT
    elif framing == "chunked":
        head = CHUNKED + b"%x\r\n" % len(SHORT)
        whole = CHUNKED + chunked(SHORT) + b"0\r\n\r\n"
    else:
        head, whole = PLAIN, PLAIN + SHORT
    first, second = SHORT.index(b"\n\n") + 2, len(SHORT)
    for at in range(len(head), len(whole)):
        stream, error, text = ended(whole[:at])
        sent = SHORT[: at - len(head)]
        assert text == ("a" if len(sent) >= first else "")
        if framing == "close":
            assert stream.outcome is Outcome.TRUNCATED
            assert type(error) is (TruncatedError if len(sent) >= first else EmptyStreamError)
        elif at >= len(CHUNKED + chunked(SHORT) + b"0\r\n") and framing == "chunked":
            # What is missing after the last chunk does not matter (RFC 9112, section 8).
            assert stream.outcome is Outcome.FINISHED
        else:
            assert stream.outcome is Outcome.TRANSPORT_ERROR
            assert isinstance(error, TransportError)
            assert error.__cause__ is not None
        rest = sent[first:] if len(sent) >= first else sent
        if error is not None and rest and len(sent) < second:
            assert stream.pending is not None
            assert stream.pending == error.pending


def test_a_cut_after_all_finish_reasons_is_an_error() -> None:
    stream, error, text = ended(CHUNKED + chunked(SHORT))
    assert stream.outcome is Outcome.TRANSPORT_ERROR
    assert isinstance(error, TransportError)
    assert "cut off" in str(error)
    assert partial(error).choices[0].finish_reason == "stop"
    assert text == "a"


@pytest.mark.parametrize(
    ("events", "n", "outcome"),
    [
        ([delta("a"), FINISH], 1, Outcome.FINISHED),
        ([delta("a"), FINISH], 2, Outcome.TRUNCATED),
        ([delta("a"), FINISH, delta("b", index=1)], 1, Outcome.TRUNCATED),
        ([FINISH, delta(index=1, finish="length")], 2, Outcome.FINISHED),
        ([FINISH, delta(index=2, finish="length")], 2, Outcome.TRUNCATED),
        ([delta("a")], 1, Outcome.TRUNCATED),
        ([delta("a"), DONE], 1, Outcome.DONE),
        ([DONE], 1, Outcome.TRUNCATED),
        ([delta("a", finish="")], 1, Outcome.TRUNCATED),
        ([delta(index=-1, finish="stop")], 1, Outcome.TRUNCATED),
        ([delta(index=-1, finish="stop"), delta()], 1, Outcome.TRUNCATED),
        ([delta(index=10**18, finish="stop")], 1, Outcome.TRUNCATED),
        ([delta(index=10**18, finish="stop"), FINISH], 1, Outcome.TRUNCATED),
    ],
)
def test_clean_ends(events: list[object], n: int, outcome: Outcome) -> None:
    stream, error, _ = ended(PLAIN + body(*events), n=n)
    assert stream.outcome is outcome
    assert (error is None) == (outcome is not Outcome.TRUNCATED)


@pytest.mark.parametrize(
    ("raw", "message", "code", "type_"),
    [
        (b'data: {"error": {"message": "m", "code": 5, "type": "t"}}\n\n', "m", 5, "t"),
        (b'data: {"error": "text"}\n\n', "text", None, None),
        (b'event: error\ndata: {"message": "m", "code": "c"}\n\n', "m", "c", None),
        (b"event: error\ndata: it broke\n\n", "it broke", None, None),
        (b"event: error\ndata:\n\n", "", None, None),
        (b'event: error\ndata: {"type":"error","error":{"type":"o"}}\n\n', None, None, "o"),
        (b'error: {"code": 500, "message": "m", "type": "t"}\n\n', "m", 500, "t"),
        (b"error: it broke\r\n\r\n", "it broke", None, None),
        # Unfinished at the end of the body.
        (b'data: {"error": {"message": "m"}}\n', "m", None, None),
        (b'data: {"error": {"message": "m"}}', "m", None, None),
        (b'event: error\ndata: {"message": "m"', '{"message": "m"', None, None),
        (b'error: {"message": "m"}', "m", None, None),
        (b"error:", "", None, None),
        # No chunk at all.
        (b"data: garbage\n\n", "an event is not a JSON object: 'garbage'", None, None),
        (b"data: 5\n\n", "an event is not a JSON object: '5'", None, None),
        (
            b"data: " + b"[" * 100_000 + b"\n\n",
            f"an event is not a JSON object: {'[' * 200 + '...'!r}",
            None,
            None,
        ),
    ],
)
@pytest.mark.parametrize("before", [b"", body(delta("a"), FINISH)])
@pytest.mark.parametrize("after", [b"", DONE])
def test_errors_inside_the_stream(
    raw: bytes, message: str | None, code: object, type_: object, before: bytes, after: bytes
) -> None:
    if after and not raw.endswith((b"\n\n", b"\r\n\r\n")):
        after = b""
    stream, error, text = ended(PLAIN + before + raw + after)
    assert isinstance(error, StreamError)
    assert stream.outcome is Outcome.STREAM_ERROR
    if message is not None:
        assert error.message == message
    assert (error.code, error.type) == (code, type_)
    assert text == ("a" if before else "")


@pytest.mark.parametrize(
    "text", ["error: x", "\nerror: x\n", "a\rerror: {}", "data: [DONE]", "event: error\ndata: x"]
)
def test_what_looks_like_an_error_in_the_text(text: str) -> None:
    stream, error, got = ended(PLAIN + body(delta(text), delta(text), FINISH, DONE))
    assert (error, got, stream.outcome) == (None, text * 2, Outcome.DONE)


def test_an_error_object_in_a_cut_body_counts() -> None:
    stream, error, _ = ended(CHUNKED + chunked(body(delta("a")) + b'data: {"error": "late"}'))
    assert isinstance(error, StreamError)
    assert isinstance(error.__cause__, TransportError)
    assert (error.message, stream.outcome) == ("late", Outcome.STREAM_ERROR)


def test_the_pending_event_is_kept() -> None:
    stream, error, _ = ended(PLAIN + body(delta("a")) + b"data: x\ndat")
    assert isinstance(error, TruncatedError)
    assert error.pending is not None
    assert (error.pending.data, error.pending.line) == ("x", b"dat")
    stream, error, _ = ended(PLAIN + body(delta("a")) + b"data: x\nerr")
    assert error is not None
    assert error.pending is not None
    assert error.pending.line == b"err"
    stream, error, _ = ended(PLAIN + body(FINISH) + b"data: [DONE]")
    assert error is None
    assert stream.pending is not None
    assert stream.pending.line == b"data: [DONE]"
    with serving(sending(PLAIN + b"data: 1\n\ndata: 2\n")) as server, client(server) as own:
        events = own.stream("GET", "/")
        assert [event.data for event in events] == ["1"]
    assert events.outcome is Outcome.ENDED
    assert events.pending is not None
    assert events.pending.data == "2"


def test_a_plain_stream_that_is_cut() -> None:
    raw = CHUNKED + chunked(b"id: 7\ndata: 1\n\ndata: 2\n")
    with serving(sending(raw)) as server, client(server) as own:
        events = own.stream("GET", "/")
        assert next(events).data == "1"
        with pytest.raises(TransportError) as caught:
            next(events)
        with pytest.raises(TransportError):
            list(events)
    assert events.outcome is Outcome.TRANSPORT_ERROR
    assert caught.value.pending is not None
    assert caught.value.pending.data == "2"
    assert caught.value.partial is None
    assert events.last_event_id == "7"


@pytest.mark.parametrize("keep_alive", [b": OPENROUTER PROCESSING\n\n", b":\n\n", b"data:\n\n"])
def test_keep_alives_give_no_chunks(keep_alive: bytes) -> None:
    raw = PLAIN + keep_alive + body(delta("a")) + keep_alive + body(FINISH, DONE) + keep_alive
    stream, error, text = ended(raw)
    assert (error, text, stream.outcome) == (None, "a", Outcome.DONE)


def test_done_does_not_wait_for_the_end_of_the_body() -> None:
    is_done = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(body(delta("a"), DONE))
        wait(is_done)

    with serving(handle) as server, client(server) as own:
        assert ask(own).collect().text == "a"
        is_done.set()


def test_reset() -> None:
    has_it = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head("Transfer-Encoding: chunked")
        peer.chunk(body(delta("a")))
        wait(has_it)
        peer.reset()

    with serving(handle) as server, client(server) as own:
        stream = ask(own)
        assert next(stream).text == "a"
        has_it.set()
        with pytest.raises(TransportError, match="reset") as caught:
            next(stream)
    assert stream.outcome is Outcome.TRANSPORT_ERROR
    assert partial(caught.value).text == "a"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\x16\x03garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip, though it says so\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 1001 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000 + b"\r\n\r\n",
        b"HTTP/1.1 2",
        b"",
    ],
)
def test_garbage(garbage: bytes) -> None:
    with serving(sending(garbage)) as server, client(server) as own:
        with pytest.raises(TransportError) as caught:
            ask(own).collect()
    assert caught.value.__cause__ is not None


def test_lengths_that_disagree() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n"
    with serving(sending(raw)) as server, client(server) as own:
        with pytest.raises(TransportError, match="Content-Length"):
            ask(own)


def test_an_endless_line() -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.head()
        peer.send(body(delta("a")) + b"data: ")
        while True:
            peer.send(b"x" * 1000)

    with serving(handle) as server, client(server, max_event_size=10_000) as own:
        stream = ask(own)
        with pytest.raises(StreamError, match="max_event_size") as caught:
            stream.collect()
        events = own.stream("GET", "/")
        with pytest.raises(StreamError):
            list(events)
    assert isinstance(caught.value.__cause__, EventTooLargeError)
    assert partial(caught.value).text == "a"
    assert stream.outcome is events.outcome is Outcome.STREAM_ERROR


def with_type(kind: str, payload: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n" if kind else "HTTP/1.1 200 OK\r\n\r\n"
    return head.encode() + payload


@pytest.mark.parametrize(
    "kind",
    [
        "text/event-stream",
        "TEXT/EVENT-STREAM; Charset=UTF-8",
        "application/json, text/event-stream",
        "application/json",
        "text/plain; charset=utf-8",
        "",
    ],
)
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n\r\n", b":\n\n", b"retry: 1\n\n"])
def test_content_types_of_streams(kind: str, start: bytes) -> None:
    stream, error, text = ended(with_type(kind, start + body(delta("a"), FINISH, DONE)))
    assert (error, text, stream.outcome) == (None, "a", Outcome.DONE)


@pytest.mark.parametrize("kind", ["text/html", "application/json", ""])
@pytest.mark.parametrize(
    "payload", [b"<!doctype html><title>Sorry</title>", b"<", b'{"id": 1}', b"\n" * 70_000]
)
def test_answers_without_a_stream(kind: str, payload: bytes) -> None:
    stream, error, _ = ended(with_type(kind, payload))
    assert isinstance(error, ContentTypeError)
    assert stream.outcome is Outcome.STREAM_ERROR
    assert (error.expected, error.got) == ("text/event-stream", kind)
    assert error.first_bytes == payload[:200]
    assert repr(payload[:200]) in str(error)
    with serving(sending(with_type(kind, payload))) as server, client(server) as own:
        events = own.stream("GET", "/")
        with pytest.raises(ContentTypeError):
            list(events)


def test_an_error_object_instead_of_a_stream() -> None:
    payload = json.dumps({"error": {"message": "no", "code": 5}}).encode()
    stream, error, _ = ended(with_type("application/json", payload))
    assert type(error) is StreamError
    assert (error.message, error.code) == ("no", 5)
    assert stream.outcome is Outcome.STREAM_ERROR


@pytest.mark.parametrize("payload", [b"", b": a comment\n\n", b"\n\n\n", b"retry: 5\n\n"])
def test_an_empty_stream(payload: bytes) -> None:
    stream, error, _ = ended(PLAIN + payload)
    assert isinstance(error, EmptyStreamError)
    assert stream.outcome is Outcome.TRUNCATED


def test_gzip_that_comes_at_once() -> None:
    packed = gzip.compress(body(delta("a" * 200_000), FINISH, DONE))
    raw = PLAIN[:-2] + b"Content-Encoding: gzip\r\n\r\n" + packed
    stream, error, text = ended(raw)
    assert (error, text, stream.outcome) == (None, "a" * 200_000, Outcome.DONE)


def test_arrival_times() -> None:
    steps = [threading.Event() for _ in range(3)]

    def handle(peer: Peer, _: Request) -> None:
        peer.head()
        peer.send(body(delta("1"), delta("2"), delta("3")))
        wait(steps[0])
        event = wire(delta("4"))
        peer.send(event[:20])
        wait(steps[1])
        peer.send(event[20:])
        wait(steps[2])
        peer.close()

    with serving(handle) as server, client(server) as own:
        before = time.perf_counter_ns()
        stream = ask(own)
        together = [next(stream) for _ in range(3)]
        between = time.perf_counter_ns()
        steps[0].set()
        half = threading.Thread(target=steps[1].set)
        assert stream.outcome is None
        assert stream.timing.end_ns == 0
        half.start()
        last = next(stream)
        half.join()
        after = time.perf_counter_ns()
        steps[2].set()
        with pytest.raises(TruncatedError):
            next(stream)
    assert len({chunk.arrival_ns for chunk in together}) == 1
    assert together[0].arrival_ns == stream.timing.first_byte_ns
    assert between < last.arrival_ns < after
    assert (
        before
        < stream.timing.request_sent_ns
        <= stream.timing.headers_ns
        <= stream.timing.first_byte_ns
        < last.arrival_ns
        < stream.timing.end_ns
    )


def test_the_stream_has_the_arrival_of_the_last_event() -> None:
    second = threading.Event()

    def handle(peer: Peer, _: Request) -> None:
        peer.head()
        peer.send(b"data: 1\n\ndata: 2\n\nda")
        wait(second)
        peer.send(b"ta: 3\n\n")
        peer.close()

    with serving(handle) as server, client(server) as own:
        events = own.stream("GET", "/")
        assert events.arrival_ns == 0
        arrivals = [(next(events).data, events.arrival_ns) for _ in range(2)]
        between = time.perf_counter_ns()
        second.set()
        arrivals += [(event.data, events.arrival_ns) for event in events]
    first = events.timing.first_byte_ns
    last = events.arrival_ns
    assert arrivals == [("1", first), ("2", first), ("3", last)]
    assert 0 < first < between < last < events.timing.end_ns


def leaving(handle: Any) -> Any:
    """Serve, then wait for the client to leave, and record that it has."""
    has_left = threading.Event()

    def wrapped(peer: Peer, request: Request) -> None:
        handle(peer, request)
        peer.wait_for_close()
        has_left.set()

    return wrapped, has_left


def send_two(peer: Peer, _: Request) -> None:
    peer.head("Transfer-Encoding: chunked")
    peer.chunk(body(delta("a"), delta("b")))


def test_break_closes() -> None:
    handle, has_left = leaving(send_two)
    with serving(handle) as server, client(server) as own:
        stream = ask(own)
        for chunk in stream:
            assert chunk.text == "a"
            break
        assert stream.outcome is Outcome.CLOSED
        wait(has_left)
        assert list(stream) == []
        assert stream.collect().text == "a"


def test_the_headers_of_a_stream() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Request-Id: req-1\r\nX-RateLimit-Limit-Requests: 9\r\n\r\n"
    stream, _, _ = ended(head + body(delta("a"), DONE))
    assert stream.request_id == "req-1"
    assert stream.headers["x-ratelimit-limit-requests"] == "9"
    assert ended(PLAIN + body(DONE))[0].request_id is None


def test_next_does_not_close_and_with_does() -> None:
    handle, has_left = leaving(send_two)
    with serving(handle) as server, client(server) as own:
        with ask(own) as stream:
            assert next(stream).text == "a"
            assert next(stream).text == "b"
            assert stream.timing.end_ns == 0
        assert stream.outcome is Outcome.CLOSED
        wait(has_left)
        stream.close()
        with pytest.raises(StopIteration):
            next(stream)


def test_close_within_the_loop() -> None:
    handle, has_left = leaving(send_two)
    with serving(handle) as server, client(server) as own:
        stream = ask(own)
        got = []
        for chunk in stream:
            got.append(chunk.text)
            stream.close()
        assert got == ["a"]
        assert stream.outcome is Outcome.CLOSED
        wait(has_left)


@pytest.mark.parametrize("framing", ["chunked", "close", "first"])
def test_close_from_another_thread_ends_a_read(framing: str) -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.head(*(["Transfer-Encoding: chunked"] if framing == "chunked" else []), kind="")
        if framing != "first":
            (peer.chunk if framing == "chunked" else peer.send)(body(delta("a")))

    handle, has_left = leaving(handle)
    with serving(handle) as server, client(server) as own:
        stream = ask(own)
        got: list[str] = []
        if framing != "first":
            got.append(next(stream).text)
        reader = threading.Thread(target=lambda: got.extend(chunk.text for chunk in stream))
        reader.start()
        while not source_of(stream)._is_reading:
            pass
        began = time.perf_counter()
        stream.close()
        reader.join(20)
        assert not reader.is_alive()
        assert time.perf_counter() - began < 0.5
        assert stream.outcome is Outcome.CLOSED
        assert got == ([] if framing == "first" else ["a"])
        wait(has_left)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer for signals")
def test_close_in_a_signal_handler() -> None:
    """The handler interrupts the very read that close() ends."""
    handle, has_left = leaving(send_two)
    with serving(handle) as server, client(server) as own:
        stream = ask(own)
        before = signal.signal(signal.SIGALRM, lambda *_: stream.close())
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            assert [chunk.text for chunk in stream] == ["a", "b"]
        finally:
            signal.signal(signal.SIGALRM, before)
        assert stream.outcome is Outcome.CLOSED
        wait(has_left)


@pytest.mark.parametrize("chunks", [0, 1])
def test_a_stream_that_is_dropped_closes_its_connection(chunks: int) -> None:
    handle, has_left = leaving(send_two)
    with serving(handle) as server, client(server) as own:
        stream = ask(own, timeout=Timeout(event_idle=60))
        for _ in range(chunks):
            next(stream)
        del stream
        wait(has_left)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer for signals")
def test_an_interrupted_read_ends_the_stream() -> None:
    """Also outside a loop: the stream must not end later without an outcome."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    handle, has_left = leaving(send_two)
    with serving(handle) as server, client(server) as own:
        stream = ask(own)
        assert [next(stream).text, next(stream).text] == ["a", "b"]
        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                next(stream)
        finally:
            signal.signal(signal.SIGALRM, before)
        assert stream.outcome is Outcome.CLOSED
        wait(has_left)


def test_the_first_outcome_counts() -> None:
    with serving(sending(PLAIN + body(delta("a"), DONE))) as server, client(server) as own:
        stream = ask(own)
        stream.collect()
        end_ns = stream.timing.end_ns
        stream.close()
    assert (stream.outcome, stream.timing.end_ns) == (Outcome.DONE, end_ns)
