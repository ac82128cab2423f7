"""What the command prints on a terminal: lines for people, with colours if they are allowed."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given

from commands import Output, call
from sseparse import Observer, parse
from sseparse._cli import _output, _readable
from strategies import streams

if TYPE_CHECKING:
    from pathlib import Path

STREAM = (
    b'\xef\xbb\xbf: hi\nid: 7\nevent: tick\ndata: {"a": "x\\ny"}\n\nretry: 1s\n\n'
    b"id\ndata: two\ndata: lines \xff\n\n"
)
PLAIN = 'tick id=7  {"a": "x\\ny"}\nmessage  two↵lines \ufffd\n'
COLOURED = (
    '\x1b[36mtick\x1b[0m \x1b[2mid=7\x1b[0m  {"a": "x\\ny"}\n'
    "\x1b[36mmessage\x1b[0m  two↵lines \ufffd\n"
)
ALL = """\
      0  byte order mark
      3  : hi
      8  id: 7
     14  event: tick
     26  data: {"a": "x\\ny"}
     46  = tick id=7  {"a": "x\\ny"}
     47  retry: 1s  (retry not taken)
     57  = no event
     58  id
     61  data: two
     71  data: lines \ufffd  (bytes that are no UTF-8)
     85  = message  two↵lines \ufffd
"""


class Terminal(Output):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "stream"
    path.write_bytes(STREAM)
    return path


def shown(*arguments: str | Path) -> str:
    status, out, err = call("events", *arguments, output=Terminal())
    assert (status, err) == (0, "")
    return out.decode()


def test_an_event_is_a_line(path: Path) -> None:
    assert shown(path) == COLOURED


def test_a_program_gets_json(path: Path) -> None:
    json = call("events", path)[1].decode()
    assert json.startswith('{"type": "tick", "data": "{')
    assert shown("--json", path) == shown("-j", path) == json


@pytest.mark.parametrize("variable", [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colours_if_they_are_turned_off(
    variable: tuple[str, str], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*variable)
    assert shown(path) == PLAIN


def test_an_empty_no_color_has_no_effect(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As https://no-color.org has it."""
    monkeypatch.setenv("NO_COLOR", "")
    assert shown(path) == COLOURED


@pytest.mark.parametrize(
    ("variables", "has_colours"),
    [({}, False), ({"WT_SESSION": "1"}, True), ({"TERM": "xterm"}, True)],
)
def test_consoles_of_windows(
    variables: dict[str, str], has_colours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.TextIOWrapper(Terminal())  # type: ignore[type-var] # Python takes a raw stream
    for name in ("TERM", "WT_SESSION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        paint = _output.painter(terminal)
    assert (paint("a", "2") == "\x1b[2ma\x1b[0m") is has_colours
    terminal.detach()


def test_everything_on_the_wire(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert shown("--all", path) == ALL


def test_colours_of_everything_on_the_wire(path: Path) -> None:
    lines = shown("-a", path).splitlines()
    assert lines[2] == "\x1b[2m      8\x1b[0m  \x1b[36mid\x1b[0m: 7"
    assert lines[6].endswith(" 1s  \x1b[33m(retry not taken)\x1b[0m")


def test_lines_of_several_files_and_streams(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    many = tmp_path / "many"
    one = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ndata: a\n\n"
    many.write_bytes(one + one)
    assert shown(many) == "1: message  a\n2: message  a\n"
    lines = shown(path, many).splitlines()
    assert lines[0] == f'{path}: tick id=7  {{"a": "x\\ny"}}'
    assert lines[-1] == f"{many}: 2: message  a"


@given(streams)
@example("event: \x1b[2J\nid: \u202e\ndata: \x07\u2028\u200b\n\n: \x9b\nx\u0085: y\n".encode())
def test_no_text_can_drive_the_terminal(stream: bytes) -> None:
    def paint(text: str, _: str) -> str:
        return text

    events = list(_readable.event_lines(parse(stream), "", paint))
    items = Observer().feed(stream)
    lines = list(_readable.item_lines(items, "", paint))
    assert len(lines) == len(items)
    for line in events + lines:
        assert line.endswith("\n")
        assert line.splitlines() == [line[:-1]]
        assert not set(line[:-1]) & set(map(chr, [*range(32), *range(0x7F, 0xA0)]))
