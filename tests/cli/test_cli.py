"""The command ``sseparse``: in this process where possible, else as a process on pipes."""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import io
import json
import os
import platform
import pty
import re
import runpy
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import tracemalloc
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import sseparse
from commands import (
    COMMAND,
    ENVIRONMENT,
    TIME_LIMIT,
    UNBUFFERED,
    Output,
    call,
    finish,
    interruptible,
    read_line,
    run,
    run_in_shell,
    started,
)
from sseparse import EventTooLargeError, Item, Observer, parse
from sseparse._cli import _inputs, _output, main
from sseparse._core import COMPILED
from sseparse._http1 import begins_chunked
from sseparse.recording import _recognise, _source
from sseparse.recording._compressed import compression_of
from sseparse.recording._recognise import recognised
from strategies import streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


ONE = b"data: one\n\n"
ONE_LINE = b'{"type": "message", "data": "one", "last_event_id": ""}\n'
TWO_LINE = ONE_LINE.replace(b"one", b"two")
HOSTILE = (
    "\x1b]0;title\x07 \x1b[2J \x00\x08\x0b\x0c\x1c\x1f \x7f \x80\x85\x9b31m\x9d \u2028\u2029 "
    '\u061c\u200e\u200f \u202a\u202b\u202c\u202d\u202e \u2066\u2067\u2068\u2069 "quoted" \\ back'
    " \xad\u200b\u200c\u2060\u2064\u206f\ufeff\ufffb \u200d"
    " \U000e0001\U000e0041\U000e007f \U000e0100"
)
PLACE = ("start", "end", "terminator")
SAFE_AS_IT_IS = "naïve 日本語 🙂 👩\u200d🚀 \xa0 שלום \ufffd"


@pytest.fixture
def stream(tmp_path: Path) -> Callable[[bytes], Path]:
    def save(data: bytes) -> Path:
        path = tmp_path / "stream.txt"
        path.write_bytes(data)
        return path

    return save


# What is printed


def test_events_of_a_file(stream: Callable[[bytes], Path]) -> None:
    path = stream(b"retry: 10\n\nevent: note\nid: 7\ndata: two\ndata: lines\n\n: hi\ndata\n\n")
    assert call("events", path) == (
        0,
        b'{"type": "note", "data": "two\\nlines", "last_event_id": "7"}\n'
        b'{"type": "message", "data": "", "last_event_id": "7"}\n',
        "",
    )


def test_an_empty_stream_prints_nothing(stream: Callable[[bytes], Path]) -> None:
    assert call("events", stream(b"")) == (0, b"", "")


def test_all_of_a_file(stream: Callable[[bytes], Path]) -> None:
    path = stream(b"\xef\xbb\xbf: hi\r\nid: \xff\r\nretry:x\r\n\r\nevent\rretry: 07\rdata: a\n\n")
    status, out, err = call("events", "--all", path)
    assert (status, err) == (0, "")
    expected: list[tuple[str, dict[str, object], tuple[int | str | bool, ...]]] = [
        ("byte order mark", {}, (0, 3, "")),
        ("comment", {"value": "hi", "separator": ": "}, (3, 8, "\r", False)),
        (
            "field",
            {"name": "id", "value": "\ufffd", "separator": ": ", "reason": None},
            (9, 15, "\r", True),
        ),
        (
            "field",
            {"name": "retry", "value": "x", "separator": ":", "reason": "retry not taken"},
            (16, 24, "\r", False),
        ),
        (
            "block",
            {
                "event": None,
                "data": None,
                "id": "\ufffd",
                "retry": None,
                "comments": ["hi"],
                "last_event_id": "\ufffd",
                "block_start": 3,
            },
            (25, 26, "\r"),
        ),
        (
            "field",
            {"name": "event", "value": "", "separator": "", "reason": None},
            (27, 33, "\r", False),
        ),
        (
            "field",
            {"name": "retry", "value": "07", "separator": ": ", "reason": None},
            (33, 43, "\r", False),
        ),
        (
            "field",
            {"name": "data", "value": "a", "separator": ": ", "reason": None},
            (43, 51, "\n", False),
        ),
        (
            "block",
            {
                "event": "",
                "data": "a",
                "id": None,
                "retry": 7,
                "comments": [],
                "last_event_id": "\ufffd",
                "block_start": 27,
            },
            (51, 52, "\n"),
        ),
    ]
    at = (*PLACE, "replaced")
    assert [json.loads(line) for line in out.splitlines()] == [
        {"kind": kind, **own, **dict(zip(at, where, strict=False))} for kind, own, where in expected
    ]


def is_unsafe(character: str) -> bool:
    """Whether it is a control character, a separator, Bidi_Control, or invisible."""
    return (
        unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs")
        or unicodedata.bidirectional(character)
        in ("LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        or character in "\u061c\u200e\u200f\xad\u200b\u200c\u2060\u2064\u206f\ufeff\ufffb"
        or "\U000e0000" <= character <= "\U000e0fff"
    )


def is_joiner_in_emoji(text: str, at: int) -> bool:
    return text[at] == "\u200d" and text[at - 1 : at + 2] == "👩\u200d🚀"


def shown(item: Item) -> dict[str, object]:
    """What docs/cli.rst says of each kind: its keys, which are attributes of the item."""
    keys = {
        "byte order mark": (),
        "comment": ("value", "separator"),
        "field": ("name", "value", "separator", "reason"),
        "block": ("event", "data", "id", "retry", "comments", "last_event_id", "block_start"),
    }[item.kind]
    line = ("replaced",) if item.kind in ("comment", "field") else ()
    return {name: getattr(item, name) for name in ("kind", *keys, *PLACE, *line)}


def slow_line(fields: Mapping[str, object]) -> str:
    text = json.dumps(fields, ensure_ascii=False)
    return "".join(escaped(text, at) for at in range(len(text))) + "\n"


def escaped(text: str, at: int) -> str:
    c = text[at]
    if c == "\u200d":
        return c if is_joiner_in_emoji(text, at) else "\\u200d"
    return json.dumps(c)[1:-1] if is_unsafe(c) else c


texts = st.text(st.sampled_from(HOSTILE + SAFE_AS_IT_IS), max_size=12)


@pytest.mark.thorough
@given(streams | st.lists(texts.map(lambda text: f"data: {text}\n\n".encode())).map(b"".join))
@example(f"id: {HOSTILE}\nevent: {HOSTILE}\ndata: {HOSTILE}\n: {HOSTILE}\n{HOSTILE}\n\n".encode())
@example(b"data: \x7f\n\n")
def test_text_is_escaped_where_it_is_unsafe_and_nowhere_else(data: bytes) -> None:
    # Other streams are refused or read differently; they have tests below.
    assume(recognised(data, True) == "events")
    assume(compression_of(data) == "")
    assume(begins_chunked(data) is False)
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        _, events, _ = call("events", file.name)
        _, observed, _ = call("events", "--all", file.name)
    expected = [
        {"type": event.type, "data": event.data, "last_event_id": event.last_event_id}
        for event in parse(data)
    ]
    assert events.decode() == "".join(map(slow_line, expected))
    assert observed.decode() == "".join(slow_line(shown(item)) for item in Observer().feed(data))


@pytest.mark.parametrize("option", [[], ["--all"]])
def test_hostile_text_cannot_drive_a_terminal(option: list[str]) -> None:
    text = HOSTILE.encode()
    block = b"id: %s\nevent: %s\ndata: %s\n: %s\n%s: %s\n\n" % ((text.replace(b"\0", b""),) * 6)
    done = run("events", *option, stdin=block)
    assert done.returncode == 0
    assert not [c for c in done.stdout.decode() if c != "\n" and is_unsafe(c)]
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["data"] == HOSTILE.replace("\0", "")


@pytest.mark.parametrize(
    "environment",
    [
        ENVIRONMENT,
        {**ENVIRONMENT, "PYTHONIOENCODING": "ascii:strict"},
        {**ENVIRONMENT, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_utf8_whatever_the_locale(environment: dict[str, str]) -> None:
    done = run("events", stdin=f"data: {SAFE_AS_IT_IS}\n\n".encode(), environment=environment)
    assert done.stdout == ONE_LINE.replace(b"one", SAFE_AS_IT_IS.encode())
    assert (done.returncode, done.stderr) == (0, b"")


# Where it comes from, and when it is printed


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_standard_input_that_is_a_file(
    arguments: list[str], stream: Callable[[bytes], Path]
) -> None:
    with (
        stream(ONE * 3).open("rb") as file,
        started("events", *arguments, stdin=file.fileno()) as p,
    ):
        assert finish(p) == (0, ONE_LINE * 3, b"")


@pytest.mark.parametrize("environment", [ENVIRONMENT, UNBUFFERED])
@pytest.mark.parametrize("option", [[], ["--all"]])
@pytest.mark.parametrize("kind", ["pipe", "socket", "terminal", "named pipe"])
def test_a_line_comes_before_the_next_event_is_sent(
    kind: str, option: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    arguments: list[str | Path] = ["events", *option]
    if kind == "pipe":
        source, sink = os.pipe()
    elif kind == "socket":
        source, sink = (end.detach() for end in socket.socketpair())
    elif kind == "terminal":
        sink, source = pty.openpty()
    else:
        path = tmp_path / "fifo"
        os.mkfifo(path)
        # For reading too, so that opening it does not wait for the other side.
        source, sink = os.open(os.devnull, os.O_RDONLY), os.open(path, os.O_RDWR)
        arguments.append(path)
    with started(*arguments, stdin=source, environment=environment) as process:
        os.close(source)
        for text in (b"one", b"two", b"three"):
            os.write(sink, b"data: %s\n" % text)
            if option:
                assert json.loads(read_line(process))["value"] == text.decode()
            os.write(sink, b"\n")
            assert json.loads(read_line(process))["data"] == text.decode()
        if kind == "terminal":
            os.write(sink, b"\x04")  # end of file, as Ctrl-D
            assert finish(process) == (0, b"", b"")
            os.close(sink)
        else:
            os.close(sink)
            assert finish(process) == (0, b"", b"")


def test_output_for_a_file_is_flushed_once(stream: Callable[[bytes], Path]) -> None:
    output = Output()
    assert call("events", stream(ONE * 20_000), output=output)[0] == 0
    assert output.flushes == 2  # one of them is call()'s
    assert len(output.writes) < len(output.written) / 30_000


def test_output_for_a_pipe_is_flushed_for_each_read(monkeypatch: pytest.MonkeyPatch) -> None:
    source, sink = os.pipe()
    os.write(sink, ONE * 3)
    os.close(sink)
    monkeypatch.setattr(_source, "READ_SIZE", len(ONE))
    output = Output()
    with os.fdopen(source) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert call("events", output=output) == (0, ONE_LINE * 3, "")
    assert output.writes == [len(ONE_LINE)] * 3
    assert output.flushes == 3 + 2


def test_a_long_id_on_many_events_is_not_multiplied_in_memory(
    stream: Callable[[bytes], Path],
) -> None:
    output = Output()
    id_line = b"id: " + b"i" * 10_000 + b"\n"
    assert call("events", stream(id_line + b"data\n\n" * 5_000), output=output)[0] == 0
    assert len(output.written) > 50_000_000
    assert max(output.writes) < 2 * _output.BATCH_SIZE


@pytest.mark.parametrize("option", [[], ["--all"]])
@pytest.mark.parametrize("block", [b"data: " + b"x" * 250 + b"\n\n", b"data\r\n\r\n", b"\n"])
def test_memory_does_not_grow_with_the_file(
    block: bytes,
    option: list[str],
    stream: Callable[[bytes], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_source, "READ_SIZE", 1024)
    monkeypatch.setattr(_output, "BATCH_SIZE", 1024)
    monkeypatch.setattr(_recognise, "_HEAD_LIMIT", 1024)

    def peak(reads: int) -> int:
        path = stream(block * (reads * 1024 // len(block)))
        tracemalloc.start()
        try:
            with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
                assert main(["events", *option, str(path)]) == 0
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # what is allocated once
    assert peak(16) < 1.5 * peak(4)


def test_a_stream_that_takes_a_part_of_a_write_gets_the_rest(
    stream: Callable[[bytes], Path],
) -> None:
    assert call("events", stream(ONE * 5), output=Output(takes=7)) == (0, ONE_LINE * 5, "")


# A stream at fault: 1


@pytest.mark.parametrize(
    ("data", "start", "dropped", "shown"),
    [
        (b"data: one\n\ndata: tw", 11, 8, "data: tw"),
        (b"data: one\r\n\r\ndata: two\r\n", 13, 11, "two"),
        (b"data: one\r\rid: 2\r", 11, 6, ""),
        (b"\xef\xbb\xbfdata: one\n\n:", 14, 1, ":"),
        (b"data: one\n\n\n\n\xef\xbb", 13, 2, "\ufffd"),
    ],
)
@pytest.mark.parametrize("option", [[], ["--all"]])
@pytest.mark.parametrize("read_size", [1, 65_536])
def test_a_stream_that_ends_inside_an_event(
    data: bytes,
    start: int,
    dropped: int,
    shown: str,
    option: list[str],
    read_size: int,
    stream: Callable[[bytes], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_source, "READ_SIZE", read_size)
    path = stream(data)
    status, out, err = call("events", *option, path)
    assert status == 1
    assert out if option else out == ONE_LINE
    assert err == (
        f"sseparse: {str(path)!r}: the stream ends inside an event, which begins at offset "
        f"{start}; bytes dropped: {dropped}; pending is {shown!r}, and 'sseparse events --flush' "
        "prints it\n"
    )


def test_the_lines_come_before_the_message() -> None:
    done = subprocess.run(
        [*COMMAND, "events"],
        input=ONE + b"data",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=ENVIRONMENT,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith(ONE_LINE + b"sseparse: standard input: the stream ends inside")


@pytest.mark.parametrize("read_size", [1, 65_536])
@pytest.mark.parametrize(
    "data", [b"HTTP\n\n", b"HTT", b"H\n\n", b"HTTQ/\n\n", b"\x28\xb5\x2f\n\n", b"("]
)
def test_what_only_begins_like_another_form(
    data: bytes, read_size: int, stream: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_source, "READ_SIZE", read_size)
    path = stream(data + b"data: one\n\n" * data.endswith(b"\n"))
    status, out, err = call("events", path)
    if data.endswith(b"\n"):
        assert (status, out, err) == (0, ONE_LINE, "")
    else:
        assert (status, out) == (1, b"")
        assert err.startswith(f"sseparse: {str(path)!r}: line 1: this looks like text")
        assert f"{data.decode()!r} is no field" in err


@pytest.mark.parametrize("read_size", [1, 65_536])
@pytest.mark.parametrize("option", [[], ["--all"]])
def test_an_event_that_is_too_large(
    option: list[str],
    read_size: int,
    stream: Callable[[bytes], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_source, "READ_SIZE", read_size)
    path = stream(b"data: one\n\n" + b"data: too large\n\n")
    status, out, err = call("events", "--max-event-size", "10", *option, path)
    assert status == 1
    shown = [json.loads(line) for line in out.splitlines()]
    assert [item.get("kind") for item in shown] == (["field", "block"] if option else [None])
    assert shown[-1]["data"] == "one"
    assert err == (
        f"sseparse: {str(path)!r}: the byte at offset 21 makes an event larger than 10 bytes; "
        "if you trust the sender, --max-event-size none reads it\n"
    )
    status, out, err = call("events", "--max-event-size", "none", *option, path)
    assert (status, err) == (0, "")
    assert b"too large" in out


def test_the_limit_is_that_of_the_library(stream: Callable[[bytes], Path]) -> None:
    path = stream(ONE)
    with path.open("r+b") as file:
        file.truncate(80 * 1024 * 1024)  # a line of NULs
    with pytest.raises(EventTooLargeError) as raised:
        parse(path.read_bytes())
    done = run("events", path)
    assert (done.returncode, done.stdout) == (1, ONE_LINE)
    assert f"offset {raised.value.offset} ".encode() in done.stderr
    assert f"larger than {64 * 1024 * 1024} bytes".encode() in done.stderr


# Wrong usage, and what cannot be read or written: 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "\nexamples:\n  curl -sN "),
        (["event"], "invalid choice"),
        (["events", "--all", "--data"], "not allowed with argument"),
        (["events", "--stream", "0"], "expected a number from 1, not '0'"),
        (["events", "--max-event-size", "ten"], "expected a number from 1, not 'ten'"),
        (["events", "--max-document", "none"], "expected a number from 1, not 'none'"),
        (["events", "--al"], "unrecognized arguments: --al"),
        (["events", "--every"], "unrecognized arguments: --every"),
    ],
)
def test_wrong_usage(arguments: list[str], says: str) -> None:
    status, out, err = call(*arguments)
    assert (status, out) == (2, b"")
    assert err.startswith("usage: sseparse")
    assert says in err


@pytest.mark.parametrize("name", ["missing", "new\nline \x1b[2J \udcff"])
def test_a_missing_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    status, out, err = call("events", path)
    assert (status, out) == (2, b"")
    assert err == f"sseparse: {str(path)!r}: {os.strerror(errno.ENOENT)}\n"
    done = run("events", path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert len(done.stderr.splitlines()) == 1
    assert b"\x1b" not in done.stderr


def test_a_directory(tmp_path: Path) -> None:
    status, out, err = call("events", tmp_path)
    assert (status, out) == (2, b"")
    assert err == f"sseparse: {str(tmp_path)!r}: {os.strerror(errno.EISDIR)}\n"


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_in_shell('exec "$@" <&-', "events")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"sseparse: standard input: it is closed\n"
    monkeypatch.setattr(sys, "stdin", None)
    assert call("events") == (2, b"", "sseparse: standard input: it is closed\n")


def test_a_fault_while_reading_comes_after_the_events_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, sink = os.pipe()
    os.set_blocking(source, False)
    os.write(sink, ONE)
    with os.fdopen(source) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        complaint = f"sseparse: standard input: {os.strerror(errno.EAGAIN)}\n"
        assert call("events") == (2, ONE_LINE, complaint)
    os.close(sink)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("environment", [ENVIRONMENT, UNBUFFERED])
@pytest.mark.parametrize("size", [1, 20_000])
def test_a_full_disk(
    size: int, environment: dict[str, str], stream: Callable[[bytes], Path]
) -> None:
    path = stream(ONE * size)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "events", path],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=TIME_LIMIT,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == f"sseparse: standard output: {os.strerror(errno.ENOSPC)}\n".encode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_in_process(
    stream: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["events", str(stream(ONE))]) == 2
    assert errors.getvalue() == f"sseparse: standard output: {os.strerror(errno.ENOSPC)}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("where", ["/dev/full", "&-"])
def test_the_status_stays_when_the_message_cannot_be_written(where: str) -> None:
    done = run_in_shell(f'"$@" 2>{where}; echo $?', "events", "/nonexistent/stream")
    assert (done.stdout, done.stderr) == (b"2\n", b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_message_that_cannot_be_written_in_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["events", str(tmp_path / "missing")]
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        assert main(arguments) == 2
    monkeypatch.setattr(sys, "stderr", None)
    assert main(arguments) == 2


# Nobody reads the output any more: 141


@pytest.mark.parametrize("environment", [ENVIRONMENT, UNBUFFERED])
@pytest.mark.parametrize("data", [ONE, ONE * 20_000, ONE + b"data"])
def test_no_message_when_the_reader_has_closed_the_pipe(
    data: bytes, environment: dict[str, str], stream: Callable[[bytes], Path]
) -> None:
    source, sink = os.pipe()
    os.close(source)
    with stream(data).open("rb") as file:
        done = subprocess.run(
            [*COMMAND, "events"],
            stdin=file,
            stdout=sink,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=TIME_LIMIT,
            check=False,
        )
    os.close(sink)
    assert (done.returncode, done.stderr) == (141, b"")


def test_no_message_when_the_reader_closes_the_pipe_while_the_stream_runs() -> None:
    source, sink = os.pipe()
    with started("events", stdin=source) as process:
        os.close(source)
        os.write(sink, ONE)
        assert read_line(process) == ONE_LINE
        assert process.stdout is not None
        process.stdout.close()
        os.write(sink, ONE)
        assert process.wait(TIME_LIMIT) == 141
        assert process.stderr is not None
        assert process.stderr.read() == b""
    os.close(sink)


def test_no_message_when_the_reader_has_closed_the_pipe_in_process(
    stream: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    source, sink = os.pipe()
    os.close(source)
    with os.fdopen(sink, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["events", str(stream(ONE))]) == 141
    assert errors.getvalue() == ""


def test_no_message_when_standard_output_is_closed(
    stream: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stream(ONE)
    done = run_in_shell('exec "$@" >&-', "events", path)
    assert (done.returncode, done.stderr) == (141, b"")
    assert path.read_bytes() == ONE
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["events", str(path)]) == 141
    monkeypatch.setattr(sys, "stderr", errors := io.StringIO())
    assert main(["--version"]) == 0
    assert errors.getvalue().startswith("sseparse ")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["events", "--help"]])
def test_no_message_when_nobody_reads_the_help(arguments: list[str]) -> None:
    source, sink = os.pipe()
    os.close(source)
    done = subprocess.run(
        [*COMMAND, *arguments],
        stdout=sink,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        timeout=TIME_LIMIT,
        check=False,
    )
    os.close(sink)
    assert (done.returncode, done.stderr) == (141, b"")


# Ctrl-C: ended by the signal, which a shell shows as 130


@pytest.fixture
def _interruptible() -> Iterator[None]:
    with interruptible():
        yield


@pytest.mark.usefixtures("_interruptible")
def test_no_message_on_an_interrupt() -> None:
    source, sink = os.pipe()
    with started("events", stdin=source) as process:
        os.close(source)
        os.write(sink, ONE)
        assert read_line(process) == ONE_LINE
        process.send_signal(signal.SIGINT)
        assert finish(process) == (-int(signal.SIGINT), b"", b"")
    os.close(sink)


@pytest.mark.usefixtures("_interruptible")
def test_an_interrupt_in_process(
    stream: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    def raised(number: int) -> None:
        assert signal.getsignal(number) is signal.SIG_DFL
        raised_signals.append(number)

    raised_signals: list[int] = []
    monkeypatch.setattr(_inputs.Input, "read", interrupted)
    monkeypatch.setattr(signal, "raise_signal", raised)
    assert call("events", stream(ONE)) == (130, b"", "")
    assert raised_signals == [signal.SIGINT]


# The command itself


def test_version() -> None:
    build = "compiled" if COMPILED else "pure"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    version = f"sseparse {sseparse.__version__} ({build}, {python})\n"
    assert call("--version") == (0, version.encode(), "")
    assert run("--version").stdout.decode() == version


@pytest.mark.parametrize(("compiled", "build"), [(False, b"(pure, "), (True, b"(compiled, ")])
def test_the_version_names_the_build(
    compiled: bool, build: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sseparse._core, "COMPILED", compiled)
    assert build in call("--version")[1]


def test_data_is_no_json_of_a_line() -> None:
    status, out, err = call("events", "--data", "--json")
    assert (status, out, err) == (2, b"", "sseparse: --data and --json exclude each other\n")


COMMANDS = ("events", "streams", "text", "chat", "conformance")


@pytest.mark.parametrize("columns", ["40", "80"])
@pytest.mark.parametrize("command", [(), *((each,) for each in COMMANDS)])
def test_help_has_examples_and_fits_the_terminal(
    command: tuple[str, ...], columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    status, out, err = call(*command, "--help")
    assert (status, err) == (0, "")
    beginning, found, end = out.decode().partition("\nexamples:\n  ")
    assert found
    # argparse breaks the other parts itself.
    own = ("usage:", "positional arguments:", "options:", "how a stream ends:")
    ours = [part for part in beginning.split("\n\n") if not part.startswith(own)]
    assert ours
    assert max(len(line) for part in ours for line in part.splitlines()) <= int(columns)
    assert max(map(len, end.splitlines())) <= 80


@pytest.mark.parametrize("columns", ["0", "1"])
def test_help_on_a_terminal_without_columns(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((0, 0)))
    assert call("events", "-h")[0] == 0
    assert call()[0] == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_the_examples_exist(command: str) -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    importlib.import_module(f"sseparse._cli._{command}").add_to(parser)
    lines = re.findall(rf"(?m)^  (?:.*\| )?sseparse {command}\b([^|<\n]*)", parser.epilog or "")
    assert lines
    for line in lines:
        parser.parse_args(shlex.split(line))


def test_the_help_lists_the_exit_statuses() -> None:
    status, out, err = call("events", "--help")
    assert (status, err) == (0, "")
    for code in (0, 1, 2, 130, 141):
        assert f"\n  {code:<5}" in out.decode()


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["events"], ["event"]])
def test_the_script_does_what_python_m_does(arguments: list[str]) -> None:
    script = (
        "import sys; from sseparse._cli import main; sys.exit(main())"  # as installers write it
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        input=ONE + b"data",
        capture_output=True,
        env=ENVIRONMENT,
        timeout=TIME_LIMIT,
        check=False,
    )
    module = run(*arguments, stdin=ONE + b"data")
    assert done.returncode == module.returncode
    assert (done.stdout, done.stderr) == (module.stdout, module.stderr)


def test_python_m_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["sseparse", "events", "/nonexistent/stream"])
    monkeypatch.setattr(sys, "stderr", errors := io.StringIO())
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("sseparse", run_name="__main__")
    assert ended.value.code == 2
    assert errors.getvalue().startswith("sseparse: '/nonexistent/stream': ")


def test_the_library_does_not_load_the_command() -> None:
    code = "import sys, sseparse; print(*sorted(sys.modules), sep='\\n')"
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env=ENVIRONMENT,
        timeout=TIME_LIMIT,
        check=True,
    ).stdout.split()
    assert b"sseparse._core" in loaded
    assert not [name for name in loaded if name.startswith(b"sseparse._cli") or name == b"argparse"]


def console_examples() -> list[tuple[str, str]]:
    """The commands of docs/cli.rst, each with what the page says that it prints."""
    page = Path(__file__).parents[2] / "docs" / "cli.rst"
    examples: list[tuple[str, str]] = []
    is_block = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(" "):
            is_block = line == ".. code-block:: console"
        elif is_block and line.startswith("   $ "):
            examples.append((line[5:], ""))
        elif is_block and line and examples:
            command, printed = examples[-1]
            examples[-1] = (command, f"{printed}{line[3:]}\n")
    assert len(examples) >= 5
    return examples


@pytest.mark.parametrize(("command", "printed"), console_examples())
def test_the_examples_of_the_documentation(command: str, printed: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"sseparse() {{ '{sys.executable}' -m sseparse \"$@\"; }}; {command}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=tmp_path,
        env=ENVIRONMENT,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert done.stdout.decode() == printed


def test_the_documentation_lists_the_exit_statuses() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.rst").read_text(encoding="utf-8")
    for code in (0, 1, 2, 130, 141):
        assert f"\n   * - {code}\n" in page
