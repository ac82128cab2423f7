"""Merge the tool calls of one choice, in every form in which servers send their pieces."""

from __future__ import annotations

import json
from typing import Any

from ._merging import Pieces, joined, merge
from ._models import Raw

# How many characters of a call's arguments may be joined and parsed to find its end. Each time
# counts.
_PARSED_LIMIT = 1 << 20
# How arguments that are a JSON object may begin and end.
_BEFORE = "{ \t\r\n"
_BEHIND = "} \t\r\n"


class _Call:
    """The part of one call that has arrived."""

    def __init__(self, order: int) -> None:
        self.order = order
        self.id: str | None = None
        self.name = Pieces()
        self.arguments = Pieces()
        self.raw: Raw = {}  # all the rest
        self.function: Raw = {}  # the rest of the function
        self.parsed = 0  # characters that has_whole_arguments has joined, each time counted

    def has_whole_arguments(self) -> bool:
        """Tell whether the arguments so far are a JSON object."""
        pieces = self.arguments
        if not pieces or pieces[0][0] not in _BEFORE or pieces[-1][-1] not in _BEHIND:
            return False
        # A hostile stream can cause this check for each piece, which would be quadratic.
        if self.parsed > _PARSED_LIMIT:
            return False
        text = pieces.text()
        self.parsed += len(text)
        text = text.strip()
        if not text.startswith("{") or not text.endswith("}"):
            return False
        try:
            return isinstance(json.loads(text), dict)
        except (ValueError, RecursionError):
            return False

    def add_arguments(self, arguments: str) -> None:
        if not arguments:
            return
        before = self.arguments.text_within(len(arguments))
        if before and before.lstrip().startswith("{") and arguments.startswith(before):
            # All arguments so far, sent again. As the next piece they would not be JSON: no object
            # begins with an object, or with its own beginning.
            self.arguments = Pieces([arguments])
        else:
            self.arguments.append(arguments)


class ToolCalls:
    """The tool calls of one choice.

    Servers leave out the index or the id, give all calls the index 0, repeat the name or the
    arguments so far with each piece, or send a new id with each piece. The rule:

    - A piece belongs to the call with its id if there is one, else to the call with its index,
      else, if it has no name, to the last call. Otherwise it begins a call.
    - A piece with a name begins a call although one was found, if the call has another name and its
      arguments have begun or the id is new, too; or if the name is the same, the id is new, and the
      arguments of the call are already a whole JSON object.
    - Otherwise a name before any argument is the rest of the name, or the name again.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_id: dict[str, _Call] = {}
        self._by_index: dict[int, _Call] = {}  # the call that an index names at the moment

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, piece: Raw) -> None:
        """Take the next piece."""
        index = _value(piece, "index", int)
        id_ = _value(piece, "id", str) or None
        function = _value(piece, "function", dict) or {}
        name = _value(function, "name", str) or ""
        call = self._found(id_, index, name)
        if call is None or (name and self._begins(call, id_, name)):
            call = _Call(len(self._calls) if index is None else index)
            self._calls.append(call)
        if id_ is not None:
            call.id = call.id or id_
            self._by_id[id_] = call
        if index is not None:
            self._by_index[index] = call
        if name and call.name.text_within(len(name)) != name:
            call.name.append(name)
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            call.add_arguments(arguments)
        elif arguments is not None:
            merge(call.function, {"arguments": arguments})
        merge(call.raw, _without(piece, "id", "index", "function"))
        merge(call.function, _without(function, "name", "arguments"))

    def _found(self, id_: str | None, index: int | None, name: str) -> _Call | None:
        """Return the call that a piece names."""
        at_index = None if index is None else self._by_index.get(index)
        if id_ is not None and id_ in self._by_id:
            # If several calls have one id, the index decides.
            return at_index if at_index and at_index.id == id_ else self._by_id[id_]
        if at_index is None and not name and self._calls:
            return self._calls[-1]
        return at_index

    @staticmethod
    def _begins(call: _Call, id_: str | None, name: str) -> bool:
        """Tell whether a piece with a name begins a call, although it names this one."""
        is_new_id = id_ is not None and call.id is not None and id_ != call.id
        if not call.name:
            return False
        if call.name.text_within(len(name)) != name:
            return bool(call.arguments) or is_new_id
        return is_new_id and call.has_whole_arguments()

    def merged(self) -> list[Raw]:
        """Return the calls in the order of their indexes, and then in which they began."""
        merged = []
        for place, call in enumerate(sorted(self._calls, key=lambda call: call.order)):
            function: Raw = joined(call.function)
            if call.name:
                function["name"] = call.name.text()
            if call.arguments or "arguments" not in function:
                function["arguments"] = call.arguments.text()
            rest: Any = joined(call.raw)
            merged.append({"index": place, "id": call.id, **rest, "function": function})
        return merged


def _value(raw: Raw, key: str, kind: type) -> Any:
    """Return a value if it has exactly this type, else None."""
    value = raw.get(key)
    return value if type(value) is kind else None


def _without(raw: Raw, *keys: str) -> Raw:
    return {key: value for key, value in raw.items() if key not in keys}
