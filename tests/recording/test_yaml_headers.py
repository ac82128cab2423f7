"""Headers in YAML, which are skipped, and read when somebody asks for them."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import forms
from sseparse.recording import RecordingError, _yaml, streams
from sseparse.recording._errors import Where

HEADERS_IN_YAML = [
    "{content-type: text/event-stream, é: 'ü'}",
    "\n      Content-Type:\n      - text/event-stream\n      X-Ü: [a, b]\n",
    '\n    - [Content-Type, text/event-stream]\n    - [b, "c\\u00e9 d\n        e"]\n',
    "\n      - name: a\n        value: b\n      - {name: c, value: d}\n",
    "\n      ? !!python/object/apply:str [Content-Type]\n      : - text/event-stream\n",
    "\n      a: |\n        two\n        lines\n      b: >-\n        folded\n        text\n",
    "\n      a: |2\n          b\n      c: |+\n        d\n\n",
    "\n      headers:\n        headers: b\n",
    "\n      'headers': a\n      'it''s': \"\\u263a\"  # comment\n\n",
    "null",
    "text",
    "[]",
    "{}",
]


@pytest.mark.parametrize("headers", HEADERS_IN_YAML)
@pytest.mark.parametrize("mark", ["", "\ufeff", "# é ☺ 😀\n"])
@pytest.mark.parametrize("keys", [("interactions", "request", "response"), ("", "when", "then")])
def test_headers_in_yaml_are_read_later(
    headers: str, mark: str, keys: tuple[str, str, str]
) -> None:
    """They equal those of a file with an anchor, which is parsed completely."""
    each, request, response = keys
    lines = (
        *(f"{request}:", "  uri: é", f"  headers: {headers}", "  method: POST"),
        *(f"{response}:", f"  headers: {headers}", f"  header: {headers}", "  status: 200"),
        '  body: "data: 1\\n\\n"',
    )
    text = mark + "\n".join(lines) + "\n"
    if each:
        text = f"{mark}{each}:\n- " + "\n  ".join(lines) + "\n"
    found, other = (list(streams(each.encode())) for each in (text, f"{text}# &a\n"))
    [one], [two] = found, other
    assert dict(one.headers) == dict(two.headers)
    assert (one.method, one.status, one.url) == (two.method, two.status, two.url)
    assert dict(one.headers) == dict(one.headers)


@pytest.mark.parametrize("headers", ["&a {b: c}", "!t &a\n      b: c\n"])
def test_headers_in_yaml_with_an_anchor(headers: str) -> None:
    """An answer may refer to an anchor in a request."""
    text = (
        f"interactions:\n- request:\n    headers: {headers}\n"
        "  response:\n    headers: *a\n"
        '    body: "data: 1\\n\\n"\n'
    )
    [recording] = streams(text.encode())
    assert dict(recording.headers) == {"b": "c"}


def test_headers_in_yaml_that_are_nested_deep() -> None:
    nested = "[" * 1100 + "]" * 1100
    text = f"interactions:\n- request: {{headers: {nested}}}\n"
    with pytest.raises(RecordingError, match="nest"):  # libyaml may raise first
        list(streams(text.encode()))


# Blocks that libyaml need not see, and what they are read as.
SKIPPED = [
    ("a: b", {"a": "b"}),
    ("a:\n- b; c, d\n- e", {"a": ["b; c, d", "e"]}),
    ("a:\n  - b\n  - c\nd: ~", {"a": ["b", "c"], "d": None}),
    ("date: Fri, 27 Nov 2026 13:58:17 GMT", {"date": "Fri, 27 Nov 2026 13:58:17 GMT"}),
    ("a: 'it''s # b: c'\nb: \"[d]\"", {"a": "it's # b: c", "b": "[d]"}),
    ("a: 'b\n # c: d'\ne:\n- 'f\n  g'", {"a": "b # c: d", "e": ["f g"]}),
    ("- name: a\n  value: b", [{"name": "a", "value": "b"}]),
    ("- a: b\n  c: 'd'\n  e: f\n    g\n- a: h", [{"a": "b", "c": "d", "e": "f g"}, {"a": "h"}]),
    ("a: b\n c:d#e\n  'f'\ng:\n- h\n  - i\n- j", {"a": "b c:d#e 'f'", "g": ["h - i", "j"]}),
]
# Blocks that it has to see, as lines with what is around them.
SEEN = [
    "a: b: c",
    "a: b #c",
    "a: [b]",
    "a: {b: c}",
    "a: |\n b",
    "a: !b c",
    "a: *b",
    "? a\n: b",
    "é: b",
    "a: é",
    "a: b\n\nc: d",
    "a: b\n# c\nd: e",
    "a:\n- b\n c: d",
    "a: b\n  c: d",
    "a: 'b",
    'a: "b\\"',
    "a: b\r\nc: d",
    "- a: b\n   c: d",
    "- a: b\n - c: d",
    "- a: b\n c: d",
    "- a",
    "- a: b\nc: d",
]


def in_answer(block: str, behind: str = "    status: 200\n", key: str = "headers") -> bytes:
    """Return a cassette with a block of headers, and lines behind it."""
    lines = "".join(f"      {line}\n" if line else "\n" for line in block.split("\n"))
    return f"interactions:\n- response:\n    {key}:\n{lines}{behind}".encode()


def headers_of(data: bytes) -> Any:
    """Return the headers of the one answer, as the document has them."""
    [document] = _yaml.yaml_documents(data, Where("the bytes"))
    return document["interactions"][0]["response"]["headers"]


@pytest.mark.parametrize(("block", "expected"), SKIPPED)
def test_a_block_is_skipped(block: str, expected: dict[str, Any]) -> None:
    found = headers_of(in_answer(block))
    assert found() == expected


@pytest.mark.parametrize("form", ["vcrpy", "vcrpy_binary", "vcrpy_gzip", "go_vcr", "ruby_vcr"])
def test_blocks_of_each_form_are_skipped(form: str) -> None:
    data = forms.ALL[form][0]([forms.Made(b"data: 1\n\n")] * 3)
    [document] = _yaml.yaml_documents(data, Where("the bytes"))
    each = document.get("interactions", document.get("http_interactions"))
    assert [callable(one["response"]["headers"]) for one in each] == [True] * 3
    assert ["headers" in one["request"] for one in each] == [False] * 3


def test_the_headers_of_httpmock_are_skipped() -> None:
    data = forms.httpmock([forms.Made(b"data: 1\n\n")])
    [document] = _yaml.yaml_documents(data, Where("the bytes"))
    assert callable(document["then"]["header"])


@pytest.mark.parametrize("block", SEEN)
def test_another_block_is_not_skipped(block: str) -> None:
    try:
        found = headers_of(in_answer(block))
    except RecordingError:
        return
    assert not callable(found)


@pytest.mark.parametrize(
    "behind",
    [
        "\n    status: 200\n",
        "# comment\n    status: 200\n",
        "        status: 200\n",
        "    - status\n",
        "\t\n    status: 200\n",
        "\u2028    status: 200\n",
        "",
    ],
)
def test_lines_that_may_belong_to_a_block(behind: str) -> None:
    try:
        found = headers_of(in_answer("a: b", behind))
    except RecordingError:
        return
    assert not callable(found)


def test_a_list_in_the_column_of_its_key() -> None:
    lines = "    headers:\n    - name: a\n      value: b\n"
    data = f"interactions:\n- response:\n{lines}    status: 200\n".encode()
    assert headers_of(data)() == [{"name": "a", "value": "b"}]
    compare(data)
    for line in ("    - c", "    - c: d", "      value: c", "     x: y", "    -"):
        compare(data.replace(b"    status", line.encode() + b"\n    status"))


@pytest.mark.parametrize("start", ["'data: 1", "|\n      data: 1", "data 1"])
def test_a_text_that_looks_like_headers(start: str) -> None:
    """In the answer's body, also where libyaml has just reported the key of headers."""
    lines = "\n    headers:\n      a: b\n    status: 200\n" + "'" * start.startswith("'")
    for key in ("x", "headers", "headers: {}\n    body"):
        data = f"interactions:\n- response:\n    {key}: {start}{lines}"
        compare(data.encode())


def test_headers_of_a_flow_mapping() -> None:
    """A line of them can have more than headers."""
    lines = ["response: {", " headers:", '   a, body: "data: 1\\n\\n",', " c: d}"]
    data = "interactions: [{\n" + "\n".join(lines) + "}]\n"
    [recording] = streams(data.encode())
    assert len(list(recording.events())) == 1


def documents(data: bytes) -> tuple[list[Any], str]:
    """Return the documents and the fault.

    libyaml may find a fault before it reports the last text of a block, so headers are left out of
    the documents of a broken file.
    """
    found: list[Any] = []
    fault = ""
    try:
        found.extend(_yaml.yaml_documents(data, Where("the bytes")))
    except RecordingError as error:
        fault = str(error)
    return [whole(each, bool(fault)) for each in found], fault


def whole(value: Any, is_broken: bool, key: str = "") -> Any:
    """Return a value with the headers of answers, and without those of requests."""
    if callable(value):
        value = value()
    if isinstance(value, list):
        return [whole(each, is_broken) for each in value]
    if not isinstance(value, dict):
        return value
    left_out = ("headers", "header") if is_broken or key in ("request", "when") else ()
    return {
        name: whole(each, is_broken, name) for name, each in value.items() if name not in left_out
    }


def compare(data: bytes) -> None:
    """Compare a file with the same in which nothing is skipped."""
    with mock.patch.object(_yaml, "_text", return_value=None):
        expected = documents(data)
    assert documents(data) == expected


BLOCK_LINES = [*(block for block, _ in SKIPPED), *SEEN, "- a", "'", '"', "|", "}", "---", "#", "\t"]
STARTS = ["", "", "", " # a", " !t", " {", " |", " '"]


@given(
    st.lists(st.sampled_from(SKIPPED).map(lambda each: each[0]), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 8), st.sampled_from(BLOCK_LINES)), max_size=2),
    st.lists(st.tuples(st.integers(0, 8), st.sampled_from(BLOCK_LINES)), max_size=2),
    st.sampled_from(STARTS),
    st.sampled_from(["request", "response", "when", "then", "other"]),
)
def test_skipping_changes_nothing(
    block: list[str],
    more: list[tuple[int, str]],
    behind: list[tuple[int, str]],
    start: str,
    of: str,
) -> None:
    lines = [(6, each) for each in block] + more + [(4, "status: 200"), *behind]
    made = "".join(f"{' ' * indent}{each}\n" for indent, text in lines for each in text.split("\n"))
    for key in ("headers", "header"):
        compare(f"interactions:\n- {of}:{start}\n    {key}:\n{made}".encode())
