"""Write answers.json: the text of each capture in ``captures``, without this package's client.

    python tests/data/make_answers.py

A raw socket sends each capture unchanged to the official ``openai`` package. If that does not
raise, its result is the answer. If it raises, this program cuts the text out of the bytes
(``by_hand``); the text must begin with the one that the package has yielded. The official package
does not report how a stream ended: the maintainers read that column, and the errors, from the
bytes. They are in the tables below.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
CAPTURES = HERE / "captures"

# How each capture ended, and the error if one must be raised.
OUTCOMES: dict[str, tuple[str, str | None]] = {
    "litellm-anthropic-shape.stream_usage": ("DONE", None),
    "litellm-tiny.err_instream": ("STREAM_ERROR", "StreamError"),
    "litellm-tiny.legacy_stream": ("DONE", None),
    "litellm-tiny.stream": ("DONE", None),
    "litellm-tiny.stream_n2": ("DONE", None),
    "litellm-tiny.stream_usage": ("DONE", None),
    "litellm-tiny.upstream_killed": ("STREAM_ERROR", "StreamError"),
    "llama-cpp-python.err_toolong": ("TRUNCATED", "EmptyStreamError"),
    "llama-cpp-python.stream": ("DONE", None),
    "llama-cpp-python.stream_tool_auto": ("DONE", None),
    "nginx-xllamacpp.buffered_gzip": ("DONE", None),
    "nginx-xllamacpp.unbuffered_gzip": ("DONE", None),
    "transformers.stream": ("FINISHED", None),
    "transformers.stream_http10": ("FINISHED", None),
    "transformers.stream_tool_auto": ("FINISHED", None),
    "transformers.stream_usage": ("FINISHED", None),
    "xllamacpp.disconnect": ("TRANSPORT_ERROR", "TransportError"),
    "xllamacpp.err_instream": ("STREAM_ERROR", "StreamError"),
    "xllamacpp.legacy_stream": ("DONE", None),
    "xllamacpp.server_killed": ("TRANSPORT_ERROR", "TransportError"),
    "xllamacpp.stream": ("DONE", None),
    "xllamacpp.stream_close": ("DONE", None),
    "xllamacpp.stream_escape": ("DONE", None),
    "xllamacpp.stream_http10": ("DONE", None),
    "xllamacpp.stream_length": ("DONE", None),
    "xllamacpp.stream_logprobs": ("DONE", None),
    "xllamacpp.stream_n2": ("DONE", None),
    "xllamacpp.stream_ping": ("DONE", None),
    "xllamacpp.stream_stopseq": ("DONE", None),
    "xllamacpp.stream_think": ("DONE", None),
    "xllamacpp.stream_tool_auto": ("DONE", None),
    "xllamacpp.stream_unicode": ("DONE", None),
    "xllamacpp.stream_usage": ("DONE", None),
}

# The details of the error, read from the bytes: status, the server's code, type and message.
ERRORS: dict[str, dict[str, Any]] = {
    "litellm-ratelimited.stream_usage": {
        "status": 429,
        "code": "429",
        "type": "throttling_error",
        "message": "litellm.RateLimitError: this is a mock rate limit error\n\nLiteLLM: model "
        "group 'ratelimited' failed with the error above. No fallback was attempted.",
    },
    "litellm-tiny.err_instream": {
        "code": "500",
        "type": None,
        "message": "litellm.APIConnectionError: APIConnectionError: OpenAIException - "
        "Context size has been exceeded.",
    },
    "litellm-tiny.err_noauth": {
        "status": 500,
        "code": None,
        "type": None,
        "message": "Internal Server Error",
    },
    "litellm-tiny.upstream_killed": {
        "code": "500",
        "type": None,
        "message": "litellm.APIConnectionError: APIConnectionError: OpenAIException - "
        "Response payload is not completed: <TransferEncodingError: 400, message='Not enough data "
        "to satisfy transfer length header.'>",
    },
    "nginx-xllamacpp.bad_gateway": {
        "status": 502,
        "code": None,
        "type": None,
        "message": "502 Bad Gateway",
    },
    "transformers.err_nomessages": {
        "status": 500,
        "code": None,
        "type": None,
        "message": "Internal Server Error",
    },
    "xllamacpp.err_badjson": {
        "status": 400,
        "code": 400,
        "type": "invalid_request_error",
        "message": "[json.exception.parse_error.101] parse error at line 1, column 29: syntax "
        "error while parsing value - unexpected end of input; expected '[', '{', or a literal",
    },
    "xllamacpp.err_instream": {
        "code": 500,
        "type": "server_error",
        "message": "Context size has been exceeded.",
    },
    "xllamacpp.err_noauth": {
        "status": 401,
        "code": 401,
        "type": "authentication_error",
        "message": "Invalid API Key",
    },
    "xllamacpp.err_notfound": {
        "status": 404,
        "code": 404,
        "type": "not_found_error",
        "message": "File Not Found",
    },
    "xllamacpp.err_toolong": {
        "status": 400,
        "code": 400,
        "type": "exceed_context_size_error",
        "message": "request (30019 tokens) exceeds the available context size (2048 tokens), "
        "try increasing it",
    },
}


@contextlib.contextmanager
def serving(raw: bytes) -> Iterator[str]:
    """Answer one connection with these bytes and close it; yield the base URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as request:
                length = 0
                while (line := request.readline()) != b"\r\n":
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                request.read(length)
                connection.sendall(raw)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        thread.join()


class Answer:
    """The text of a stream or a completion, merged in the simplest way."""

    def __init__(self) -> None:
        self.text: dict[int, str] = {}
        self.reasoning: dict[int, str] = {}
        self.tool_calls: dict[int, dict[int, dict[str, str]]] = {}
        self.finish_reasons: dict[int, str] = {}
        self.usages: list[dict[str, Any]] = []

    def take(self, piece: dict[str, Any]) -> None:
        """Add a chunk, or a whole completion."""
        for choice in piece["choices"]:
            index = choice["index"]
            delta = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
            self.text[index] = self.text.get(index, "") + (delta.get("content") or "")
            if delta.get("reasoning_content"):
                said = self.reasoning.get(index, "")
                self.reasoning[index] = said + delta["reasoning_content"]
            for position, part in enumerate(delta.get("tool_calls") or ()):
                calls = self.tool_calls.setdefault(index, {})
                call = calls.setdefault(
                    part.get("index") or position, {"id": "", "name": "", "arguments": ""}
                )
                call["id"] += part.get("id") or ""
                call["name"] += part["function"].get("name") or ""
                call["arguments"] += part["function"].get("arguments") or ""
            if choice.get("finish_reason"):
                self.finish_reasons[index] = choice["finish_reason"]
        if piece.get("usage"):
            self.usages.append(piece["usage"])

    def __call__(self) -> dict[str, Any]:
        """Return it for JSON, whose keys are text."""
        return {
            "text": {str(index): text for index, text in sorted(self.text.items())},
            "reasoning": {str(index): text for index, text in sorted(self.reasoning.items())},
            "tool_calls": {str(i): list(calls.values()) for i, calls in self.tool_calls.items()},
            "finish_reasons": {str(i): why for i, why in sorted(self.finish_reasons.items())},
            "usage": self.usages[-1] if self.usages else None,
            "usages": len(self.usages),
        }


def official(name: str, raw: bytes) -> tuple[Answer, bool]:
    """Return the result of the official package, and whether it did not raise."""
    import httpx2
    import openai

    answer = Answer()
    with serving(raw) as base_url:
        client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=10)
        stream = "nonstream" not in name
        create: Any
        ask: dict[str, Any]
        if ".legacy" in name:
            create, ask = client.completions.create, {"prompt": "x"}
        else:
            create, ask = client.chat.completions.create, {"messages": []}
        with client:
            try:
                got = create(model="tiny", stream=stream, **ask)
                if not stream:
                    answer.take(got.model_dump(exclude_unset=True))
                    return answer, True
                for chunk in got:
                    answer.take(chunk.model_dump(exclude_unset=True))
            except (openai.OpenAIError, httpx2.HTTPError):
                return answer, False
    return answer, True


def by_hand(raw: bytes) -> Answer:
    """Cut the bytes: chunk sizes off, blank lines between events, JSON after ``data: ``."""
    body = raw.partition(b"\r\n\r\n")[2]
    answer = Answer()
    for data in re.sub(rb"(^|\r\n)[0-9a-f]+\r\n", b"", body).split(b"\n\n"):
        if data.startswith((b'data: {"choices"', b'data: {"id"')):
            answer.take(json.loads(data[6:]))
    return answer


def main() -> None:
    answers: dict[str, Any] = {}
    for path in sorted(CAPTURES.glob("*.raw")):
        name = path.stem
        raw = path.read_bytes()
        entry: dict[str, Any] = {}
        if "status" not in ERRORS.get(name, {}):
            answer, unharmed = official(name, raw)
            if not unharmed:
                begun, answer = answer, by_hand(raw)
                for index, text in begun.text.items():
                    assert answer.text[index].startswith(text), name
            entry |= answer()
            entry["by"] = "openai" if unharmed else "hand"
            entry["outcome"], entry["error"] = OUTCOMES.get(name, (None, None))
        else:
            entry |= {"by": "hand", "outcome": None, "error": "StatusError"}
        if name in ERRORS:
            entry["says"] = ERRORS[name]
        answers[name] = entry
    text = json.dumps(answers, indent=1, ensure_ascii=False, sort_keys=True)
    (HERE / "answers.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
