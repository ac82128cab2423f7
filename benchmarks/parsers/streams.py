"""The streams of the benchmark, block by block, with the data of their events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Block(NamedTuple):
    """The bytes of a block, and the data of its event; None if the block gives no event."""

    wire: bytes
    data: str | None


def chat(events: int) -> list[Block]:
    return [_one_line(_completion_chunk({"content": f" {number}"})) for number in range(events)]


def chat_no_space(events: int) -> list[Block]:
    """Return chat without a space after the colon, as Ruby on Rails and Spring write it."""
    return [Block(wire.replace(b"data: ", b"data:", 1), data) for wire, data in chat(events)]


def chat_crlf(events: int) -> list[Block]:
    return [Block(wire.replace(b"\n", b"\r\n"), data) for wire, data in chat(events)]


def chat_cr(events: int) -> list[Block]:
    return [Block(wire.replace(b"\n", b"\r"), data) for wire, data in chat(events)]


def chat_chinese(events: int) -> list[Block]:
    """Return chat in Chinese, as a server writes it that does not escape non-ASCII text."""
    return [
        _one_line(_completion_chunk({"content": f"你好世界{number}"}, ensure_ascii=False))
        for number in range(events)
    ]


def reasoning(events: int) -> list[Block]:
    """Return chunks with ``reasoning_content``, as reasoning models send them before the answer."""
    return [
        _one_line(_completion_chunk({"content": None, "reasoning_content": f" step {number}"}))
        for number in range(events)
    ]


def tool_calls(events: int) -> list[Block]:
    """Return chunks of tool calls: the name first, then pieces of the arguments' JSON text."""
    blocks = []
    for number in range(events):
        piece, call = number % 10, number // 10
        function = {"arguments": f'{{"line_{number}": "'} if piece else {"name": "edit"}
        delta = {"index": call % 4, "function": {"arguments": "", **function}}
        opening = {} if piece else {"id": f"call_{call:024}", "type": "function"}
        blocks.append(_one_line(_completion_chunk({"tool_calls": [{**delta, **opening}]})))
    return blocks


def anthropic(events: int) -> list[Block]:
    blocks = []
    for number in range(events):
        delta = {"type": "text_delta", "text": f" {number}"}
        data = json.dumps({"type": "content_block_delta", "index": 0, "delta": delta})
        blocks.append(_lines(["event: content_block_delta", f"data: {data}"], data))
    return blocks


def responses(events: int) -> list[Block]:
    """Return deltas of OpenAI's Responses API; ``obfuscation`` gives them different lengths."""
    padding = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    blocks = []
    for number in range(events):
        data = json.dumps(
            {
                "type": "response.output_text.delta",
                "sequence_number": number,
                "item_id": "msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654",
                "output_index": 0,
                "content_index": 0,
                "delta": f" {number}",
                "logprobs": [],
                "obfuscation": padding[: 20 + number % 40],
            }
        )
        blocks.append(_lines(["event: response.output_text.delta", f"data: {data}"], data))
    return blocks


def mcp(events: int) -> list[Block]:
    """Return JSON-RPC notifications of an MCP server, as sse-starlette sends them."""
    blocks = []
    for number in range(events):
        progress = {"progressToken": "abc", "progress": number, "total": 1000}
        params = {**progress, "message": "working on it"}
        data = json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
        blocks.append(_lines(["event: message", f"data: {data}"], data, "\r\n"))
    return blocks


def mcp_result(kilobytes: int) -> list[Block]:
    """Return one JSON-RPC message of an MCP server: the result of a tool, as text in JSON."""
    text = "".join(f'line {number}:\t"some \\ source"\n' for number in range(32 * kilobytes))
    content = [{"type": "text", "text": text}]
    data = json.dumps({"jsonrpc": "2.0", "id": 7, "result": {"content": content, "isError": False}})
    return [_lines(["event: message", "id: 1", f"data: {data}"], data)]


def spring(events: int) -> list[Block]:
    """Return events of DashScope, which uses Spring: a comment and three fields without a space."""
    blocks = []
    for number in range(events):
        message = {"content": f" {number}", "role": "assistant"}
        data = json.dumps(
            {
                "output": {"choices": [{"message": message, "finish_reason": "null"}]},
                "usage": {"total_tokens": 26, "input_tokens": 22, "output_tokens": 4},
                "request_id": "9f2c7a64-5d7b-9a3e-8f58-0a3b2c1d4e5f",
            }
        )
        lines = [f"id:{number}", "event:result", ":HTTP_STATUS/200", f"data:{data}"]
        blocks.append(_lines(lines, data))
    return blocks


def two_shapes(events: int) -> list[Block]:
    """Return events of two types in turn, so that no block is like the one before it."""
    return _in_turn(events, [["event: a", "data: "], ["event: bb", "data: "]])


def four_shapes(events: int) -> list[Block]:
    """Return blocks of four kinds in turn."""
    kinds = [["event: a", "data: "], ["data: "], ["event: bb", "data: "], ["data:"]]
    return _in_turn(events, kinds)


def tiny(events: int) -> list[Block]:
    return [_one_line(str(number % 10)) for number in range(events)]


def wikimedia(events: int) -> list[Block]:
    blocks = []
    for number in range(events):
        position = {"topic": "eqiad.mediawiki.recentchange", "partition": 0}
        last_event_id = json.dumps([{**position, "timestamp": 1795333748000 + number}, position])
        data = json.dumps(
            {
                "$schema": "/mediawiki/recentchange/1.0.0",
                "title": f"Обсуждение участника:Ünïcödé {number}",
                "comment": "русский текст комментария 日本語 " * 6,
                "parsedcomment": '<a href="/wiki/Special:Contributions">abcdefghij</a> ' * 10,
            },
            ensure_ascii=False,
        )
        lines = ["event: message", f"id: {last_event_id}", f"data: {data}"]
        blocks.append(_lines(lines, data))
    return blocks


def three_lines(events: int) -> list[Block]:
    blocks = []
    for number in range(events):
        lines = [f"line one of event {number}", "the second line", "and the third"]
        blocks.append(_lines([f"data: {line}" for line in lines], "\n".join(lines)))
    return blocks


def ids(events: int) -> list[Block]:
    return [
        _lines([f"id: {1795333748000 + number}-0", f"data: {number}"], str(number))
        for number in range(events)
    ]


def cyrillic(events: int) -> list[Block]:
    return [_one_line(f"{number} " + "Привет, мир " * 20) for number in range(events)]


def emoji(events: int) -> list[Block]:
    return [_one_line(f"{number} " + "😀🎉🚀 " * 20) for number in range(events)]


def comments(events: int) -> list[Block]:
    keep_alive = [Block(b": keep-alive\n\n", None)] * 3
    return [block for event in chat(events) for block in (*keep_alive, event)]


def heartbeats(events: int) -> list[Block]:
    """Return few events, each after the comments of twenty idle periods."""
    pings = [
        Block(f": ping - 2026-11-21 09:{each:02}:00.123456+00:00\n\n".encode(), None)
        for each in range(20)
    ]
    return [block for event in chat(events) for block in (*pings, event)]


def endless_comment(kilobytes: int) -> list[Block]:
    """Return a comment that fills the stream; one event after it shows that it was read."""
    return [Block(b":" + b"x" * 1000 * kilobytes + b"\n\n", None), _one_line("end")]


def one_event(kilobytes: int) -> list[Block]:
    return [_one_line("0123456789abcdefghijklmnopqrstuvwxyzABCD" * 25 * kilobytes)]


def one_event_of_lines(lines: int) -> list[Block]:
    return [Block(b"data: word\n" * lines + b"\n", "\n".join(["word"] * lines))]


def _in_turn(events: int, kinds: list[list[str]]) -> list[Block]:
    blocks = []
    for number in range(events):
        data = json.dumps({"type": "x", "i": number, "pad": "y" * 150})
        *lines, last = kinds[number % len(kinds)]
        blocks.append(_lines([*lines, last + data], data))
    return blocks


def _lines(lines: list[str], data: str, line_end: str = "\n") -> Block:
    return Block("".join(line + line_end for line in [*lines, ""]).encode(), data)


def _one_line(data: str) -> Block:
    return _lines([f"data: {data}"], data)


def _completion_chunk(delta: dict[str, object], ensure_ascii: bool = True) -> str:
    return json.dumps(
        {
            "id": "chatcmpl-7eSvSno8venz3QcuQhTA3vT8kN18D6gj",
            "object": "chat.completion.chunk",
            "created": 1795333748,
            "model": "tiny",
            "system_fingerprint": "b0-unknown",
            "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
        },
        ensure_ascii=ensure_ascii,
    )


# The function that makes each stream, and the units that make about 250 kB, so that four times as
# much, for the growth, is about 1 MB. The MCP result is 1 MB, because some parsers have a limit
# there.
STREAMS: dict[str, tuple[Callable[[int], list[Block]], int]] = {
    "chat": (chat, 1000),
    "no-space": (chat_no_space, 1000),
    "crlf": (chat_crlf, 1000),
    "cr": (chat_cr, 1000),
    "chinese": (chat_chinese, 1000),
    "reasoning": (reasoning, 900),
    "tool-calls": (tool_calls, 800),
    "anthropic": (anthropic, 1900),
    "responses": (responses, 850),
    "mcp": (mcp, 1500),
    "mcp-1-mb": (mcp_result, 1000),
    "spring": (spring, 900),
    "wikimedia": (wikimedia, 225),
    "comments": (comments, 850),
    "heartbeats": (heartbeats, 230),
    "three-lines": (three_lines, 3700),
    "ids": (ids, 8000),
    "two-shapes": (two_shapes, 1200),
    "four-shapes": (four_shapes, 1250),
    "tiny": (tiny, 28_000),
    "2-byte": (cyrillic, 600),
    "4-byte": (emoji, 900),
    "endless-comment": (endless_comment, 250),
    "one-event": (one_event, 250),
    "one-event-of-lines": (one_event_of_lines, 23_000),
}
