"""Write a tiny but real language model as GGUF, whose answers are known in advance.

    python tests/servers/make_gguf.py OUT.gguf

The weights are a Markov chain set by hand: one-hot embeddings of the tokens, one transformer block
that adds nothing, and an output matrix with the wanted logits of "next token given this token".
llama.cpp loads and samples it like any model of the llama architecture. Only the standard library
is used.

A word in the last message chooses the answer: ``count`` never stops, ``unicode`` has several tokens
per character, ``escape`` has text that looks like an event stream, ``think`` thinks first, ``tool``
(where tools are given) calls get_weather, ``json`` is {"a": "x"}. Anything else gives one of
several short sentences; the seed matters.
"""

from __future__ import annotations

import math
import struct
import sys
from pathlib import Path

# A Hermes-like chat template, with the forms of tool calls and thoughts for llama.cpp. A word in
# the last message sets the last token of the prompt, and so the answer.
TEMPLATE = r"""{%- if tools %}{{- '<|im_start|>system\n' }}
{%- if messages[0].role == 'system' %}{{- messages[0].content + '\n\n' }}{%- endif %}
{{- '# Tools\n\nYou may call one or more functions.\n<tools>' }}
{%- for tool in tools %}{{- '\n' }}{{- tool | tojson }}{%- endfor %}
{{- '\n</tools>\n\nFor each function call, return a json object with function name and ' }}
{{- 'arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n' }}
{{- '{\"name\": <function-name>, ' }}
{{- '\"arguments\": <args-json-object>}\n</tool_call><|im_end|>\n' }}
{%- elif messages[0].role == 'system' %}
{{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}{%- endif %}
{%- for message in messages %}
{%- set content = message.content if message.content is string else '' %}
{%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}
{{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>\n' }}
{%- elif message.role == 'assistant' %}{{- '<|im_start|>assistant\n' }}
{%- if message.reasoning_content is string %}
{{- '<think>\n' + message.reasoning_content.strip('\n') + '\n</think>\n\n' }}{%- endif %}
{{- content }}
{%- if message.tool_calls %}{%- for tool_call in message.tool_calls %}
{%- if (loop.first and content) or (not loop.first) %}{{- '\n' }}{%- endif %}
{%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
{{- '<tool_call>\n{\"name\": \"' }}{{- tool_call.name }}{{- '\", \"arguments\": ' }}
{%- if tool_call.arguments is string %}{{- tool_call.arguments }}
{%- else %}{{- tool_call.arguments | tojson }}{%- endif %}
{{- '}\n</tool_call>' }}{%- endfor %}{%- endif %}
{{- '<|im_end|>\n' }}
{%- elif message.role == 'tool' %}
{{- '<|im_start|>user\n<tool_response>\n' + content + '\n</tool_response><|im_end|>\n' }}
{%- endif %}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}
{%- set last = messages[-1].content if messages[-1].content is string else '' %}
{%- if 'count' in last %}{{- '<|count|>' }}
{%- elif 'unicode' in last %}{{- '<|unicode|>' }}
{%- elif 'escape' in last %}{{- '<|escape|>' }}
{%- elif 'think' in last %}{{- '<|think|>' }}
{%- elif 'json' in last %}{{- '<|json|>' }}
{%- elif tools and 'tool' in last %}{{- '<|tool|>' }}
{%- endif %}{%- endif %}"""

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5  # kinds of tokens
F32, F16 = 0, 1


class Vocabulary:
    """The tokens: the 256 bytes, written as GPT-2 does, whole words, and special tokens."""

    def __init__(self) -> None:
        printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [byte for byte in range(256) if byte not in printable]
        self._letters = {byte: chr(byte) for byte in printable}
        self._letters.update((byte, chr(256 + at)) for at, byte in enumerate(others))
        self.tokens: list[str] = []
        self.kinds: list[int] = []
        self.words: dict[str, int] = {}
        self.bytes = [self.add(self._letters[byte]) for byte in range(256)]

    def add(self, text: str, kind: int = NORMAL) -> int:
        self.tokens.append(text)
        self.kinds.append(kind)
        return len(self.tokens) - 1

    def word(self, text: str) -> int:
        encoded = text.encode()
        if len(encoded) == 1:
            return self.bytes[encoded[0]]  # tokens must be unique
        if text not in self.words:
            self.words[text] = self.add("".join(self._letters[byte] for byte in encoded))
        return self.words[text]


class Model:
    """The chain: which token follows which, and with which weight."""

    def __init__(self) -> None:
        self.vocabulary = v = Vocabulary()
        self.edges: dict[tuple[int, int], float] = {}
        self.start = v.add("<|im_start|>", CONTROL)
        self.end = v.add("<|im_end|>", CONTROL)
        replies = [v.add(f"<|{name}|>", CONTROL) for name in ("count", "unicode", "escape")]
        replies += [v.add(f"<|{name}|>", CONTROL) for name in ("think", "tool", "json")]
        count, unicode_, escape, think, tool, json = replies
        think_on, think_off, tool_on, tool_off = (
            v.add(tag, USER_DEFINED)
            for tag in ("<think>", "</think>", "<tool_call>", "</tool_call>")
        )
        self.never = [*replies, self.start, think_on, think_off, tool_on, tool_off]
        newline = v.bytes[10]
        self.chain(newline, "Hello", " from", " a", " tiny", " model", ".")
        self.chain(newline, "Streams", " of", " tokens", " flow", ".")
        self.chain(v.word(" tiny"), " llama", " server", ".", logit=21.5)
        self.chain(v.word(" of"), " events", " arrive", " quickly", ".", logit=21.5)
        self.edges[v.word("."), self.end] = 26.0
        self.edges[v.word("."), tool_on] = 17.0  # if a grammar forbids the end
        numbers = ("one", " two", " three", " four", " five", " six", " seven", ", ")
        self.chain(count, *numbers)
        self.edges[v.word(", "), v.word("one")] = 22.0
        letters = "é漢👋 ok".encode()
        assert len(set(letters)) == len(letters), "each byte must have one successor"
        self.chain(unicode_, *[v.bytes[byte] for byte in letters], self.end)
        looks_like_sse = ("data: ", '{"a":', "\\n\n\n", "\r\ndata: [DONE]\r\n\r\n")
        self.chain(escape, *looks_like_sse, "\t</s>\u2028", " end", self.end)
        self.chain(think, think_on, "\nLet", " me", " see", ".. \n", think_off)
        self.chain(think_off, "\n\nThe", " answer", " is", " 42", ". ", self.end)
        call = ('\n{"name": "', "get_weather", '", "arguments": {"', "city", '": "', "Ro", "me")
        self.chain(tool, tool_on, *call, '", "', "days", '": ', "3", "}}\n", tool_off, self.end)
        self.chain(json, '{"a"', ":", ' "x', '"}', self.end)
        self.edges[self.end, newline] = 22.0

    def chain(self, start: int, *following: str | int, logit: float = 22.0) -> None:
        for each in following:
            token = self.vocabulary.word(each) if isinstance(each, str) else each
            self.edges[start, token] = logit
            start = token

    def output(self, size: int, used: int) -> list[list[float]]:
        """Return the logits: a row for each token that may follow, a column for each before it."""
        v = self.vocabulary
        rows = [[0.0] * size for _ in range(size)]
        starts = [v.word("Hello"), v.word("Streams")]
        for before in range(size):
            for token in (*self.never, *range(used, size)):
                rows[token][before] = -8.0
            rows[v.bytes[ord('"')]][before] = 9.0  # so that strings in forced JSON end early
            rows[self.end][before] = 10.0  # and forced answers where they may
            for token in starts:
                rows[token][before] = 12.0  # a legacy prompt may end in anything
        for before in v.words.values():
            for token in starts:
                rows[token][before] = 2.0
        for (before, token), logit in self.edges.items():
            rows[token][before] = logit
        return rows


def string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def setting(key: str, value: int | float | str | list[str] | list[int]) -> bytes:
    if isinstance(value, bool):
        return string(key) + struct.pack("<IB", 7, value)
    if isinstance(value, int):
        return string(key) + struct.pack("<II", 4, value)
    if isinstance(value, float):
        return string(key) + struct.pack("<If", 6, value)
    if isinstance(value, str):
        return string(key) + struct.pack("<I", 8) + string(value)
    kind = 5 if value and isinstance(value[0], int) else 8
    items = [struct.pack("<i", x) if isinstance(x, int) else string(x) for x in value]
    return string(key) + struct.pack("<IIQ", 9, kind, len(items)) + b"".join(items)


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 32)


def gguf() -> bytes:
    """Return the file."""
    model = Model()
    v = model.vocabulary
    used = len(v.tokens)
    size = (used + 31) // 32 * 32
    while len(v.tokens) < size:
        v.add(f"<|unused{len(v.tokens)}|>", UNUSED)

    scale = 1 / math.sqrt(
        size
    )  # the value that the norm before the output gives for a one-hot vector
    embedding = bytearray(2 * size * size)
    for token in range(size):
        struct.pack_into("<e", embedding, 2 * (token * size + token), 1.0)
    output = b"".join(
        struct.pack(f"<{size}e", *[logit * scale for logit in row])
        for row in model.output(size, used)
    )
    ones = struct.pack(f"<{size}f", *[1.0] * size)
    tensors = [
        ("token_embd.weight", [size, size], F16, bytes(embedding)),
        ("output_norm.weight", [size], F32, ones),
        ("output.weight", [size, size], F16, output),
        ("blk.0.attn_norm.weight", [size], F32, ones),
        ("blk.0.ffn_norm.weight", [size], F32, ones),
    ]
    for name, shape in {
        "attn_q": [size, size],
        "attn_k": [size, 32],
        "attn_v": [size, 32],
        "attn_output": [size, size],
        "ffn_gate": [size, 32],
        "ffn_up": [size, 32],
        "ffn_down": [32, size],
    }.items():
        tensors.append((f"blk.0.{name}.weight", shape, F16, bytes(2 * shape[0] * shape[1])))

    settings = [
        setting("general.architecture", "llama"),
        setting("general.name", "tiny-markov"),
        setting("general.alignment", 32),
        setting("general.file_type", 1),
        setting("llama.context_length", 131072),
        setting("llama.embedding_length", size),
        setting("llama.block_count", 1),
        setting("llama.feed_forward_length", 32),
        setting("llama.attention.head_count", size // 32),
        setting("llama.attention.head_count_kv", 1),
        setting("llama.attention.layer_norm_rms_epsilon", 1e-6),
        setting("llama.rope.dimension_count", 32),
        setting("llama.vocab_size", size),
        setting("tokenizer.ggml.model", "gpt2"),
        setting("tokenizer.ggml.pre", "gpt-2"),
        setting("tokenizer.ggml.tokens", v.tokens),
        setting("tokenizer.ggml.token_type", v.kinds),
        setting("tokenizer.ggml.merges", list[str]()),
        setting("tokenizer.ggml.eos_token_id", model.end),
        setting("tokenizer.ggml.bos_token_id", model.start),
        setting("tokenizer.ggml.add_bos_token", False),
        setting("tokenizer.chat_template", TEMPLATE),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(settings)) + b"".join(settings)
    bodies = b""
    for name, shape, kind, data in tensors:
        head += string(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", kind, len(bodies))
        bodies += padded(data)
    return padded(head) + bodies


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(gguf())
