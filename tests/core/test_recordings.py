"""The recorded streams of the sdist: their events, and that they equal the captured bodies.

NAME.jsonl, the events of NAME.sse, was written by hand from the bytes, not with the parser.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sseparse import Event, Parser, parse

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parents[1] / "recordings"
SCRIPT = FOLDER / "cut.py"
BODIES = {path.name: path.read_bytes() for path in sorted(FOLDER.glob("*.sse"))}


def expected(name: str) -> list[Event]:
    lines = (FOLDER / name).with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    return [Event(**json.loads(line)) for line in lines]


EVENTS = [event for name in BODIES for event in expected(name)]


@pytest.mark.parametrize("name", BODIES)
def test_events(name: str) -> None:
    assert parse(BODIES[name]) == expected(name)


@pytest.mark.parametrize("name", BODIES)
def test_events_byte_by_byte(name: str) -> None:
    parser = Parser()
    events = [event for byte in BODIES[name] for event in parser.feed(bytes([byte]))]
    assert events == expected(name)
    assert parser.close() is None


def test_hold_a_comment() -> None:
    assert any(re.search(rb"(?m)^: a comment\r$", body) for body in BODIES.values())


def test_hold_a_multi_line_event() -> None:
    assert any("\n" in event.data for event in EVENTS)


def test_hold_a_named_event() -> None:
    assert any(event.type == "tick" for event in EVENTS)


def test_hold_text_of_two_three_and_four_bytes() -> None:
    text = "".join(event.data for event in EVENTS)
    assert set("é漢👋") <= set(text)


def test_hold_done() -> None:
    assert any(event.data == "[DONE]" for event in EVENTS)


def test_hold_every_line_end() -> None:
    ends = {end for body in BODIES.values() for end in re.findall(rb"\r\n|\r|\n", body)}
    assert ends == {b"\r\n", b"\r", b"\n"}


def test_hold_bodies_only() -> None:
    assert not any(body.startswith(b"HTTP/") for body in BODIES.values())
    assert not any(re.search(rb"(?m)^[0-9a-f]+\r\n", body) for body in BODIES.values())


def frame(body: bytes, size: int) -> bytes:
    """Return the body as a response whose chunks have ``size`` bytes."""
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"


def captured_as() -> dict[str, str]:
    """Return the name of the capture that the script cuts each recording from."""
    pairs = re.findall(r'"(\S+\.raw)": "(\S+\.sse)"', SCRIPT.read_text(encoding="utf-8"))
    return {recording: capture for capture, recording in pairs}


def cut(captures: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(captures), str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    folder = tmp_path / "captures"
    folder.mkdir()
    for recording, capture in captured_as().items():
        (folder / capture).write_bytes(frame(BODIES[recording], size=7))
    return folder


def test_script_cuts_the_recordings(captures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    done = cut(captures, out)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == BODIES


@pytest.mark.parametrize(
    "damage",
    [
        lambda capture: capture[:-5],  # without the last chunk
        lambda capture: capture[:-9] + capture[-5:],  # without the end of the body
        lambda capture: capture + b"more",
        lambda capture: capture.replace(b"\r\n\r\n7\r\n", b"\r\n\r\n8\r\n"),
        lambda _: b"data: no response at all\n\n",
    ],
)
def test_script_refuses_a_damaged_capture(
    captures: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = captures / captured_as()["sse-starlette.sse"]
    path.write_bytes(damage(path.read_bytes()))
    done = cut(captures, tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path.name}: not a whole chunked response: ")
    assert not list(tmp_path.glob("*.sse"))
