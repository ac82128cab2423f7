"""Parse a stream that is cut into chunks, and describe the results for the page.

The page runs this file in Pyodide. The tests run it on CPython.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

from sseparse import Event, Item, Observer, Parser


def naive_split(chunk: bytes) -> list[str]:
    """Return the data in one chunk, as if no event could end in the next one."""
    found = []
    for block in chunk.decode().split("\n\n"):
        data = [line[6:] for line in block.split("\n") if line.startswith("data: ")]
        if data:
            found.append("\n".join(data))
    return found


def run(stream: bytes, cuts: list[int]) -> dict[str, Any]:
    """Feed the chunks between the cuts to sseparse, and give each to the naive split."""
    parser, observer = Parser(), Observer()
    chunks = []
    events: list[Event] = []
    for start, end in pairwise([0, *cuts, len(stream)]):
        chunk = stream[start:end]
        items = observer.feed(chunk)
        returned = parser.feed(chunk)
        blocks = [item for item in items if item.kind == "block" and item.data is not None]
        chunks.append(
            {
                "start": start,
                "end": end,
                "events": [
                    describe_event(event, block)
                    for event, block in zip(returned, blocks, strict=True)
                ],
                "items": [describe_item(item) for item in items],
                "naive": try_naive_split(chunk),
            }
        )
        events += returned
    observer.close()
    return {
        "chunks": chunks,
        "pending": describe_pending(parser),
        "last_event_id": parser.last_event_id,
        "retry": parser.retry,
        "naive": judge(events, [chunk["naive"] for chunk in chunks]),
    }


def describe_event(event: Event, block: Item) -> dict[str, Any]:
    """Return the values of an event and its range in the stream."""
    return {
        "type": event.type,
        "data": event.data,
        "last_event_id": event.last_event_id,
        "start": block.block_start,
        "end": block.end,
    }


def describe_item(item: Item) -> dict[str, Any]:
    """Return the range of an item, its text and what a reader should know about it."""
    notes = []
    if item.kind == "field":
        text = f"{item.name}{item.separator}{item.value}"
        if item.reason:
            notes.append(f"ignored: {item.reason}")
    elif item.kind == "comment":
        text = f"{item.separator}{item.value}"
    elif item.kind == "block":
        text = ""
        notes.append("dispatches no event" if item.data is None else "dispatches the event")
    else:
        text = ""
        notes.append("skipped")
    if item.replaced:
        notes.append("bytes that are not UTF-8 became U+FFFD")
    return {
        "kind": item.kind,
        "start": item.start,
        "end": item.end,
        "terminator": {"\r": "CR", "\n": "LF", "": ""}[item.terminator],
        "text": text,
        "notes": notes,
    }


def describe_pending(parser: Parser) -> dict[str, Any] | None:
    """Close the parser and return what the end of the stream discards."""
    pending = parser.close()
    return pending and {
        "type": pending.type,
        "data": pending.data,
        "last_event_id": pending.last_event_id,
        "line": pending.line.decode(errors="replace"),
        "start": pending.start,
    }


def try_naive_split(chunk: bytes) -> dict[str, Any]:
    """Return what the naive split finds in a chunk, or its error."""
    try:
        return {"pieces": [{"data": data} for data in naive_split(chunk)], "error": None}
    except UnicodeDecodeError as error:
        return {"pieces": [], "error": f"UnicodeDecodeError: {error}"}


def judge(events: list[Event], naive: list[dict[str, Any]]) -> dict[str, int]:
    """Mark each piece that is the data of an event, and count them."""
    missing = Counter(event.data for event in events)
    count = {"events": len(events), "right": 0, "wrong": 0, "errors": 0}
    for result in naive:
        for piece in result["pieces"]:
            piece["right"] = missing[piece["data"]] > 0
            missing[piece["data"]] -= piece["right"]
            count["right" if piece["right"] else "wrong"] += 1
        count["errors"] += result["error"] is not None
    return count
