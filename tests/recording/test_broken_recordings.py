"""Broken and hostile files: one error with the place, everything before it, and no more memory."""

from __future__ import annotations

import gzip
import json
import pickle
import random
import time
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import forms
from forms import Made, Pipe
from sseparse import Error, Event, parse
from sseparse.recording import Recording, RecordingError, streams

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each cuts or changes a file at many places.
pytestmark = pytest.mark.thorough

ONE = b'event: a\nid: 1\ndata: {"text": "na\xc3\xafve"}\n\n: ping\n\ndata: [DONE]\n\n'
TWO = b"data: 1\r\n\r\ndata: 2\r\n\r\n"


def delivered(source: Any, **options: Any) -> tuple[list[list[Event]], RecordingError | None]:
    """Return the events of each recording, and the error that came after them."""
    found: list[list[Event]] = []
    try:
        for recording in streams(source, **options):
            found.append([])
            for event in recording.events():
                found[-1].append(event)
    except RecordingError as error:
        assert str(error)
        return found, error
    return found, None


def made(form: str) -> list[Made]:
    return [Made(ONE), Made(TWO)] if form in forms.MANY else [Made(ONE)]


@pytest.mark.parametrize("form", forms.ALL)
def test_every_cut(form: str) -> None:
    """Everything before the end of a torn file is returned, and nothing that was not in it."""
    exchanges = made(form)
    data = forms.ALL[form][0](exchanges)
    whole = [parse(each.body) for each in exchanges]
    assert delivered(data) == (whole, None)
    step = max(1, len(data) // 500)
    is_read_as_it_comes = form.startswith(("raw", "curl", "httprr", "warc"))
    most = 0
    errors = 0
    for end in range(0, len(data), step):
        found, error = delivered(data[:end])
        assert len(found) <= len(whole)
        for events, expected in zip(found, whole, strict=False):
            assert events == expected[: len(events)]
        count = sum(map(len, found))
        # A document may give more with a byte less: Base64, for example.
        assert count >= most or not is_read_as_it_comes
        most = max(most, count)
        errors += error is not None
    # Except for the last bytes, which are brackets or blank lines.
    assert most > 0 or form in ("har_zip", "dd_test_agent", "response", "nock")
    assert errors > 10 or form in ("raw", "curl")


@pytest.mark.parametrize("form", sorted(forms.MANY.keys() - {"har_zip"}))
def test_the_answers_before_the_end_of_a_torn_file(form: str) -> None:
    """The first answer, if the file ends in the second one."""
    data = forms.ALL[form][0]([Made(ONE), Made(TWO * 50)])
    found, error = delivered(data[: len(data) * 3 // 4])
    assert found[0] == parse(ONE)
    # The end of a YAML file is not known.
    assert error is not None or data.startswith((b"interactions", b"http_inter", b"log", b"when"))


TOKENS = [
    *[
        b'"',
        b"\\",
        b"\n",
        b"\r\n",
        b"{",
        b"}",
        b"[",
        b"]",
        b"&a ",
        b"*a",
        b"<<: ",
        b"!!binary ",
        b"!x ",
    ],
    *[
        b"\x00",
        b"\xff",
        b"- ",
        b": ",
        b"? ",
        b"|\n",
        b"0",
        b"9" * 20,
        b"ffffffffffffffff\r\n",
        b"-1",
    ],
    *[
        b"null",
        b"\xef\xbf\xbd",
        b"\xef\xbb\xbf",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"\x1f\x8b\x08",
        b"PK\x03\x04",
    ],
]


def changed(data: bytes, choose: random.Random) -> bytes:
    """Return the data with some changes, as a fuzzer makes them."""
    changed = bytearray(data)
    for _ in range(choose.randint(1, 4)):
        at = choose.randint(0, len(changed))
        end = at + choose.choice([0, 0, 1, 1, 2, 10, len(changed)])
        how = choose.randint(0, 3)
        if how == 0:
            changed[at:end] = choose.choice(TOKENS)
        elif how == 1:
            changed[at:end] = b""
        elif how == 2:
            changed[at:at] = changed[at : at + choose.randint(0, 60)]
        elif at < len(changed):
            changed[at] ^= 1 << choose.randint(0, 7)
    return bytes(changed)


@pytest.mark.parametrize("form", forms.ALL)
def test_changes(form: str) -> None:
    choose = random.Random(form)
    data = forms.ALL[form][0](made(form))
    for _ in range(150):
        delivered(changed(data, choose))


@given(
    st.binary(max_size=60), st.sampled_from([b"", b"{", b"---\n", b"HTTP/1.1 200 OK\r\n", b"WARC/"])
)
@example(b"[" * 50, b"")
def test_any_bytes(data: bytes, start: bytes) -> None:
    first, error = delivered(start + data)
    again, other = delivered(Pipe(start + data, 1))
    assert first == again
    assert (error and error.problem) == (other and other.problem)


def test_the_error() -> None:
    _, error = delivered(forms.chunks(ONE)[:-20])
    assert error is not None
    assert isinstance(error, Error)
    assert (
        pickle.loads(pickle.dumps(error)).args
        == error.args
        == (
            error.file,
            error.place,
            error.problem,
        )
    )
    assert str(error) == f"the bytes: {error.place}: {error.problem}"


# Memory and time.


def peak_of(data: Any, **options: Any) -> tuple[int, list[list[Event]], RecordingError | None]:
    tracemalloc.start()
    try:
        found, error = delivered(data, **options)
        return tracemalloc.get_traced_memory()[1], found, error
    finally:
        tracemalloc.stop()


def zeros(size: int, start: bytes = b"") -> bytes:
    return gzip.compress(start + bytes(size), mtime=0)


def blanks(size: int) -> bytes:
    """A stream with one event and comments."""
    line = b":" + b"x" * 4094 + b"\n"
    return b"data: 1\n\n" + line * (size // len(line))


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: gzip.compress(gzip.compress(data))])
def test_memory_does_not_depend_on_what_is_compressed(pack: Any) -> None:
    peak, found, error = peak_of(pack(blanks(20_000_000)))
    assert (found, error) == ([parse(b"data: 1\n\n")], None)
    assert peak < 3_000_000


@pytest.mark.parametrize("form", ["curl", "curl_raw_gzip", "raw_chunked", "warc_gzip", "httprr"])
def test_memory_does_not_depend_on_the_body(form: str) -> None:
    body = blanks(4_000_000) if form != "curl_raw_gzip" else blanks(20_000_000)
    made = [Made(body)]
    data = forms.ALL[form][0](made)
    peak, found, error = peak_of(data)
    assert (found, error) == ([parse(b"data: 1\n\n")], None)
    assert peak < 2_000_000


def test_a_bomb_in_a_cassette() -> None:
    data = forms.vcrpy_gzip([Made(blanks(20_000_000))])
    peak, found, error = peak_of(data)
    assert (found, error) == ([parse(b"data: 1\n\n")], None)
    assert peak < 3_000_000


def test_a_line_without_an_end() -> None:
    peak, found, error = peak_of(zeros(70_000_000, b"data: 1\n\ndata: "))
    assert found == [parse(b"data: 1\n\n")]
    assert error is not None
    assert "larger than 67108864 bytes" in str(error)
    assert peak < 250_000_000


def test_the_largest_event() -> None:
    [recording] = streams(b"data: 1\n\ndata: 234567890\n\n")
    events = recording.events(max_event_size=14)
    assert [next(events)] == parse(b"data: 1\n\n")
    with pytest.raises(RecordingError, match=r"byte 23: an event is larger than 14 bytes"):
        next(events)


@pytest.mark.parametrize("form", ["vcrpy", "har", "har_zip"])
def test_a_document_that_is_too_large(form: str, tmp_path: Any) -> None:
    data = forms.ALL[form][0]([Made(ONE)])
    path = tmp_path / "x"
    path.write_bytes(data)
    for source in (data, path, gzip.compress(data)):
        assert delivered(source, max_document=len(data))[1] is None
        _, error = delivered(source, max_document=len(data) - 1)
        assert error is not None
        assert "expected a document of at most" in error.problem
    for size in (len(data), len(data) - 1):
        _, error = delivered(Pipe(data, 100), max_document=size)
        if size == len(data):
            assert error is None
            continue
        assert error is not None
        assert "expected a document of at most" in error.problem
    packed = zeros(50_000_000, b"interactions:\n")
    peak, _, error = peak_of(packed, max_document=1_000_000)
    assert "at most 1000000 bytes" in str(error)
    assert peak < 4_000_000


def test_a_har_in_a_zip_that_is_too_large() -> None:
    data = forms.har_zip([Made(blanks(300_000))])
    assert len(data) < 5000
    assert delivered(data, max_document=200_000)[1] is not None
    assert delivered(data)[0] == [parse(b"data: 1\n\n")]


def laughs(levels: int = 60) -> bytes:
    lines = ['a0: &a0 ["data: ha\\n\\n", "data: ha\\n\\n"]']
    lines += [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}, *a{i - 1}]" for i in range(1, levels)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    "rest",
    [
        "interactions: *a59",
        "interactions: [*a59, {response: *a59}, {response: {body: *a59}}]",
        "interactions: [{request: {uri: *a59}, response: {body: {string: *a59}, headers: *a59}}]",
        "interactions: [{request: {}, response: {body: 'data: 1', headers: {a: *a59, *a59 : b}}}]",
        "interactions: [{? *a59 : b, <<: *a59, <<: [*a59, *a59]}]",
        "Entries: [{RequestUri: *a59, StatusCode: *a59, ResponseHeaders: *a59, ResponseBody: *a0}]",
        "log: {creator: {name: *a59}, entries: [{response: {content: {text: *a59}}}]}",
    ],
)
def test_aliases_that_multiply(rest: str) -> None:
    data = b"version: 1\n" + laughs() + b"\n" + rest.encode() + b"\n"
    peak, _, error = peak_of(data)
    assert error is None or "no recording of a known form" in str(error)
    assert peak < 5_000_000
    if error is None:
        for recording in streams(data):
            assert len(recording.headers) < 10
            assert recording.url is None
            assert recording.started is None


def test_an_alias_in_a_list_of_lines() -> None:
    line = "x" * 100_000
    aliases = ", ".join(["*l"] * 10_000)
    data = f'Entries: [{{RequestUri: &l "{line}", ResponseBody: ["data: 1\\n\\n", {aliases}]}}]'
    peak, found, error = peak_of(data.encode())
    assert found == []
    assert "the parts of the body" in str(error)
    assert peak < 20_000_000


def test_headers_that_multiply() -> None:
    aliases = ", ".join(["*l"] * 5000)
    data = (
        f"interactions: [{{request: {{uri: &l {'x' * 5000}}}, "
        f'response: {{headers: {{a: [{aliases}]}}, body: "data: 1\\n\\n"}}}}]'
    )
    [recording] = streams(data.encode())
    assert len(recording.headers["a"]) < 1 << 19
    few = data.replace("x" * 5000, "x")
    [recording] = streams(few.encode())
    assert recording.headers["a"].count("x") == 2000


@pytest.mark.parametrize(
    "data",
    [
        "interactions: &a [*a, *a]",
        "interactions: [{response: &b {body: *b, headers: &c [*c], status: *b}}]",
        "interactions: [{request: {}, response: {body: &d [*d], headers: [[&e [*e], *e]]}}]",
        "log: &f {entries: [*f], creator: *f}",
        "Entries: &g {a: *g}",
    ],
)
def test_aliases_of_themselves(data: str) -> None:
    assert delivered(data.encode())[0] == []


def test_an_alias_twice() -> None:
    """PyYAML writes an alias for an object that comes twice."""
    first = '- request: {method: POST, uri: u}\n  response: &r {body: {string: "data: 1\\n\\n"}}\n'
    second = "- request: {method: POST, uri: v}\n  response: *r\n"
    found = list(streams(b"interactions:\n" + first.encode() + second.encode()))
    assert [recording.url for recording in found] == ["u", "v"]
    assert [len(list(recording.events())) for recording in found] == [1, 1]


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['touch {path}']",
        "!!python/object/new:os.system ['touch {path}']",
        "!!python/name:os.system ''",
        "!!python/module:os ''",
        "!!python/object:sseparse.Parser {{x: 1}}",
        "!ruby/object:Gem::Installer {{i: x}}",
        "!!map [x]",
        "!!int x",
        "!!timestamp y",
        "!!binary e30=",
    ],
)
def test_tags_run_nothing(tag: str, tmp_path: Any) -> None:
    path = tmp_path / "ran"
    value = tag.format(path=path)
    data = (
        f"interactions:\n- request: {{uri: u, body: {value}}}\n"
        f'  response: {{body: {{string: "data: 1\\n\\n"}}, headers: {{? {value}\n : b}}}}\n'
    )
    [recording] = streams(data.encode())
    assert list(recording.events()) == parse(b"data: 1\n\n")
    assert dict(recording.headers) or True
    assert not path.exists()


DEEP = 100_000


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"[" * DEEP, "nested more than 1000 levels"),
        (b'{"log": {"entries": ' + b'{"a":' * DEEP, "nested more than 1000 levels"),
        (
            b'{"log": {"entries": [' + b"[" * DEEP + b"]" * DEEP + b"]}}",
            "nested more than 1000 levels",
        ),
        (b"interactions: " + b"[" * DEEP, "nest"),
        (b"interactions:\n" + b"".join(b" " * i + b"- \n" for i in range(1500)), "nest"),
        (b"interactions: " + b"{a: " * DEEP, "nest"),
    ],
)
def test_nested_deep(data: bytes, problem: str) -> None:
    found, error = delivered(data)
    assert found == []
    assert problem in str(error)


def test_the_streams_before_deep_nesting() -> None:
    data = forms.har([Made(ONE)]).replace(b"]}}", b", " + b"[" * DEEP)
    found, error = delivered(data)
    assert found == [parse(ONE)]
    assert "line 1, column" in str(error)
    data = forms.vcrpy([Made(ONE)]).replace(b"version: 1", b"- " * 2000)
    found, error = delivered(data)
    assert found == [parse(ONE)]
    assert "nest" in str(error)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"5\r\ndata:", "byte 8: expected CR LF after a chunk of 5 bytes, not the end"),
        (b"9\r\ndata: 1\n", "byte 11: a chunk of 9 bytes ends after 8 bytes"),
        (
            b"fffffffffffffff\r\ndata: 1\n\n",
            "a chunk of 1152921504606846975 bytes ends after 9 bytes",
        ),
        (b"9\r\ndata: 1\n\n\r\nxyz\r\n", "byte 14: expected the size of a chunk, not b'xyz\\r\\n'"),
        (b"9\r\ndata: 1\n\n\r\n-1\r\n", "byte 14: expected the size of a chunk"),
        (
            b"9\r\ndata: 1\n\n\r\n" + b"0" * 20_000,
            "byte 14: expected the size of a chunk, not b'0000",
        ),
        (b"9\r\ndata: 1\n\n\r\n", "byte 14: expected the size of a chunk, not the end"),
        (b"9\r\ndata: 1\n\nX\r\n", "expected CR LF after a chunk of 9 bytes, not b'X"),
        (b"9\r\ndata: 1\n\n\r\n0\r\nX\r\n", "expected a blank line after the last chunk"),
        (b"9\r\ndata: 1\n\n\r\n0\r\n\r\nmore", "expected nothing after the last chunk"),
        (
            b"9\r\ndata: 1\n\n\r\n0\r\n" + b"a: b\r\n" * 50_000,
            "expected a blank line after the last",
        ),
    ],
)
def test_broken_chunks(data: bytes, problem: str) -> None:
    found, error = delivered(data)
    assert found[0][:1] == parse(b"data: 1\n\n")[: len(found[0])]
    assert problem in str(error)


def test_nothing_is_read_after_broken_chunks() -> None:
    """The reader of the events got the error; the beginning of the next answer is not known."""
    data = forms.curl_raw([Made(ONE)])[:-30] + forms.curl_raw([Made(TWO)])
    found = streams(data)
    recording = next(found)
    with pytest.raises(RecordingError, match="expected"):
        list(recording.events())
    assert list(found) == []


def test_a_length_of_another_body() -> None:
    """The output of curl --compressed -i keeps the length of the compressed body."""
    for length in (5, len(TWO), 5000):
        fields = (f"Content-Length: {length}", "Content-Encoding: gzip")
        assert delivered(forms.head(Made(TWO), *fields) + TWO) == ([parse(TWO)], None)


def test_chunks_that_are_whole() -> None:
    for data in (
        b"9;name=value\r\ndata: 1\n\n\r\n0\r\n",
        b"9  \r\ndata: 1\n\n\r\n0000\r\nTrailer: x\r\n\r\n",
        b"009\r\ndata: 1\n\n\r\n0\r\n\r\n\r\n\n",
    ):
        assert delivered(data) == ([parse(b"data: 1\n\n")], None)


ANSWER = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"HTTP/1.1\r\n\r\n", "the answer has no status line; it begins b'HTTP/1.1'"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "the answer has no status line"),
        (ANSWER, "expected a blank line after the headers, not the end"),
        (ANSWER + b"a: b\r\n", "expected a blank line after the headers, not the end"),
        (ANSWER + b"a" * 300_000 + b"\r\n\r\n", "more than 262144 bytes of them"),
        (ANSWER + b"a: b\r\n" * 100_000 + b"\r\n", "more than 262144 bytes of them"),
        (ANSWER + b"a: b\r\n" * 1001 + b"\r\n", "more than 1000 fields"),
        (ANSWER + b" a\r\n" * 5_000 + b"\r\n", "more than 1000 fields"),
        (ANSWER + b"\r\n" + ANSWER, "expected a blank line after the headers, not the end"),
        (
            ANSWER + b"Content-Length: 900\r\n\r\n" + TWO,
            "a body of 900 bytes (content-length) lacks 878 bytes",
        ),
        (ANSWER + b"\r\n8\r\n" + TWO, "expected CR LF after a chunk of 8 bytes, not b'\\n"),
        (b"WARC/1.0\r\n", "expected the fields of a record and a blank line"),
        (b"WARC/1.0\r\nnothing\r\n", "expected the fields of a record"),
        (b"WARC/1.0\r\n" + b"a: b\r\n" * 2000, "expected the fields of a record"),
        (b"WARC/1.0\r\nContent-Length: x\r\n\r\n", "expected a Content-Length, not 'x'"),
        (b"WARC/1.0\r\nWARC-Type: a\r\n\r\n", "expected a Content-Length, not 'none'"),
        (b"WARC/1.0\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", "expected a Content-Length"),
        (
            b"WARC/1.0\r\nContent-Length: 7\r\n\r\nabc",
            "expected 7 bytes, but the file ends after 3",
        ),
        (
            b"WARC/1.0\r\nContent-Length: 0\r\n\r\n\r\n\r\nabc",
            "expected a record (WARC/1.0), not b'abc'",
        ),
        (b"httprr trace v1\n1 x\n", "expected two lengths, not b'1 x\\n'"),
        (b"httprr trace v1\n" + b"9" * 70_000, "expected two lengths, not b''"),
        (b"httprr trace v1\n3 4\nabc", "expected the first line of a request"),
        (b"httprr trace v1\n20 4\nGET / HTTP/1.1\n\n", "expected 20 bytes, but the file ends"),
        (b"httprr trace v1\n16 4\nGET / HTTP/1.1\n\nabcd", "expected a status line"),
        (
            b"httprr trace v1\n16 999\nGET / HTTP/1.1\n\n" + ANSWER + b"\r\n" + TWO,
            "expected 999 bytes",
        ),
        (b"interactions: [", "expected YAML"),
        (b"interactions: *x", "there is no anchor 'x' for this alias"),
        (b"interactions: \x01", "expected YAML"),
        (b"interactions: \xff", "expected YAML"),
        (b"interactions: !!binary x", "expected base64"),
        (b'{"log": {"entries": []', "the file ends inside the JSON"),
        (b'{"log": {"entries": [}', "line 1, column 22: expected a value, or the end of the list"),
        (b'{"log"\n: {"entries": [],}}', "line 2, column 18: expected a name in double quotes"),
        (
            b'{"log": {"entries": [1 2]}}',
            "expected a comma, or the end of the list or object, in JSON, not '2]}}'",
        ),
        (b'{"log" {"entries": [1 2]}}', "expected a colon in JSON"),
        (b'{"log": }', "expected a value in JSON"),
        (b'{"log": "\\x"}', "the JSON is broken: Invalid \\escape"),
        (b'{"log": "abc', "the JSON is broken: Unterminated string"),
        (b'{"log": {"entries": [{"a": nul}]}}', "expected a value in JSON, not 'nul}]}}'"),
        (b'{"a": 1}', "no recording of a known form"),
        (b"[]", "no recording of a known form"),
        (b"---\na: b\n", "no recording of a known form"),
        (b"--- x\n", "no recording of a known form"),
        (zlib.compress(b"data: 1\n\n")[:-5], "ends before its end mark"),
        (gzip.compress(b"data: 1\n\n", mtime=0)[:-5], "ends before its end mark"),
        (gzip.compress(b"data: 1\n\n", mtime=0) + b"garbage", "byte 29: the gzip data is broken"),
        (b"\xfd7zXZ\x00" + bytes(50), "the xz data is broken"),
        (b"BZh91AY&SY" + bytes(50), "the bzip2 data is broken"),
        (b"PK\x03\x04" + bytes(50), "the zip file is broken"),
    ],
)
def test_broken_files(data: bytes, problem: str) -> None:
    _, error = delivered(data)
    assert problem in str(error)
    assert error is not None
    assert error.file == "the bytes"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50_000 + forms.head(Made(ONE)) + ONE,
        b"HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\nx" * 5000
        + forms.head(Made(ONE))
        + ONE,
        forms.curl_raw([Made(TWO)]) + b"\r\n" * 1_000_000 + forms.head(Made(ONE)) + ONE,
        forms.warc([Made(TWO)]) + b"\n" * 1_000_000 + forms.warc([Made(ONE)]),
        b"WARC/1.0\r\nContent-Length: 0\r\n\r\n" * 20_000 + forms.warc([Made(ONE)]),
    ],
)
def test_many_small_parts_take_linear_time(data: bytes) -> None:
    """If the work were quadratic, each of these would take a minute."""
    start = time.process_time()
    assert delivered(data)[0][-1] == parse(ONE)
    assert time.process_time() - start < 10


def test_padding_after_a_member() -> None:
    data = gzip.compress(b"data: 1\n\n") + bytes(1000) + gzip.compress(b"data: 2\n\n") + bytes(99)
    assert delivered(data) == ([parse(b"data: 1\n\ndata: 2\n\n")], None)


def test_wrapped_too_often() -> None:
    data = TWO
    for _ in range(6):
        data = gzip.compress(data)
    assert "compressed more than 5 times" in str(delivered(data)[1])


def test_numbers_that_python_refuses() -> None:
    document = json.dumps(forms.har_document([Made(ONE)]))
    data = document.replace("1.2", "1" * 100_000).encode()
    assert delivered(data) == ([parse(ONE)], None)
    assert delivered(data[:-1])[0] == [parse(ONE)]


def bodies(recordings: Iterator[Recording]) -> list[bytes]:
    return [b"".join(data for _, data in recording.reads) for recording in recordings]


def test_bytes_that_are_no_utf_8_in_json() -> None:
    data = forms.request_and_response([Made(ONE)]).replace(b"[DONE]", b"\xff\\ud83d")
    [body] = bodies(streams(data))
    assert body == ONE.replace(b"[DONE]", b"\xed\xb3\xbf\xed\xa0\xbd")
    [body] = bodies(streams(data.replace(b"\\ud83d", b"")))
    assert body == ONE.replace(b"[DONE]", b"\xff")


def test_a_body_that_is_broken_inside() -> None:
    """A torn body gives everything before its end; one that begins broken is no stream."""
    torn = gzip.compress(TWO * 500)[:-8]
    data = forms.dump(
        {
            "interactions": [
                forms._vcrpy(Made(b""), b"\x1f\x8bnothing"),
                forms._vcrpy(Made(b""), torn),
            ]
        }
    )
    found = streams(data)
    [recording] = found
    assert len(found.skipped) == 1
    events = recording.events()
    assert [next(events) for _ in range(1000)] == parse(TWO * 500)
    with pytest.raises(RecordingError, match=r"interactions\[1\], byte \d+: the gzip data ends"):
        next(events)
