"""A folder of recordings with times, and the right result of a query."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sseparse import encode

if TYPE_CHECKING:
    from pathlib import Path

# The gaps between the chunks of each stream, in ms, and the tokens of each.
_STREAMS: list[tuple[str, list[int], int]] = [
    ("large", [30, 31, 500, 32], 120),
    ("small", [10, 11, 12, 13, 90], 70),
    ("large", [33, 34], 33),
    ("small", [14, 15], 7),
]


def _p95(gaps: list[int]) -> float:
    """Return the 95th percentile, with interpolation between the two gaps beside it."""
    ordered = sorted(gaps)
    at = 0.95 * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


FIGURES = [
    (
        model,
        _p95([gap for name, gaps, _ in _STREAMS if name == model for gap in gaps]),
        sum(tokens for name, _, tokens in _STREAMS if name == model),
    )
    for model in ("large", "small")
]


def write_recordings(folder: Path) -> list[str]:
    """Write a HAR with two of the streams into each of two files, and return the paths."""
    paths = [folder / f"{number}.har" for number in range(2)]
    for path, streams in zip(paths, (_STREAMS[:2], _STREAMS[2:]), strict=True):
        document = {"log": {"creator": {"name": "chrome-har"}, "entries": [*map(_entry, streams)]}}
        path.write_text(json.dumps(document), encoding="utf-8")
    return list(map(str, paths))


def _entry(stream: tuple[str, list[int], int]) -> dict[str, Any]:
    model, gaps, tokens = stream
    blocks, chunks, time = [], [], 100
    for gap in [0, *gaps]:
        time += gap
        blocks.append(_chunk(model, {"delta": {"content": "x"}}))
        chunks.append({"ts": time, "bytes": len(blocks[-1])})
    # The count of tokens and the end come with the read of the last chunk.
    blocks[-1] = _chunk(model, {"delta": {"content": "."}}, tokens) + encode("[DONE]")
    chunks[-1]["bytes"] = len(blocks[-1])
    body = b"".join(blocks).decode()
    content = {"mimeType": "text/event-stream", "text": body, "size": len(body)}
    return {
        "startedDateTime": "2026-11-27T13:58:17.697Z",
        "request": {"method": "POST", "url": "https://api.example.com/v1/chat/completions"},
        "response": {"status": 200, "headers": [], "content": content},
        "_chunks": chunks,
    }


def _chunk(model: str, choice: dict[str, Any], tokens: int | None = None) -> bytes:
    usage = None if tokens is None else {"completion_tokens": tokens}
    choices = [{"index": 0, **choice}]
    return encode(json.dumps({"model": model, "choices": choices, "usage": usage}))
