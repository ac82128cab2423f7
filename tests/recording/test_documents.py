"""The forms that are JSON or YAML: the ways to write a body, headers and other fields."""

from __future__ import annotations

import base64
import builtins
import gzip
import json
import sys
from typing import Any

import pytest

import forms
from sseparse import parse
from sseparse.recording import RecordingError, streams
from sseparse.recording._documents import FORMS, pairs_of
from sseparse.recording._recognise import recognised

BODY = 'data: {"t": "é"}\n\n'.encode()
PACKED = gzip.compress(BODY, mtime=0)


def bodies_of(value: Any) -> list[bytes]:
    data = json.dumps(value).encode()
    return [b"".join(data for _, data in recording.reads) for recording in streams(data)]


def in_cassette(body: Any) -> dict[str, Any]:
    return {"interactions": [{"request": {"uri": "u"}, "response": {"body": body}}]}


@pytest.mark.parametrize(
    "body",
    [
        BODY.decode(),
        {"string": BODY.decode()},
        {"base64_string": base64.b64encode(BODY).decode()},
        {"string": base64.b64encode(BODY).decode()},
        {"string": base64.encodebytes(PACKED).decode()},
        {"string": PACKED.hex()},
        {"string": BODY.hex()},
        {"string": BODY.hex().upper()},
        {"string": PACKED.decode("latin-1")},
        {"string": {"str": BODY.decode(), "@ivar": 1}},
        {"text": BODY.decode()},
        {"type": "Buffer", "data": list(BODY)},
        list(BODY),
        [BODY.decode()],
        [BODY.decode()[:5], BODY.decode()[5:]],
        [PACKED[:9].hex(), PACKED[9:].hex()],
        [base64.b64encode(PACKED[:9]).decode(), base64.b64encode(PACKED[9:]).decode()],
        [base64.b64encode(PACKED).decode()],
        json.dumps([base64.b64encode(PACKED).decode()]),
        json.dumps([PACKED.hex()]),
        json.dumps([PACKED[:9].hex(), PACKED[9:].hex()]),
        {"string": forms.chunks(BODY).decode()},
        {"string": "1\r\nd\r\n4\r\nata:\r\n" + forms.chunks(BODY[5:]).decode()},
    ],
)
def test_ways_to_write_a_body(body: Any) -> None:
    assert bodies_of(in_cassette(body)) == [BODY]


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        {},
        [],
        5,
        True,
        {"string": None},
        {"string": 5},
        {"other": BODY.decode()},
        ["data: 1\n\n", 5],
        [300],
        "hello",
        "{}",
        "[",
        "[1]",
        '["x"]',
        '["é"]',
        "[1, 2]",
        '["data: 1", null]',
        "[" * 100_000,
        "abcd",
        "abc",
        "\x1f\x8b\ufffd",
        "\x1f\x8bé",
        '{"error": "data: x"}',
        "<html>",
        "foo: bar\n\ndata: x\n",
        "version: 1\ndata: x\n",
        "not a field\ndata: x\n",
        "foo: " + "x" * 70_000 + "\ndata: x\n",
        "foo: x\r\n\r\ndata: x\r\n\r\n",
        "foo: x\r\rdata: x\r\r",
        {"string": {"string": {"string": {"string": {"string": BODY.decode()}}}}},
    ],
)
def test_bodies_that_are_no_stream(body: Any) -> None:
    assert bodies_of(in_cassette(body)) == []


def test_a_stream_that_begins_with_another_field() -> None:
    for text in (
        "error: x\ndata: 1\n\n",
        "foo:\r\nbar: x\r\nevent: y\r\n\r\n",
        "\nfoo: x\rdata: 1\r\r",
    ):
        assert bodies_of(in_cassette(text)) == [text.encode()]


def test_latin_1_that_a_recorder_names() -> None:
    """Ruby's VCR writes the bytes of a string as characters, and names the encoding."""
    body = {"encoding": "ISO-8859-1", "string": BODY.decode("latin-1")}
    made = {"http_interactions": [{"request": {}, "response": {"body": body}}]}
    assert bodies_of(made) == [BODY]
    body["string"] += "€"
    assert bodies_of(made) == [(BODY.decode("latin-1") + "€").encode()]


def test_one_exchange_or_a_name_for_each() -> None:
    exchange = {"request": {"uri": "u"}, "response": {"body": BODY.decode()}}
    assert bodies_of({"interactions": exchange}) == [BODY]
    assert bodies_of({"interactions": {"a": exchange, "b": exchange}}) == [BODY, BODY]
    assert bodies_of({"interactions": [], "x": 1}) == []
    assert bodies_of({"log": {"entries": []}}) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"A": "1", "b": "2"},
        {"A": ["1"], "b": [["2"]]},
        {"dictitems": {"A": "1", "b": 2}},
        {"state": {"_store": {"A": "1", "b": 2}}},
        [{"name": "A", "value": "1"}, {"name": "b", "value": "2"}],
        [{"key": "A", "values": ["1"]}, {"key": "b", "values": ["2"]}],
        [["A", "1"], ["b", ["2"]]],
        [[["A", "1"], ["b", "2"]]],
        [[[["A", "1"], ["b", "2"]]]],
        ["A", "1", "b", "2"],
        ["A", "1", "b", "2", "odd"],
        ["A: 1", "b:2"],
        [b"A", b"1", b"b", b"2"],
    ],
)
def test_ways_to_write_headers(headers: Any) -> None:
    assert pairs_of(headers) == [("A", "1"), ("b", "2")]


@pytest.mark.parametrize(
    "headers", [None, 5, "x", [], {}, [5], [[1, 2, 3]], {"a": None}, [{}], [[]]]
)
def test_no_headers(headers: Any) -> None:
    assert pairs_of(headers) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, 200),
        ("200", 200),
        ("200 OK", 200),
        ("HTTP/1.1 204 x", 204),
        ({"code": 201}, 201),
        ("OK", None),
        (None, None),
        ({}, None),
        (2000, None),
        (99, None),
        (True, None),
        ([202], 202),
    ],
)
def test_status(status: Any, expected: int | None) -> None:
    made = {"response": {"status": status, "body": BODY.decode()}}
    [recording] = streams(json.dumps(made).encode())
    assert recording.status == expected


def test_every_root_of_the_table_is_recognised() -> None:
    """A YAML file that begins with the first key of a form."""
    roots = {(form.each or need).split(".")[0] for form in FORMS for need in form.needs[:1]}
    for root in roots - {"scope", "body", "text", "ResponseBody"}:
        assert recognised(f"{root}:\n".encode(), False) == "yaml", root


def test_a_file_object_as_the_body() -> None:
    """VCR.py writes the state of a body that was an io.BytesIO."""
    packed = base64.b64encode(BODY).decode()
    state = f"state: !!python/tuple [!!binary {packed}, 0, null]"
    data = f"interactions:\n- response: {{body: !!python/object/new:_io.BytesIO {{{state}}}}}\n"
    [recording] = streams(data.encode())
    assert list(recording.events()) == parse(BODY)


def test_yaml_scalars() -> None:
    data = (
        "interactions:\n"
        "- request: {uri: ~, method: null}\n"
        "  response: {status: {code: 200}, headers: {a: 'null', b: &x ~, c: *x, d: &y !str 1,"
        ' e: *y}, body: "data: 1\\n\\n"}\n'
        "- ? [a, b]\n  : c\n  ? {d: e}\n  : f\n  ? !!binary YQ==\n  : g\n  ? ~\n  : h\n"
        "...\n---\nplain\n---\n- interactions\n---\n"
    )
    [recording] = streams(data.encode())
    assert (recording.url, recording.method) == (None, None)
    assert dict(recording.headers) == {"a": "null", "d": "1", "e": "1"}
    assert list(recording.events()) == parse(b"data: 1\n\n")


def test_an_anchor_is_of_one_document() -> None:
    data = b"interactions: &a []\n---\ninteractions: *a\n"
    with pytest.raises(RecordingError, match="line 3, column 15: there is no anchor 'a'"):
        list(streams(data))


def yaml_module() -> Any:
    """Return PyYAML, by either name."""
    return vars(forms)["yaml"]


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let imports of these modules fail, as if they were not installed."""
    real = builtins.__import__

    def importing(name: str, *rest: Any) -> Any:
        if name in names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", importing)
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


def test_without_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "yaml", "yaml_ft")
    with pytest.raises(RecordingError, match=r"needs PyYAML: pip install 'sseparse\[recordings\]'"):
        list(streams(b"interactions: []"))


def test_without_zstd(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "zstandard", "compression", "compression.zstd")
    with pytest.raises(
        RecordingError, match=r"needs zstandard: pip install 'sseparse\[recordings\]'"
    ):
        list(streams(b"\x28\xb5\x2f\xfd12345678"))


def test_pyyaml_for_free_threaded_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML-ft is the same module under another name."""
    monkeypatch.setitem(sys.modules, "yaml_ft", yaml_module())
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert list(streams(b"interactions: []")) == []


def test_pyyaml_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slower, with the same result."""
    monkeypatch.delattr(yaml_module(), "CSafeLoader", raising=False)
    for form in ("vcrpy", "vcrpy_tags", "httpmock", "ruby_vcr_binary"):
        made = [forms.Made(BODY), forms.Made(BODY * 2)]
        found = streams(forms.ALL[form][0](made))
        assert [list(each.events()) for each in found] == [parse(each.body) for each in made]
    for data in (b"interactions: [", b"interactions: \x01", b"a:\n  " + b"[" * 1100):
        with pytest.raises(RecordingError):
            list(streams(data))
