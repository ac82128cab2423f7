"""What needs hypothesis, which is imported when one of these is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._chunks import every_split, rechunk

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["assert_chunk_invariant", "chunkings", "hostile_streams"]

# What some hundred generated streams may miss: a byte order mark that is not the first, and a line
# that is long before it is cut.
_SURE = (
    b"\xef\xbb\xbfdata: \xef\xbb\xbf\xf0\x9f\x98\x80\r\ndata: \xe2\x82\xac\r\n\r\n"
    b"id: 1\rdata: " + b"x" * 99 + b"\r\revent: e\ndata\n\n"
)


def hostile_streams(*, short: bool = False) -> SearchStrategy[bytes]:
    r"""Return a hypothesis strategy for streams that parsers go wrong on.

    They are made of blocks, single lines, pieces of the grammar and arbitrary bytes: all line ends,
    byte order marks, broken UTF-8, NUL, what ``str.splitlines`` takes for a line end, names that
    are nearly right. One in six holds runs of plain events, up to some kB.

    Args:
        short: Leave out those with runs: a test that works through every byte is then quick.

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
    r"""Assert that a parser makes the same of a stream however it is cut into chunks.

    It is tried on generated streams, each whole and in chunks; the examples are the same in every
    run, and as many as hypothesis's profile says. Last comes one that holds some of everything, cut
    at every place. What the parser raises is compared by type and text. A plain stream must not
    raise, so that a parser that always raises is reported.

    Args:
        parse: Takes the list of chunks of one stream; what it returns is compared with ``==``. It
            should hold all that counts: the events, and the state afterwards.
        streams: A strategy for other streams than ``hostile_streams()``.

    Raises:
        AssertionError: Two ways to cut one stream gave different results. It names the smallest
            such stream that hypothesis found, the chunks and both results.
        TypeError: For one plain stream ``parse`` returned None, or twice what is not equal: a
            generator, say, or events that compare by identity.
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
            f"parse() must return what can be compared, such as a list of events: for {plain!r} it "
            f"gave {first!r}, then {again!r}"
        )

    def check(chunks: list[bytes]) -> None:
        stream = b"".join(chunks)
        # A copy: parse may take the chunks out of its list.
        whole, cut = _result(parse, [stream]), _result(parse, [*chunks])
        # No assert statement: python -O leaves these out.
        if not cut == whole:  # the values may define no other comparison
            raise AssertionError(f"{stream!r} whole: {whole!r}; in chunks {chunks!r}: {cut!r}")

    # No database, so that a run leaves nothing behind; no deadline, which judges the machine.
    same = hypothesis.settings(derandomize=True, database=None, deadline=None)
    # Short ones first: hypothesis can make what it finds there really small.
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
