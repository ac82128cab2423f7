"""The parser of completions: its outcomes and errors, without any I/O."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sseparse
from captures import NAMES, Capture, read_capture
from loopback import DONE, delta, wire
from sseparse.completions import (
    DONE_WAIT,
    Completion,
    CompletionParser,
    ContentTypeError,
    EmptyStreamError,
    ExchangeError,
    Outcome,
    ServerError,
    StatusError,
    StreamError,
    TimedOutError,
    Timing,
    TransportError,
    TruncatedError,
    completion,
)
from sseparse.completions._answer import EventsAnswer, JsonAnswer
from sseparse.completions._errors import reason_of

EVENTS = {"content-type": "text/event-stream"}
FINISH = delta(finish="stop")
WHOLE = {"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}


def fed(*events: object, ending: Any = "end", **options: Any) -> tuple[CompletionParser, str]:
    """Return a parser after its end, and the text of its chunks."""
    parser = CompletionParser(**{"headers": EVENTS, **options})
    text = "".join(chunk.text for chunk in parser.feed(b"".join(map(wire, events))))
    parser.close(ending)
    return parser, text


def verdict(parser: CompletionParser) -> tuple[Any, ...]:
    """Return what must not depend on how the body is cut."""
    error = parser.error
    details = None
    if error is not None:
        details = type(error), str(error), error.message, vars(error).get("code")
    return parser.outcome, details, parser.completion(), parser.pending


def read_in(pieces: list[bytes], **options: Any) -> tuple[Any, tuple[Any, ...]]:
    parser = CompletionParser(**options)
    chunks = [chunk.raw for piece in pieces for chunk in parser.feed(piece)]
    parser.close()
    return chunks, verdict(parser)


# Errors although the status is a success

ERRORS: list[tuple[str, object, str, object, object]] = [
    # name, data of an event or JSON of a whole answer, message, code, type
    ("object", {"error": {"message": "m", "code": 5, "type": "t"}}, "m", 5, "t"),
    ("text", {"error": "m"}, "m", None, None),
    ("beside text", {"error": "m", "code": 7}, "m", 7, None),
    ("flat", {"object": "error", "message": "m", "code": 400, "type": "t"}, "m", 400, "t"),
    ("type and message", {"error_type": "t", "message": "m"}, "m", None, "t"),
    ("type error alone", {"type": "error", "message": "m"}, "m", None, "error"),
    ("flat names", {"error_type": "t", "error_message": "m"}, "m", None, "t"),
    ("no choices", {"choices": None, "error_message": "m"}, "m", None, None),
    ("base_resp", {"base_resp": {"status_code": 1004, "status_msg": "m"}}, "m", 1004, None),
    ("msg", {"code": 401, "msg": "m"}, "m", 401, None),
    ("code as text", {"code": "InvalidParameter", "message": "m"}, "m", "InvalidParameter", None),
    ("text and code", {"text": "m", "error_code": 50001}, "m", 50001, None),
    ("detail", {"detail": "m"}, "m", None, None),
    ("detail object", {"detail": {"message": "m", "code": 3}}, "m", 3, None),
    ("detail list", {"detail": [{"loc": ["body"], "msg": "m", "type": "t"}]}, "m", None, "t"),
    ("errors", {"success": False, "errors": [{"code": 10000, "message": "m"}]}, "m", 10000, None),
    ("errors of text", {"errors": ["m", "n"]}, "m", None, None),
    ("an empty text before it", {"errors": ["", {}, {"code": 4, "message": "m"}]}, "m", 4, None),
    ("list", [{"error": {"code": 400, "message": "m", "status": "INVALID"}}], "m", 400, None),
    ("no success", {"success": False, "message": "m"}, "m", None, None),
    ("object error alone", {"object": "error", "message": "m"}, "m", None, None),
    ("type error", {"type": "error", "error": {"type": "t", "message": "m"}}, "m", None, "t"),
    (
        "in a choice",
        {"choices": [{"delta": {}, "error": {"message": "m", "code": 1}}]},
        "m",
        1,
        None,
    ),
    (
        "in a choice that ends",
        {"choices": [{"index": 0, "finish_reason": "error", "error": {"message": "m"}}]},
        "m",
        None,
        None,
    ),
    ("beside choices", {"choices": [], "error": {"message": "m"}}, "m", None, None),
    ("nested message", {"error": {"error": {"message": "m"}}}, "m", None, None),
]
IDS = [name for name, *_ in ERRORS]


@pytest.mark.parametrize(("data", "message", "code", "type_"), [e[1:] for e in ERRORS], ids=IDS)
@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", ""])
@pytest.mark.parametrize("before", [[], [delta("a")], [delta("a"), FINISH]])
def test_errors_in_a_stream(
    data: object, message: str, code: object, type_: object, kind: str, before: list[object]
) -> None:
    parser, text = fed(*before, data, DONE, headers={"Content-Type": kind})
    error = parser.error
    assert type(error) is StreamError
    assert (error.message, error.code, error.type) == (message, code, type_)
    assert parser.outcome is Outcome.STREAM_ERROR
    assert error.partial is not None
    assert error.partial.text == text == ("a" if before else "")
    assert json.loads(error.data) == data


@pytest.mark.parametrize(("data", "message", "code", "type_"), [e[1:] for e in ERRORS], ids=IDS)
@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", "text/plain"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_errors_in_a_bare_body(
    data: object, message: str, code: object, type_: object, kind: str, stream: bool, end: bytes
) -> None:
    """A server answers with JSON instead of a stream, with any content type."""
    parser = CompletionParser(headers={"content-type": kind}, stream=stream)
    assert parser.feed(json.dumps(data).encode() + end) == []
    parser.close()
    error = parser.error
    assert type(error) is StreamError
    assert (error.message, error.code, error.type) == (message, code, type_)
    assert json.loads(error.data) == data


@pytest.mark.parametrize(("data", "message", "code", "type_"), [e[1:] for e in ERRORS], ids=IDS)
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_errors_in_the_unfinished_event(
    data: object, message: str, code: object, type_: object, end: bytes
) -> None:
    event = b"data: " + json.dumps(data).encode() + end
    for ending in ("end", "cut", "limit"):
        parser, text = fed(delta("a"), event, ending=ending)
        error = parser.error
        assert type(error) is StreamError
        assert (error.message, error.code, error.type) == (message, code, type_)
        assert text == "a"


@pytest.mark.parametrize(("data", "message", "code", "type_"), [e[1:] for e in ERRORS], ids=IDS)
def test_errors_after_the_events(data: object, message: str, code: object, type_: object) -> None:
    """A line that is no field, which the standard says to ignore."""
    line = json.dumps(data).encode() + b"\n\n"
    for events in ([delta("a"), line], [delta("a"), line, DONE], [line, DONE]):
        parser, _ = fed(*events)
        error = parser.error
        assert type(error) is StreamError, events
        assert (error.message, error.code, error.type) == (message, code, type_)


@pytest.mark.parametrize("data", [e[1] for e in ERRORS], ids=IDS)
@pytest.mark.parametrize("status", [400, 429, 500, 302])
def test_errors_of_a_status(data: Any, status: int) -> None:
    expected = next(each for each in ERRORS if each[1] == data)[2:]
    body = json.dumps(data).encode()
    for sent in (body, b"event: error\ndata: " + body + b"\n\n"):
        parser = CompletionParser(status, [(b"X-Request-Id", b"r"), (b"Retry-After", b"7")])
        assert parser.feed(sent[:5]) == parser.feed(sent[5:]) == []
        assert parser.close() is Outcome.REFUSED
        error = parser.error
        assert type(error) is StatusError
        assert (error.message, error.code, error.type) == expected
        assert (error.status, error.request_id, error.retry_after) == (status, "r", 7.0)
        assert error.body == sent.decode()
        assert error.partial is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Bad Gateway"),
        (b" \n", "Bad Gateway"),
        (b"<html><TITLE>502\nBad</TITLE>", "502\nBad"),
        (b"  plain  ", "plain"),
        (b"[1]", "[1]"),
        (b'{"detail": [{"loc": 1}]}', '{"detail": [{"loc": 1}]}'),
        (b'{"error": {"message": {"en": "m"}}}', '{"error": {"message": {"en": "m"}}}'),
        (b"data error", "data error"),
        (b'\xef\xbb\xbf{"error": "m"}', "m"),
        (b"\xff", "\ufffd"),
        (b"oops\ndata: m\n\n", "oops\ndata: m"),
    ],
)
def test_the_message_of_a_refusal(body: bytes, message: str) -> None:
    parser = CompletionParser(502)
    parser.feed(body)
    parser.close()
    assert parser.error is not None
    assert parser.error.message == message


def test_a_wait_in_milliseconds() -> None:
    parser = CompletionParser(429, {"Retry-After-Ms": "1500", "Retry-After": "9"})
    parser.close()
    assert isinstance(parser.error, StatusError)
    assert parser.error.retry_after == 1.5


def test_a_refusal_with_a_code_and_no_message() -> None:
    parser = CompletionParser(502)
    parser.feed(b'{"error": {"code": 5}}')
    parser.close()
    assert isinstance(parser.error, StatusError)
    assert (parser.error.message, parser.error.code) == ('{"error": {"code": 5}}', 5)


@pytest.mark.parametrize("status", [100, 199, 300, 399, 400])
def test_the_statuses_of_success(status: int) -> None:
    cause = OSError("reset")
    parser = CompletionParser(status)
    parser.close("cut", cause)
    assert isinstance(parser.error, StatusError)
    assert parser.error.__cause__ is cause
    assert ("redirects are not followed" in str(parser.error)) == (300 <= status < 400)
    for success in (200, 299):
        parser = CompletionParser(success)
        parser.close()
        assert str(parser.error) == "the answer is a success with an empty body"


def test_a_finish_reason_that_is_an_error() -> None:
    parser, text = fed(delta("a"), delta("b", finish="error"), DONE)
    assert text == "ab"
    assert str(parser.error) == (
        "error in the answer: the server ended a choice with the finish reason 'error'"
    )


def test_a_plain_stream_that_is_cut() -> None:
    cause = OSError("reset")
    for ending, kind in (("cut", TransportError), ("limit", TimedOutError)):
        answer = EventsAnswer(200, EVENTS, None)
        assert [event.data for event in answer.feed(b"data: 1\n\ndata: 2\n", 7)] == ["1"]
        assert answer.arrival_ns == 7
        answer.close(ending, cause)  # type: ignore[arg-type]
        assert type(answer.error) is kind
        assert answer.error.__cause__ is cause
        assert answer.error.partial is None
        assert answer.error.pending is not None
    answer = EventsAnswer(200, EVENTS, None)
    assert answer.close() is Outcome.ENDED


def test_a_refusal_of_an_unknown_status() -> None:
    parser = CompletionParser(599)
    parser.close("cut")
    assert str(parser.error) == "status 599: the server gives no reason"


def test_a_refusal_is_read_to_a_limit() -> None:
    parser = CompletionParser(500)
    for _ in range(17):
        parser.feed(b"x" * 65536)
    assert parser.outcome is Outcome.REFUSED
    assert isinstance(parser.error, StatusError)
    assert parser.error.body == "x" * (1 << 20)


def test_the_search_for_a_title_is_limited() -> None:
    """The search is quadratic: it would take an hour for this body."""
    parser = CompletionParser(500)
    parser.feed(b"<title" * 170_000)
    parser.close()
    assert parser.error is not None
    assert parser.error.message.startswith("<title<title")


def test_an_error_that_replaces_another_has_its_pending() -> None:
    cause = TransportError("cut")
    parser = CompletionParser(headers=EVENTS)
    parser.feed(wire(delta("a")) + b'id: 1\ndata: {"error": "late"}')
    parser.close("cut", cause)
    error = parser.error
    assert type(error) is StreamError
    assert error.__cause__ is cause
    assert error.pending == parser.pending
    assert error.pending is not None
    assert error.pending.last_event_id == "1"


def test_what_follows_an_error_in_the_same_read_is_not_pending() -> None:
    """The body did not end there; how much of it was read depends on the cuts."""
    for tail in (b"", b"data: x\nda"):
        parser, _ = fed(delta("a"), {"error": "m"}, tail)
        assert parser.error is not None
        assert (parser.pending, parser.error.pending) == (None, None)


NO_ERRORS: list[object] = [
    b": ping\n\n",
    b"data:\n\n",
    b"data\n\n",
    b"data: null\n\n",
    b"event: ping\ndata: ping\n\n",
    b'event: ping\ndata: {"type": "ping"}\n\n',
    b"retry: 5\n\n",
    b"foo: bar\n\n",
    {"type": "ping"},
    {},
    {"id": "1"},
    {"choices": []},
    {"choices": None},
    {"choices": [], "error": None},
    {"choices": [], "object": "error", "message": "m", "code": 5, "detail": "d", "errors": ["e"]},
    {"choices": [], "base_resp": {"status_code": 0, "status_msg": ""}},
    {"choices": [{"index": 0, "delta": {}, "error": None, "finish_reason": None}]},
    {"base_resp": {"status_code": 0, "status_msg": "success"}},
    {"code": 0, "msg": "ok"},
    {"code": "200", "message": "OK"},
    {"code": "Success", "message": "fine"},
    {"errors": [], "error": "", "detail": None, "error_code": 0},
    b'event: error\ndata: {"choices": [{"index": 0, "delta": {}}]}\n\n',
]


@pytest.mark.parametrize("event", NO_ERRORS, ids=str)
def test_no_false_errors(event: object) -> None:
    for end in ([FINISH, DONE], [FINISH]):
        parser, text = fed(event, delta("a"), event, *end)
        assert (parser.error, text) == (None, "a")
        assert parser.outcome is (Outcome.DONE if DONE in end else Outcome.FINISHED)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([b"data: error: engine failed\n\n"], "error: engine failed"),
        ([b"error: it broke\n\n"], "it broke"),
        ([b"upstream connect error or disconnect\n"], "upstream connect error or disconnect"),
        ([b"upstream connect error"], "upstream connect error"),
        ([b"retry later, please\n", DONE], "retry later, please"),
        ([b"<html><title>Sorry</title>\n"], "Sorry"),
        ([{"message": "no quota"}, DONE], "no quota"),
        ([{"message": "no quota"}], "no quota"),
        ([delta("a"), {"message": "no quota"}], "no quota"),
        ([delta("a"), b"upstream connect error\n"], "upstream connect error"),
        ([delta("a"), b"Error: upstream failed\n"], "Error: upstream failed"),
        ([delta("a"), b"RuntimeError: out of memory\n\n"], "RuntimeError: out of memory"),
        ([b"event: error\ndata:\n\n"], ""),
        ([b'event: error\ndata: {"type": "t", "message": "no quota"}\n\n'], "no quota"),
        ([b'event: error\ndata: {"type": "t", "message": "no quota"}\n'], "no quota"),
        ([b"event: error\ndata: <title>Sorry</title>\n"], "Sorry"),
        ([b"data: 5\n\n"], "an event is not a JSON object: '5'"),
        ([b"data: [1]\n\n"], "an event is not a JSON object: '[1]'"),
        ([b'data: {"a": \x1b}\n\n'], "an event is not a JSON object: '{\"a\": \\\\x1b}'"),
    ],
)
def test_other_errors_in_a_stream(events: list[object], message: str) -> None:
    parser, _ = fed(*events)
    assert type(parser.error) is StreamError
    assert parser.error.message == message
    data = parser.error.data.strip().encode()
    assert not data or data in b"".join(map(wire, events))
    assert data or not message


@pytest.mark.parametrize(
    "remark",
    [
        {"type": "status", "message": "thinking"},
        {"message": "welcome"},
        {"text": "x"},
        b"upstream connect error\n",
        b'{"message": "welcome"}\n',
    ],
)
def test_no_error_after_done(remark: object) -> None:
    """A server need not send finish reasons."""
    for events in ([remark, delta("a"), DONE], [delta("a"), remark, DONE]):
        parser, text = fed(*events)
        assert (parser.outcome, parser.error, text) == (Outcome.DONE, None, "a")
    # Before a chunk, the object does not count.
    parser, _ = fed(remark, delta("a"))
    assert type(parser.error) is TruncatedError


def test_an_unknown_field_is_no_error() -> None:
    parser, _ = fed(delta("a"), b"x-trace: 5\n\n")
    assert type(parser.error) is TruncatedError


def test_an_error_without_a_reason_is_one() -> None:
    parser, _ = fed(b"event: error\ndata:\n\n")
    assert str(parser.error) == "error in the answer: the server gives no reason"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"data: [DONE]\n\n",
        b"data: [DONE]",
        b": only a comment\n\n",
        b'data: {"choices": []}\n\n',
        b'data: {"choices": [], "usage": null}\n\ndata: [DONE]\n\n',
        b'data: {"choices": [], "usage": {}}\n\ndata: [DONE]\n\n',
        b"dat",
        b"\xef\xbb",
    ],
)
def test_an_empty_answer_is_an_error(body: bytes) -> None:
    parser = CompletionParser(headers=EVENTS)
    parser.feed(body)
    assert parser.close() is Outcome.TRUNCATED
    assert type(parser.error) is EmptyStreamError
    assert str(parser.error) == (
        "the stream ended with [DONE] before a single choice came"
        if b"[DONE]" in body
        else "the answer is a success, and the stream ended without a choice"
    )


def test_an_answer_with_only_a_count_of_tokens_is_no_error() -> None:
    parser, _ = fed({"choices": [], "usage": {"total_tokens": 1}}, DONE)
    assert (parser.error, parser.outcome) == (None, Outcome.DONE)


def test_the_content_encoding_is_named() -> None:
    for kind, stream in (("text/event-stream", True), ("", True), ("application/json", False)):
        headers = {"content-type": kind, "content-encoding": "br"}
        parser = CompletionParser(headers=headers, stream=stream)
        parser.feed(b"\x0b\x02\x80 compressed \xff\x03")
        parser.close()
        assert isinstance(parser.error, ContentTypeError)
        assert parser.error.encoding == "br"
        assert "in the content encoding br, which was not decoded" in str(parser.error)
        assert parser.error.expected == ("text/event-stream" if stream else "application/json")
    # A transport that has decoded the body leaves the header as it was.
    for body, message in (
        (b"<title>Sorry</title>\n", "error in the answer: Sorry"),
        (b"", "the answer is a success, and the stream ended without a choice"),
    ):
        parser, _ = fed(body, headers={**EVENTS, "content-encoding": "gzip"})
        assert str(parser.error) == message
    for stream in (True, False):
        headers = {"content-type": "text/html", "content-encoding": "gzip"}
        parser, _ = fed(b"<p>d\xc3\xa9j\xc3\xa0 vu", headers=headers, stream=stream)
        assert isinstance(parser.error, ContentTypeError)
        assert parser.error.encoding == ""
        assert "encoding" not in str(parser.error)
    parser, _ = fed(b"\xff", headers={"content-encoding": "Identity"})
    assert isinstance(parser.error, ContentTypeError)
    assert parser.error.encoding == ""
    parser, text = fed(delta("a"), DONE, headers={**EVENTS, "content-encoding": "gzip"})
    assert (parser.error, text) == (None, "a")


@pytest.mark.parametrize(
    "body", [b"database error: x", b"data error", b"retry later", b"identity", b"\n data: 1\n\n"]
)
def test_text_that_begins_like_a_field(body: bytes) -> None:
    for at in range(len(body)):
        parser = CompletionParser(headers={"content-type": "text/plain"})
        parser.feed(body[:at])
        parser.feed(body[at:])
        parser.close()
        assert type(parser.error) is ContentTypeError
        assert parser.error.message == body.decode().strip()


def test_a_whole_answer_in_place_of_a_stream() -> None:
    for kind in ("text/event-stream", "application/json"):
        parser = CompletionParser(headers={"content-type": kind})
        parser.feed(json.dumps(WHOLE).encode())
        parser.close()
        assert type(parser.error) is ContentTypeError
        assert json.loads(parser.error.data) == WHOLE


# Ends


@pytest.mark.parametrize(
    ("events", "n", "message"),
    [
        ([delta("a")], 1, "the stream ended before the completion did, without a finish reason"),
        ([FINISH], 2, "the stream ended when 1 of 2 choices were finished"),
        ([FINISH, delta("a", index=1)], 1, "the stream ended when 1 of 2 choices were finished"),
    ],
)
def test_what_is_missing(events: list[object], n: int, message: str) -> None:
    parser, _ = fed(*events, n=n)
    assert type(parser.error) is TruncatedError
    assert str(parser.error) == message


@pytest.mark.parametrize(
    ("events", "kind", "api"),
    [
        (
            b'event: message_start\ndata: {"type": "message_start", "usage": {"input_tokens": 1}}\n'
            b'\nevent: message_stop\ndata: {"type": "message_stop"}\n\n',
            TruncatedError,
            "Anthropic's messages",
        ),
        (b'data: {"candidates": []}\n\n', EmptyStreamError, "Gemini's generateContent"),
        (b'data: {"type": "response.created"}\n\n', EmptyStreamError, "OpenAI's responses"),
        (b'data: {"candidates": []}\n\ndata: {"jsonrpc": ""}\n\n', EmptyStreamError, "Gemini's"),
    ],
)
def test_the_events_of_another_api_are_called_by_its_name(
    events: bytes, kind: type[Exception], api: str
) -> None:
    """Without a choice in them they are no completion, and none that is cut short either."""
    parser, _ = fed(events)
    assert type(parser.error) is kind
    assert "the stream ended without a choice: its events are those of " + api in str(parser.error)
    assert str(parser.error).endswith(", which is no chat completion")


def test_counts_of_tokens_without_a_choice_are_no_completion() -> None:
    parser, _ = fed({"choices": [], "usage": {"total_tokens": 1}})
    assert type(parser.error) is TruncatedError
    assert str(parser.error) == (
        "there are counts of tokens, and the stream ended without a choice"
    )


def test_done_in_the_last_line_without_its_end() -> None:
    parser, _ = fed(delta("a"), b"data: [DONE]")
    assert (parser.outcome, parser.error) == (Outcome.DONE, None)
    assert parser.pending is not None


def test_when_only_done_is_missing() -> None:
    usage = {"choices": [], "usage": {"total_tokens": 1}}
    plain = CompletionParser(headers=EVENTS)
    asked = CompletionParser(headers=EVENTS, include_usage=True)
    for parser in (plain, asked):
        parser.feed(wire(delta("a")))
        assert not parser.is_complete
        parser.feed(wire(FINISH))
    assert (plain.is_complete, asked.is_complete) == (True, False)
    asked.feed(wire(usage))
    assert asked.is_complete
    seen = []
    for event in (delta("b", index=1), delta(index=1, finish="stop")):
        asked.feed(wire(event))
        seen.append(asked.is_complete)
    assert seen == [False, True]
    for parser in (plain, asked):
        assert parser.close("limit") is Outcome.FINISHED
        assert parser.error is None
    late = CompletionParser(headers=EVENTS, include_usage=True)
    late.feed(wire(FINISH))
    assert late.close("limit") is Outcome.TIMED_OUT
    assert DONE_WAIT == 5.0


@pytest.mark.parametrize(
    ("ending", "cause", "kind", "message"),
    [
        ("cut", None, TransportError, "the answer was cut off"),
        ("cut", OSError(5, "Input/output error"), TransportError, ": Input/output error"),
        ("cut", ValueError(), TransportError, ": ValueError"),
        ("cut", ValueError("a\x1b\n"), TransportError, ": a\\x1b\\n"),
        ("limit", None, TimedOutError, "nothing more of the answer came in time"),
        ("limit", TimeoutError("slow"), TimedOutError, ": slow"),
    ],
)
def test_a_transport_that_fails(
    ending: Any, cause: BaseException | None, kind: Any, message: str
) -> None:
    for stream in (True, False):
        parser = CompletionParser(headers=EVENTS, stream=stream)
        parser.feed(wire(delta("a")) + b"data: x\nda")
        parser.close(ending, cause)
        assert type(parser.error) is kind
        assert parser.error is not None
        assert parser.error.__cause__ is cause
        assert str(parser.error).endswith(message)
        if stream:
            assert parser.error.pending is not None
            assert parser.error.partial is not None
            assert parser.error.partial.text == "a"
            assert parser.error.pending.line == b"da"


def test_an_exchange_error_as_the_cause_is_the_error() -> None:
    own = TimedOutError("m", limit="idle")
    parser = CompletionParser(headers=EVENTS)
    assert parser.close("limit", own) is Outcome.TIMED_OUT
    assert parser.error is own


def test_close_is_idempotent_and_feed_after_it_harmless() -> None:
    parser = CompletionParser(headers=EVENTS)
    assert parser.outcome is None
    assert parser.feed(b"") == []
    assert parser.close("left") is Outcome.CLOSED
    assert parser.close("cut") is Outcome.CLOSED
    assert parser.feed(wire(delta("a"))) == []
    assert (parser.error, parser.reads) == (None, 0)
    with pytest.raises(ValueError, match="ending must be one of end, cut, limit, left"):
        parser.close("other")  # type: ignore[arg-type]


def test_what_follows_the_end_is_ignored() -> None:
    parser, text = fed(delta("a"), DONE, delta("b"), {"error": "late"})
    assert (parser.outcome, text, parser.completion().text) == (Outcome.DONE, "a", "a")
    parser, text = fed(delta("a"), {"error": "x"}, delta("b"), DONE)
    assert (parser.outcome, text) == (Outcome.STREAM_ERROR, "a")


def test_an_event_that_is_too_large() -> None:
    parser, text = fed(delta("a"), b"data: " + b"x" * 2000, max_event_size=1000)
    assert text == "a"
    assert isinstance(parser.error, StreamError)
    assert str(parser.error) == (
        "error in the answer: an event is larger than max_event_size, 1000 bytes; if the sender is "
        "trusted, give a larger max_event_size, or None"
    )
    assert isinstance(parser.error.__cause__, sseparse.EventTooLargeError)
    assert parser.error.__cause__.offset == len(wire(delta("a"))) + 1000


def test_an_error_field_that_is_too_large() -> None:
    """The message does not depend on where the name was cut, although the parser gets another."""
    body = wire(delta("a")) + b"error: " + b"x" * 2000
    options: dict[str, Any] = {"headers": EVENTS, "max_event_size": 1000}
    expected = read_in([body], **options)
    for at in range(1, len(body)):
        assert read_in([body[:at], body[at:]], **options) == expected


def test_reads_and_arrival() -> None:
    parser = CompletionParser(headers=EVENTS)
    first = parser.feed(wire(delta("a")) + wire(delta("b")) + b"data", 5)
    parser.feed(b": ", 6)
    second = parser.feed(json.dumps(delta("c")).encode() + b"\n\n", 7)
    assert [(c.text, c.arrival_ns, c.read) for c in first + second] == [
        ("a", 5, 1),
        ("b", 5, 1),
        ("c", 7, 3),
    ]
    assert (parser.reads, parser.events) == (3, 3)
    failing = {**delta("d"), "error": "x"}
    (last,) = parser.feed(wire(failing), 8)
    assert (last.text, last.arrival_ns, last.read) == ("d", 8, 4)


def test_wrong_arguments() -> None:
    for wrong, kind, message in (
        ({"n": 0}, ValueError, "n must be at least 1, not 0"),
        ({"n": True}, TypeError, "n must be an int, not bool"),
        ({"api": "responses"}, ValueError, "api must be 'chat' or 'completions', not 'responses'"),
        ({"max_event_size": 0}, ValueError, "max_event_size"),
    ):
        with pytest.raises(kind, match=message):
            CompletionParser(**wrong)
    for body in ("text", 5, [b"a"]):
        with pytest.raises(TypeError, match="expected bytes"):
            CompletionParser().feed(body)  # type: ignore[arg-type]
    assert CompletionParser().feed(bytearray(wire(delta("a"))))[0].text == "a"


def test_another_decoder() -> None:
    class OwnError(Exception):
        pass

    def loads(text: str) -> Any:
        if "bad" in text:
            raise OwnError
        return json.loads(text)

    parser, text = fed(delta("a"), b"data: bad\n\n", json_loads=loads)
    assert text == "a"
    assert isinstance(parser.error, StreamError)

    def exhausted(_: str) -> Any:
        raise MemoryError

    with pytest.raises(MemoryError):
        fed(delta("a"), json_loads=exhausted)
    whole = completion(b"anything", json_loads=lambda _: WHOLE)
    assert whole.raw is WHOLE


def test_white_space_around_json() -> None:
    parser, text = fed(b"data:  " + json.dumps(delta("a")).encode() + b" \n\n", FINISH)
    assert (parser.error, text) == (None, "a")


ALL: dict[str, Any] = {
    "partial": Completion({}),
    "pending": sseparse.Pending("message", "", "", b"x", 0),
    "timing": Timing(),
}
SERVERS: dict[str, Any] = {"code": 5, "type": "t"}


@pytest.mark.parametrize(
    ("kind", "given_", "defaults"),
    [
        (ExchangeError, ALL, dict.fromkeys(ALL)),
        (TransportError, ALL, dict.fromkeys(ALL)),
        (TruncatedError, ALL, dict.fromkeys(ALL)),
        (TimedOutError, {**ALL, "limit": "idle"}, {**dict.fromkeys(ALL), "limit": ""}),
        (ServerError, {**ALL, **SERVERS}, dict.fromkeys([*ALL, *SERVERS])),
        (
            StreamError,
            {**ALL, **SERVERS, "data": "d"},
            {**dict.fromkeys([*ALL, *SERVERS]), "data": ""},
        ),
        (
            StatusError,
            {
                **SERVERS,
                "timing": Timing(),
                "status": 500,
                "body": "b",
                "request_id": "r",
                "retry_after": 1.5,
            },
            {
                **dict.fromkeys([*ALL, *SERVERS, "request_id", "retry_after"]),
                "status": 0,
                "body": "",
            },
        ),
    ],
)
def test_the_attributes_of_errors(kind: Any, given_: Any, defaults: Any) -> None:
    assert vars(kind()) == {"message": "", **defaults}
    assert vars(kind("m", **given_)) == {"message": "m", **defaults, **given_}


def test_the_attributes_of_a_content_type_error() -> None:
    error = ContentTypeError("m", expected="e", got="", encoding="", body=b"\xff" * 300)
    assert (error.data, error.first_bytes) == ("\ufffd" * 300, b"\xff" * 200)
    assert str(error) == f"expected e, got no content type; the body begins {error.first_bytes!r}"
    assert (ContentTypeError().encoding, ContentTypeError().message) == ("", "")
    assert str(StatusError("m\n", status=302, request_id="\x1b")) == (
        "status 302: m\\n; redirects are not followed (request \\x1b)"
    )


def test_the_reason_is_that_of_the_first_cause() -> None:
    class IncompleteRead(Exception):  # noqa: N818  # http.client's name
        pass

    first = OSError(5, "Input/output error")
    second = RuntimeError("wrapped", first)
    third = RuntimeError("wrapped again")
    third.__cause__ = second
    assert reason_of(third) == "Input/output error"
    circle = RuntimeError("circle")
    circle.__cause__ = circle
    assert reason_of(circle) == "circle"
    cut = RuntimeError(IncompleteRead("0 bytes read"))
    assert reason_of(cut) == "the connection ended before the whole body had arrived"


def test_bytes_before_an_event_stream() -> None:
    parser = CompletionParser()
    parser.feed(b"XXdata: 1\n\n")
    parser.close()
    assert isinstance(parser.error, ContentTypeError)


def test_the_bytes_kept_since_the_last_event_are_bounded() -> None:
    parser = CompletionParser(headers=EVENTS)
    for _ in range(200):
        parser.feed(b": " + b"x" * 1000 + b"\n")
    assert 1 << 16 <= sum(map(len, parser._strays._quiet)) < (1 << 16) + 1003
    parser.feed(wire(delta("a")))
    assert parser._strays._quiet == []
    for _ in range(300):  # more bytes than are kept, if they did not hold events
        assert len(parser.feed(wire(delta("a")) * 2)) == 2
    assert parser._strays._quiet == []
    parser.feed(b'{"error": "late"}\n')
    parser.close()
    assert isinstance(parser.error, StreamError)
    assert parser.error.message == "late"


def test_lines_inside_an_event_do_not_count() -> None:
    parser, _ = fed(b'data: {"choices": []}\n{"error": "x"}\n\n', delta("a"))
    assert type(parser.error) is TruncatedError
    parser, _ = fed(delta("a"), b'data\n{"error": "x"}\n\n')
    assert type(parser.error) is TruncatedError


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize(
    ("event", "message"),
    [
        (b'data: {"choices": []}\n{"error": "x"}\n\n', None),
        (b'data: {"choices": []}\n\n{"error": "x"}\n\n', "x"),
        (b'data: {"choices": []}\n\nno\nfield\n', "no\nfield"),
        (b'errdata: {"choices": []}\n\nor: y\n', None),
        (b'data: {"choices": []}\nerror: x\n\n', '{"choices": []}\nx'),
        (b'data: {"choices": []}\r\r{"error": "x"}\n\n', "x"),
        (b'{"error": "y"}\n\ndata: {"choices": []}\n\n{"error": "x"}\n: c\n', "x"),
        (b'data: {"choices": []}\n\n{"error": "x"}\nid: 5\n\n', "x"),
        (b'error: {"choices": []}\n{"error": "x"}\n\n', None),
        (b'no field\ndata: {"choices": []}\nno field\n\n', None),
    ],
)
def test_the_lines_after_the_last_event_are_the_same_at_every_cut(
    event: bytes, message: Any, end: bytes
) -> None:
    """Only lines after the event count, although its beginning may be in an earlier read."""
    body = (wire(delta("a")) + event).replace(b"\n", end)
    expected = read_in([body], headers=EVENTS)
    kind, _, got, *_ = expected[1][1]
    assert (kind, got if kind is StreamError else None) == (
        (TruncatedError, None) if message is None else (StreamError, message)
    )
    for at in range(1, len(body)):
        for size in (1, 2, len(body)):
            later = [body[at:][to : to + size] for to in range(0, len(body) - at, size)]
            assert read_in([body[:at], *later], headers=EVENTS) == expected
    found = re.finditer(b"(?<!^)(data|rror|(?<=[\r\n])(?!\n))", body)
    places = [each.start() for each in found]
    for count in range(len(places) + 1):
        for cuts in itertools.combinations(places, count):
            parts = zip((0, *cuts), (*cuts, len(body)), strict=True)
            reads = [body[start:stop] for start, stop in parts if stop > start]
            assert read_in(reads, headers=EVENTS) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbfdata: [DONE]\n\nno field\n",
        b'data: {"choices": []}\nno field\n\ndata: [DONE]\n\n',
        b'data: {"choices": []}\r\nno field\r\n\r\ndata: [DONE]',
        b'data: {"choices": []}\n\n: xdata: [DONE]\ndata: [DONE]\n\nno field\n',
    ],
)
def test_lines_before_and_after_done_at_every_cut(body: bytes) -> None:
    """Lines of an event and lines after [DONE] do not count."""
    for at in range(len(body)):
        for pieces in ([body[:at], body[at:]], [body[:at], *(bytes([each]) for each in body[at:])]):
            _, (outcome, details, *_) = read_in(pieces, headers=EVENTS)
            assert outcome is Outcome.TRUNCATED
            assert details[0] is EmptyStreamError


def test_a_completion_has_the_headers() -> None:
    headers = {**EVENTS, "X-Request-Id": "r"}
    parser, _ = fed(delta("a"), FINISH, {"choices": [], "usage": {}}, DONE, headers=headers)
    assert parser.completion().request_id == "r"
    assert "usage" not in parser.completion().raw
    assert parser.completion().choices[0].message.raw == {"role": "assistant", "content": "a"}


# Whole answers


def test_a_whole_answer() -> None:
    whole = completion(json.dumps(WHOLE).encode(), headers=[("X-Request-ID", "r")])
    assert (whole.text, whole.raw, whole.request_id) == ("hi", WHOLE, "r")
    assert whole.headers["x-request-id"] == "r"
    assert completion(b"\xef\xbb\xbf\r\n" + json.dumps(WHOLE).encode()).text == "hi"


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"", ContentTypeError, "the body begins b''"),
        (b"<html>", ContentTypeError, "the body begins b'<html>'"),
        (b"[]", ContentTypeError, "b'[]'"),
        (b"{}", StreamError, "no choice and no count of tokens"),
        (b'{"choices": []}', StreamError, "no choice and no count"),
        (b'{"message": "no quota"}', StreamError, "no quota"),
        (b"data: {}\n\n", ContentTypeError, "expected application/json"),
        (b"[" * 100_000, ContentTypeError, "expected application/json"),
    ],
)
def test_a_wrong_whole_answer(body: bytes, kind: Any, message: str) -> None:
    with pytest.raises(kind) as caught:
        completion(body)
    assert type(caught.value) is kind
    assert message in str(caught.value)


def test_a_whole_answer_that_is_cut_or_refused() -> None:
    parser = CompletionParser(stream=False)
    parser.feed(b'{"choices": [')
    assert parser.close("cut") is Outcome.TRANSPORT_ERROR
    with pytest.raises(StatusError, match="status 404: no such model"):
        completion(b'{"error": "no such model"}', status=404)


def test_a_whole_answer_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sseparse.completions._answer._WHOLE_LIMIT", 1000)
    for parser in (CompletionParser(stream=False), JsonAnswer(200, ())):
        for _ in range(101):
            parser.feed(b" " * 10)
        assert parser.outcome is Outcome.STREAM_ERROR
        assert "larger than 1000 bytes" in str(parser.error)


def test_json_of_any_kind() -> None:
    answer = JsonAnswer(200, ())
    answer.feed(b'{"object": "list", "data": [], "error": {"message": "of an old job"}}')
    assert answer.close() is Outcome.FINISHED
    assert answer.value["data"] == []
    answer = JsonAnswer(200, ())
    answer.feed(b'"\xff"')
    answer.close()
    assert answer.value == "\ufffd"
    answer = JsonAnswer(200, {"content-type": "text/html"})
    answer.feed(b"<html>")
    answer.close()
    assert str(answer.error).startswith("expected application/json, got text/html; the body")


# Cuts and captures

STREAM = b"".join(
    map(
        wire,
        [
            b"\xef\xbb\xbf",
            delta("", role="assistant"),
            delta("a\ud83d"),
            b": ping\r\n\r\n",
            b"event: ping\ndata: ping\n\n",
            delta("\ude00"),
            b'error: {"message": "m"}\n\n',
        ],
    )
)


@pytest.mark.parametrize("kind", ["text/event-stream", ""])
def test_every_cut(kind: str) -> None:
    headers = {"content-type": kind}
    expected = read_in([STREAM], headers=headers)
    for at in range(1, len(STREAM)):
        assert read_in([STREAM[:at], STREAM[at:]], headers=headers) == expected
    assert read_in([STREAM[at : at + 1] for at in range(len(STREAM))], headers=headers) == expected


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_captures_at_any_cut(name: str) -> None:
    capture = read_capture(name)
    expected = read_in([capture.body], **capture.options)
    for size in (1, 2, 7, 100):
        pieces = [capture.body[at : at + size] for at in range(0, len(capture.body), size)]
        assert read_in(pieces, **capture.options) == expected


def whole_captures() -> list[Capture]:
    captures = map(read_capture, NAMES)
    return [each for each in captures if each.options["stream"] and each.status == 200]


def test_the_text_of_captures_is_what_they_collect() -> None:
    finished = 0
    for capture in whole_captures():
        parser = CompletionParser(**capture.options)
        texts: dict[int, str] = {}
        for chunk in parser.feed(capture.body):
            for choice in chunk.choices:
                text = choice.text if parser._merger._is_chat is False else choice.delta.content
                texts[choice.index] = texts.get(choice.index, "") + (text or "")
        parser.close()
        for merged in parser.completion().choices:
            content = merged.message.content if "message" in merged.raw else merged.text
            assert (content or "") == texts[merged.index]
        finished += parser.error is None
    assert finished > 20


ANY_EVENTS = st.lists(
    st.sampled_from(
        [
            *[delta("a"), FINISH, DONE, {"error": "x"}, *NO_ERRORS, b"error: x\n", b"\r", b"{"],
            *[b"no field\n", b"\n", b"\xef\xbb\xbf", b'data: {"choices": []}\n', b"data: [DONE]"],
        ]
    )
    | st.binary(max_size=10),
    max_size=8,
)


@given(ANY_EVENTS, st.data(), st.sampled_from(["text/event-stream", "", "application/json"]))
def test_any_bytes_at_any_cut(events: list[object], data: st.DataObject, kind: str) -> None:
    """Any bytes give an outcome, which is the same wherever they are cut."""
    body = b"".join(map(wire, events))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=5)))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    headers = {"content-type": kind}
    whole = read_in([body], headers=headers)
    _, (outcome, error, *_) = whole
    assert read_in(pieces, headers=headers) == whole
    assert isinstance(outcome, Outcome)
    assert (error is None) == (outcome in (Outcome.DONE, Outcome.FINISHED))


# The layer


def test_the_protocol_loads_no_transport() -> None:
    code = """
import sys
import typing
from sseparse.completions import CompletionParser, iter_chunks, aiter_chunks, completion
list(iter_chunks([b'data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\\n\\n',
                  b"data: [DONE]\\n\\n"]))
loaded = {"urllib3", "aiohttp", "attr", "attrs", "socket", "ssl", "threading", "asyncio"}
assert not loaded & set(sys.modules), loaded & set(sys.modules)
"""
    package = str(Path(sseparse.__file__).parents[1])
    line = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {package!r})" + code]
    subprocess.run(line, check=True, timeout=60)


def test_the_tree_of_errors() -> None:
    assert issubclass(StatusError, ExchangeError)
    assert issubclass(EmptyStreamError, TruncatedError)
    assert isinstance(Completion({}).raw, dict)
