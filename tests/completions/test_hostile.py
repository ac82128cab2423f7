"""Hostile and endless answers: the work is linear in their bytes, and the memory bounded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loopback import delta, wire
from sseparse.completions import CompletionParser, ContentTypeError, Outcome, StatusError
from sseparse.completions._lines import begins_as_events
from sseparse.completions._merging import Pieces, joined, merge
from sseparse.completions._reported import error_details, reported_error
from sseparse.completions._tool_calls import ToolCalls

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = {"content-type": "text/event-stream"}
LIMIT = 1 << 16


def in_reads(body: bytes, size: int, **options: Any) -> CompletionParser:
    parser = CompletionParser(**options)
    for at in range(0, len(body), size):
        parser.feed(body[at : at + size])
    return parser


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("size", [1 << 20, 1 << 15, 1000, 7])
def test_blank_lines_before_a_stream_have_a_limit(start: bytes, size: int) -> None:
    """The limit is in the same place wherever the body is cut."""
    event = wire(delta("a"))
    room = LIMIT - len(start)
    for blanks, is_stream in ((room - 5, True), (room - 4, False)):  # "data:" has to be within it
        parser = in_reads(start + b"\n" * blanks + event, size)
        assert (parser.completion().text == "a") == is_stream
        parser.close()
        assert isinstance(parser.error, ContentTypeError) != is_stream


def test_blank_lines_without_end_are_no_stream() -> None:
    parser = in_reads(b"\n" * ((1 << 20) + 1), LIMIT)
    assert isinstance(parser.error, ContentTypeError)


def test_blank_lines_before_a_stream_are_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    def counted(body: bytes) -> bool | None:
        looked_at.append(len(body))
        return begins_as_events(body)

    monkeypatch.setattr("sseparse.completions._answer.begins_as_events", counted)
    for start in (b"", b"\xef\xbb\xbf"):
        looked_at.clear()
        parser = in_reads(start + b"\r\n" * 10_000 + wire(delta("a")), 1)
        assert parser.completion().text == "a"
        assert len(looked_at) > 20_000
        assert sum(looked_at) < 8 * len(looked_at)


def test_an_error_body_has_a_limit() -> None:
    for status, is_foreign in ((500, False), (200, True)):
        at_limit = in_reads(b"x" * (1 << 20), LIMIT, status=status)
        assert at_limit.outcome is None
        at_limit.feed(b"x")
        error: Any = at_limit.error
        kind, text = (ContentTypeError, "data") if is_foreign else (StatusError, "body")
        assert isinstance(error, kind)
        assert getattr(error, text) == "x" * (1 << 20)


def test_a_title_is_searched_for_to_a_limit() -> None:
    """The search is quadratic."""
    title = b"<title>m</title>"
    for spaces, message in ((4096 - len(title), "m"), (4097 - len(title), title.decode())):
        parser = in_reads(b" " * spaces + title, LIMIT, status=500)
        parser.close()
        assert isinstance(parser.error, StatusError)
        assert parser.error.message == message


def test_the_limit_of_an_event_does_not_limit_an_error_body() -> None:
    parser = in_reads(b'{"error": "no such model"}', 5, status=404, max_event_size=1)
    assert parser.close() is Outcome.REFUSED
    assert str(parser.error) == "status 404: no such model"


def test_reads_without_bytes_are_not_kept() -> None:
    for parser in (CompletionParser(headers=EVENTS), CompletionParser(500), CompletionParser()):
        for _ in range(100):
            parser.feed(b"")
        parser.feed(b"\n")
        parser.close()
        for _ in range(100):
            parser.feed(b"more")
        assert len(parser._strays._quiet) <= 1


class Counted(dict[int, Any]):
    """Count the keys that are read one by one."""

    steps = 0

    def __iter__(self) -> Iterator[int]:
        for key in super().__iter__():
            self.steps += 1
            yield key


def test_choices_without_end_are_not_sorted_with_each_chunk() -> None:
    parser = CompletionParser(headers=EVENTS)
    parser._merger._choices = counted = Counted()
    for index in range(1000):
        parser.feed(wire(delta("a", index=index, finish="stop")))
        assert parser.is_complete
    assert counted.steps == 0
    parser.feed(wire(delta("a", index=5000, finish="stop")))
    assert not parser.is_complete
    negative = CompletionParser(headers=EVENTS)
    for index in (1, -1):
        negative.feed(wire(delta("a", index=index, finish="stop")))
        assert not negative.is_complete


def call(arguments: str, number: int) -> dict[str, Any]:
    return {"index": 0, "id": str(number), "function": {"name": "f", "arguments": arguments}}


@pytest.mark.parametrize("start", ["", "{", " "])
@pytest.mark.parametrize("arguments", ["x", "x}", "}}", " "])
def test_arguments_are_not_joined_without_end(
    monkeypatch: pytest.MonkeyPatch, start: str, arguments: str
) -> None:
    """Each piece of a hostile server may look like the beginning of another call."""
    lengths = []

    def text(pieces: Pieces) -> str:
        lengths.append(sum(map(len, pieces)))
        return whole_text(pieces)

    whole_text = Pieces.text
    monkeypatch.setattr(Pieces, "text", text)
    calls = ToolCalls()
    for number in range(5000):
        calls.add(call(arguments if number else start, number))
    assert sum(lengths) < (1 << 20) + 10_000
    assert calls.merged()[0]["function"]["arguments"] == start + arguments * 4999


def test_whole_arguments_with_white_space_around_end_a_call() -> None:
    calls = ToolCalls()
    for arguments in (" \n{", '"a": 1', "} \n"):
        calls.add(call(arguments, 1))
    calls.add(call("{}", 2))
    assert [each["function"]["arguments"] for each in calls.merged()] == [' \n{"a": 1} \n', "{}"]


def nested(levels: int, key: str, inner: Any) -> Any:
    for _ in range(levels):
        inner = {key: inner}
    return inner


def joined_pieces(value: Any) -> Any:
    into: dict[str, Any] = {}
    merge(into, {"own": value})
    merge(into, {"own": value})
    return joined(into)["own"]


def test_values_that_are_nested_deep_are_merged_to_a_depth() -> None:
    """Deeper than Python allows recursion, if the JSON decoder accepts it."""
    whole = joined_pieces(nested(100_000, "a", "x"))
    for _ in range(9):
        whole = whole["a"]
    text = joined_pieces(nested(7, "a", "x"))
    for _ in range(7):
        text = text["a"]
    assert text == "xx"
    while isinstance(whole, dict):  # Python's own clean-up of it is recursive, too
        whole = whole["a"]
    assert whole == "x"


def test_errors_that_are_nested_deep_are_looked_for_to_a_depth() -> None:
    for key in ("error", "detail"):
        deep = nested(100_000, key, {"message": "m"})
        assert reported_error(deep) == ("", None, None)
        assert error_details(deep, "text").message == "text"
        assert error_details(nested(3, key, {"message": "m"})).message == "m"
    lists: Any = "m"
    for _ in range(100_000):
        lists = [lists]
    assert reported_error({"errors": lists}) == ("", None, None)


def test_json_that_cannot_be_decoded_is_no_json() -> None:
    deep = b"[" * 1_000_000
    parser = in_reads(b"data: " + deep + b"\n\n", LIMIT, headers=EVENTS)
    assert parser.outcome is Outcome.STREAM_ERROR
    assert str(parser.error).startswith("error in the answer: an event is not a JSON object: '[[[")
    calls = ToolCalls()
    for number, arguments in enumerate(('{"a":' + "[" * 400_000 + "}", "{}")):
        calls.add(call(arguments, number))
    assert len(calls.merged()) == 1


def test_a_servers_text_is_cut_and_escaped_in_messages() -> None:
    text = "\x1b[2J" + "x" * 1000
    errors = [
        in_reads(json.dumps({"error": text}).encode(), LIMIT, status=500),
        in_reads(wire({"error": text}), LIMIT, headers=EVENTS),
        in_reads(b"data: " + text.encode() + b"\n\n", LIMIT, headers=EVENTS),
        in_reads(b"{}", 1, headers={"content-type": text, "content-encoding": text}),
        in_reads(b"{}", 1, status=500, headers={"x-request-id": text}),
    ]
    for parser in errors:
        parser.close()
        message = str(parser.error)
        assert message.isprintable()
        assert len(message) < 700
