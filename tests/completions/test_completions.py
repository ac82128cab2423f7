"""What the client sends, what it reads from answers, and how it merges chunks."""

from __future__ import annotations

import ast
import copy
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sseparse
from loopback import (
    DONE,
    Peer,
    Request,
    Server,
    ask,
    client,
    delta,
    partial,
    sending,
    serving,
)
from sseparse.completions import (
    Chunk,
    Client,
    Completion,
    Message,
    Outcome,
    Stream,
    Timing,
    ToolCall,
    _errors,
)
from sseparse.completions._merger import Merger

if TYPE_CHECKING:
    from typing_extensions import assert_type

DATA = Path(__file__).parents[1] / "data"
ANSWERS: dict[str, Any] = json.loads((DATA / "answers.json").read_text("utf-8"))

# The streaming example of the API reference, with another first line.
REFERENCE_EXAMPLE = """\
from sseparse.completions import Client as OpenAI

client = OpenAI()

stream = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[{"role": "user", "content": "Say this is a test"}],
    stream=True,
)
for chunk in stream:
    if chunk.choices[0].delta.content is not None:
        print(chunk.choices[0].delta.content, end="")
"""

# The answer of the API reference.
WHOLE = {
    "id": "chatcmpl-abc123",
    "object": "chat.completion",
    "created": 1677858242,
    "model": "gpt-4o-mini",
    "usage": {
        "prompt_tokens": 13,
        "completion_tokens": 7,
        "total_tokens": 20,
        "completion_tokens_details": {
            "reasoning_tokens": 1,
            "accepted_prediction_tokens": 2,
            "rejected_prediction_tokens": 3,
        },
    },
    "choices": [
        {
            "message": {"role": "assistant", "content": "\n\nThis is a test!"},
            "logprobs": None,
            "finish_reason": "stop",
            "index": 0,
        }
    ],
}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "ORG_ID", "PROJECT_ID"):
        monkeypatch.delenv(f"OPENAI_{name}", raising=False)


def answering(whole: dict[str, Any]) -> Any:
    return serving(lambda peer, _: peer.answer(whole))


def streaming(*events: object) -> Any:
    return serving(lambda peer, _: peer.stream(*events))


def collected(*events: object, **asked: Any) -> Completion:
    with streaming(*events) as server, client(server) as own:
        return ask(own, **asked).collect()


def test_the_reference_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [delta("", role="assistant"), delta("This is"), delta(" a test"), delta(finish="stop")]
    with streaming(*events, DONE) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
        monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        names: dict[str, Any] = {}
        exec(REFERENCE_EXAMPLE, names)
        names["client"].close()
    assert capsys.readouterr().out == "This is a test"
    request = server.requests[0]
    assert request.line == "POST /v1/chat/completions HTTP/1.1"
    assert request.headers["authorization"] == "Bearer sk-env"
    assert request.headers["openai-organization"] == "org-1"
    assert request.headers["openai-project"] == "proj-1"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["accept"] == "text/event-stream"
    assert request.json() == {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Say this is a test"}],
        "stream": True,
    }


def test_every_field_of_an_answer() -> None:
    with answering(WHOLE) as server, client(server) as own:
        completion = own.chat.completions.create(model="gpt-4o-mini", messages=[])
    assert completion.id == "chatcmpl-abc123"
    assert completion.object == "chat.completion"
    assert completion.created == 1677858242
    assert completion.model == "gpt-4o-mini"
    usage = completion.usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (13, 7, 20)
    details = usage.completion_tokens_details
    assert details is not None
    assert details.reasoning_tokens == 1
    assert details.accepted_prediction_tokens == 2
    assert details.rejected_prediction_tokens == 3
    (choice,) = completion.choices
    assert choice.message.role == "assistant"
    assert choice.message.content == completion.text == "\n\nThis is a test!"
    assert choice.logprobs is None
    assert choice.finish_reason == "stop"
    assert choice.index == 0
    assert completion.usages == (usage,)
    assert completion.raw == WHOLE


def test_the_body_is_what_was_given() -> None:
    given: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": "user", "content": "é漢\ud800"}],
        "temperature": 0.5,
        "n": 2,
        "store": True,
        "tools": [{"type": "function"}],
        "stream_options": {"include_usage": True},
        "a_provider's own": {"k": None},
    }
    with answering(WHOLE) as server, client(server) as own:
        own.chat.completions.create(**given, extra_body={"n": 3, "more": 1})
        own.completions.create(model="m", prompt="x", extra_headers={"X-Own": "1"})
    assert server.requests[0].json() == {**given, "n": 3, "more": 1}
    assert server.requests[0].headers["accept"] == "application/json"
    assert server.requests[1].line == "POST /v1/completions HTTP/1.1"
    assert server.requests[1].headers["x-own"] == "1"


def test_stream_is_sent_as_given() -> None:
    with answering(WHOLE) as server, client(server) as own:
        own.chat.completions.create(stream=False)
    assert server.requests[0].json() == {"stream": False}


def test_extra_headers_replace() -> None:
    with answering(WHOLE) as server, client(server, default_headers={"x-a": "1"}) as own:
        own.chat.completions.create(extra_headers={"AUTHORIZATION": "Token t", "X-A": "2"})
    headers = server.requests[0].headers
    assert (headers["authorization"], headers["x-a"]) == ("Token t", "2")


def test_an_answer_goes_into_the_next_request() -> None:
    with answering(WHOLE) as server, client(server) as own:
        first = own.chat.completions.create(model="m", messages=[])
        own.chat.completions.create(model="m", messages=[first.choices[0].message])
        with pytest.raises(TypeError, match="object cannot be sent as JSON"):
            own.chat.completions.create(model="m", messages=[object()])
    assert server.requests[1].json()["messages"] == [first.choices[0].message.raw]


def test_a_query_in_the_base_url_is_kept() -> None:
    with answering(WHOLE) as server:
        with client(server, base_url=f"{server.url}/?api-version=1") as own:
            own.chat.completions.create()
            assert "api-version" not in repr(own)
    assert server.requests[0].line == "POST /v1/chat/completions?api-version=1 HTTP/1.1"


def capture_request(own: Client, name: str) -> Completion | Stream:
    is_stream = "nonstream" not in name
    if ".legacy" in name:
        return own.completions.create(model="tiny", prompt="x", stream=is_stream)
    more: dict[str, Any] = {"n": 2} if "stream_n2" in name else {}
    return own.chat.completions.create(model="tiny", messages=[], stream=is_stream, **more)


@pytest.mark.parametrize("name", ANSWERS)
def test_capture(name: str) -> None:
    answer = ANSWERS[name]
    error = whole = outcome = None
    raw = (DATA / "captures" / f"{name}.raw").read_bytes()
    with serving(sending(raw)) as server, client(server) as own:
        try:
            got = capture_request(own, name)
            if isinstance(got, Stream):
                try:
                    whole = got.collect()
                finally:
                    outcome = got.outcome and got.outcome.name
            else:
                whole = got
        except sseparse.Error as raised:
            error, whole = raised, raised.partial  # type: ignore[attr-defined]
    assert (error and type(error).__name__) == answer["error"]
    assert outcome == answer["outcome"]
    for attribute, value in answer.get("says", {}).items():
        assert getattr(error, attribute) == value
    if "text" not in answer:
        return
    assert whole is not None
    choices = {str(choice.index): choice for choice in whole.choices}
    texts = {
        index: (choice.text if ".legacy" in name else choice.message.content) or ""
        for index, choice in choices.items()
    }
    messages = {index: choice.message for index, choice in choices.items()}
    assert texts == answer["text"]
    assert {i: m.reasoning for i, m in messages.items() if m.reasoning} == answer["reasoning"]
    assert {i: [*map(call, m.tool_calls)] for i, m in messages.items() if m.tool_calls} == answer[
        "tool_calls"
    ]
    assert {i: c.finish_reason for i, c in choices.items() if c.finish_reason} == answer[
        "finish_reasons"
    ]
    assert (whole.usage and whole.usage.raw) == answer["usage"]
    assert len(whole.usages) == answer["usages"]


def test_every_capture_has_its_answer() -> None:
    assert sorted(ANSWERS) == sorted(path.stem for path in (DATA / "captures").glob("*.raw"))
    assert len(ANSWERS) == 46


def call(tool_call: ToolCall) -> dict[str, Any]:
    function = tool_call.function
    return {"id": tool_call.id or "", "name": function.name, "arguments": function.arguments}


def test_logprobs_of_a_stream() -> None:
    raw = (DATA / "captures" / "xllamacpp.stream_logprobs.raw").read_bytes()
    with serving(sending(raw)) as server, client(server) as own:
        logprobs = ask(own).collect().choices[0].logprobs
    assert logprobs is not None
    assert [token.token for token in logprobs.content] == ["Streams", " of", " tokens"]
    assert logprobs.content[0].logprob == -0.6931513547897339
    assert [top.token for top in logprobs.content[0].top_logprobs] == ["Streams", "Hello"]


@pytest.mark.parametrize("choices", [{}, {"choices": None}, {"choices": []}, {"choices": 5}])
def test_a_chunk_without_choices(choices: dict[str, Any]) -> None:
    with streaming({"id": "1", **choices}, delta("a"), DONE) as server, client(server) as own:
        chunk, _ = ask(own)
    assert chunk.choices == ()
    assert chunk.text == ""
    choices_of: Any = chunk.choices  # mypy would see that there is none
    with pytest.raises(IndexError):
        choices_of[0]
    assert chunk.raw == {"id": "1", **choices}


def test_odd_values_are_accepted() -> None:
    odd = [
        {"choices": [None, 5, {"index": "x", "delta": None}, {"delta": {"content": [1]}}]},
        {"choices": [{"delta": {"content": 5, "tool_calls": [None, {"function": "f"}]}}]},
        {
            "choices": [
                {"delta": {"tool_calls": [{"index": "a", "id": 5, "function": {"name": 1}}]}}
            ]
        },
        {"choices": [{"delta": {"tool_calls": {}, "role": 1, "x": {"y": "a"}}}], "usage": "?"},
        {"choices": [{"delta": {"x": {"y": "b", "z": [1]}, "content": [2]}, "logprobs": 1}]},
        {"choices": [{"delta": {"x": "text", "content": "t"}, "logprobs": {"content": [{}]}}]},
        {"id": None, "choices": [{"delta": {"content": None}, "finish_reason": "stop"}]},
    ]
    whole = collected(*odd, DONE)
    assert whole.choices[0].message.content == "t"
    assert whole.choices[0].finish_reason == "stop"
    assert whole.text == "t"
    assert Completion({}).text == ""
    assert Completion({"choices": [{}]}).choices[0].message == Message({})


def test_content_in_parts_keeps_the_text() -> None:
    parts = [{"type": "thinking", "thinking": "hm"}]
    in_parts = {"choices": [{"index": 0, "delta": {"content": parts}}]}
    whole = collected(delta("a"), in_parts, delta("b", role="x"), delta("c"), DONE)
    assert whole.text == "abc"
    whole = collected(in_parts, in_parts, DONE)
    assert whole.choices[0].message.raw["content"] == parts * 2


@pytest.mark.parametrize("depth", [100, 2000, 9000])
@pytest.mark.parametrize("where", ["delta", "logprobs", "tool_calls"])
def test_deep_nesting(depth: int, where: str) -> None:
    """It is accepted or refused, depending on the JSON decoder of this Python."""
    deep = '{"a":' * depth + "1" + "}" * depth
    choice = {
        "delta": f'"delta": {{"x": {deep}}}',
        "logprobs": f'"logprobs": {deep}',
        "tool_calls": f'"delta": {{"tool_calls": [{{"function": {deep}}}]}}',
    }[where]
    event = f'data: {{"choices": [{{"index": 0, {choice}}}]}}\n\n'.encode()
    with streaming(delta("a"), event, DONE) as server, client(server) as own:
        stream = ask(own)
        try:
            assert stream.collect().text == "a"
        except _errors.StreamError as error:
            assert depth > 100
            assert partial(error).text == "a"


def test_extra_keys_are_kept() -> None:
    with (
        streaming(
            {**delta("a", own_delta="x", annotations=[1]), "own_top": 1},
            {"choices": [{"delta": {}, "finish_reason": None, "own_choice": 1, "index": 0}]},
            delta("b", own_delta="y", annotations=[2]),
            {**delta(finish="stop"), "timings": {"ms": 1}},
            DONE,
        ) as server,
        client(server) as own,
    ):
        stream = ask(own)
        chunks = [next(stream)]
        assert chunks[0].extra == {"own_top": 1}
        assert chunks[0].choices[0].delta.extra == {"own_delta": "x", "annotations": [1]}
        whole = stream.collect()
    assert whole.extra == {"own_top": 1, "timings": {"ms": 1}}
    assert whole.choices[0].extra == {"own_choice": 1}
    message = whole.choices[0].message
    assert message.extra == {"own_delta": "xy", "annotations": [1, 2]}
    assert message.raw == {"role": "assistant", "content": "ab", **message.extra}
    assert whole.object == "chat.completion"


def test_refusal_and_both_names_of_reasoning() -> None:
    whole = collected(
        delta(None, reasoning_content="a", refusal="no"),
        delta(None, reasoning_content="b", refusal=None),
        delta(None, index=1, reasoning="c"),
        delta(None, index=1, reasoning="d", refusal="!"),
        DONE,
    )
    messages = [choice.message for choice in whole.choices]
    assert [message.reasoning for message in messages] == ["ab", "cd"]
    assert [message.refusal for message in messages] == ["no", "!"]
    assert [message.content for message in messages] == [None, None]


def piece(arguments: str | None = None, **more: Any) -> dict[str, Any]:
    name = {"name": more.pop("name")} if "name" in more else {}
    function = {**name, **({} if arguments is None else {"arguments": arguments})}
    return {"function": function, **more}


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        pytest.param(
            [piece("a", index=0, id="1", name="f"), piece("b", index=0), piece("c", index=0)],
            [("1", "f", "abc")],
            id="index",
        ),
        pytest.param(
            [
                piece("a", index=1, id="2", name="g"),
                piece("b", index=0, id="1", name="f"),
                piece("c", index=1),
                piece("d", index=0),
            ],
            [("1", "f", "bd"), ("2", "g", "ac")],
            id="interleaved",
        ),
        pytest.param(
            [piece("a", id="1", name="f"), piece("b"), piece("c", id="2", name="g"), piece("d")],
            [("1", "f", "ab"), ("2", "g", "cd")],
            id="no index",
        ),
        pytest.param(
            [
                piece("a", index=0, id="1", name="f"),
                piece("b", index=0),
                piece("c", index=0, id="2", name="g"),
                piece("d", index=0),
            ],
            [("1", "f", "ab"), ("2", "g", "cd")],
            id="all 0",
        ),
        pytest.param(
            [piece("a", index=0, id="1", name="f"), piece("b", index=1), piece("c", index=2)],
            [("1", "f", "abc")],
            id="drifting",
        ),
        pytest.param(
            [piece("a", index=0, id="1", name="f"), piece("b", index=0, id="1", name="f")],
            [("1", "f", "ab")],
            id="said again",
        ),
        pytest.param(
            [piece("a", index=0, name="f"), piece("b", index=1, name="g"), piece("c", index=0)],
            [(None, "f", "ac"), (None, "g", "b")],
            id="no id",
        ),
        pytest.param(
            [piece("", index=0, id="1", name="get_"), piece("{}", index=0, name="weather")],
            [("1", "get_weather", "{}")],
            id="name in pieces",
        ),
        pytest.param([piece("a")], [(None, None, "a")], id="nothing but arguments"),
    ],
)
def test_tool_calls(pieces: list[Any], calls: list[Any]) -> None:
    whole = collected(*[delta(None, tool_calls=[each]) for each in pieces], DONE)
    got = whole.choices[0].message.tool_calls
    assert [(c.id, c.function.name, c.function.arguments) for c in got] == calls
    assert [c.index for c in got] == list(range(len(calls)))


def test_usage_is_the_last_and_never_a_sum() -> None:
    usages = [{"total_tokens": 5}, {"total_tokens": 7}]
    whole = collected(
        delta("a"),
        {**delta("b"), "usage": usages[0]},
        {"choices": [], "usage": None},
        {"choices": [], "usage": usages[1]},
        DONE,
    )
    assert whole.usage is not None
    assert whole.usage.total_tokens == 7
    assert whole.usage.prompt_tokens == 0
    assert [usage.raw for usage in whole.usages] == usages


def test_text_is_of_the_first_choice() -> None:
    events = [delta("a"), delta("x", index=1), delta(""), {"choices": []}, delta("b"), DONE]
    with streaming(*events) as server, client(server) as own:
        stream = ask(own, n=2)
        assert list(stream.text()) == ["a", "b"]
        assert stream.outcome is Outcome.DONE
        stream = ask(own)
        assert next(stream.text()) == "a"
        assert stream.outcome is Outcome.CLOSED
    both = {"choices": [*delta("x", index=1)["choices"], *delta("a")["choices"]]}
    with streaming(both, DONE) as server, client(server) as own:
        assert list(ask(own).text()) == ["a"]


def test_legacy_stream() -> None:
    def event(text: str | None, **more: Any) -> dict[str, Any]:
        return {"object": "text_completion", "choices": [{"index": 0, "text": text, **more}]}

    logprobs = {"tokens": ["a"], "token_logprobs": [-1.0]}
    events = [event("a", logprobs=logprobs), event("b"), event("", finish_reason="stop"), DONE]
    with streaming(*events) as server, client(server) as own:
        stream = own.completions.create(model="m", prompt="p", stream=True)
        assert list(stream.text()) == ["a", "b"]
        whole = stream.collect()
    assert whole.text == whole.choices[0].text == "ab"
    assert whole.choices[0].finish_reason == "stop"
    assert whole.choices[0].logprobs is not None
    assert whole.choices[0].logprobs.raw == logprobs
    assert whole.object == "text_completion"


@pytest.mark.parametrize(
    ("options", "choices"),
    [
        ({"prompt": ["p", "q"]}, 2),
        ({"prompt": ("p", "q"), "n": 2}, 4),
        ({"prompt": [[5, 6], [7], [8]]}, 3),
        ({"prompt": [5, 6]}, 1),
        ({"prompt": []}, 1),
        ({"prompt": "pq", "n": 3}, 3),
    ],
)
def test_legacy_streams_have_choices_for_each_prompt(options: Any, choices: int) -> None:
    """A server may finish those of the first prompt before it begins the next."""
    first = {"choices": [{"index": 0, "text": "a", "finish_reason": "stop"}]}
    with streaming(first) as server, client(server) as own:
        stream = own.completions.create(model="m", stream=True, **options)
        if choices == 1:
            assert stream.collect().text == "a"
            return
        with pytest.raises(_errors.TruncatedError, match=f"when 1 of {choices} choices were"):
            stream.collect()


def test_models_compare_copy_and_pickle() -> None:
    chunk = Merger(1, is_chat=True).add(delta("a"), 5, 2)
    for again in (pickle.loads(pickle.dumps(chunk)), copy.deepcopy(chunk)):
        assert again == chunk
        assert (again.arrival_ns, again.text) == (5, "a")
    assert chunk != Merger(1, is_chat=True).add(delta("b"), 5, 2)
    assert repr(Message({"role": "user"})) == "Message({'role': 'user'})"
    assert not hasattr(chunk, "__dict__")
    assert not hasattr(chunk.choices[0].delta, "__dict__")
    with pytest.raises(AttributeError):
        chunk.id = "other"  # type: ignore[misc, unused-ignore]


def test_errors_pickle() -> None:
    whole = Completion({"choices": []})
    errors = [
        _errors.StatusError("m", status=429, body="b", request_id="r", retry_after=1.5, code="c"),
        _errors.StreamError("m", code=5, type="t", data="d", partial=whole),
        _errors.ContentTypeError(
            "m", expected="application/json", got="text/html", encoding="br", body=b"<html>"
        ),
        _errors.TimedOutError("m", limit="idle", timing=Timing()),
        _errors.TruncatedError("m", pending=sseparse.Pending("message", "", "", b"x", 0)),
        _errors.EmptyStreamError("m"),
    ]
    for error in errors:
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)
        assert isinstance(again, sseparse.Error)


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("7.5", 7.5), ("soon", None), ("-3", 0), ("nan", 0), ("0", 0)]
)
def test_the_message_of_a_status_error(retry_after: str, seconds: float | None) -> None:
    def handle(peer: Peer, _: Request) -> None:
        peer.answer(
            {"error": {"message": "slow\n\x1bdown", "type": "t", "code": "c"}},
            "x-request-id: req-1",
            f"Retry-After: {retry_after}",
            status="429 Too Many Requests",
        )

    with serving(handle) as server, client(server) as own:
        with pytest.raises(_errors.StatusError) as caught:
            own.chat.completions.create()
    error = caught.value
    assert (error.status, error.code, error.type) == (429, "c", "t")
    assert error.message == "slow\n\x1bdown"
    assert error.request_id == "req-1"
    assert error.retry_after == seconds
    assert json.loads(error.body)["error"]["type"] == "t"
    assert str(error) == "status 429: slow\\n\\x1bdown (request req-1)"


def test_a_redirect_is_not_followed() -> None:
    with (
        serving(
            lambda peer, _: peer.answer("", "Location: http://127.0.0.2/", status="307 Moved")
        ) as server,
        client(server) as own,
    ):
        with pytest.raises(_errors.StatusError, match="redirects are not followed") as caught:
            ask(own)
    assert caught.value.status == 307
    assert len(server.requests) == 1


def answers(body: str) -> Any:
    return lambda peer, _: peer.answer(body, kind="text/html")


def test_an_answer_that_is_no_completion() -> None:
    bodies = [
        ("<html>hello", _errors.ContentTypeError),
        ("[1]", _errors.ContentTypeError),
        ('\n\n {"error": {"message": "late", "code": 5}}', _errors.StreamError),
    ]
    for body, kind in bodies:
        with serving(answers(body)) as server:
            with client(server) as own, pytest.raises(kind) as caught:
                own.chat.completions.create()
        assert type(caught.value) is kind
        if isinstance(caught.value, _errors.ContentTypeError):
            assert caught.value.expected == "application/json"
            assert caught.value.got == "text/html"
            assert caught.value.first_bytes == body.encode()
            assert "got text/html" in str(caught.value)
        else:
            error: Any = caught.value
            assert (error.message, error.code) == ("late", 5)
            assert str(caught.value) == "error in the answer: late"


def test_blank_lines_before_an_answer() -> None:
    with serving(lambda peer, _: peer.answer("\r\n\n" + json.dumps(WHOLE))) as server:
        with client(server) as own:
            assert own.chat.completions.create().text == "\n\nThis is a test!"


def test_the_public_names() -> None:
    names: dict[str, Any] = {}
    exec("from sseparse.completions import *", names)
    assert sorted(set(names) - {"__builtins__"}) == sorted(sseparse.completions.__all__)
    assert all(value.__doc__ for name, value in names.items() if name != "__builtins__")
    errors = [each for each in names.values() if isinstance(each, type) and "Error" in str(each)]
    assert len(errors) == 9
    assert all(issubclass(each, sseparse.Error) for each in errors)


STAR = """
from sseparse.completions import *
names = set(globals())
import sseparse.completions as package
assert set(package.__all__) <= names
assert {"CompletionParser", "Stream", "iter_chunks", "StreamError"} <= names
assert not {"Client", "EventStream", "Timeout"} & names
assert not {"urllib3", "attrs", "attr"} & set(sys.modules)
try:
    package.Client
except ModuleNotFoundError as error:
    print(error)
"""


def test_the_public_names_without_the_extra() -> None:
    package = str(Path(sseparse.__file__).parents[1])
    line = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {package!r})" + STAR]
    shown = subprocess.run(line, check=True, timeout=60, capture_output=True, text=True).stdout
    assert re.fullmatch(
        r"sseparse\.completions\.Client needs (attrs?|urllib3): pip install 'sseparse\[client\]'\n",
        shown,
    )


def test_a_name_that_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    package = sseparse.completions
    monkeypatch.delitem(vars(package), "Client", raising=False)
    monkeypatch.setattr(sseparse, "_clients", None, raising=False)
    for name in [name for name in sys.modules if name.startswith("sseparse._clients")]:
        monkeypatch.delitem(sys.modules, name)
    missing = r"sseparse\.completions\.Client needs urllib3: pip install 'sseparse\[client\]'"
    with monkeypatch.context() as patch:
        for name in [name for name in sys.modules if name.split(".")[0] == "urllib3"]:
            patch.delitem(sys.modules, name)
        patch.setitem(sys.modules, "urllib3", None)
        with pytest.raises(ModuleNotFoundError, match=missing) as caught:
            package.Client  # noqa: B018
    assert str(caught.value.name).split(".")[0] == "urllib3"
    # A module of this package that is missing is not a missing extra.
    monkeypatch.setitem(sys.modules, "sseparse._clients._http", None)
    with pytest.raises(ModuleNotFoundError, match=r"sseparse\._clients\._http") as caught:
        package.Client  # noqa: B018
    assert "pip install" not in str(caught.value)
    with pytest.raises(AttributeError, match="has no attribute 'Nope'"):
        package.Nope  # noqa: B018


def code_lines(source: str) -> int:
    """Count the lines that are neither blank nor a comment nor part of a docstring."""
    lines = {
        number
        for number, line in enumerate(source.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#")
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and (
            ast.get_docstring(node) is not None
        ):
            docstring = node.body[0]
            lines -= set(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
    return len(lines)


def test_the_clients_stay_small() -> None:
    package = Path(sseparse.__file__).parent
    assert code_lines('"""Doc."""\n\n# comment\nx = 1  # one\n') == 1
    counts = {
        name: sum(code_lines(file.read_text("utf-8")) for file in (package / name).glob("*.py"))
        for name in ("completions", "_clients")
    }
    # The parsers of completions are the purpose of the project; the transports must stay small.
    assert 500 < counts["completions"] < 2100, counts
    assert 600 < counts["_clients"] < 1300, counts  # of both clients


if TYPE_CHECKING:  # for mypy

    def types(own: Client) -> None:
        assert_type(own.chat.completions.create(model="m", messages=[]), Completion)
        assert_type(own.chat.completions.create(model="m", stream=False), Completion)
        stream = own.chat.completions.create(model="m", stream=True)
        assert_type(stream, Stream)
        assert_type(own.chat.completions.create(stream=bool(own)), Completion | Stream)
        for chunk in stream:
            assert_type(chunk, Chunk)
            assert_type(chunk.choices[0].delta.content, str | None)
        assert_type(stream.collect(), Completion)
        for event in own.stream("GET", "/events"):
            assert_type(event, sseparse.Event)


def test_a_fault_of_the_test_server_is_raised() -> None:
    """The server of the tests raises the exceptions of its handlers."""

    def handle(peer: Peer, _: Request) -> None:
        peer.answer(WHOLE)
        raise AssertionError("in the handler")

    server = Server(handle)
    with client(server) as own:
        own.chat.completions.create()
    with pytest.raises(AssertionError, match="in the handler"):
        server.close()
