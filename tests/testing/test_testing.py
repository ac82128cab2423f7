"""sseparse.testing: the strategies, the functions that cut, and the assertions."""

from __future__ import annotations

import codecs
import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import sseparse
from running import feed_all, run_python
from sseparse import testing
from sseparse.testing import (
    assert_chunk_invariant,
    assert_conforms,
    chunkings,
    every_split,
    hostile_streams,
    rechunk,
)
from strategies import BOM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Each runs the strategies or the corpora.
pytestmark = pytest.mark.thorough

# Until it is found; hypothesis does not make it smaller.
search = settings(
    derandomize=True,
    database=None,
    max_examples=20_000,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_the_public_names() -> None:
    assert testing.__all__ == sorted(testing.__all__)
    for name in testing.__all__:
        assert ">>> " in (getattr(testing, name).__doc__ or ""), name


# What a strategy must generate, each with the bytes that show it.
MET = {
    "a byte order mark at the start": lambda stream: stream.startswith(BOM + b"data"),
    "half of one": lambda stream: re.match(rb"\xef\xbb[^\xbf]", stream),
    "CRLF": lambda stream: b"\r\n" in stream,
    "a bare CR": lambda stream: re.search(rb"data.*\r[^\n]", stream),
    "broken UTF-8": lambda stream: b"\xed\xa0\x80" in stream,
    "NUL in an id": lambda stream: re.search(rb"id: ?.?\0", stream),
    "digits of another script": lambda stream: "٣".encode() in stream,
    "what splitlines() splits at": lambda stream: "\u2028".encode() in stream,
    "a name that is nearly right": lambda stream: b"Data: " in stream,
    "a long run of events": lambda stream: stream.count(b"data: a\n\n") > 100,
}


@pytest.mark.parametrize("what", MET)
def test_hostile_streams_hold(what: str) -> None:
    met: Callable[[bytes], Any] = MET[what]
    assert met(find(hostile_streams(), lambda stream: bool(met(stream)), settings=search))


@given(hostile_streams(short=True))
def test_short_streams_are_short(stream: bytes) -> None:
    assert len(stream) < 1000


@given(st.binary(max_size=30), st.data())
def test_chunkings_lose_nothing(stream: bytes, data: st.DataObject) -> None:
    assert b"".join(data.draw(chunkings(stream))) == stream


@pytest.mark.parametrize(
    "wanted",
    [
        [b"a", b"b", b"c", b"d"],
        [b"ab", b"cd"],
        [b"abcd"],
        [b"a", b"", b"bcd"],
        [b"", b"abcd"],
        [b"abc", b"", b"", b"d"],
    ],
)
def test_chunkings_reach(wanted: list[bytes]) -> None:
    assert find(chunkings(b"abcd"), lambda chunks: chunks == wanted, settings=search) == wanted


@pytest.mark.parametrize(
    ("sizes", "chunks"),
    [
        (1, [b"a", b"b", b"c", b"d", b"e"]),
        (2, [b"ab", b"cd", b"e"]),
        (5, [b"abcde"]),
        (9, [b"abcde"]),
        ([], [b"abcde"]),
        ([2], [b"ab", b"cde"]),
        ([5], [b"abcde"]),
        ([0, 2, 0], [b"", b"ab", b"", b"cde"]),
        ([2, 3, 0], [b"ab", b"cde", b""]),
        ([2, 9], [b"ab", b"cde"]),
        (iter((1, 1)), [b"a", b"b", b"cde"]),
        (itertools.cycle([1, 2]), [b"a", b"bc", b"d", b"e"]),
        (itertools.cycle([5]), [b"abcde"]),
    ],
)
def test_rechunk_by_sizes(sizes: Any, chunks: list[bytes]) -> None:
    assert rechunk(b"abcde", sizes) == chunks


def test_rechunk_nothing() -> None:
    assert rechunk(b"", 3) == rechunk(b"", [1, 2]) == []
    assert b"".join(rechunk(b"", seed=1)) == b""


def test_rechunk_by_seed() -> None:
    stream = bytes(range(200))
    cuts = {seed: rechunk(stream, seed=seed) for seed in range(40)}
    assert all(b"".join(chunks) == stream for chunks in cuts.values())
    assert all(rechunk(stream, seed=seed) == chunks for seed, chunks in cuts.items())
    # 1 to 12 places; an empty chunk at the end counts.
    assert {len(chunks) for chunks in cuts.values()} >= {2, 13}
    assert len({tuple(chunks) for chunks in cuts.values()}) == 40


EITHER = "rechunk() takes either sizes or seed"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, TypeError(EITHER)),
        ({"sizes": 1, "seed": 1}, TypeError(EITHER)),
        ({"sizes": 0}, ValueError("a size for all chunks must be at least 1 byte, not 0")),
        ({"sizes": -1}, ValueError("a size for all chunks must be at least 1 byte, not -1")),
        ({"sizes": [3, -1]}, ValueError("a size must be at least 0 bytes, not -1")),
    ],
)
def test_rechunk_refuses(arguments: dict[str, Any], error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        rechunk(b"abc", **arguments)
    assert str(caught.value) == str(error)


def test_every_split() -> None:
    assert list(every_split(b"abc")) == [
        [b"", b"abc"],
        [b"a", b"bc"],
        [b"ab", b"c"],
        [b"abc", b""],
    ]
    assert list(every_split(b"")) == [[b"", b""]]


def test_this_parser_is_chunk_invariant() -> None:
    assert_chunk_invariant(feed_all)
    assert_chunk_invariant(lambda chunks: feed_all(chunks, limit=7))
    for chunks in every_split(b"\xef\xbb\xbfid: 1\r\n\r\rdata: \xe2\x82\xac\r\r\n"):
        assert feed_all(chunks) == feed_all([b"".join(chunks)])


def each_chunk_decoded(chunks: list[bytes]) -> str:
    return "".join(chunk.decode("utf-8", "replace") for chunk in chunks)


def each_chunk_split(chunks: list[bytes]) -> list[bytes]:
    return list(itertools.chain(*(chunk.splitlines() for chunk in chunks)))


def blocks_of_each_chunk(chunks: list[bytes]) -> int:
    return sum(len(chunk.split(b"\n\n")) - 1 for chunk in chunks)


def raises_at_a_chunk_of_one(chunks: list[bytes]) -> int:
    return sum(1 // (len(chunk) - 1) for chunk in chunks) * 0


def a_mark_stripped_from_each_chunk(chunks: list[bytes]) -> list[sseparse.Event]:
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    return sseparse.parse(
        "".join(decode(chunk).removeprefix("\ufeff") for chunk in chunks).encode()
    )


def a_long_rest_is_lost(chunks: list[bytes]) -> list[bytes]:
    done, rest = [], b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
        done += lines
        rest = rest[:60]
    return done


@pytest.mark.parametrize(
    "parse",
    [
        each_chunk_decoded,
        each_chunk_split,
        blocks_of_each_chunk,
        raises_at_a_chunk_of_one,
        a_mark_stripped_from_each_chunk,
        a_long_rest_is_lost,
    ],
)
def test_a_parser_that_depends_on_the_chunks_is_found(parse: Any) -> None:
    with pytest.raises(AssertionError, match=r"^b'.*' whole: .*; in chunks \[b'.*\]: ") as caught:
        assert_chunk_invariant(parse)
    stream, chunks = re.findall(r"^(b'.*') whole: .* in chunks (\[.*?\]): ", str(caught.value))[0]
    assert b"".join(eval(chunks)) == eval(stream)


def test_the_found_example_is_small() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_chunk_invariant(blocks_of_each_chunk)
    assert len(eval(str(caught.value).partition(" whole: ")[0])) < 12


def test_the_same_error_at_every_cut_is_no_difference() -> None:
    def parse(chunks: list[bytes]) -> list[sseparse.Event]:
        b"".join(chunks).decode()
        return list(sseparse.iter_events(chunks))

    with pytest.raises(AssertionError, match="UnicodeDecodeError"):
        assert_chunk_invariant(lambda chunks: "".join(chunk.decode() for chunk in chunks))
    assert_chunk_invariant(parse)


def test_a_parser_that_always_raises_is_reported() -> None:
    with pytest.raises(ZeroDivisionError):
        assert_chunk_invariant(lambda _: 1 / 0)


@pytest.mark.parametrize("parse", [sseparse.iter_events, lambda _: None, lambda _: float("nan")])
def test_results_that_do_not_compare_are_reported(parse: Any) -> None:
    with pytest.raises(TypeError, match=r"must return results that .* it returned .*, then "):
        assert_chunk_invariant(parse)


def test_a_parser_may_empty_the_list_of_its_chunks() -> None:
    def parse(chunks: list[bytes]) -> int:
        return len([chunks.pop() for _ in range(len(chunks))])

    with pytest.raises(AssertionError) as caught:
        assert_chunk_invariant(parse, streams=st.just(b"ab"))
    shown = re.findall(r"in chunks (\[.*?\]): ", str(caught.value))[0]
    assert b"".join(eval(shown)) == b"ab"


def test_streams_of_ones_own() -> None:
    def parse(chunks: list[bytes]) -> bool:
        return b"x" in chunks

    assert_chunk_invariant(parse, streams=st.text("abc").map(str.encode))
    with pytest.raises(AssertionError, match=r"b'ax' whole: False|b'xa' whole: False"):
        assert_chunk_invariant(parse, streams=st.sampled_from([b"ax", b"xa"]))


def test_without_hypothesis() -> None:
    code = """
import sys
sys.path.insert(0, sys.argv[1])
sys.modules["hypothesis"] = None
from sseparse import testing
print(testing.rechunk(b"abc", 2), len(list(testing.every_split(b"abc"))))
for call in (
    lambda: testing.hostile_streams(),
    lambda: testing.chunkings(b""),
    lambda: testing.assert_chunk_invariant(list),
):
    try:
        call()
    except ImportError as error:
        print(error.name, error)
"""
    said = 'this part of sseparse.testing needs hypothesis: pip install "sseparse[test]"'
    lines = run_python(code, "-I").splitlines()
    assert lines == ["[b'ab', b'c'] 4", *[f"hypothesis {said}"] * 3]


def test_hypothesis_is_imported_when_it_is_used() -> None:
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import sseparse.testing
print("hypothesis" in sys.modules)
sseparse.testing.chunkings(b"")
print("hypothesis" in sys.modules)
"""
    assert run_python(code).split() == ["False", "True"]


def test_another_missing_module_is_not_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'attrs'", name="attrs")

    monkeypatch.setattr("importlib.import_module", fails)
    with pytest.raises(ModuleNotFoundError, match="attrs"):
        hostile_streams()


def test_hypothesis_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'hypothesis'", name="hypothesis")

    monkeypatch.setattr("importlib.import_module", fails)
    with pytest.raises(ImportError) as caught:
        hostile_streams()
    assert caught.value.name == "hypothesis"
    assert str(caught.value) == (
        'this part of sseparse.testing needs hypothesis: pip install "sseparse[test]"'
    )


# The corpora for a parser in this process.


def test_this_parser_conforms() -> None:
    assert_conforms(sseparse.iter_events)
    assert_conforms(lambda chunks: sseparse.parse(b"".join(chunks)))


class AsDicts:
    """A parser that gives dicts, and state at the end."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._parser = sseparse.Parser()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for chunk in self._chunks:
            for event in self._parser.feed(chunk):
                yield {"type": event.type, "data": event.data}
        self.last_event_id = self._parser.last_event_id
        self.retry = self._parser.retry


def test_a_parser_that_gives_dicts_conforms() -> None:
    assert_conforms(AsDicts)


def without_bom(chunks: Iterable[bytes]) -> Iterator[sseparse.Event]:
    return sseparse.iter_events([b"\n", *chunks])


def test_the_failures_are_named() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_conforms(without_bom)
    text = str(caught.value)
    assert text.startswith("the parser does not conform to the standard\n  BOM: ")
    assert "    smallest  b'\\xef\\xbb\\xbfdata: a\\n\\n'  (tricky:" in text
    assert "  ids: " not in text


def raising(chunks: Iterable[bytes]) -> Iterator[sseparse.Event]:
    chunks = list(chunks)
    yield from sseparse.iter_events(chunks)
    if b"\0" in b"".join(chunks):
        raise OSError("NUL")


@pytest.mark.parametrize(
    ("parse", "said"),
    [
        (raising, r"ids: \d+/\d+\n(.*\n)*    got .*OSError: NUL"),
        (lambda _: None, "it raises on a plain stream: TypeError"),
        (
            lambda _: itertools.repeat({"type": "message", "data": ""}),
            "it raises on a plain stream: OverflowError: more events than the stream has bytes",
        ),
        (lambda chunks: [5 for _ in chunks], "not an answer .each event must have type and data"),
        (lambda chunks: [{"type": None, "data": "a"} for _ in chunks], "not an answer"),
    ],
)
def test_a_parser_that_raises_does_not_conform(parse: Any, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        assert_conforms(parse)


OPTIMISED = """
import sys
sys.path.insert(0, sys.argv[1])
from sseparse.testing import assert_chunk_invariant, assert_conforms
assert False  # which does nothing here
for check in (assert_chunk_invariant, assert_conforms):
    try:
        check(lambda chunks: [{"type": "message", "data": str(list(chunks))}])
    except AssertionError:
        pass
    else:
        print(check)
"""


def test_the_assertions_hold_under_python_o() -> None:
    assert run_python(OPTIMISED, "-O") == ""
