"""What chat and legacy completions are made of: views on the decoded JSON.

A model holds the dict as it came, in ``raw``, and mostly looks things up when it is asked: in a
stream of a thousand chunks few fields are ever read. Nothing is required and nothing is checked.
What is missing is None, or an empty tuple where a list belongs; keys that have no attribute are in
``extra``. Models with the same ``raw`` are equal.
"""

from __future__ import annotations

import json
from typing import Any

import attrs

Raw = dict[str, Any]


def _key(
    *keys: str, of: Any = None, many: bool = False, always: bool = False, default: Any = None
) -> Any:
    """Return an attribute. It is Any, so that the annotation where it is used is its type.

    Args:
        *keys: What to look up.
        of: The model to make of what is found there; None to take it as it is.
        many: Whether a list of it is expected.
        always: Whether the model is made of nothing where nothing is found.
        default: What stands for a missing value.
    """
    first = keys[0]

    def get(self: Model) -> Any:
        value = next((self.raw[key] for key in keys if self.raw.get(key) is not None), None)
        if many:
            return tuple([of(each) for each in dicts(value)])
        if of:
            return of(value) if isinstance(value, dict) else of({}) if always else None
        return default if value is None else value

    is_plain = not of and len(keys) == 1 and default is None
    return property((lambda self: self.raw.get(first)) if is_plain else get)


def dict_in(text: str) -> Raw | None:
    """Return the JSON object in a text; None if it is not one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def dicts(value: object) -> list[Raw]:
    """Return the dicts of a list, and nothing for anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


@attrs.define(auto_attribs=False, repr=False)
class Model:
    """The base of all models. Subclasses that add no field need no ``define`` of their own.

    Attributes:
        raw: The dict as it came.
    """

    raw: Raw = attrs.field()

    @property
    def extra(self) -> Raw:
        """The keys that have no attribute here, with their values."""
        return {key: value for key, value in self.raw.items() if not hasattr(type(self), key)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.raw!r})"


class TokensDetails(Model):
    """What the tokens of a prompt or of an answer were."""

    __slots__ = ()

    cached_tokens: int | None = _key("cached_tokens")
    reasoning_tokens: int | None = _key("reasoning_tokens")
    accepted_prediction_tokens: int | None = _key("accepted_prediction_tokens")
    rejected_prediction_tokens: int | None = _key("rejected_prediction_tokens")


class Usage(Model):
    """The count of tokens; 0 where the server gave none."""

    __slots__ = ()

    prompt_tokens: int = _key("prompt_tokens", default=0)
    completion_tokens: int = _key("completion_tokens", default=0)
    total_tokens: int = _key("total_tokens", default=0)
    prompt_tokens_details: TokensDetails | None = _key("prompt_tokens_details", of=TokensDetails)
    completion_tokens_details: TokensDetails | None = _key(
        "completion_tokens_details", of=TokensDetails
    )


class TokenLogprob(Model):
    """A token, and those that might have stood in its place."""

    __slots__ = ()

    token: str = _key("token", default="")
    logprob: float = _key("logprob", default=0.0)
    bytes: list[int] | None = _key("bytes")
    top_logprobs: tuple[TokenLogprob, ...] = _key(
        "top_logprobs", of=lambda raw: TokenLogprob(raw), many=True
    )


class Logprobs(Model):
    """The tokens of a choice, or of a piece of it. Legacy completions have others, in ``raw``."""

    __slots__ = ()

    content: tuple[TokenLogprob, ...] = _key("content", of=TokenLogprob, many=True)
    refusal: tuple[TokenLogprob, ...] = _key("refusal", of=TokenLogprob, many=True)


class Function(Model):
    """The function of a tool call. ``arguments`` is JSON as the model wrote it: check it."""

    __slots__ = ()

    name: str | None = _key("name")
    arguments: str | None = _key("arguments")


class ToolCall(Model):
    """A tool call, or in a chunk a piece of one."""

    __slots__ = ()

    index: int | None = _key("index")
    id: str | None = _key("id")
    type: str | None = _key("type")
    function: Function = _key("function", of=Function, always=True)


class Message(Model):
    """What a choice says. It may stand in the ``messages`` of a request as it is."""

    __slots__ = ()

    role: str | None = _key("role")
    content: str | None = _key("content")
    refusal: str | None = _key("refusal")
    reasoning_content: str | None = _key("reasoning_content", "reasoning")
    reasoning: str | None = _key("reasoning", "reasoning_content")
    tool_calls: tuple[ToolCall, ...] = _key("tool_calls", of=ToolCall, many=True)


class _Choice(Model):
    __slots__ = ()

    index: int = _key("index", default=0)
    finish_reason: str | None = _key("finish_reason")
    logprobs: Logprobs | None = _key("logprobs", of=Logprobs)
    text: str | None = _key("text")


class Choice(_Choice):
    """One of the answers in a completion. ``text`` is for legacy completions."""

    __slots__ = ()

    message: Message = _key("message", of=Message, always=True)


class _Answer(Model):
    __slots__ = ()

    id: str | None = _key("id")
    object: str | None = _key("object")
    created: int | None = _key("created")
    model: str | None = _key("model")
    system_fingerprint: str | None = _key("system_fingerprint")
    usage: Usage | None = _key("usage", of=Usage)


@attrs.define(auto_attribs=False, repr=False)
class Completion(_Answer):
    """A completion: as the server sent it whole, or as ``collect`` put it together.

    Attributes:
        usages: All that a stream counted, in order; ``usage`` is the last. Servers that count
            provisionally send several, and llama.cpp sends one per choice: they are never added up.
    """

    usages: tuple[Usage, ...] = attrs.field(default=(), eq=False)

    choices: tuple[Choice, ...] = _key("choices", of=Choice, many=True)

    @property
    def text(self) -> str:
        """What the first choice says; "" if there is none."""
        return text_of(self.choices[0], self.choices[0].message) if self.choices else ""


# The rest is built for every event of a stream. What nearly every reader asks for is a plain slot:
# a look-up behind a property costs as much as filling five.


@attrs.define(auto_attribs=False, repr=False)
class Delta(Message):
    """What a chunk adds to a message.

    Attributes:
        content: The text; None where there is none.
    """

    content: str | None = attrs.field(eq=False)


@attrs.define(auto_attribs=False, repr=False)
class ChunkChoice(_Choice):
    """The piece of one choice that a chunk holds. ``text`` is for legacy completions.

    Attributes:
        delta: What it adds.
    """

    delta: Delta = attrs.field(eq=False)


@attrs.define(auto_attribs=False, repr=False)
class Chunk(_Answer):
    """One event of a streamed completion.

    Attributes:
        choices: Mostly one; none in the chunks that only count tokens, among others.
        arrival_ns: When the read that completed the event returned, as ``time.perf_counter_ns``
            counts.
    """

    choices: tuple[ChunkChoice, ...] = attrs.field(eq=False)
    arrival_ns: int = attrs.field(eq=False)

    @property
    def text(self) -> str:
        """What the first choice adds; "" if there is none."""
        return text_of(self.choices[0], self.choices[0].delta) if self.choices else ""


def text_of(choice: _Choice, message: Message) -> str:
    """Return the text of a chat or a legacy choice; "" if it has none."""
    text = choice.text if message.content is None else message.content
    return text if isinstance(text, str) else ""
