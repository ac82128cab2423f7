"""The streams that are measured, block by block, each with the data of its events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Block(NamedTuple):
    """One block as it stands on the wire, and the data of its event; None if it makes none."""

    wire: bytes
    data: str | None


def chat(events: int) -> list[Block]:
    return [_one_line(_completion_chunk({"content": f" {number}"})) for number in range(events)]


def chat_crlf(events: int) -> list[Block]:
    return [Block(wire.replace(b"\n", b"\r\n"), data) for wire, data in chat(events)]


def chat_cr(events: int) -> list[Block]:
    return [Block(wire.replace(b"\n", b"\r"), data) for wire, data in chat(events)]


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


def mcp(kilobytes: int) -> list[Block]:
    """Return one JSON-RPC message of an MCP server: the result of a tool, as text in JSON."""
    text = "".join(f'line {number}:\t"some \\ source"\n' for number in range(32 * kilobytes))
    content = [{"type": "text", "text": text}]
    data = json.dumps({"jsonrpc": "2.0", "id": 7, "result": {"content": content, "isError": False}})
    return [Block(f"event: message\nid: 1\ndata: {data}\n\n".encode(), data)]


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
        wire = f"event: message\nid: {last_event_id}\ndata: {data}\n\n".encode()
        blocks.append(Block(wire, data))
    return blocks


def multi_line(events: int) -> list[Block]:
    blocks = []
    for number in range(events):
        lines = [f"line one of event {number}", "the second line", "and the third"]
        wire = "".join(f"data: {line}\n" for line in lines) + "\n"
        blocks.append(Block(wire.encode(), "\n".join(lines)))
    return blocks


def many_ids(events: int) -> list[Block]:
    return [
        Block(f"id: {1795333748000 + number}-0\ndata: {number}\n\n".encode(), str(number))
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
    """Return hardly any events, each after as many comments as twenty idle periods bring."""
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


def _one_line(data: str) -> Block:
    return Block(f"data: {data}\n\n".encode(), data)


def _completion_chunk(delta: dict[str, object]) -> str:
    return json.dumps(
        {
            "id": "chatcmpl-7eSvSno8venz3QcuQhTA3vT8kN18D6gj",
            "object": "chat.completion.chunk",
            "created": 1795333748,
            "model": "tiny",
            "system_fingerprint": "b0-unknown",
            "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
        }
    )


# What makes a stream, and how many units of it are about 250 kB: four times that, for the growth,
# is still about 1 MB. A message of MCP is 1 MB, which is what breaks the limits that some have.
STREAMS: dict[str, tuple[Callable[[int], list[Block]], int]] = {
    "chat": (chat, 1000),
    "tiny": (tiny, 28_000),
    "wikimedia": (wikimedia, 225),
    "crlf": (chat_crlf, 1000),
    "cr": (chat_cr, 1000),
    "multi-line": (multi_line, 3700),
    "comments": (comments, 850),
    "heartbeats": (heartbeats, 230),
    "many-ids": (many_ids, 8000),
    "reasoning": (reasoning, 900),
    "tool-calls": (tool_calls, 800),
    "mcp": (mcp, 1000),
    "2-byte": (cyrillic, 600),
    "4-byte": (emoji, 900),
    "endless-comment": (endless_comment, 250),
    "one-event": (one_event, 250),
    "one-event-of-lines": (one_event_of_lines, 23_000),
}
