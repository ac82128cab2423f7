"""The streams that are measured, each with the data that must come out of it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KIB = 1024


class Block(NamedTuple):
    """One block as it stands on the wire, and the data of its event; None if it makes none."""

    wire: bytes
    data: str | None


class Case(NamedTuple):
    """A stream and how it is cut.

    Attributes:
        name: For ``--cases``.
        about: What it stands for.
        blocks: Makes a stream of that many units: events, or kB or lines for the one-event streams.
        units: How many to measure with. Growth is measured with twice and four times as many.
        cut: Bytes in a chunk; 0 for one chunk per block.
    """

    name: str
    about: str
    blocks: Callable[[int], list[Block]]
    units: int
    cut: int

    def chunks(self, blocks: list[Block]) -> list[bytes]:
        """Return the stream as it would arrive."""
        if not self.cut:
            return [block.wire for block in blocks]
        stream = b"".join(block.wire for block in blocks)
        return [stream[start : start + self.cut] for start in range(0, len(stream), self.cut)]


def expected(blocks: list[Block]) -> tuple[int, str]:
    """Return how many events the blocks make, and the digest of their data."""
    data = [block.data for block in blocks if block.data is not None]
    return len(data), digest(data)


def digest(data: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for each in data:
        digest.update(each.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def chat(events: int) -> list[Block]:
    return [_one_line(_completion_chunk(number)) for number in range(events)]


def chat_crlf(events: int) -> list[Block]:
    return [Block(wire.replace(b"\n", b"\r\n"), data) for wire, data in chat(events)]


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


def comments(events: int) -> list[Block]:
    keep_alive = [Block(b": keep-alive\n\n", None)] * 3
    return [block for event in chat(events) for block in (*keep_alive, event)]


def one_event(kilobytes: int) -> list[Block]:
    return [_one_line("0123456789abcdefghijklmnopqrstuvwxyzABCD" * 25 * kilobytes)]


def one_event_of_lines(lines: int) -> list[Block]:
    return [Block(b"data: word\n" * lines + b"\n", "\n".join(["word"] * lines))]


def _one_line(data: str) -> Block:
    return Block(f"data: {data}\n\n".encode(), data)


def _completion_chunk(number: int) -> str:
    return json.dumps(
        {
            "id": "chatcmpl-7eSvSno8venz3QcuQhTA3vT8kN18D6gj",
            "object": "chat.completion.chunk",
            "created": 1795333748,
            "model": "tiny",
            "system_fingerprint": "b0-unknown",
            "choices": [{"index": 0, "delta": {"content": f" {number}"}, "finish_reason": None}],
        }
    )


# What makes a stream, and how many units of it are about 250 kB: four times that, for the growth,
# is still about 1 MB.
STREAMS: dict[str, tuple[Callable[[int], list[Block]], int]] = {
    "chat": (chat, 1000),
    "tiny": (tiny, 28_000),
    "wikimedia": (wikimedia, 225),
    "crlf": (chat_crlf, 1000),
    "multi-line": (multi_line, 3700),
    "comments": (comments, 850),
    "one-event": (one_event, 250),
    "one-event-of-lines": (one_event_of_lines, 23_000),
}

CASES = [
    Case("chat", "chat chunks of about 240 bytes, 64 KiB reads", *STREAMS["chat"], 64 * KIB),
    Case("per-event", "chat chunks, one read per event", *STREAMS["chat"], 0),
    Case("tiny", "events of one digit, 64 KiB reads", *STREAMS["tiny"], 64 * KIB),
    Case("wikimedia", "event, id, non-ASCII data, 64 KiB reads", *STREAMS["wikimedia"], 64 * KIB),
    Case("crlf", "chat chunks with CRLF, 64 KiB reads", *STREAMS["crlf"], 64 * KIB),
    Case("multi-line", "three data lines an event, 64 KiB reads", *STREAMS["multi-line"], 64 * KIB),
    Case(
        "comments", "three comments before an event, 64 KiB reads", *STREAMS["comments"], 64 * KIB
    ),
    Case("100-byte", "chat chunks, 100-byte reads", *STREAMS["chat"], 100),
    Case("1-byte", "chat chunks, 1-byte reads", *STREAMS["chat"], 1),
    Case("8-mb-event", "one event of 8 MB, 16 KiB reads", one_event, 8000, 16 * KIB),
    Case("million-lines", "one event of a million lines", one_event_of_lines, 10**6, 64 * KIB),
]


def growth_cases(cases: Iterable[Case]) -> list[Case]:
    """Return every stream of the cases, at about 250 kB, with every cut that no case has yet."""
    makers = {case.blocks for case in cases}
    known = {(case.blocks, case.units, case.cut) for case in CASES}
    return [
        Case(f"{name}/{cut or 'per-event'}", "for the growth only", blocks, units, cut)
        for name, (blocks, units) in STREAMS.items()
        for cut in (64 * KIB, 100, 1, 0)
        if blocks in makers and (blocks, units, cut) not in known
    ]
