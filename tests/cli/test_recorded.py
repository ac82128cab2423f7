"""``sseparse events``, ``streams`` and ``text`` on recordings in every form."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import sys
import threading
import zlib
from typing import TYPE_CHECKING, Any

import pytest

import forms
from commands import call, finish, read_line, started
from forms import Made
from sseparse import Observer, parse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ONE = b"data: one\n\n"
TWO = b"event: note\nid: 7\ndata: two\n\ndata: [DONE]\n\n"


def chat(
    *deltas: dict[str, Any], finish: str | None = "stop", end: bytes = b"data: [DONE]\n\n"
) -> bytes:
    """Return the stream of a chat completion."""
    chunks = [{"choices": [{"index": 0, "delta": each}]} for each in deltas]
    if finish:
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    return b"".join(b"data: %s\n\n" % json.dumps(each).encode() for each in chunks) + end


def saved(folder: Path, data: bytes, name: str = "recording") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def lines(out: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


# events


@pytest.mark.parametrize("name", forms.MANY)
def test_events_of_several_streams(name: str, tmp_path: Path) -> None:
    path = saved(tmp_path, forms.MANY[name][0]([Made(ONE), Made(TWO)]))
    status, out, err = call("events", path)
    assert (status, err) == (0, "")
    assert lines(out) == [
        {"stream": 1, "type": "message", "data": "one", "last_event_id": ""},
        {"stream": 2, "type": "note", "data": "two", "last_event_id": "7"},
        {"stream": 2, "type": "message", "data": "[DONE]", "last_event_id": "7"},
    ]
    assert call("events", "--stream", "2", "--data", path) == (0, b"two\n[DONE]\n", "")


@pytest.mark.parametrize("name", forms.ONE)
def test_events_of_one_stream(name: str, tmp_path: Path) -> None:
    path = saved(tmp_path, forms.ONE[name][0]([Made(ONE)]))
    status, out, err = call("events", path)
    assert (status, err) == (0, "")
    [line] = lines(out)
    assert ("stream" in line) == (not name.startswith("raw"))
    assert line["data"] == "one"


def test_several_files(tmp_path: Path) -> None:
    first, second = saved(tmp_path, ONE, "first"), saved(tmp_path, forms.curl([Made(ONE)]), "2 é\n")
    missing = tmp_path / "missing"
    status, out, err = call("events", first, missing, second)
    assert (status, err) == (2, f"sseparse: {str(missing)!r}: {os.strerror(2)}\n")
    assert [list(line) for line in lines(out)] == [
        ["file", "type", "data", "last_event_id"],
        ["file", "stream", "type", "data", "last_event_id"],
    ]
    assert [line["file"] for line in lines(out)] == [str(first), str(second)]
    status, out, _ = call("streams", first, second)
    assert [line for line in out.decode().splitlines() if line.endswith(":")] == [
        f"{first}:",
        str(second).replace("\n", "\\n") + ":",
    ]
    assert [line["file"] for line in lines(call("streams", "--json", first, second)[1])] == [
        str(first),
        str(second),
    ]


def test_all_of_a_recording(tmp_path: Path) -> None:
    path = saved(tmp_path, forms.vcrpy([Made(b": hi\ndata: 1\n\n")]))
    status, out, _ = call("events", "--all", path)
    items = Observer().feed(b": hi\ndata: 1\n\n")
    assert status == 0
    assert [(line["stream"], line["kind"], line["end"]) for line in lines(out)] == [
        (1, item.kind, item.end) for item in items
    ]


def test_a_stream_that_is_not_there(tmp_path: Path) -> None:
    path = saved(tmp_path, forms.vcrpy([Made(ONE), Made(ONE)]))
    for command in ("events", "streams", "text"):
        status, out, err = call(command, "--stream", "3", path)
        assert (status, out) == (1, b"")
        assert err == f"sseparse: {str(path)!r}: there is no stream 3; the file has 2 streams\n"


@pytest.mark.parametrize("option", [[], ["--all"]])
@pytest.mark.parametrize(
    "data",
    [
        b"data: one\n\nid: 2\ndata: tw",
        b"data: one\n\ndata: tw\n",
        b"data: one\r\n\r\ndata: tw\r\n",
        b"data: one\r\rdata: tw\r",
        b"data: tw",
        b"data: one\n\n",
        b"data: one\r\n\r\n",
        b"data: one\r\r",
        b"data: one\n\nid: 2",
        b"data: one\n\n:",
        b"\xef\xbb\xbf",
        b"",
    ],
)
def test_flush(data: bytes, option: list[str], tmp_path: Path) -> None:
    path = saved(tmp_path, data)
    status, out, err = call("events", "--flush", *option, path)
    assert (status, err) == (0, "")
    found = [line for line in lines(out) if line.get("kind") in (None, "block")]
    expected = parse(data + b"\n\n")
    assert [line["data"] for line in found if line["data"] is not None] == [
        e.data for e in expected
    ]
    if option and data.endswith((b"\n\n", b"\r\n\r\n", b"\r\r")):
        assert out == call("events", "--all", path)[1]


def test_what_is_pending(tmp_path: Path) -> None:
    path = saved(tmp_path, b"data: 1\n: c\n" * 30)
    status, out, err = call("events", path)
    assert (status, out) == (1, b"")
    assert "the stream has no blank line, so no event ends: 30 data lines" in err
    assert "--flush" in err
    assert "sed G FILE" in err
    assert call("events", "--flush", "--data", path) == (0, b"1\n" * 30, "")
    assert "30 data lines" in call("text", path)[2]
    path = saved(tmp_path, b"data: 1\n\ndata: " + b"x\x1b" * 50)
    assert f"pending is {'data: ' + ('x' + chr(27)) * 17!r}"[:-1] in call("events", path)[2]


@pytest.mark.parametrize("end", [b"\n", b""])
def test_no_event_and_another_line(end: bytes, tmp_path: Path) -> None:
    path = saved(tmp_path, b"id: 1\n\n2026-01-01 data: \x1b1" + end)
    commands = (["events"], ["events", "--all"], ["events", "--flush"], ["streams"], ["text"])
    for arguments in commands:
        status, _, err = call(*arguments, path)
        assert status == 1
        assert "line 3: this looks like text, and no event stream: there is no event" in err
        assert "'2026-01-01 data: \\x1b1'" in err
        assert err.count("\n") == 1


def test_no_event_and_nothing_else(tmp_path: Path) -> None:
    path = saved(tmp_path, b": ping\nretry: 5\n\n")
    assert call("events", path) == (0, b"", "")
    status, out, err = call("text", path)
    assert (status, out, err.endswith(": there is no event in it\n")) == (1, b"", True)


def test_text_is_not_held_without_end(tmp_path: Path) -> None:
    path = saved(tmp_path, b"12:00 starting\n" * 200_000)
    status, out, err = call("text", path)
    assert (status, out, err.count("\n")) == (1, b"", 1)
    assert "'12:00 starting' is no field" in err


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"<html></html>", "HTML page"),
        (ONE.decode().encode("utf-16"), "UTF-16"),
        (b"2820:9:websocket;0:~8:response;", "mitmdump -nr FILE --set hardump=FILE.har"),
        (b'{"a": 1}\n{"a": 2}\n', "2 lines of JSON"),
        (b'{"a": 1}', "no recording of a known form"),
        (b"7z\xbc\xaf\x27\x1c\0", "archive"),
        (b"\x1f\n\ndata: one\n\n", "binary data"),
        (forms.har([Made(b"[1]", kind="application/json")]), "no event stream in it (HAR"),
        (forms.vcrpy([]), "no event stream in it"),
    ],
)
def test_a_file_without_an_event_stream(data: bytes, told: str, tmp_path: Path) -> None:
    path = saved(tmp_path, data)
    for command in ("events", "streams", "text"):
        status, out, err = call(command, path)
        assert (status, out, err.count("\n")) == (1, b"", 1)
        assert err.startswith(f"sseparse: {str(path)!r}: ")
        assert told in err


def test_json_lines(tmp_path: Path) -> None:
    path = saved(tmp_path, b'{"a": 1}\n{"a": 2}\n')
    assert "--json-lines reads each line as an event" in call("events", path)[2]
    assert call("events", "--json-lines", "--data", path) == (0, b'{"a": 1}\n{"a": 2}\n', "")
    both = saved(tmp_path, forms.vcrpy([Made(ONE), Made(TWO)]), "cassette")
    printed = saved(tmp_path, call("events", both, both)[1], "printed")
    assert call("events", "--json-lines", "--data", printed)[1] == b"one\ntwo\n[DONE]\n" * 2


def test_a_document_above_the_limit(tmp_path: Path) -> None:
    path = saved(tmp_path, forms.vcrpy([Made(ONE)]))
    status, _, err = call("events", "--max-document", "100", path)
    assert status == 1
    assert "(--max-document)" in err


def test_what_is_known_to_be_damaged_or_left_out(tmp_path: Path) -> None:
    har = json.loads(forms.har([Made(ONE), Made(ONE)]))
    entries = har["log"]["entries"]
    entries[0]["response"]["content"] = {"mimeType": "text/event-stream", "text": ""}
    entries[1]["response"]["content"] = {"text": "data: \ufffd\n\n"}
    path = saved(tmp_path, json.dumps(har).encode())
    status, out, err = call("events", path)
    assert (status, lines(out)[0]["data"]) == (0, "\ufffd")
    damaged, kept = err.splitlines()
    assert "stream 1: the text has U+FFFD" in damaged
    assert "log.entries[0]: an event stream whose body was not kept" in kept
    entries *= 20
    path = saved(tmp_path, json.dumps(har).encode())
    assert call("streams", path)[2].splitlines()[-1].endswith("10 more like these")


def test_a_fault_in_one_stream_leaves_the_others(tmp_path: Path) -> None:
    packed = gzip.compress(ONE * 50_000, mtime=0)
    broken = packed[:-9] + bytes(9)
    path = saved(tmp_path, forms.vcrpy_binary([Made(broken), Made(ONE)]))
    status, out, err = call("events", path)
    assert (status, err.count("\n")) == (1, 1)
    assert "interactions[0]" in err
    assert lines(out)[-1] == {"stream": 2, "type": "message", "data": "one", "last_event_id": ""}
    torn = saved(tmp_path, forms.curl_raw([Made(ONE * 3)])[:-20])
    status, out, err = call("events", torn)
    assert (status, err.count("\n")) == (1, 1)


@pytest.mark.parametrize("name", ["curl_raw", "warc", "httprr", "vcrpy"])
def test_a_stream_that_is_left_before_its_end(name: str, tmp_path: Path) -> None:
    """Its fault does not affect the next one."""
    other = b'data: {"type": "message_start"}\n\n' * 3000
    made = [Made(other), Made(chat({"content": "a"}))]
    path = saved(tmp_path, forms.MANY[name][0](made))
    status, out, err = call("text", path)
    assert (status, out, err.count("\n")) == (1, b"== stream 2 ==\na\n", 1)
    status, out, err = call("events", "--max-event-size", "20", path)
    assert (status, err.count("\n")) == (1, 2)
    assert ["stream 1" in each for each in err.splitlines()] == [True, False]


def test_standard_input_in_another_form(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = saved(tmp_path, gzip.compress(forms.vcrpy([Made(ONE)]), mtime=0))
    for arguments in (["events"], ["events", "-"]):
        with path.open("rb") as stdin:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
            assert lines(call(*arguments)[1])[0]["data"] == "one"
    bad = saved(tmp_path, b'{"a": 1')
    with bad.open("rb") as stdin:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
        assert call("events")[2].startswith("sseparse: standard input: line 1, column 8: ")


@pytest.mark.parametrize("command", [["events"], ["events", "--data"]])
@pytest.mark.parametrize("packed", [False, True])
def test_a_server_that_waits(command: list[str], packed: bool) -> None:
    """The first event is printed before the server sends the second one."""
    may_go_on = threading.Event()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    packer = zlib.compressobj(wbits=31)

    def sent(data: bytes) -> bytes:
        chunk = b"%x\r\n%s\r\n" % (len(data), data)
        return packer.compress(chunk) + packer.flush(zlib.Z_SYNC_FLUSH) if packed else chunk

    server, client = socket.socketpair()

    def serve() -> None:
        with server:
            server.sendall(head if not packed else b"")
            server.sendall(sent(b"data: one\n\nda"))
            assert may_go_on.wait(60)
            server.sendall(sent(b"ta: two\n\n"))

    thread = threading.Thread(target=serve)
    with started(*command, stdin=client.fileno()) as process:
        client.close()
        thread.start()
        assert b"one" in read_line(process)
        may_go_on.set()
        assert b"two" in read_line(process)
        thread.join()
        status, out, _ = finish(process)
        assert (status, out) == (1, b"")  # the last chunk is missing


# streams


def listed(*arguments: str | Path) -> tuple[int, list[list[str]]]:
    status, out, _ = call("streams", *arguments)
    return status, [line.split(None, 6) for line in out.decode().splitlines()]


def test_a_list(tmp_path: Path) -> None:
    bodies = [ONE, TWO, b"data: 1\n\ndata: 2", b": hi\n\n"]
    path = saved(tmp_path, forms.curl_lengths([Made(each, status=201) for each in bodies]))
    status, rows = listed(path)
    assert status == 0
    assert [row[:5] for row in rows] == [
        ["stream", "status", "events", "bytes", "end"],
        ["1", "201", "1", str(len(ONE)), "whole"],
        ["2", "201", "2", str(len(TWO)), "done"],
        ["3", "201", "1", str(len(bodies[2])), "unfinished"],
        ["4", "201", "0", str(len(bodies[3])), "empty"],
    ]
    path = saved(tmp_path, forms.vcrpy([Made(ONE, url="https://a.example/\x1b[2J")]))
    assert listed(path)[1][1][-1] == "POST https://a.example/\\x1b[2J"


def test_a_list_as_json(tmp_path: Path) -> None:
    path = saved(tmp_path, forms.chrome_har([Made(ONE), Made(TWO)]))
    status, out, err = call("streams", "--json", path)
    assert (status, err) == (0, "")
    first, second = lines(out)
    assert list(first) == [
        *("stream", "form", "place", "method", "url", "status", "headers", "started"),
        *("events", "bytes", "reads", "end", "damage", "fault"),
    ]
    assert first["url"] == forms.URL
    assert first["started"].startswith("2026-11-27T13:58:17.697")
    assert (first["headers"]["content-type"] or "").startswith("text/event-stream")
    assert (second["stream"], second["events"], second["end"]) == (2, 2, "done")
    assert (second["fault"], second["place"]) == (None, "log.entries[1]")


def test_a_list_of_broken_streams(tmp_path: Path) -> None:
    path = saved(tmp_path, forms.curl_raw([Made(ONE * 3)])[:-20])
    status, out, err = call("streams", "--json", path)
    assert status == 1
    [line] = lines(out)
    assert line["end"] == "broken"
    assert err == f"sseparse: {line['fault']}\n"


# text


def test_text(tmp_path: Path) -> None:
    data = chat({"content": "Hel"}, {"content": "lo\x1b\u202e 👩\u200d🚀\n"})
    assert call("text", saved(tmp_path, data)) == (0, "Hello\\x1b\\u202e 👩\u200d🚀\n".encode(), "")


def test_text_of_several_streams(tmp_path: Path) -> None:
    made = [Made(chat({"content": "a"})), Made(chat({"content": "b"}))]
    path = saved(tmp_path, forms.vcrpy(made))
    assert call("text", path) == (0, b"== stream 1 ==\na\n== stream 2 ==\nb\n", "")
    assert call("text", "--stream", "2", path) == (0, b"b\n", "")
    raw = saved(tmp_path, made[0].body, "raw")
    _, out, _ = call("text", raw, path)
    assert out.decode().splitlines()[:3] == [f"== {raw} ==", "a", f"== {path}: stream 1 =="]


def test_text_and_the_other_parts_of_an_answer(tmp_path: Path) -> None:
    call_one = {"index": 0, "id": "1", "function": {"name": "get_\x1bit", "arguments": '{"a":'}}
    rest = {"index": 0, "function": {"arguments": " 1}"}}
    data = chat(
        {"reasoning_content": "hm\n"},
        {"content": "ok"},
        {"refusal": "no"},
        {"tool_calls": [call_one]},
        {"tool_calls": [rest]},
    )
    _, out, err = call("text", saved(tmp_path, data))
    assert err == ""
    assert out.decode() == (
        '[reasoning]\nhm\n[answer]\nok\n[refusal]\nno\n[tool call get_\\x1bit]\n{"a": 1}\n'
    )


def test_text_of_several_choices(tmp_path: Path) -> None:
    chunks = [
        {"choices": [{"index": at, "delta": {"content": text}, "finish_reason": "stop"}]}
        for at, text in enumerate("ab")
    ]
    data = b"".join(b"data: %s\n\n" % json.dumps(each).encode() for each in chunks)
    path = saved(tmp_path, data + b"data: [DONE]\n\n")
    assert call("text", path) == (0, b"[choice 0]\na\n[choice 1]\nb\n", "")


def test_text_of_a_legacy_completion(tmp_path: Path) -> None:
    chunk = {"object": "text_completion", "choices": [{"index": 0, "text": "a"}]}
    data = b"data: %s\n\ndata: [DONE]\n\n" % json.dumps(chunk).encode()
    assert call("text", saved(tmp_path, data)) == (0, b"a\n", "")


def test_an_answer_without_text(tmp_path: Path) -> None:
    status, out, err = call("text", saved(tmp_path, chat({"content": ""}, finish="length")))
    assert (status, out, err.endswith(": the answer has no text\n")) == (0, b"", True)


@pytest.mark.parametrize(
    ("data", "printed", "told"),
    [
        (chat({"content": "a"}, finish=None, end=b""), b"a\n", "without a finish reason"),
        (
            chat({"content": "a"}, end=b'data: {"error": "no \\u001b"}\n\n', finish=None),
            b"a\n",
            "no \\x1b",
        ),
        (b'data: {"error": {"message": "full"}}\n\n', b"", "full"),
        (b"data: [DONE]\n\n", b"", "before a single choice came"),
    ],
)
def test_an_answer_that_is_no_success(
    data: bytes, printed: bytes, told: str, tmp_path: Path
) -> None:
    status, out, err = call("text", saved(tmp_path, data))
    assert (status, out, err.count("\n")) == (1, printed, 1)
    assert told in err


def test_an_answer_in_a_broken_file(tmp_path: Path) -> None:
    data = forms.curl_raw([Made(chat({"content": "a"}, finish=None, end=b": " + b"x" * 200))])
    status, out, err = call("text", "--stream", "1", saved(tmp_path, data[:-100]))
    assert (status, out) == (1, b"a\n")
    assert "a chunk of" in err


APIS: Sequence[tuple[bytes, str]] = [
    (b'event: message_start\ndata: {"type": "message_start"}\n\n', "Anthropic's messages"),
    (
        b'event: ping\ndata: {"type": "ping"}\n\ndata: {"type": "content_block_delta"}\n\n',
        "Anthropic's",
    ),
    (b'data: {"type": "response.created", "response": {}}\n\n', "OpenAI's responses"),
    (b'event: thread.run.created\ndata: {"object": "thread.run"}\n\n', "OpenAI's assistants"),
    (b'data: {"candidates": [], "usageMetadata": {}}\n\n', "Gemini's generateContent"),
    (b'data: {"jsonrpc": "2.0", "id": 1}\n\n', "JSON-RPC"),
    (b'data: {"event_type": "stream-start"}\n\n', "Cohere's chat"),
    (b'data: {"token": {"text": "a"}, "generated_text": null}\n\n', "Hugging Face's"),
    (b"event: output\ndata: hello\n\n", "no chat completion"),
    (b"data: [1]\n\n" * 200_000, "no chat completion"),
]


@pytest.mark.parametrize(("data", "name"), APIS, ids=[name for _, name in APIS])
def test_other_apis(data: bytes, name: str, tmp_path: Path) -> None:
    status, out, err = call("text", saved(tmp_path, data))
    assert (status, out, err.count("\n")) == (1, b"", 1)
    assert name in err
    assert "'sseparse events' prints its events" in err
