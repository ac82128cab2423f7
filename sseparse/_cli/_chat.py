"""``sseparse chat``: an answer of an OpenAI-compatible server, as it comes."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import TYPE_CHECKING

from .._core import Error
from ._stopped import StoppedError

if TYPE_CHECKING:
    from typing import Any

    from ..completions import Chunk, Stream

__all__ = ["add_to"]

_DESCRIPTION = """\
Ask an OpenAI-compatible server, and print its answer as it comes.

The key is taken from OPENAI_API_KEY, and the server from OPENAI_BASE_URL where --base-url is not
given. Control characters in the answer are printed as escapes.
"""

_EXIT_STATUS = """\
exit status:
  0    the answer came to its end
  2    wrong usage; no prompt, no key; the output cannot be written
  3    the stream ended before the answer did
  4    the server reported an error inside the stream, or sent something else
  5    no connection, or the answer was cut off
  6    a time limit was reached
  7    the server refused
  130  ended by Ctrl-C, after what had arrived
  141  nobody reads the output any more
"""

_STATUSES = {
    "TruncatedError": 3,
    "StreamError": 4,
    "TransportError": 5,
    "TimedOutError": 6,
    "StatusError": 7,
}

# What can drive a terminal, or make the rest of a line look like something else: the C0 controls
# but newline and tab, DEL, the C1 controls, and what Unicode calls Bidi_Control. And lone
# surrogates, which cannot be encoded.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this subcommand."""
    parser = commands.add_parser(
        "chat",
        help="Ask an OpenAI-compatible server, and print its answer as it comes.",
        description=_DESCRIPTION,
        epilog=_EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "prompt", nargs="?", default="-", metavar="PROMPT", help="default, and -: standard input"
    )
    parser.add_argument("--model", default="gpt-4o-mini", help="default: %(default)s")
    parser.add_argument("--base-url", metavar="URL", help="where the server is")
    parser.add_argument("--system", metavar="TEXT", help="a system message before the prompt")
    parser.add_argument(
        "--stats", action="store_true", help="times and rate afterwards, on standard error"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the chunks as JSON lines, not the text"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if sys.stdout is None:
        raise BrokenPipeError("standard output is closed")
    try:
        from ..completions import Client
    except ModuleNotFoundError as error:
        raise StoppedError(2, str(error)) from error
    messages = [{"role": "user", "content": _prompt(arguments.prompt)}]
    if arguments.system is not None:
        messages.insert(0, {"role": "system", "content": arguments.system})
    more: dict[str, Any] = {}
    if arguments.stats:
        more["stream_options"] = {"include_usage": True}
    try:
        client = Client(base_url=arguments.base_url)
    except ValueError as error:
        raise StoppedError(2, str(error)) from error
    try:
        with (
            client,
            client.chat.completions.create(
                model=arguments.model, messages=messages, stream=True, **more
            ) as stream,
        ):
            _print(stream, is_json=arguments.json, has_stats=arguments.stats)
    except Error as error:
        names = [base.__name__ for base in type(error).__mro__]
        status = next(_STATUSES[name] for name in names if name in _STATUSES)
        # Servers have a say in it, by headers too.
        raise StoppedError(status, _safe(str(error).strip()).replace("\n", "\\n")) from error


def _prompt(text: str) -> str:
    if text == "-":
        if sys.stdin is None:
            raise StoppedError(2, "standard input: it is closed")
        try:
            text = sys.stdin.buffer.read().decode("utf-8", "replace")
        except OSError as error:
            raise StoppedError(2, f"standard input: {error.strerror}") from error
    if not text.strip():
        raise StoppedError(2, "there is no prompt: give it as an argument or on standard input")
    return text


def _print(stream: Stream, *, is_json: bool, has_stats: bool) -> None:
    ends: list[Chunk] = []  # the first and the last chunk with text or reasoning
    pieces = 0
    last = ""
    try:
        for chunk in stream:
            text = chunk.text
            if text or (chunk.choices and chunk.choices[0].delta.reasoning):
                ends[1:] = [chunk]
                pieces += 1
            if is_json:
                _put(json.dumps(chunk.raw) + "\n")
            elif text:
                last = text[-1]
                _put(_safe(text))
    finally:
        # On every way out, Ctrl-C too: what arrived is there, and the prompt is on its own line.
        if last not in ("", "\n"):
            _put("\n")
    if has_stats and ends:
        _complain(_stats(stream, ends, pieces))


def _stats(stream: Stream, ends: list[Chunk], pieces: int) -> str:
    first = (ends[0].arrival_ns - stream.request_sent_ns) / 1e9
    rest = (ends[-1].arrival_ns - ends[0].arrival_ns) / 1e9
    usage = stream.collect().usage
    tokens, unit = pieces, "chunks"
    # What a server puts there need not be a number.
    if usage and isinstance(usage.completion_tokens, int) and usage.completion_tokens > 0:
        tokens, unit = usage.completion_tokens, "tokens"
    rate = f", {(tokens - 1) / rest:.1f} {unit}/s after that" if rest > 0 and tokens > 1 else ""
    return f"first token after {first:.3f} s, {tokens} {unit}{rate}"


def _safe(text: str) -> str:
    return _UNSAFE.sub(lambda match: ascii(match[0])[1:-1], text)


def _complain(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def _put(text: str) -> None:
    # Under PYTHONUNBUFFERED the binary stream is raw, and takes what it can.
    view = memoryview(text.encode())
    while view:
        view = view[sys.stdout.buffer.write(view) :]
    sys.stdout.buffer.flush()
