"""Types for the data of events, for msgspec.

They have only the fields that a program reads.
"""

from __future__ import annotations

import msgspec


class Function(msgspec.Struct):
    """A part of a tool call."""

    name: str | None = None
    arguments: str = ""


class ToolCall(msgspec.Struct):
    """A part of a tool call, and the call that it belongs to."""

    index: int
    function: Function
    id: str | None = None


class Delta(msgspec.Struct):
    """What a chunk adds to the answer."""

    content: str | None = None
    tool_calls: list[ToolCall] | None = None


class Choice(msgspec.Struct):
    """One choice of a chunk."""

    index: int
    delta: Delta
    finish_reason: str | None = None


class ChatChunk(msgspec.Struct):
    """A chunk of a chat completion."""

    choices: list[Choice]


class TextDelta(msgspec.Struct):
    """A piece of text."""

    text: str


class ContentBlockDelta(msgspec.Struct):
    """An event of Anthropic's Messages API."""

    type: str
    index: int
    delta: TextDelta
