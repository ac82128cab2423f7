"""P10: the compiled parser and the pure one, from the source beside it, agree byte for byte."""

from __future__ import annotations

import importlib.machinery
import os
import pickle
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from test_corpora import CASES, WAYS

import sseparse
import sseparse._parser
from running import feed_all, load_copy, observe_all
from strategies import cut_streams, limits, seeds

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = str(sseparse._parser.__file__)
BUILD = "pure" if FILE.endswith(".py") else "compiled"

# As long as the real name, so that a pickle differs in the name only.
PURE_NAME = "purepars"


def test_the_build_is_the_expected_one() -> None:
    """SSEPARSE_EXPECT, compiled or pure, says which build a run of the tests is about."""
    if BUILD == "compiled":
        assert FILE.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES))
    assert os.environ.get("SSEPARSE_EXPECT", BUILD) == BUILD


@pytest.fixture(scope="module")
def pure(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if BUILD == "pure":
        pytest.skip("the sseparse under test is pure: there is no compiled parser to compare with")
    return load_copy(tmp_path_factory.mktemp("pure"), PURE_NAME)


def pickles(value: Any) -> list[bytes]:
    return [
        pickle.dumps(value, protocol).replace(PURE_NAME.encode(), b"sseparse")
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ]


def error_in_full(error: Exception) -> Any:
    attributes = {name: repr(value) for name, value in vars(error).items()}
    return (type(error).__name__, str(error), repr(error), attributes, pickles(error))


def in_full(
    sse: Any, form: str, chunks: list[bytes], limit: int | None = None, seed: str = ""
) -> list[Any]:
    """Return everything that each call gives, in forms that builds can be compared by."""
    parser = sse.Parser(last_event_id=seed, max_event_size=limit)
    results: list[Any] = []
    for chunk in chunks:
        try:
            items = getattr(parser, form)(chunk)
        except sse.EventTooLargeError as error:
            results.append(error_in_full(error))
        else:
            results.append([(repr(item), hash(item), pickles(item)) for item in items])
        results.append((parser.last_event_id, parser.retry))
    pending = parser.close()
    results.append((repr(pending), pickles(pending)))
    return results


@given(cut_streams, limits, seeds)
@example([b"data\n" * 1025, b"\n", b"data: x\ndata: y\n\n"], None, "")
def test_p10_builds(pure: Any, chunks: list[bytes], limit: int | None, seed: str) -> None:
    for form in ("feed", "observe"):
        compiled_results = in_full(sseparse, form, chunks, limit, seed)
        assert compiled_results == in_full(pure, form, chunks, limit, seed)


@pytest.mark.parametrize("way", WAYS)
def test_the_corpora(pure: Any, way: Any) -> None:
    for case in CASES:
        chunks = way(case.chunks)
        assert feed_all(chunks) == feed_all(chunks, sse=pure), case.name
        assert observe_all(chunks) == observe_all(chunks, sse=pure), case.name


def released() -> memoryview:
    view = memoryview(b"")
    view.release()
    return view


def closed(sse: Any) -> Any:
    parser = sse.Parser()
    parser.close()
    return parser


MISUSE: list[Callable[[Any], Any]] = [
    *[
        lambda sse, chunk=chunk: sse.Parser().feed(chunk)
        for chunk in ("a", None, 1, [1], memoryview(b"abcd")[::2], released())
    ],
    *[
        lambda sse, chunk=chunk: sse.Parser().observe(chunk)
        for chunk in ("a", None, memoryview(b"abcd").cast("H"))
    ],
    *[
        lambda sse, limit=limit: sse.Parser(max_event_size=limit)
        for limit in (0, -1, True, "8", 8.0, -(2**70))
    ],
    *[
        lambda sse, seed=seed: sse.Parser(last_event_id=seed)
        for seed in ("\0", "a\n", "\r", None, b"a", 1)
    ],
    lambda sse: sse.Parser("a"),
    lambda sse: sse.Parser(other=1),
    lambda sse: sse.Parser().feed(),
    lambda sse: sse.Parser().feed(b"", b""),
    lambda sse: closed(sse).feed(b""),
    lambda sse: closed(sse).observe(b""),
    lambda sse: closed(sse).feed("a"),
    lambda sse: setattr(sse.Parser(), "retry", 1),
    lambda sse: setattr(sse.Parser(), "other", 1),
    lambda sse: delattr(sse.Parser(), "last_event_id"),
    lambda sse: sse.parse("a"),
    lambda sse: sse.Event("a", "b"),
    lambda sse: sse.Event("a", "b", "c", "d"),
    lambda sse: sse.Event("a", "b", "c") < sse.Event("a", "b", "c"),
    lambda sse: len(sse.Event("a", "b", "c")),
    lambda sse: iter(sse.Event("a", "b", "c")),
    lambda sse: weakref.ref(sse.Event("a", "b", "c")),
    lambda sse: vars(sse.Event("a", "b", "c")),
    lambda sse: sse.Event("a", "b", "c").json(),
    *[
        lambda sse, name=name: setattr(sse.Event("a", "b", "c"), name, "x")
        for name in ("type", "data", "last_event_id", "json", "other")
    ],
    *[
        lambda sse, name=name: delattr(sse.Event("a", "b", "c"), name)
        for name in ("type", "data", "last_event_id", "json", "other")
    ],
]


def test_misuse(pure: Any) -> None:
    for number, misuse in enumerate(MISUSE):
        errors = []
        for sse in (sseparse, pure):
            try:
                misuse(sse)
            except Exception as error:
                errors.append(error)
        assert len(errors) == 2, number
        assert type(errors[0]) is type(errors[1]), number
        if not isinstance(errors[0], (TypeError, AttributeError)):
            assert str(errors[0]) == str(errors[1])


def test_values(pure: Any) -> None:
    arguments = ("type", '{"a": "é"}', "1")
    compiled_event, pure_event = sseparse.Event(*arguments), pure.Event(*arguments)
    assert repr(compiled_event) == repr(pure_event)
    assert hash(compiled_event) == hash(pure_event)
    assert compiled_event.json() == pure_event.json()
    assert compiled_event != pure_event  # of two packages
    assert pure_event == pure.Event(*arguments)
    assert hash(compiled_event) == hash(arguments)


def test_public_members(pure: Any) -> None:
    for name in sseparse.__all__:
        compiled_members = [n for n in dir(getattr(sseparse, name)) if not n.startswith("_")]
        assert compiled_members == [n for n in dir(getattr(pure, name)) if not n.startswith("_")]
