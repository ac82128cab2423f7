"""The parts of chat and legacy completions, which read their attributes from the decoded JSON.

A model keeps the dict as it came, in ``raw``, and looks up most values only when they are read: a
program reads few of the fields of a thousand chunks. Nothing is required, and nothing is checked. A
missing value is None, and a missing list is an empty tuple. A key that has no attribute here can
also be read as one, and is in ``extra``. Models with the same ``raw`` are equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ._headers import Headers
from ._text import plain_text, reasoning_parts, reasoning_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._timing import Timing

Raw = dict[str, Any]


def _key(
    *keys: str, of: Any = None, many: bool = False, always: bool = False, default: Any = None
) -> Any:
    """Return an attribute. It is Any, so that its type is that of the annotation at its use.

    Args:
        *keys: The keys to look up, in this order.
        of: The model to make of the value; None to return the value as it is.
        many: Whether the value is a list of these.
        always: Whether to return an empty model for a missing value.
        default: The value to return for a missing one.
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


def dicts(value: object) -> list[Raw]:
    """Return the dicts of a list, and nothing for anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def index_of(choice: Raw) -> int:
    """Return the index of a choice; 0 if it is missing or not an int."""
    index = choice.get("index")
    return index if type(index) is int else 0


def usage_in(raw: Raw) -> Raw | None:
    """Return the usage in an answer or a chunk; None if there is none.

    It is ``usage`` of the answer itself, of a choice (Moonshot), or of ``x_groq`` (Groq).
    """
    groq = raw.get("x_groq")
    places = [raw, *dicts(raw.get("choices")), groq if isinstance(groq, dict) else {}]
    found = (place.get("usage") for place in places)
    return next((usage for usage in found if usage and isinstance(usage, dict)), None)


class Model:
    """The base of all models.

    Attributes:
        raw: The dict as it came.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: Raw) -> None:
        self.raw: Raw = raw

    @property
    def extra(self) -> Raw:
        """The keys that have no attribute here, with their values."""
        return {key: value for key, value in self.raw.items() if not hasattr(type(self), key)}

    if not TYPE_CHECKING:  # so that a type checker still finds typing errors

        def __getattr__(self, name: str) -> Any:
            # Names with an underscore are Python's own: copy and pickle look for some of them
            # before there is a raw.
            if name != "raw" and not name.startswith("__") and name in self.raw:
                return self.raw[name]
            raise AttributeError(f"{type(self).__name__} has no attribute and no key {name!r}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.raw == other.raw

    __hash__: ClassVar[None]  # type: ignore[assignment]  # raw is a dict

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.raw!r})"


class TokensDetails(Model):
    """How many tokens of a prompt or an answer were of which kind."""

    __slots__ = ()

    cached_tokens: int | None = _key("cached_tokens")
    reasoning_tokens: int | None = _key("reasoning_tokens")
    accepted_prediction_tokens: int | None = _key("accepted_prediction_tokens")
    rejected_prediction_tokens: int | None = _key("rejected_prediction_tokens")


class Usage(Model):
    """The counts of tokens; a count that the server did not send is 0."""

    __slots__ = ()

    prompt_tokens: int = _key("prompt_tokens", default=0)
    completion_tokens: int = _key("completion_tokens", default=0)
    total_tokens: int = _key("total_tokens", default=0)
    prompt_tokens_details: TokensDetails | None = _key("prompt_tokens_details", of=TokensDetails)
    completion_tokens_details: TokensDetails | None = _key(
        "completion_tokens_details", of=TokensDetails
    )


class TokenLogprob(Model):
    """A token, and those that were likely in its place."""

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
    """The message of a choice. Its ``raw`` can be one of the ``messages`` of a request."""

    __slots__ = ()

    role: str | None = _key("role")
    refusal: str | None = _key("refusal")
    tool_calls: tuple[ToolCall, ...] = _key("tool_calls", of=ToolCall, many=True)

    @property
    def content(self) -> str | None:
        """The text, also if the server sends it in parts; None if there is none."""
        return plain_text(self.raw.get("content"))

    @property
    def reasoning(self) -> str | None:
        """The text of the reasoning, in every form that servers send; None if there is none.

        The forms are ``reasoning_content`` or ``reasoning``, each as text, an object or a list, and
        parts of the content.
        """
        raw = self.raw
        for value in (raw.get("reasoning_content"), raw.get("reasoning")):
            if value is not None:
                return reasoning_text(value)
        parts = reasoning_parts(raw.get("content"))
        return reasoning_text(parts) if parts else None

    reasoning_content = reasoning


class _Choice(Model):
    __slots__ = ()

    index: int = property(lambda self: index_of(self.raw))  # type: ignore[assignment]
    finish_reason: str | None = _key("finish_reason", "finishReason")
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

    @property
    def usage(self) -> Usage | None:
        """The count of tokens; None if the server gave none."""
        usage = usage_in(self.raw)
        return None if usage is None else Usage(usage)


class Completion(_Answer):
    """A completion: sent whole by the server, or merged from the chunks of a stream.

    Attributes:
        usages: All usages of a stream, in order; ``usage`` is the last one with a count of the
            prompt, the completion or the total. Some servers send several preliminary ones, and
            llama.cpp sends one for each choice, so they are never added up.
        headers: The headers of the answer; names are compared without regard to case.
        timing: When the parts of the exchange happened; None if they were not measured.
    """

    __slots__ = ("headers", "timing", "usages")

    def __init__(
        self,
        raw: Raw,
        usages: tuple[Usage, ...] = (),
        headers: Mapping[str, str] | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.raw = raw
        self.usages: tuple[Usage, ...] = usages
        self.headers: Mapping[str, str] = Headers() if headers is None else headers
        self.timing: Timing | None = timing

    choices: tuple[Choice, ...] = _key("choices", of=Choice, many=True)

    @property
    def request_id(self) -> str | None:
        """The server's name for the request, in ``x-request-id``; None if it gives none."""
        return self.headers.get("x-request-id")

    @property
    def text(self) -> str:
        """The text of the choice with index 0, or else of the first one; "" if there is none."""
        choices = self.choices
        first = next((each for each in choices if each.index == 0), choices[0] if choices else None)
        return "" if first is None else piece_of(first, first.message.content) or ""


# The other classes are built for every event of a stream. The attributes that nearly every program
# reads are plain slots: a look-up in a property takes as long as filling five slots. The merger
# makes these objects without their __init__, which takes as long as filling its slots.


class Delta(Message):
    """What a chunk adds to a message.

    Attributes:
        content: The text, also if the server sends it in parts, or sends the message so far instead
            of a delta; None if there is none.
    """

    __slots__ = ("content",)
    content: str | None

    def __init__(self, raw: Raw, content: str | None) -> None:
        self.raw = raw
        self.content = content


class ChunkChoice(_Choice):
    """The piece of one choice in a chunk. ``text`` is for legacy completions.

    Attributes:
        delta: What it adds.
    """

    __slots__ = ("delta",)

    def __init__(self, raw: Raw, delta: Delta) -> None:
        self.raw = raw
        self.delta: Delta = delta


class Chunk(_Answer):
    """One event of a streamed completion.

    Attributes:
        choices: Mostly one. Chunks that only count tokens, among others, have none.
        arrival_ns: When the read that completed the event had returned, in ns; 0 if the transport
            does not measure.
        read: The number of that read, from 1.
    """

    __slots__ = ("arrival_ns", "choices", "read")

    def __init__(
        self, raw: Raw, choices: tuple[ChunkChoice, ...], arrival_ns: int = 0, read: int = 0
    ) -> None:
        self.raw = raw
        self.choices: tuple[ChunkChoice, ...] = choices
        self.arrival_ns: int = arrival_ns
        self.read: int = read

    @property
    def text(self) -> str:
        """The text that the first choice of the chunk adds; "" if there is none."""
        if not self.choices:
            return ""
        first = self.choices[0]
        return piece_of(first, first.delta.content) or ""


def piece_of(choice: _Choice, content: str | None) -> str | None:
    """Return the text of a choice: its content, or the text of a legacy completion."""
    if content is not None:
        return content
    text = choice.raw.get("text")
    return text if isinstance(text, str) else None
