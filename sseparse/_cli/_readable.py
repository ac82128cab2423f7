"""Show events, and everything on the wire, to a person: each on a line, in colours if possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._safe_text import one_line
from ._output import CYAN, DIM, YELLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .._core import Event, Item

__all__ = ["event_lines", "item_lines"]

# Stands for a line feed in data, which is shown on one line. An escape would look like those that
# JSON has.
_LINE_FEED = "\u21b5"
_NO_UTF8 = "bytes that are no UTF-8"


def event_lines(
    events: Iterable[Event], prefix: str, paint: Callable[[str, str], str]
) -> Iterator[str]:
    """Yield a line for each event: its type, the last event ID if there is one, and the data."""
    for event in events:
        yield f"{paint(prefix, DIM)}{_event(event.type, event.last_event_id, event.data, paint)}\n"


def item_lines(
    items: Iterable[Item], prefix: str, paint: Callable[[str, str], str]
) -> Iterator[str]:
    """Yield a line for each item: its offset, and the line, or the event of the block."""
    for item in items:
        yield f"{paint(f'{prefix}{item.start:>7}', DIM)}  {_item(item, paint)}\n"


def _event(type: str, id: str | None, data: str, paint: Callable[[str, str], str]) -> str:
    shown_id = f" {paint(f'id={one_line(id)}', DIM)}" if id else ""
    text = _LINE_FEED.join(map(one_line, data.split("\n")))
    return f"{paint(one_line(type), CYAN)}{shown_id}  {text}".rstrip()


def _item(item: Item, paint: Callable[[str, str], str]) -> str:
    if item.kind == "block":
        if item.data is None:
            return paint("= no event", DIM)
        shown = _event(item.event or "message", item.last_event_id, item.data, paint)
        return f"{paint('=', DIM)} {shown}"
    if item.kind == "byte order mark":
        return paint(item.kind, DIM)
    value = one_line(item.value or "")
    if item.kind == "comment":
        line = paint(f"{item.separator}{value}", DIM)
    else:
        line = f"{paint(one_line(item.name or ''), CYAN)}{item.separator}{value}"
    notes = [item.reason, _NO_UTF8 if item.replaced else None]
    shown_notes = ", ".join(each for each in notes if each)
    return f"{line}  {paint(f'({shown_notes})', YELLOW)}" if shown_notes else line
