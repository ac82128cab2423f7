"""Recognise other APIs that answer with events."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._models import Raw

_KEYS = {
    "candidates": "Gemini's generateContent",
    "promptFeedback": "Gemini's generateContent",
    "jsonrpc": "JSON-RPC, such as MCP or A2A",
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


def foreign_api(type: str, raw: Raw) -> str | None:
    """Return the name of another API to which an event belongs; None if it is unknown.

    Args:
        type: The type of the event.
        raw: Its data.

    >>> foreign_api("message_start", {"type": "message_start", "message": {}})
    "Anthropic's messages"
    """
    for text in (type, raw.get("type"), raw.get("event_type"), raw.get("object")):
        if isinstance(text, str):
            for table in (_TYPES, _OBJECTS):
                for beginning, name in table.items():
                    if text.startswith(beginning):
                        return name
    return next((name for key, name in _KEYS.items() if key in raw), None)
