"""Parse a whole stream as the WHATWG HTML standard says, to know the answers for the corpora.

This shares no code with the parser of this package, which is judged by these answers, too. Browsers
confirmed the answers for a larger corpus, which is in the sdist, in tests/data/corpora. A test
compares this parser with all of them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Answer", "answer"]


class Answer(NamedTuple):
    """Hold the answer for a stream.

    Attributes:
        events: The type, the data and the last event ID of each event.
        last_event_id: The last event ID that is committed at the end.
        retry: The reconnection time in ms; None if there is none; "any" if a line after it has an
            empty value, of which the standard does not say whether it consists of only digits.
    """

    events: list[tuple[str, str, str]]
    last_event_id: str
    retry: int | str | None


def answer(stream: bytes) -> Answer:
    """Return the answer for a whole stream, by sections 9.2.5 and 9.2.6."""
    # "Streams must be decoded using the UTF-8 decode algorithm", which strips one byte order mark.
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    # What follows the last line end is no line: it "must be discarded".
    *lines, _unended = re.split("\r\n|\n|\r", text)
    events: list[tuple[str, str, str]] = []
    retry: int | str | None = None
    data = type = last_id = committed = ""
    for line in lines:
        # A comment has an empty name, which is unknown. Without a colon the value is empty.
        name, _colon, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            # The ID is committed even if there is no data. The buffer of the ID is not reset.
            committed = last_id
            if data:
                events.append((type or "message", data.removesuffix("\n"), committed))
            data = type = ""
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            type = value
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            retry = int(value)
        elif name == "retry" and not value and retry is not None:
            retry = "any"
    return Answer(events, committed, retry)
