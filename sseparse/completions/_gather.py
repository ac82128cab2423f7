"""Put a completion together from the chunks of its stream."""

from __future__ import annotations

from typing import Any

from ._models import Chunk, ChunkChoice, Completion, Delta, Raw, Usage, dicts

# In deltas these are said again rather than said in pieces.
_SAID_WHOLE = frozenset({"id", "index", "role", "type"})
_NO_DELTA: Raw = {}
# Dicts within dicts are deltas to this depth; below, the last one counts. A server may nest as deep
# as the JSON decoder takes, which is deeper than Python calls itself.
_LEVELS = 8


class _Text(list[str]):
    """The pieces of a text: joining them at the end is linear, adding each to the text is not."""


def _gather(into: Raw, delta: Raw, levels: int = _LEVELS) -> None:
    """Add the values of a delta, of whatever keys, to those before.

    Texts are pieces of a longer text, lists go on, dicts are deltas themselves, and of everything
    else the last one counts.
    """
    for key, value in delta.items():
        before = into.get(key)
        if value is None:
            into.setdefault(key, None)
        elif isinstance(value, str) and key not in _SAID_WHOLE:
            into[key] = before if isinstance(before, _Text) else _Text()
            into[key].append(value)
        elif isinstance(value, list):
            into[key] = before if type(before) is list else []
            into[key].extend(value)
        elif isinstance(value, dict) and levels:
            into[key] = before if isinstance(before, dict) else {}
            _gather(into[key], value, levels - 1)
        else:
            into[key] = value


def _settled(gathered: Raw, levels: int = _LEVELS) -> Raw:
    """Return what was gathered as plain JSON values."""
    settled: Raw = {}
    for key, value in gathered.items():
        if isinstance(value, dict) and levels:
            value = _settled(value, levels - 1)
        settled[key] = "".join(value) if isinstance(value, _Text) else value
    return settled


class _ToolCalls:
    """The tool calls of one choice, put together as servers really send them.

    The index counts. But some servers leave it out, give all calls 0, or count on in the middle of
    a call: so a new id opens a new call even at an index that is taken, and a piece without id and
    name continues the last call if its index, or the lack of one, names none.
    """

    def __init__(self) -> None:
        self._calls: list[Raw] = []
        self._at: dict[object, Raw] = {}  # by index, the call that it names at the moment

    def add(self, piece: Raw) -> None:
        index = piece.get("index")
        index = index if isinstance(index, int) else None
        id_ = piece.get("id") or None
        function = piece.get("function")
        function = dict(function) if isinstance(function, dict) else {}
        name = function.get("name")
        if not isinstance(name, str):
            function["name"] = name = None
        call = None if index is None else self._at.get(index)
        if call is None and (index is None or not (id_ or name)) and self._calls:
            call = self._calls[-1]
        if call is None or (id_ and call["id"] not in (None, id_)):
            place = len(self._calls) if index is None else index
            call = {"index": place, "id": None, "function": {}}
            self._calls.append(call)
        if index is not None:
            self._at[index] = call
        if "".join(call["function"].get("name") or ()) == name:
            del function["name"]  # said again with every piece, where others send it in pieces
        _gather(call, {**piece, "function": function, "index": call["index"]})

    def settled(self) -> list[Raw]:
        calls = sorted(self._calls, key=lambda call: int(call["index"]))
        return [{**_settled(call), "index": place} for place, call in enumerate(calls)]


class _Piecemeal:
    """What has arrived of one choice."""

    def __init__(self) -> None:
        self.content: list[str] = []  # the text; it counts more than content in parts
        self.message: Raw = {"role": "assistant", "content": None}
        self.calls = _ToolCalls()
        self.rest: Raw = {}  # what the choice has besides the message
        self.finish_reason: Any = None

    def add(self, delta: Raw) -> None:
        rest = dict(delta)
        if isinstance(rest.get("content"), str):
            self.content.append(rest.pop("content"))
        for piece in dicts(rest.pop("tool_calls", None)):
            self.calls.add(piece)
        _gather(self.message, rest)

    def add_rest(self, choice: Raw) -> None:
        for key, value in choice.items():
            if key in ("logprobs", "text"):
                _gather(self.rest, {key: value})
            elif key not in ("delta", "index", "finish_reason"):
                self.rest[key] = value

    def whole_message(self) -> Raw:
        message = _settled(self.message)
        message["content"] = "".join(self.content) or message["content"]
        calls = self.calls.settled()
        return {**message, "tool_calls": calls} if calls else message


class Gatherer:
    """Takes the chunks of one stream, in order.

    Args:
        wanted: How many choices the request asked for.
        is_chat: Whether they are messages, and not the texts of a legacy completion.
    """

    def __init__(self, wanted: int, *, is_chat: bool) -> None:
        self._wanted = wanted
        self._is_chat = is_chat
        self._top: Raw = {}
        self._usages: list[Usage] = []
        self._choices: dict[int, _Piecemeal] = {}

    def add(self, raw: Raw, arrival_ns: int) -> Chunk:
        """Take the JSON of an event, and return the chunk that it is."""
        # On the hot path: with urllib3's read and the JSON decoder this is most of what a chunk
        # costs. One pass gathers and builds, and a chunk that only adds text takes the short way.
        built = []
        choices = raw.get("choices")
        for choice in choices if type(choices) is list else ():
            if type(choice) is not dict:
                continue
            index = choice.get("index")
            if type(index) is not int:
                index = 0
            piecemeal = self._choices.get(index)
            if piecemeal is None:
                piecemeal = self._choices[index] = _Piecemeal()
            delta = choice.get("delta")
            if type(delta) is not dict:
                delta = _NO_DELTA
            content = delta.get("content")
            if type(content) is str and len(delta) == 1:
                piecemeal.content.append(content)
            elif delta:
                piecemeal.add(delta)
            reason = choice.get("finish_reason", False)
            if reason:
                piecemeal.finish_reason = reason
            if reason is False or len(choice) > 3:  # more than index, delta and finish_reason
                piecemeal.add_rest(choice)
            built.append(ChunkChoice(choice, Delta(delta, content)))
        usage = raw.get("usage")
        if usage and isinstance(usage, dict):
            self._usages.append(Usage(usage))
        self._top.update(raw)
        return Chunk(raw, tuple(built), arrival_ns)

    def is_finished(self) -> bool:
        """Whether every choice that was asked for, or came unasked, has its finish reason."""
        count = len(self._choices)
        is_whole = count >= self._wanted and sorted(self._choices) == list(range(count))
        return is_whole and all(each.finish_reason for each in self._choices.values())

    def whole(self) -> Completion:
        """Return what there is so far as a whole completion."""
        kind = "chat.completion" if self._is_chat else "text_completion"
        raw = {**self._top, "object": kind, "choices": []}
        for index, choice in sorted(self._choices.items()):
            said = {"message": choice.whole_message()} if self._is_chat else {"text": ""}
            rest = _settled(choice.rest)
            raw["choices"].append(
                {"index": index, **said, "finish_reason": choice.finish_reason, **rest}
            )
        if self._usages:
            raw["usage"] = self._usages[-1].raw
        return Completion(raw, tuple(self._usages))
