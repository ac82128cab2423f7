"""Merge the chunks of a stream into one completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._merging import Pieces, joined, merge
from ._models import (
    Chunk,
    ChunkChoice,
    Completion,
    Delta,
    Raw,
    Usage,
    dicts,
    index_of,
    usage_in,
)
from ._text import is_text_part, join_surrogates, plain_text
from ._tool_calls import ToolCalls

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_DELTA: Raw = {}
# The keys of a choice that come in pieces, or that the merger writes itself.
_MERGED_KEYS = frozenset(
    {"delta", "message", "index", "finish_reason", "finishReason", "text", "logprobs"}
)
# The keys of a count of tokens, of which one at least has to be there.
_COUNTS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})
# The keys of a chunk that the merger writes itself.
_OWN = frozenset({"choices", "object", "usage"})
# The keys whose first value counts that is not empty: they describe the whole answer. For all other
# keys the last one counts.
_FIRST = ("id", "created", "model", "system_fingerprint")
_KNOWN: dict[tuple[str, ...], frozenset[str]] = {}  # by the keys of _FIRST that have come
_new = object.__new__


class _Merged:
    """The parts of one choice that have arrived."""

    def __init__(self) -> None:
        # The text, with the text of parts.
        self.text = Pieces()
        self.has_text = False  # whether there was any, if only an empty one
        # The content in parts, and the texts between them; None until the server sends parts.
        self.parts: list[Any] | None = None
        self.delta: Raw = {}  # everything else in the deltas
        self.calls = ToolCalls()
        # The keys of the last message in a choice. A message is everything so far, so it counts
        # only for keys that no delta has.
        self.message: Raw = {}
        # Whether the text comes out of messages: set by the first one, if no delta had text before.
        self.grows = False
        self.choice: Raw = {}  # the keys of the choice beside the message for which the last counts
        self.logprobs: Raw = {}
        self.finish_reason: Any = None

    def add_delta(self, delta: Raw) -> str | None:
        """Take a delta, and return its text."""
        text = None
        for key, value in delta.items():
            if key == "content":
                text = plain_text(value)
                self._add_part(value)
                self._add_text(text)
            elif key == "tool_calls":
                for piece in dicts(value):
                    self.calls.add(piece)
            elif key == "function_call" and isinstance(value, dict):
                self._add_function_call(value)
            else:
                merge(self.delta, {key: value})
        return text

    def _add_text(self, text: str | None) -> None:
        if text:
            self.text.append(text)
        self.has_text = self.has_text or text is not None

    def _add_part(self, content: object) -> None:
        if isinstance(content, list):
            if self.parts is None:
                self.parts = [*self.text]
            self.parts.extend(content)
        elif self.parts is not None and isinstance(content, str):
            self.parts.append(content)

    def _add_function_call(self, call: Raw) -> None:
        """Take a piece of the legacy form of a tool call; the name may come with each piece."""
        before = self.delta.get("function_call")
        name = before.get("name") if isinstance(before, dict) else None
        again = call.get("name")
        if isinstance(name, Pieces) and isinstance(again, str):
            is_again = name.text_within(len(again)) == again
        else:
            is_again = False
        rest = {k: v for k, v in call.items() if k != "name"} if is_again else call
        merge(self.delta, {"function_call": rest})

    def add_choice(self, choice: Raw, content: str | None) -> str | None:
        """Take the keys of a choice beside its delta; return all the text that the choice adds."""
        message = choice.get("message")
        if type(message) is dict:
            content = self._add_message(message, content)
        text = choice.get("text")
        if content is None and isinstance(text, str):
            self._add_part(text)
            self._add_text(text)
        for key, value in choice.items():
            if key == "logprobs":
                merge(self.logprobs, {key: value})
            elif key not in _MERGED_KEYS:
                self.choice[key] = value
        return content

    def _add_message(self, message: Raw, content: str | None) -> str | None:
        """Take the message so far; return the text that it adds, if no delta has it."""
        self.message.update({key: value for key, value in message.items() if value is not None})
        whole = plain_text(message.get("content"))
        if whole is None or (self.text and not self.grows):
            return content
        before = self.text.text_within(len(whole))
        if before is None or not whole.startswith(before):
            return content  # the reader has the earlier text already
        self.grows = self.grows or bool(whole)
        self.has_text = True
        self.text[:] = [whole] if whole else []
        grown = whole[len(before) :]
        self._add_part(grown)
        return (content or "") + grown if grown else content

    def merged(self, index: int, *, is_chat: bool) -> Raw:
        """Return the choice as a whole completion has it."""
        text = self.text.text() if self.has_text else None
        rest = {**self.choice, **joined(self.logprobs)}
        reason = {"finish_reason": self.finish_reason}
        if not is_chat:
            return {"index": index, "text": text or "", **reason, **rest}
        return {"index": index, "message": self._merged_message(text), **reason, **rest}

    def _merged_message(self, text: str | None) -> Raw:
        message: Raw = {"role": "assistant", "content": text, **self.message}
        message.update((k, v) for k, v in joined(self.delta).items() if v is not None)
        for key in self.delta:  # null in all pieces
            message.setdefault(key, None)
        if self.parts is not None:
            message["content"] = _joined_parts(self.parts)
        elif plain_text(message["content"]) != text:
            message["content"] = text
        if self.calls:
            message["tool_calls"] = self.calls.merged()
        return message


class Merger:
    """Merge the chunks of one stream, in order.

    Args:
        n: How many choices the request asked for.
        is_chat: Whether they are messages, and not the texts of a legacy completion.
    """

    def __init__(self, n: int, *, is_chat: bool) -> None:
        self.chunks = 0  # how many have come
        self._has_usage = False  # whether this chunk may have usage elsewhere than at the top
        # The keys of which no more values are needed. A chunk that has no other is not looked at.
        # By _add_top, which shares them between streams.
        self._known: frozenset[str] = frozenset()
        # The choice of the last piece, and its index. By _choice.
        self._current: Any = None
        self._current_index: int | None = None
        self.finished = 0  # how many choices have their finish reason
        self.has_error = False  # whether a choice reported an error
        self._n = n
        self._is_chat = is_chat
        self._top: Raw = {}  # the values of all keys but _OWN
        self._choices: dict[int, _Merged] = {}
        # The lowest and the highest index of a choice.
        self._lowest = 0
        self._highest = -1
        self.usages: list[Usage] = []

    def add(self, raw: Raw, arrival_ns: int, read: int) -> Chunk:
        """Take the JSON of an event, and return the chunk that it is."""
        # This and the JSON decoder take most of the time of a chunk. One pass merges and builds,
        # and a chunk that only adds text skips most of it.
        self.chunks += 1
        self._has_usage = "x_groq" in raw
        choices = raw.get("choices")
        built: tuple[ChunkChoice, ...]
        if type(choices) is not list:
            built = ()
        elif len(choices) == 1 and type(choices[0]) is dict:
            built = (self._merge_choice(choices[0]),)
        else:
            built = tuple([self._merge_choice(each) for each in dicts(choices)])
        if (raw.get("usage") or self._has_usage) and (usage := usage_in(raw)) is not None:
            self.usages.append(Usage(usage))
        # Not the keys of a keep-alive, or of another API's event.
        if not self._known.issuperset(raw) and ("choices" in raw or "type" not in raw):
            self._add_top(raw)
        chunk = _new(Chunk)
        chunk.raw = raw
        chunk.choices = built
        chunk.arrival_ns = arrival_ns
        chunk.read = read
        return chunk

    def _add_top(self, raw: Raw) -> None:
        top = self._top
        for key, value in raw.items():
            if value is not None and key not in _OWN and not (key in _FIRST and top.get(key)):
                top[key] = value
        names = tuple([key for key in _FIRST if top.get(key)])
        self._known = _KNOWN.setdefault(names, _OWN.union(names))

    def _merge_choice(self, choice: Raw) -> ChunkChoice:
        """Take a choice of a chunk, and return the piece that it is."""
        # A choice is bare if it has an index, a delta and a finish reason, and nothing else but the
        # logprobs null that OpenAI sends.
        index: Any
        raw_delta: Any
        reason: Any
        try:
            index, raw_delta, reason = choice["index"], choice["delta"], choice["finish_reason"]
        except KeyError:
            is_bare = False
        else:
            size = len(choice)
            is_bare = (
                (size == 3 or (size == 4 and choice.get("logprobs", 0) is None))
                and type(index) is int
                and type(raw_delta) is dict
            )
        if not is_bare:
            index = index_of(choice)
            raw_delta = choice.get("delta")
            if type(raw_delta) is not dict:
                raw_delta = _NO_DELTA
        merged = self._current if index == self._current_index else self._choice(index)
        content = raw_delta.get("content")
        if type(content) is str and len(raw_delta) == 1 and merged.parts is None:
            if content:
                merged.text.append(content)
            merged.has_text = True
        elif raw_delta:
            content = merged.add_delta(raw_delta)
        if not is_bare:
            content = merged.add_choice(choice, content)
            reason = choice.get("finish_reason") or choice.get("finishReason")
            self._has_usage = self._has_usage or "usage" in choice
            self.has_error = self.has_error or bool(choice.get("error"))
        if reason:
            self._finish(merged, reason)
        delta = _new(Delta)
        delta.raw = raw_delta
        delta.content = content
        piece = _new(ChunkChoice)
        piece.raw = choice
        piece.delta = delta
        return piece

    def _choice(self, index: int) -> _Merged:
        """Return the choice with that index, which becomes the current one."""
        merged = self._choices.get(index)
        if merged is None:
            merged = self._choices[index] = _Merged()
            self._lowest = min(self._lowest, index)
            self._highest = max(self._highest, index)
        self._current, self._current_index = merged, index
        return merged

    def _finish(self, merged: _Merged, reason: Any) -> None:
        if not merged.finish_reason:
            self.finished += 1
        self.has_error = self.has_error or reason == "error"
        merged.finish_reason = reason

    @property
    def choices(self) -> int:
        """How many choices have come."""
        return len(self._choices)

    def is_empty(self) -> bool:
        """Return whether no choice and no count of tokens have come."""
        return not self._choices and not self.usages

    def is_finished(self) -> bool:
        """Tell whether every choice, requested or not, has its finish reason."""
        count = len(self._choices)
        if self.finished < self._n or self.finished < count:
            return False
        # The indexes are 0, 1, 2 and so on. To sort them with each chunk would be quadratic.
        return self._lowest == 0 and self._highest == count - 1

    def completion(self, headers: Mapping[str, str]) -> Completion:
        """Return the completion so far."""
        choices = [
            choice.merged(index, is_chat=self._is_chat)
            for index, choice in sorted(self._choices.items())
        ]
        kind = "chat.completion" if self._is_chat else "text_completion"
        raw = {**self._top, "object": kind, "choices": choices}
        if self.usages:
            raw["usage"] = self._usage().raw
        return Completion(raw, tuple(self.usages), headers)

    def _usage(self) -> Usage:
        """Return the last usage with the usual counts, or the last one if none has them.

        After its counts Vertex AI sends one more usage, with zeros and the keys of another API.
        """
        known = (each for each in reversed(self.usages) if not _COUNTS.isdisjoint(each.raw))
        return next(known, self.usages[-1])


def whole_usages(raw: Raw) -> tuple[Usage, ...]:
    """Return the usages of a completion that was not streamed."""
    usage = usage_in(raw)
    return () if usage is None else (Usage(usage),)


def _joined_parts(parts: list[Any]) -> Any:
    """Return a content in parts, with neighbouring texts joined; a str if all of it is text."""
    whole: list[Any] = []
    texts: list[str] = []
    for part in parts:
        if is_text_part(part):
            texts.append(plain_text([part]) or "")
            continue
        if texts:
            whole.append({"type": "text", "text": join_surrogates("".join(texts))})
            texts = []
        whole.append(part)
    text = join_surrogates("".join(texts))
    if not whole:
        return text
    return [*whole, {"type": "text", "text": text}] if texts else whole
