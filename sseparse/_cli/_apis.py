"""Recognise the API of an event stream by its first events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..completions._apis import foreign_api

if TYPE_CHECKING:
    from .._core import Event

__all__ = ["CHAT", "LEGACY", "api_of"]

CHAT, LEGACY = "chat", "completions"


def api_of(event: Event) -> str | None:
    """Return the API of an event: CHAT, LEGACY, or the name of another; None if it is unknown.

    An event without JSON does not show the API, and neither does a ping.
    """
    try:
        value: Any = json.loads(event.data)
    except (ValueError, RecursionError):
        return CHAT if event.data.startswith("[DONE]") else None
    if not isinstance(value, dict):
        return None
    if "choices" in value or "error" in value:
        return LEGACY if value.get("object") == "text_completion" or _has_text(value) else CHAT
    return foreign_api(event.type, value)


def _has_text(chunk: dict[str, Any]) -> bool:
    """Tell whether the choices of a chunk are those of the legacy API, with neither delta."""
    choices = chunk.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return isinstance(first, dict) and isinstance(first.get("text"), str) and "delta" not in first
