"""Write to standard output and to standard error; ``_safe_text`` has the rules for what is written.

All that the command writes is written here, and only here is it decided whether it has colours.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO

__all__ = [
    "CYAN",
    "DIM",
    "YELLOW",
    "complain",
    "discard",
    "flush",
    "note",
    "painter",
    "put",
    "write_error",
    "write_lines",
]

BATCH_SIZE = 64 * 1024  # characters

# Styles for ``painter``, which every terminal has in colours that suit its background.
DIM, CYAN, YELLOW = "2", "36", "33"

# Called before each write to a terminal, if there is something on it that has to go first.
before_write: Callable[[], None] | None = None


def put(data: bytes) -> None:
    """Write the bytes to standard output."""
    if before_write:
        before_write()
    # Under PYTHONUNBUFFERED the binary stream is raw, and may write only a part of the bytes.
    view = memoryview(data)
    while view:
        view = view[sys.stdout.buffer.write(view) :]


def flush() -> None:
    """Write out what standard output holds back."""
    sys.stdout.buffer.flush()


def painter(stream: TextIO | None) -> Callable[[str, str], str]:
    """Return what gives a text a style on this stream: a function of the text and the style.

    There are no styles where the stream is no terminal, where TERM is "dumb", and where NO_COLOR is
    set (https://no-color.org). Of the consoles of Windows, old ones would show the codes; so there
    have to be signs of one that knows them.
    """
    environment = os.environ.get
    knows_styles = os.name != "nt" or environment("WT_SESSION") or environment("TERM")
    if (
        stream is None
        or not stream.isatty()
        or environment("NO_COLOR")
        or environment("TERM") == "dumb"
        or not knows_styles
    ):
        return _plain
    return _painted


def _painted(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if text else ""


def _plain(text: str, style: str) -> str:  # noqa: ARG001
    return text


def write_lines(lines: Iterable[str], encode: Callable[[str], bytes]) -> None:
    """Write lines in batches, so that they do not fill the memory.

    A long id that the stream sends once is in the line of every later event.

    Args:
        lines: The lines, with their ends.
        encode: ``json_bytes`` for lines of JSON, else ``str.encode``.
    """
    batch: list[str] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if size >= BATCH_SIZE:
            put(encode("".join(batch)))
            batch.clear()
            size = 0
    put(encode("".join(batch)))


def note(text: str) -> None:
    """Write a line to standard error, behind what standard output holds."""
    write_error(f"{text}\n")


def complain(text: str) -> None:
    """Report a fault on standard error."""
    note(f"sseparse: {text}")


def write_error(text: str) -> None:
    """Write to standard error; what cannot be written there is left out."""
    if sys.stdout is not None:
        flush()
    if before_write:
        before_write()
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO | None) -> None:
    """Discard the output that the stream still buffers.

    Otherwise the interpreter would flush it at exit, and fail with a message and status of its own.
    """
    if stream is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
