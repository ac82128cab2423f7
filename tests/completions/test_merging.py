"""How the chunks of a stream become one completion: nothing is added, and nothing is lost."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from captures import NAMES, read_capture
from loopback import DONE, delta, wire
from running import IS_SOAK
from sseparse.completions import (
    Chunk,
    ChunkChoice,
    Completion,
    CompletionParser,
    Delta,
    ExchangeError,
    Message,
    Outcome,
    completion,
    iter_chunks,
)
from sseparse.completions._merging import Pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

FINISH = delta(finish="stop")


def merged(*chunks: dict[str, Any], **options: Any) -> Completion:
    """Return the completion of a stream; check that its pieces make up its text."""
    return checked([*chunks, DONE], **options)


def checked(events: list[object], **options: Any) -> Completion:
    parser = CompletionParser(headers={"content-type": "text/event-stream"}, **options)
    chunks = parser.feed(b"".join(map(wire, events)))
    parser.close()
    check_pieces(chunks, parser.completion())
    whole = parser.completion()
    assert whole == parser.completion()  # it can be returned again
    return whole


def check_pieces(chunks: list[Chunk], whole: Completion) -> None:
    """Check that the pieces of each choice make up its text."""
    texts: dict[int, str] = {}
    for chunk in chunks:
        for choice in chunk.choices:
            text = choice.delta.content
            if text is None and isinstance(choice.raw.get("text"), str):
                text = choice.text
            texts[choice.index] = texts.get(choice.index, "") + (text or "")
    for merged_choice in whole.choices:
        is_chat = "message" in merged_choice.raw
        text = merged_choice.message.content if is_chat else merged_choice.text
        assert (text or "") == healed(texts[merged_choice.index])


def healed(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def choice(**more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": None, **more}]}


# Messages beside deltas


def saying(content: object, message: object = ..., finish: str | None = None) -> dict[str, Any]:
    first: dict[str, Any] = {"index": 0, "finish_reason": finish}
    if content is not ...:
        first["delta"] = {} if content is None else {"content": content}
    if message is not ...:
        first["message"] = message
    return {"choices": [first]}


@pytest.mark.parametrize(
    ("chunks", "pieces"),
    [
        pytest.param([saying("Hel", None), saying("lo", None)], ["Hel", "lo"], id="null"),
        pytest.param(
            [saying("Hel", {"content": ""}), saying("lo", {"content": ""})],
            ["Hel", "lo"],
            id="stub",
        ),
        pytest.param(
            [saying("Hel", {"content": "Hel"}), saying("lo", {"content": "Hello"})],
            ["Hel", "lo"],
            id="so far",
        ),
        pytest.param(
            [saying("Hel", {"content": ""}), saying("lo", {"content": "Hel"})],
            ["Hel", "lo"],
            id="so far but for this delta",
        ),
        pytest.param(
            [saying("Hel"), saying("lo"), saying(None, {"content": "Hello"}, "stop")],
            ["Hel", "lo", ""],
            id="whole at the end",
        ),
        pytest.param(
            [saying(..., {"content": "Hel"}), saying(..., {"content": "Hello"})],
            ["Hel", "lo"],
            id="no deltas",
        ),
        pytest.param(
            [saying("", {"content": "Hel"}), saying("", {"content": "Hello"})],
            ["Hel", "lo"],
            id="empty deltas",
        ),
        pytest.param([saying(..., {"content": "Hello"}, "stop")], ["Hello"], id="one message"),
        pytest.param(
            [saying("Hel", {"content": "Hello"}), saying("lo", {"content": "Hello"})],
            ["Hel", "lo"],
            id="ahead of the deltas",
        ),
        pytest.param(
            [saying(..., {"content": "Hel"}), saying("lo"), saying(..., {"content": "Hello"})],
            ["Hel", "lo", ""],
            id="messages and then deltas",
        ),
        pytest.param(
            [saying(..., {"content": "Hel"}), saying(..., {"content": "Hi"})],
            ["Hel", ""],
            id="another message",
        ),
        pytest.param(
            [saying(..., {"content": [{"type": "text", "text": "Hel"}]}), saying("lo")],
            ["Hel", "lo"],
            id="in parts",
        ),
        pytest.param([saying(..., {"content": 5}), saying("a")], ["", "a"], id="no text"),
    ],
)
def test_messages_beside_deltas(chunks: list[Any], pieces: list[str]) -> None:
    whole = merged(*chunks)
    assert whole.text == whole.choices[0].message.content == "".join(pieces)
    body = b"".join(map(wire, [*chunks, DONE]))
    assert [chunk.text for chunk in iter_chunks([body])] == pieces


def test_values_that_only_the_message_has_are_kept() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "a", "refusal": "no", "own": 1, "tool_calls": [call]}
    whole = merged(saying("a"), saying(None, message, "stop")).choices[0].message
    assert whole.raw == message
    assert [each.function.name for each in whole.tool_calls] == ["f"]


def test_values_of_deltas_replace_those_of_the_message() -> None:
    pieces = [{"index": 0, "id": "1", "function": {"name": "f", "arguments": "{}"}}]
    whole = merged(
        delta(None, tool_calls=pieces, refusal="no", role="assistant"),
        saying(None, {"role": "x", "content": None, "tool_calls": None, "refusal": "N"}, "stop"),
    )
    message = whole.choices[0].message
    assert [each.function.arguments for each in message.tool_calls] == ["{}"]
    assert (message.refusal, message.role, whole.choices[0].finish_reason) == (
        "no",
        "assistant",
        "stop",
    )


# Content in parts, and reasoning


def test_content_in_parts() -> None:
    text = [{"type": "text", "text": "Hel"}]
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    chunks = [
        delta([thinking]),
        delta("A"),
        delta(text),
        delta("lo"),
        delta(["!"]),
        delta([thinking]),
    ]
    whole = merged(*chunks)
    message = whole.choices[0].message
    assert whole.text == message.content == "AHello!"
    assert message.raw["content"] == [thinking, {"type": "text", "text": "AHello!"}, thinking]
    assert message.reasoning == "hmhm"
    only_text = merged(delta("A"), delta(text), delta(text))
    assert only_text.choices[0].message.raw["content"] == "AHelHel"


def test_content_in_parts_of_a_whole_answer() -> None:
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hi"}]
    raw = {"choices": [{"message": {"content": parts}, "finish_reason": "stop"}]}
    whole = completion(json.dumps(raw).encode())
    assert (whole.text, whole.choices[0].message.reasoning) == ("Hi", "hm")
    assert whole.raw == raw


@pytest.mark.parametrize("key", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize(
    ("pieces", "raw"),
    [
        (["I nee", "d it"], "I need it"),
        ([{"text": "I nee"}, {"text": "d it"}], {"text": "I need it"}),
        (
            [[{"type": "text", "text": "I nee"}], [{"type": "text", "text": "d it"}]],
            [{"type": "text", "text": "I nee"}, {"type": "text", "text": "d it"}],
        ),
    ],
)
def test_reasoning(key: str, pieces: list[Any], raw: Any) -> None:
    whole = merged(*[delta(None, **{key: each}) for each in pieces], delta("ok"))
    message = whole.choices[0].message
    assert message.reasoning == message.reasoning_content == "I need it"
    assert message.raw[key] == raw
    assert whole.text == "ok"


@pytest.mark.parametrize("value", [5, [5], {}, {"text": 5}, {"content": {}}, []])
def test_reasoning_that_is_no_text(value: Any) -> None:
    assert Message({"reasoning": value}).reasoning is None


def test_content_without_text() -> None:
    for content in ([], [{"type": "image_url"}], {"type": "text"}, 5):
        assert Message({"content": content}).content is None


def test_deep_reasoning() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = [{"text": deep}]
    assert Message({"reasoning": deep}).reasoning is None


# Surrogates


@pytest.mark.parametrize(
    ("pieces", "texts"),
    [
        (["Hi \ud83d", "\ude00!"], ["Hi ", "😀!"]),
        (["\ud83d", "\ude00"], ["😀"]),
        (["\ud83d", "", "\ude00"], ["😀"]),
        (["\ud83d", "x"], ["\ud83dx"]),
        (["\ud83d", "\ud83d", "\ude00"], ["\ud83d", "😀"]),
        (["a", "\ude00"], ["a", "\ude00"]),
        (["é\ud83d"], ["é", "\ud83d"]),
        (["\ud800", "\udc00"], ["\U00010000"]),
        (["\udbff", "\udfff"], ["\U0010ffff"]),
    ],
)
def test_a_character_that_is_cut_in_two(pieces: list[str], texts: list[str]) -> None:
    events = [*(delta(piece) for piece in pieces), FINISH, DONE]
    stream = iter_chunks([wire(event) for event in events])
    assert list(stream.text()) == texts
    assert stream.collect().text == "".join(texts)


def test_half_a_character_before_an_error() -> None:
    stream = iter_chunks([wire(delta("a\ud83d")), wire({"error": "x"})])
    texts: list[str] = []
    with pytest.raises(ExchangeError) as caught:
        texts.extend(stream.text())
    assert texts == ["a", "\ud83d"]
    assert caught.value.partial is not None
    assert caught.value.partial.text == "a\ud83d"


def test_surrogates_in_all_texts() -> None:
    function = {"name": "f", "arguments": '"\ud83d'}
    whole = merged(
        delta("a\ud83d", reasoning="\ud83d", tool_calls=[{"index": 0, "function": function}]),
        delta(
            "\ude00",
            reasoning="\ude00",
            tool_calls=[{"index": 0, "function": {"arguments": '\ude00"'}}],
        ),
    )
    message = whole.choices[0].message
    assert message.reasoning == "😀"
    assert message.tool_calls[0].function.arguments == '"😀"'
    json.dumps(whole.raw, ensure_ascii=False).encode()


# Tool calls


def piece(arguments: str | None = None, **more: Any) -> dict[str, Any]:
    function = {key: more.pop(key) for key in ("name",) if key in more}
    if arguments is not None:
        function["arguments"] = arguments
    return {"function": function, **more}


CALLS = [
    pytest.param(
        [piece("", index=0, id="a", name="f"), piece("{}", index=0)],
        [("f", "{}")],
        id="as documented",
    ),
    pytest.param(
        [
            piece("", index=0, id="a", name="f"),
            piece("{", index=0, id="b"),
            piece("}", index=0, id="b"),
        ],
        [("f", "{}")],
        id="the id changes",
    ),
    pytest.param(
        [
            piece("", index=0, id="a0", name="f"),
            piece('{"a"', index=0, id="a1", name="f"),
            piece(":1}", index=0, id="a2", name="f"),
        ],
        [("f", '{"a":1}')],
        id="a new id and the name with each piece",
    ),
    pytest.param(
        [piece("{}", index=0, id="", name="f"), piece("{}", index=0, id="", name="g")],
        [("f", "{}"), ("g", "{}")],
        id="empty ids, one index, two names",
    ),
    pytest.param(
        [
            piece("", id="a", name="f"),
            piece("", id="b", name="g"),
            piece("1", id="a"),
            piece("2", id="b"),
        ],
        [("f", "1"), ("g", "2")],
        id="no index, ids interleaved",
    ),
    pytest.param(
        [
            piece("1", index=0, id="x", name="f"),
            piece("2", index=1, id="x", name="g"),
            piece("1", index=0, id="x"),
            piece("2", index=1, id="x"),
        ],
        [("f", "11"), ("g", "22")],
        id="one id for two names",
    ),
    pytest.param(
        [piece('{"q"', index=0, name="f"), piece('{"q":1', index=0), piece('{"q":1}', index=0)],
        [("f", '{"q":1}')],
        id="the arguments so far",
    ),
    pytest.param(
        [piece(" {", index=0, name="f"), piece(' {"q"', index=0), piece(' {"q":1}', index=0)],
        [("f", ' {"q":1}')],
        id="the arguments so far, after white space",
    ),
    pytest.param(
        [piece('{"q":1}', index=0, id="a", name="f"), piece('{"q":1}', index=0, id="a", name="f")],
        [("f", '{"q":1}')],
        id="the whole call again",
    ),
    pytest.param(
        [piece('{"a":1}', index=0, id="a", name="f"), piece('{"a":1}', index=0, id="b", name="f")],
        [("f", '{"a":1}'), ("f", '{"a":1}')],
        id="two calls of one function with one index",
    ),
    pytest.param(
        [piece('{"a":1}', index=0, id="a", name="f"), piece('{"a":1}', index=1, id="b", name="f")],
        [("f", '{"a":1}'), ("f", '{"a":1}')],
        id="two calls of one function",
    ),
    pytest.param(
        [piece("", index=0, id="a", name="f"), piece("{}", index=0, id="b", name="g")],
        [("f", ""), ("g", "{}")],
        id="a call without arguments before another",
    ),
    pytest.param(
        [piece('{"p":1}', index=0, id="t", name="f"), piece('{"q":2}', index=0, name="")],
        [("f", '{"p":1}{"q":2}')],
        id="nothing tells them apart",
    ),
    pytest.param(
        [piece(index=0, id="a"), piece(index=0, name="f"), piece("{}", index=0)],
        [("f", "{}")],
        id="id, name and arguments apart",
    ),
    pytest.param(
        [piece("", index=0, id="a", name="get_"), piece("{}", index=0, name="weather")],
        [("get_weather", "{}")],
        id="the rest of the name",
    ),
    pytest.param([piece("a", index=1, id="a", name="f")], [("f", "a")], id="the index begins at 1"),
    pytest.param(
        [piece("b", index=2, name="g"), piece("a", index=0, name="f")],
        [("f", "a"), ("g", "b")],
        id="in the order of the indexes",
    ),
]


@pytest.mark.parametrize(("pieces", "calls"), CALLS)
@pytest.mark.parametrize("together", [False, True])
def test_tool_calls(pieces: list[Any], calls: list[tuple[str, str]], together: bool) -> None:
    groups = [pieces] if together else [[each] for each in pieces]
    whole = merged(*[delta(None, tool_calls=group) for group in groups])
    got = whole.choices[0].message.tool_calls
    assert [(each.function.name, each.function.arguments) for each in got] == calls
    assert [each.index for each in got] == list(range(len(calls)))


def test_the_first_id_of_a_tool_call_counts() -> None:
    pieces = [piece("", index=0, id="a", name="f"), piece("{}", index=0, id="b")]
    whole = merged(*[delta(None, tool_calls=[each]) for each in pieces])
    assert whole.choices[0].message.raw["tool_calls"] == [
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    ]


def test_two_calls_in_one_chunk_without_index_and_id() -> None:
    whole = merged(delta(None, tool_calls=[piece("{}", name="f"), piece("{}", name="f")]))
    assert len(whole.choices[0].message.tool_calls) == 2


def test_all_of_a_tool_call_is_kept() -> None:
    first = {"index": 0, "id": "a", "type": "function", "own": 1, "function": {"name": "f", "x": 2}}
    whole = merged(
        delta(None, tool_calls=[first]),
        delta(
            None,
            tool_calls=[{"index": 0, "type": "function", "function": {"arguments": {"a": [1]}}}],
        ),
    )
    assert whole.choices[0].message.raw["tool_calls"] == [
        {**first, "function": {"name": "f", "x": 2, "arguments": {"a": [1]}}}
    ]


def test_the_legacy_function_call() -> None:
    whole = merged(
        delta(None, function_call={"name": "f", "arguments": '{"a"'}),
        delta(None, function_call={"name": "f", "arguments": ":1}"}),
        delta(None, function_call={"arguments": ""}),
    )
    assert whole.choices[0].message.raw["function_call"] == {"name": "f", "arguments": '{"a":1}'}


# Usage, identity, finish reasons


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": [], "usage": {"total_tokens": 3}},
        choice(usage={"total_tokens": 3}),
        choice(logprobs=None, usage={"total_tokens": 3}),
        {"choices": [{"index": 0, "delta": {}, "usage": {"total_tokens": 3}}]},
        {"choices": [], "x_groq": {"id": "r", "usage": {"total_tokens": 3}}},
    ],
)
def test_the_places_of_usage(chunk: dict[str, Any]) -> None:
    whole = merged(delta("a"), chunk, {"choices": [], "usage": None, "x_groq": None})
    assert whole.usage is not None
    assert whole.usage.total_tokens == 3
    assert [each.raw for each in whole.usages] == [{"total_tokens": 3}]
    answer = completion(json.dumps({"id": "1", **chunk}).encode())
    assert answer.usage == whole.usage
    assert answer.usages == (whole.usage,)
    parser = CompletionParser(headers={"content-type": "text/event-stream"})
    (first,) = parser.feed(wire(chunk))
    assert first.usage == whole.usage


def test_a_usage_with_other_keys_does_not_replace_one() -> None:
    foreign = {"output_tokens": 0}
    for keys in ("prompt_tokens", "completion_tokens", "total_tokens"):
        whole = merged(choice(usage={keys: 1}), choice(usage={keys: 2}), {"usage": foreign})
        assert whole.raw["usage"] == {keys: 2}
        assert [each.raw for each in whole.usages] == [{keys: 1}, {keys: 2}, foreign]
    assert merged({"usage": {"a": 1}}, {"usage": foreign}).raw["usage"] == foreign


def test_the_first_id_and_model_count() -> None:
    chunks: list[dict[str, Any]] = [
        {"id": "", "model": None},
        {"id": "1", "model": "m"},
        {"id": "2", "model": "n", "own": 1},
    ]
    whole = merged(*[{**delta("a"), **each} for each in chunks], {"choices": [], "own": None})
    assert (whole.id, whole.model, whole.raw["own"]) == ("1", "m", 1)
    own = choice(delta={"content": "a"}, index=0)
    later = merged({**own, "id": "1"}, {**own, "id": "2", "model": "m"}, {**own, "model": "n"})
    assert (later.id, later.model) == ("1", "m")
    dated = merged(
        {**own, "created": 0, "system_fingerprint": None, "id": "1", "model": "m"},
        {**own, "created": 5, "system_fingerprint": "", "own": 1},
        {**own, "created": 6, "system_fingerprint": "f", "own": None},
        {**own, "created": 7, "system_fingerprint": "g", "own": 2},
    )
    keys = ("created", "system_fingerprint", "own", "id", "model")
    assert [dated.raw[key] for key in keys] == [5, "f", 2, "1", "m"]
    empty = merged({**own, "id": "", "model": ""}, {**own, "model": None})
    assert (empty.raw["id"], empty.raw["model"]) == ("", "")


def test_keys_of_the_server_do_not_replace_what_was_merged() -> None:
    own = {
        "choices": [{"index": 0, "delta": {"content": "b"}, "finish_reason": "stop", "text": "T"}]
    }
    last = choice(message={"content": "M", "role": "x"}, index=0)
    keep_alive = {"type": "ping", "id": "p", "model": "p", "object": "p", "usage": 5}
    whole = merged(delta("a"), own, last, keep_alive)
    assert whole.text == "ab"
    assert whole.choices[0].finish_reason == "stop"
    assert (whole.object, whole.model, "type" in whole.raw) == ("chat.completion", "tiny", False)
    assert whole.usage is None


@pytest.mark.parametrize("name", ["finish_reason", "finishReason"])
def test_finish_reasons(name: str) -> None:
    first = {"index": 0, "delta": {"content": "a"}, "finish_reason": ""}
    last = {"index": 0, "delta": {"content": "b"}, "finish_reason": None, name: "stop"}
    late = {"index": 0, "delta": {"content": "c"}, "finish_reason": None}
    events = [wire({"choices": [each]}) for each in (first, last, late)]
    stream = iter_chunks(events)
    chunks = list(stream)
    assert stream.outcome is Outcome.FINISHED
    assert chunks[1].choices[0].finish_reason == "stop"
    whole = stream.collect()
    assert (whole.text, whole.choices[0].finish_reason) == ("abc", "stop")


def test_a_choice_with_another_index_only() -> None:
    events = [wire(delta("a", index=1)), wire(delta("b", index=1)), DONE]
    assert list(iter_chunks(events).text()) == ["ab"]
    assert iter_chunks(events).collect().text == "ab"
    negative = [wire(delta("x", index=-1)), wire(delta("a")), DONE]
    assert "".join(iter_chunks(negative).text()) == iter_chunks(negative).collect().text == "a"


def test_a_choice_without_an_index_is_the_first() -> None:
    whole = merged({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]})
    assert [each.index for each in whole.choices] == [0]
    answer = completion(b'{"choices": [{"message": {"content": "a"}}]}')
    assert [each.index for each in answer.choices] == [0]


def test_keys_without_an_attribute_are_attributes() -> None:
    whole = merged({**delta("a", citations=[1]), "timings": {"ms": 5}})
    untyped: Any = whole
    assert untyped.timings == {"ms": 5}
    assert untyped.choices[0].message.citations == [1]
    with pytest.raises(AttributeError, match="Completion has no attribute and no key 'nope'"):
        untyped.nope  # noqa: B018
    assert not hasattr(whole, "__own__")
    assert copy.copy(whole) == whole


def test_a_type_in_a_chunk_is_kept() -> None:
    whole = merged({**delta("a", own=None), "type": "chunk", "own": 1})
    assert (whole.raw["type"], whole.raw["own"]) == ("chunk", 1)
    assert whole.choices[0].message.raw == {"role": "assistant", "content": "a", "own": None}
    assert whole.choices[0].finish_reason is None


def test_a_message_in_parts_is_kept() -> None:
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hi"}]
    whole = merged(saying(..., {"content": parts}, "stop"))
    assert whole.choices[0].message.raw["content"] == parts
    assert (whole.text, whole.choices[0].message.reasoning) == ("Hi", "hm")


def test_models_can_be_made() -> None:
    raw = delta("a")
    piece = Delta(raw["choices"][0]["delta"], "a")
    chunk = Chunk(raw, (ChunkChoice(raw["choices"][0], piece),), 5, 2)
    parser = CompletionParser(headers={"content-type": "text/event-stream"})
    parser.feed(b":\n\n")
    (fed,) = parser.feed(wire(raw), 5)
    assert (chunk, chunk.text, chunk.arrival_ns, chunk.read) == (fed, "a", 5, 2)
    assert (fed.text, fed.arrival_ns, fed.read) == ("a", 5, 2)
    assert fed.choices == chunk.choices
    assert fed.choices[0].delta == piece
    assert piece != Message(piece.raw)
    assert (Chunk(raw, ()).arrival_ns, Chunk(raw, ()).read) == (0, 0)
    assert Completion({}).timing is None


# All values at all places

VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    10**30,
    1.5,
    "",
    "x",
    "error",
    "\ud83d",
    "[DONE]",
    "}",
    [],
    [None],
    ["x", 5],
    [{"type": "text", "text": "p"}],
    {},
    {"content": "m"},
    {"index": 0, "id": "i", "function": {"name": "n", "arguments": "{}"}},
]


def mutants(value: Any) -> Iterator[Any]:
    """Yield the JSON with each node replaced by each value."""
    yield from VALUES
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ({**value, key: each} for each in mutants(inner))
    if isinstance(value, list):
        for at, inner in enumerate(value):
            yield from ([*value[:at], each, *value[at + 1 :]] for each in mutants(inner))


def recorded() -> list[list[bytes]]:
    """Return the events of the captured streams that are whole."""
    streams = []
    for name in NAMES:
        capture = read_capture(name)
        if capture.status == 200 and capture.options["stream"] and not capture.is_cut:
            streams.append([each + b"\n\n" for each in capture.body.split(b"\n\n") if each.strip()])
    return streams


def test_every_value_in_every_place() -> None:
    """Any JSON gives chunks or documented errors, and the pieces make up the text."""
    seen = set()
    shapes: list[tuple[list[bytes], int, Any]] = []
    for events in recorded():
        for at, event in enumerate(events):
            try:
                raw = json.loads(event.removeprefix(b"data:"))
            except ValueError:
                continue
            keys = json.dumps(skeleton(raw), sort_keys=True)
            if keys not in seen:
                seen.add(keys)
                shapes.append((events, at, raw))
    assert len(shapes) > 10
    count = 0
    for events, at, raw in shapes:
        for number, mutant in enumerate(mutants(raw)):
            if not IS_SOAK and number % 7 != at % 7:
                continue
            count += 1
            check_mutant([*events[max(0, at - 3) : at], wire(mutant), *events[at + 1 : at + 4]])
    assert count > 1000


def skeleton(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: skeleton(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [skeleton(each) for each in value[:1]]
    return type(value).__name__


def check_mutant(events: list[bytes]) -> None:
    parser = CompletionParser(headers={"content-type": "text/event-stream"})
    chunks = [chunk for event in events for chunk in parser.feed(event)]
    parser.close()
    whole = parser.completion()
    check_pieces(chunks, whole)
    json.dumps(whole.raw)
    for chunk in chunks:
        read_all(chunk)
    read_all(whole)
    stream = iter_chunks(events)
    texts: list[str] = []
    try:
        texts.extend(stream.text())
    except ExchangeError as error:
        assert error is stream._answer.error
        assert str(error)
    assert "".join(texts) == whole.text
    assert (parser.error is None) == (stream._answer.error is None)


def read_all(answer: Any) -> None:
    """Read all attributes that programs read."""
    _ = answer.id, answer.model, answer.usage, answer.extra, repr(answer), answer.text
    for each in answer.choices:
        message = each.delta if isinstance(answer, Chunk) else each.message
        _ = each.index, each.finish_reason, each.logprobs, each.text
        _ = message.content, message.reasoning, message.refusal, message.role
        for call in message.tool_calls:
            _ = call.index, call.id, call.function.name, call.function.arguments


KEYS = st.sampled_from(
    [
        "content",
        "role",
        "tool_calls",
        "index",
        "id",
        "function",
        "name",
        "arguments",
        "text",
        "type",
    ]
)
JSON: Any = st.recursive(
    st.sampled_from(VALUES[:13]) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "index": st.integers(-1, 2) | JSON,
        "delta": st.dictionaries(KEYS, JSON, max_size=4) | JSON,
        "message": st.dictionaries(KEYS, JSON, max_size=4) | JSON,
        "text": JSON,
        "finish_reason": st.sampled_from([None, "stop", "", "error", 5]),
        "logprobs": JSON,
        "usage": JSON,
    },
)


# Once, an empty list of parts hid the text of the message.
@pytest.mark.thorough
@example([{"choices": [{"delta": {"content": []}, "message": {"content": "x"}}]}])
@given(st.lists(st.fixed_dictionaries({"choices": st.lists(CHOICES, max_size=3)}), max_size=5))
def test_any_chunks(chunks: list[Any]) -> None:
    check_mutant([wire(chunk) for chunk in chunks])


# Hostile streams


def test_text_within_reads_no_more_than_the_length() -> None:
    class Counted(Pieces):
        steps = 0

        def __iter__(self) -> Iterator[str]:
            for each in super().__iter__():
                self.steps += 1
                yield each

    pieces = Counted(["a"] * 1000)
    assert pieces.text_within(3) is None
    assert pieces.steps == 4
    assert Pieces(["a", "b"]).text_within(2) == "ab"


def test_empty_pieces_are_not_kept() -> None:
    """Each of them would be read again with every later piece."""
    call = piece("", index=0, name="f")
    chunk = delta("", own="", function_call={"name": "f"}, tool_calls=[call])
    parser = CompletionParser(headers={"content-type": "text/event-stream"})
    parser.feed(wire(chunk) * 100)
    kept = parser._merger._choices[0]
    assert kept.text == []
    assert kept.delta == {"own": [], "function_call": {"name": ["f"]}}
    assert kept.calls._calls[0].arguments == []
    assert kept.calls._calls[0].name == ["f"]
    assert parser.completion().choices[0].message.content == ""


def test_arguments_are_not_parsed_without_end() -> None:
    """Each piece of a hostile server may look like the beginning of another call."""
    pieces = [piece("x}", index=0, id=str(i), name="f") for i in range(5000)]
    parser = CompletionParser(headers={"content-type": "text/event-stream"})
    parser.feed(b"".join(wire(delta(None, tool_calls=[each])) for each in pieces))
    (call,) = parser._merger._choices[0].calls._calls
    assert call.arguments.text() == "x}" * 5000
    parsed = sum(min(2 * i, 10_000) for i in range(5000))
    assert (call.parsed, parsed > 2 << 20) == (0, True)
