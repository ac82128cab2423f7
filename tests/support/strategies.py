"""The hypothesis strategies of the tests beside those of sseparse.testing."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from sseparse.testing import chunkings, hostile_streams

BOM = b"\xef\xbb\xbf"

streams = hostile_streams()
short_streams = hostile_streams(short=True)
cut_streams = streams.flatmap(chunkings)
cut_short_streams = short_streams.flatmap(chunkings)

# max_event_size, mostly so small that a stream breaks it.
limits = st.none() | st.integers(1, 12) | st.integers(1, 60)

# last_event_id as a reconnecting client gives it.
seeds = st.sampled_from(["", "", "7", "é", " "])


def _texts(forbidden: str = "") -> st.SearchStrategy[str]:
    """Texts that UTF-8 can write, biased to what could break out of a line."""
    alphabet = st.sampled_from(":: \r\n\0\ufeff\u2028\x85é😀da") | st.characters(
        exclude_categories=["Cs"]
    )
    return st.text(alphabet.filter(lambda char: char not in forbidden), max_size=12)


# Arguments that encode() must write so that they come back.
blocks: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "data": _texts(),
        "type": _texts("\r\n").filter(bool),
        "id": _texts("\r\n\0"),
        "retry": st.integers(0, 10**6) | st.integers(0, 10**600 - 1),
        "comment": _texts(),
    },
)

# Arguments some of which encode() must refuse.
hostile_arguments: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        name: st.text(st.sampled_from("a:\r\n\0\ud800") | st.characters(), max_size=4)
        | st.sampled_from([None, b"a", 0, True])
        for name in ("data", "type", "id", "comment")
    }
    | {"retry": st.sampled_from([None, 0, -1, True, "1", 1.0, 10**600 - 1, 10**600])},
)
