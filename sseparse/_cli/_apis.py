"""Tell of which API an event stream is, by its first events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._core import Event

__all__ = ["CHAT", "LEGACY", "api_of"]

CHAT, LEGACY = "chat", "completions"

_KEYS = {
    "candidates": "Gemini's generateContent",
    "promptFeedback": "Gemini's generateContent",
    "jsonrpc": "JSON-RPC, as MCP and A2A have it",
    "generated_text": "Hugging Face's text generation",
    "token": "Hugging Face's text generation",
    "completion": "Anthropic's legacy completions",
}
_OBJECTS = {"thread": "OpenAI's assistants", "response": "OpenAI's responses"}
_TYPES = {
    "response.": "OpenAI's responses",
    "message_": "Anthropic's messages",
    "content_block_": "Anthropic's messages",
    "thread.": "OpenAI's assistants",
    "message-": "Cohere's chat",
    "content-": "Cohere's chat",
    "stream-start": "Cohere's chat",
    "text-generation": "Cohere's chat",
    "transcript.": "OpenAI's transcription",
    "speech.": "OpenAI's speech",
    "image_generation.": "OpenAI's images",
}


def api_of(event: Event) -> str | None:
    """Return the API that an event shows: CHAT, LEGACY, or the name of another; None for none.

    An event without JSON shows nothing, and so does a ping.
    """
    try:
        value: Any = json.loads(event.data)
    except (ValueError, RecursionError):
        return CHAT if event.data.startswith("[DONE]") else None
    if not isinstance(value, dict):
        return None
    if "choices" in value or "error" in value:
        return LEGACY if value.get("object") == "text_completion" or _has_text(value) else CHAT
    for text in (event.type, value.get("type"), value.get("event_type"), value.get("object")):
        if isinstance(text, str):
            for table in (_TYPES, _OBJECTS):
                for beginning, name in table.items():
                    if text.startswith(beginning):
                        return name
    return next((name for key, name in _KEYS.items() if key in value), None)


def _has_text(chunk: dict[str, Any]) -> bool:
    """Tell whether the choices of a chunk are those of the legacy API, with neither delta."""
    choices = chunk.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return isinstance(first, dict) and isinstance(first.get("text"), str) and "delta" not in first
