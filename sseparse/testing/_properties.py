"""Offer the functions that need hypothesis, and import it when one of them is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._chunks import every_split, rechunk

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["assert_chunk_invariant", "chunkings", "hostile_streams"]

# A few hundred generated streams may miss two things: a second byte order mark, and a cut after
# many bytes of a line.
_SURE = (
    b"\xef\xbb\xbfdata: \xef\xbb\xbf\xf0\x9f\x98\x80\r\ndata: \xe2\x82\xac\r\n\r\n"
    b"id: 1\rdata: " + b"x" * 99 + b"\r\revent: e\ndata\n\n"
)


def hostile_streams(*, short: bool = False) -> SearchStrategy[bytes]:
    r"""Return a hypothesis strategy for streams that parsers often get wrong.

    The streams consist of blocks, single lines, pieces of the grammar and arbitrary bytes. They
    contain all line ends, byte order marks, broken UTF-8, NUL, characters at which
    ``str.splitlines`` ends a line, and names that are nearly right. One stream in six contains runs
    of plain events, up to some kB.

    Args:
        short: Whether to leave out streams with runs, for tests that handle each byte.

    Raises:
        ImportError: hypothesis is not installed.

    >>> from hypothesis import given
    >>> from sseparse import parse
    >>> from sseparse.testing import hostile_streams
    >>> @given(hostile_streams())
    ... def test_no_stream_raises(stream):
    ...     parse(stream)
    >>> test_no_stream_raises()
    """
    hostile = _hostile()
    strategy: SearchStrategy[bytes] = hostile.short_streams if short else hostile.streams
    return strategy


def chunkings(stream: bytes) -> SearchStrategy[list[bytes]]:
    r"""Return a hypothesis strategy for the ways to cut a stream, empty chunks included.

    ``hostile_streams().flatmap(chunkings)`` gives hostile streams in chunks.

    Raises:
        ImportError: hypothesis is not installed.

    >>> from hypothesis import given
    >>> from sseparse.testing import chunkings
    >>> @given(chunkings(b"data: a\n\n"))
    ... def test_nothing_is_lost(chunks):
    ...     assert b"".join(chunks) == b"data: a\n\n"
    >>> test_nothing_is_lost()
    """
    strategy: SearchStrategy[list[bytes]] = _hostile().chunkings(stream)
    return strategy


def assert_chunk_invariant(
    parse: Callable[[list[bytes]], object], *, streams: SearchStrategy[bytes] | None = None
) -> None:
    r"""Assert that a parser gives the same result however a stream is cut into chunks.

    The parser gets generated streams, each whole and in chunks. The examples are the same in every
    run; hypothesis's profile sets their number. The last stream contains some of everything and is
    cut at every place. Exceptions that the parser raises are compared by type and text. A plain
    stream must not raise, so a parser that always raises is reported.

    Args:
        parse: The parser. It is called with the list of chunks of one stream. Its results are
            compared with ``==``, so they should contain the events and the state afterwards.
        streams: A strategy for streams, ``hostile_streams()`` by default.

    Raises:
        AssertionError: Two ways to cut a stream gave different results. The message shows the
            smallest stream that hypothesis found, the chunks and both results.
        TypeError: For one plain stream ``parse`` returned None, or two results that are not equal,
            such as generators, or events that compare by identity.
        ImportError: hypothesis is not installed.

    >>> from sseparse import iter_events
    >>> from sseparse.testing import assert_chunk_invariant
    >>> assert_chunk_invariant(lambda chunks: list(iter_events(chunks)))
    """
    hostile = _hostile()
    hypothesis = importlib.import_module("hypothesis")
    plain = b"data: plain\n\n"
    first, again = parse([plain]), parse([plain])
    if first is None or first != again:
        raise TypeError(
            "parse() must return results that can be compared, such as a list of events: for "
            f"{plain!r} it returned {first!r}, then {again!r}"
        )

    def check(chunks: list[bytes]) -> None:
        stream = b"".join(chunks)
        # parse gets a copy of the list, because it may change it.
        whole, cut = _result(parse, [stream]), _result(parse, [*chunks])
        # python -O would leave out an assert statement.
        if not cut == whole:  # the values may not define !=
            raise AssertionError(f"{stream!r} whole: {whole!r}; in chunks {chunks!r}: {cut!r}")

    # Without a database a run leaves no files. A deadline would judge the machine.
    same = hypothesis.settings(derandomize=True, database=None, deadline=None)
    # Short streams come first, because hypothesis can make failures among them really small.
    every = [hostile.short_streams, hostile.streams] if streams is None else [streams]
    for strategy in every:
        same(hypothesis.given(strategy.flatmap(hostile.chunkings))(check))()
    if streams is None:
        for chunks in [*every_split(_SURE), rechunk(_SURE, 1)]:
            check(chunks)


def _result(parse: Callable[[list[bytes]], object], chunks: list[bytes]) -> object:
    try:
        return parse(chunks)
    except Exception as error:
        return type(error), str(error)


def _hostile() -> Any:
    try:
        return importlib.import_module("._hostile", __package__)
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise ImportError(
            'this part of sseparse.testing needs hypothesis: pip install "sseparse[test]"',
            name="hypothesis",
        ) from error
