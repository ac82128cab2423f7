"""The properties of the core, P1 to P9 and P11, over hostile streams with any cuts.

P10, that compiled and pure agree, is in test_builds.py.
"""

from __future__ import annotations

import re
import tracemalloc
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import reference
import running
from running import feed_all, observe_all, without_items, without_lines
from sseparse import (
    Event,
    EventTooLargeError,
    Item,
    Observer,
    Parser,
    Pending,
    encode,
)
from sseparse.testing import rechunk
from strategies import (
    BOM,
    at_blank_lines,
    blocks,
    cut_short_streams,
    cut_streams,
    cuts,
    limits,
    seeds,
    short_streams,
    streams,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORMS: dict[str, Callable[..., Any]] = {
    "Parser": Parser,
    "Observer": Observer,
    "Observer of blocks": lambda **options: Observer(lines=False, **options),
}
EVERY_FORM = pytest.mark.parametrize("form", FORMS)

# A group of data lines was joined, and the next chunk began with the blank line.
LONG_EVENT = [b"data\n" * 1025, b"\n", b"data: x\ndata: y\n\n"]
# The blank line's CRLF after a CR was taken for the CR of a block that ends with CR CR.
CR_CRLF = at_blank_lines(b"data:v1\r\r\n\n" * 3, 1)
# A bare CR was taken for a part of the line, because all lines of the template end with CRLF.
CR_IN_CRLF = [b"event: a\rdata: b\r\ndata: c\r\n\r\n" * 3]
# The last event ID was lost when a chunk that was one whole block came after a block with an id.
ID_AND_WHOLE_BLOCKS = [b"id: 7\ndata: a\n\n", b"data: b\n\n", b"data: c\n\n", b"data: d\n\n"]
# The limit dropped a comment, and the template brought it back.
DROPPED_COMMENTS = [b": a\n: b\ndata: x\n\n" * 3]


@given(cut_streams, limits, seeds)
@example(LONG_EVENT, None, "")
@example([b"\xef", b"\xbb", b"x\r", b"\n\r", b"\ndata\r", b"\n\n"], 3, "")
@example(CR_CRLF, None, "")
def test_p1_any_split(chunks: list[bytes], limit: int | None, seed: str) -> None:
    stream = b"".join(chunks)
    whole = feed_all([stream], limit=limit, last_event_id=seed)
    assert feed_all(chunks, limit=limit, last_event_id=seed) == whole
    assert feed_all(rechunk(stream, 1), limit=limit, last_event_id=seed) == whole


@given(cut_streams, limits, seeds)
@example(LONG_EVENT, None, "")
@example(CR_CRLF, None, "")
@example(CR_IN_CRLF, None, "")
@example(ID_AND_WHOLE_BLOCKS, None, "")
def test_p2_reference(chunks: list[bytes], limit: int | None, seed: str) -> None:
    expected = reference.outcome(b"".join(chunks), limit, seed)
    assert feed_all(chunks, limit=limit, last_event_id=seed) == without_items(expected)


@given(st.lists(blocks, max_size=5), st.data())
def test_p3_round_trip(written: list[dict[str, Any]], data: st.DataObject) -> None:
    parser = Parser()
    last_event_id = ""
    retry = None
    expected = []
    for block in written:
        last_event_id = block.get("id", last_event_id)
        retry = block.get("retry", retry)
        if "data" in block:
            text = re.sub("\r\n|\r", "\n", block["data"])
            expected.append(Event(block.get("type", "message"), text, last_event_id))
    stream = b"".join(encode(**block) for block in written)
    events = [event for chunk in data.draw(cuts(stream)) for event in parser.feed(chunk)]
    assert events == expected
    assert (parser.last_event_id, parser.retry) == (last_event_id, retry)
    assert parser.close() is None

    comments = []
    for block in written:
        if "comment" in block:
            comments += re.split("\r\n|\r|\n", block["comment"])
    items = observe_all([stream]).items
    assert [item.value for item in items if item.kind == "comment"] == comments
    assert not [item for item in items if item.reason is not None]


@given(st.one_of(st.binary(), streams), limits)
@example(b"retry: " + b"9" * 5000 + b"\n", None)
@example(b"\xef\xbb", 1)
@example(b"data: \xed\xa0\x80\n\n", None)
def test_p4_total(stream: bytes, limit: int | None) -> None:
    # These three functions let any exception other than EventTooLargeError through.
    fed = feed_all([stream], limit=limit)
    assert without_items(observe_all([stream], limit=limit)) == fed
    assert without_items(observe_all([stream], lines=False, limit=limit)) == fed
    assert limit is not None or fed.offset is None


@given(streams, limits, st.data())
def test_p5_prefix(stream: bytes, limit: int | None, data: st.DataObject) -> None:
    prefix = stream[: data.draw(st.integers(0, len(stream)))]
    events = feed_all([stream], limit=limit).events
    of_prefix = feed_all([prefix], limit=limit).events
    assert events[: len(of_prefix)] == of_prefix


@given(cut_short_streams, limits)
@example([b"data: a\r", b"\r", b"\n", b"data\r\n", b"\r"], None)
def test_p6_prompt(chunks: list[bytes], limit: int | None) -> None:
    for form in FORMS:
        parser = FORMS[form](max_event_size=limit)
        events: list[reference.Event] = []
        stream = b""
        for chunk in chunks:
            stream += chunk
            so_far = reference.outcome(stream, limit)
            try:
                got = parser.feed(chunk)
            except EventTooLargeError as error:
                events += [running.event(event) for event in error.events]
                assert (events, error.offset) == (so_far.events, so_far.offset)
                break
            events += [running.event(event) for event in events_of(got)]
            assert (events, None) == (so_far.events, so_far.offset)


def events_of(found: list[Any]) -> list[Event]:
    """Return the events that a Parser or an Observer returned."""
    events = [each.to_event() if isinstance(each, Item) else each for each in found]
    return [event for event in events if event is not None]


@EVERY_FORM
def test_p6_prompt_at_each_byte(form: str) -> None:
    parser = FORMS[form]()
    stream = b"data: a\r\r\ndata: b\n\ndata: c\r\n\r\n"
    fed = [events_of(parser.feed(stream[at : at + 1])) for at in range(len(stream))]
    assert [at for at, events in enumerate(fed) if events] == [8, 18, 28]


BREAK_THE_LIMIT = {
    "one endless line": b"data: " + b"x" * 1000,
    "an endless comment": b": " + b"x" * 1000,
    "endless data lines": b"data: ab\n" * 100,
    "endless empty data lines": b"data\n" * 200,
    "endless broken UTF-8": b"data: \xff\xe2\x82" + b"\xed" * 1000,
    "endless data lines ended by CR": b"data: \xc3\xa9\r" * 100,
}
KEEP_THE_LIMIT = {
    "blank lines": b"\n" * 1000,
    "comments": b": ping\r\n" * 100,
    "comments that differ": b"".join(b": %d\n" % number for number in range(100)),
    "events": b"event: a\nid: 1\ndata: b\n\n" * 50,
    "ignored lines": b"retry: 1\nother: 2\n" * 60,
}


def breaks(call: Callable[[bytes], object], chunk: bytes) -> bool:
    try:
        call(chunk)
    except EventTooLargeError:
        return True
    return False


def kept_after(unit: bytes, total: int, sizes: tuple[int, int], form: str) -> tuple[int, bool]:
    """Feed ``total`` bytes to a parser with a 10 kB limit; return the bytes kept and if it raised.

    The first 15 kB come in chunks of the first size, the rest in chunks of the second.
    """
    start = unit * (15_000 // len(unit))
    template = unit * (sizes[1] // len(unit))
    broken = False
    tracemalloc.start()
    try:
        parser = FORMS[form](max_event_size=10_000)
        call = parser.feed
        for position in range(0, len(start), sizes[0]):
            broken |= breaks(call, start[position : position + sizes[0]])
        for _ in range((total - len(start)) // len(template)):
            # Each chunk is a new object, so that it is counted if the parser keeps it.
            broken |= breaks(call, template[:-1] + template[-1:])
        with_parser = tracemalloc.get_traced_memory()[0]
        # Measure the memory that deleting the parser frees. The growth since the start would also
        # have tables of the interpreter: each raise in compiled code makes a code object, whose
        # interned name may make the table of interned strings grow.
        del parser, call
        return with_parser - tracemalloc.get_traced_memory()[0], broken
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("sizes", [(1, 5_000), (7, 65_536), (2_000, 5_000_000)])
@pytest.mark.parametrize("shape", BREAK_THE_LIMIT)
@EVERY_FORM
def test_p7_memory(shape: str, sizes: tuple[int, int], form: str) -> None:
    kept, broken = kept_after(BREAK_THE_LIMIT[shape], 10_000_000, sizes, form)
    assert broken
    assert kept <= 64 * 1024


@pytest.mark.parametrize("sizes", [(7, 2_000), (2_000, 10_000)])
@pytest.mark.parametrize("shape", KEEP_THE_LIMIT)
@EVERY_FORM
def test_p7_memory_within_the_limit(shape: str, sizes: tuple[int, int], form: str) -> None:
    kept, broken = kept_after(KEEP_THE_LIMIT[shape], 25_000, sizes, form)
    assert not broken
    assert kept <= 16 * 1024


@pytest.mark.parametrize(
    "block", [b"data:\n" * 1600 + b"\n", b"x:\n" * 1900 + b"data:\n\n", b":\n" * 999 + b"data:\n\n"]
)
@EVERY_FORM
def test_p7_memory_of_what_blocks_have_in_common(block: bytes, form: str) -> None:
    kept, broken = kept_after(block, 3 * len(block), (len(block), len(block)), form)
    assert not broken
    assert kept <= 64 * 1024


@given(cut_streams, limits)
def test_p8_buffers(chunks: list[bytes], limit: int | None) -> None:
    expected = feed_all(chunks, limit=limit)
    assert feed_all([bytearray(chunk) for chunk in chunks], limit=limit) == expected
    assert feed_all([memoryview(chunk) for chunk in chunks], limit=limit) == expected

    # The caller reuses one buffer for all chunks. Resizing it, or releasing the view, would raise
    # BufferError if the parser still used the buffer.
    def reused() -> Iterator[bytearray | memoryview]:
        buffer = bytearray()
        for number, chunk in enumerate(chunks):
            buffer[:] = chunk
            if number % 2:
                yield buffer
            else:
                with memoryview(buffer) as view:
                    yield view
            buffer[:] = b"\n\ndata: overwritten\n\n"

    assert feed_all(reused(), limit=limit) == expected


@given(cut_streams, cut_streams)
@example([b"data: a\n" * 2100, b"\n"], [b"data: b\n" * 2100, b"\n"])
def test_p8_isolated(one: list[bytes], other: list[bytes]) -> None:
    """Two parsers that are fed in turn return the same as each by itself."""
    parsers = Parser(), Parser()
    events: tuple[list[reference.Event], list[reference.Event]] = ([], [])
    for pair in zip_longest(one, other, fillvalue=b""):
        for parser, chunk, got in zip(parsers, pair, events, strict=True):
            got += [running.event(event) for event in parser.feed(chunk)]
    for parser, chunks, got in zip(parsers, (one, other), events, strict=True):
        alone = reference.outcome(b"".join(chunks))
        assert got == alone.events
        assert (parser.last_event_id, parser.retry) == (alone.last_event_id, alone.retry)


class LifeCycle(RuleBasedStateMachine):
    """Call feed and close in any order, with misuse; the reference parses all bytes so far."""

    @initialize(form=st.sampled_from([*FORMS]), limit=limits, seed=seeds)
    def create(self, form: str, limit: int | None, seed: str) -> None:
        self.limit = limit
        self.seed = seed
        self.parser = FORMS[form](last_event_id=seed, max_event_size=limit)
        self.stream = b""
        self.events: list[reference.Event] = []
        self.failed = False
        self.closed = False
        self.left: Pending | None = None

    def expected(self) -> reference.Outcome:
        return reference.outcome(self.stream, self.limit, self.seed)

    @precondition(lambda self: not self.closed and not self.failed)
    @rule(chunk=short_streams)
    def feed(self, chunk: bytes) -> None:
        self.stream += chunk
        offset = self.expected().offset
        try:
            got = events_of(self.parser.feed(chunk))
            assert offset is None
        except EventTooLargeError as error:
            got = error.events
            assert error.offset == offset
            self.failed = True
        self.events += [running.event(event) for event in got]

    @precondition(lambda self: self.failed and not self.closed)
    @rule(chunk=short_streams)
    def feed_after_the_error(self, chunk: bytes) -> None:
        with pytest.raises(EventTooLargeError) as caught:
            self.parser.feed(chunk)
        assert caught.value.events == caught.value.items == []
        assert caught.value.offset == self.expected().offset

    @precondition(lambda self: self.closed)
    @rule(chunk=short_streams)
    def feed_after_close(self, chunk: bytes) -> None:
        with pytest.raises(RuntimeError):
            self.parser.feed(chunk)

    @rule()
    def feed_text(self) -> None:
        text: Any = "data: a\n\n"
        with pytest.raises(TypeError):
            self.parser.feed(text)

    @precondition(lambda self: not self.closed)
    @rule()
    def close(self) -> None:
        self.left = self.parser.close()
        self.closed = True
        expected = self.expected().pending
        assert self.left == (None if expected is None else Pending(*expected))

    @precondition(lambda self: self.closed)
    @rule()
    def close_again(self) -> None:
        assert self.parser.close() is self.left

    @invariant()
    def agrees(self) -> None:
        expected = self.expected()
        assert self.events == expected.events
        assert self.parser.last_event_id == expected.last_event_id
        assert self.parser.retry == expected.retry


def test_p9_life_cycle() -> None:
    steps = settings(stateful_step_count=12)
    run_state_machine_as_test(LifeCycle, settings=steps)


@given(cut_streams, limits, seeds)
@example(LONG_EVENT, None, "")
@example([BOM[:2], BOM[2:], b"\r", b"\n: \xff\r\n", b"data\r", b"\n\r\nx"], None, "")
@example(CR_CRLF, None, "")
@example(CR_IN_CRLF, None, "")
@example(ID_AND_WHOLE_BLOCKS, None, "")
@example(DROPPED_COMMENTS, 100, "")
def test_p11_observed(chunks: list[bytes], limit: int | None, seed: str) -> None:
    stream = b"".join(chunks)
    expected = reference.outcome(stream, limit, seed)
    for each in (chunks, [stream]):
        assert observe_all(each, limit=limit, last_event_id=seed) == expected
        blocks_only = observe_all(each, lines=False, limit=limit, last_event_id=seed)
        assert blocks_only == without_lines(expected)
    fed = feed_all(chunks, limit=limit, last_event_id=seed)
    assert fed == without_items(expected)


@given(streams, st.data())
def test_p11_ranges(stream: bytes, data: st.DataObject) -> None:
    """The ranges follow each other and leave out only LFs after a CR and the pending tail."""
    observer = Observer()
    items: list[Item] = []
    for chunk in data.draw(cuts(stream)):
        items += observer.feed(chunk)
    position = 0
    block_start: int | None = 0
    for each in items:
        assert stream[position : each.start] in (b"", b"\n")
        if each.start > position:
            assert stream[position - 1 : position] == b"\r"
        if position == block_start:  # a block begins at its first line
            block_start = each.start
        assert each.start < each.end
        # A line ends with its terminator and contains no other; a byte order mark has none.
        assert stream[each.end - 1 : each.end] == (each.terminator.encode() or BOM[2:])
        assert not set(stream[each.start : each.end - 1]) & {10, 13}
        assert each.replaced == (not _decodes(stream[each.start : each.end]))
        position = each.end
        if each.kind == "byte order mark":
            block_start = position
        elif each.kind == "block":
            assert each.block_start == block_start
            block_start = position
        else:
            assert stream[each.start : each.end - 1].decode("utf-8", "replace") == _written(each)
    left = observer.close()
    tail = left.line if left else b""
    assert stream[position:] in (tail, b"\n" + tail)


def _written(item: Item) -> str:
    """Return the line of a field or a comment."""
    return f"{item.name or ''}{item.separator}{item.value}"


def _decodes(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
