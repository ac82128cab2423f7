"""Draw cuts.svg again: python docs/make_cuts.py. The picture shows real results of its reads."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from sseparse import Parser

READS = [b"event: tick\nda", b"ta: 1\n\n: pi", b"ng\n\ndata: caf\xc3", b"\xa9\n\n"]
LEFT, MIDDLE, RIGHT, WIDTH = 20, 270, 510, 740
TOP, STEP = 92, 40
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328 }
  .code { font-family: ui-monospace, Menlo, Consolas, monospace }
  .title { font-size: 18px; font-weight: 600 }
  .dim { fill: #656d76 }
  .bad { fill: #b3261e }
  .page { fill: #ffffff }
  .box { fill: #eef4ff; stroke: #4477cc }
  .good { fill: #e6f4ea; stroke: #2e7d4f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .dim { fill: #9198a1 }
    .bad { fill: #ff8a80 }
    .page { fill: #0d1117 }
    .box { fill: #12233f; stroke: #6ea8fe }
    .good { fill: #12291b; stroke: #56d364 }
  }
"""


def naive(chunk: bytes) -> str:
    """Return what a program gets that decodes and splits each read by itself."""
    try:
        blocks = chunk.decode().split("\n\n")[:-1]
    except UnicodeDecodeError as error:
        return type(error).__name__
    return ", ".join(f'"{block}"' for block in blocks) or "nothing"


def shown(chunk: bytes) -> str:
    """Return the bytes as Python shows them, without its quotes."""
    return repr(chunk)[2:-1]


def text(x: int, y: int, content: str, kind: str = "") -> str:
    """Return an element with text."""
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(content)}</text>'


def box(x: int, y: int, content: str, kind: str) -> str:
    """Return a box around code."""
    width = round(len(content) * 8.6 + 16)
    frame = f'<rect x="{x}" y="{y - 20}" width="{width}" height="29" rx="5" class="{kind}"/>'
    return frame + text(x + 8, y, content, "code")


def picture() -> str:
    """Return the picture."""
    parser = Parser()
    height = TOP + STEP * len(READS) + 8
    lines = [
        text(LEFT, 34, "The network cuts a stream anywhere. The events are the same.", "title"),
        text(LEFT, 64, "a read brings", "dim"),
        text(MIDDLE, 64, "Parser.feed() returns", "dim"),
        text(RIGHT, 64, "splitting each read gives", "dim"),
    ]
    for row, chunk in enumerate(READS):
        y = TOP + 12 + row * STEP
        lines.append(box(LEFT, y, shown(chunk), "box"))
        events = parser.feed(chunk)
        for event in events:
            lines.append(box(MIDDLE, y, f"{event.type}: {event.data}", "good"))
        if not events:
            lines.append(text(MIDDLE, y, "nothing yet", "dim"))
        got = naive(chunk)
        lines.append(text(RIGHT, y, got, "dim" if got == "nothing" else "code bad"))
    label = "Four reads cut a stream inside words and a character; the parser returns both events."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{label}">\n<style>{STYLE}</style>\n'
        f'<rect width="{WIDTH}" height="{height}" class="page"/>\n'
        + "\n".join(lines)
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    Path(__file__).with_name("cuts.svg").write_text(picture(), encoding="utf-8")
