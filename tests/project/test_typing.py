"""The package's types in tools that read annotations at run time."""

from __future__ import annotations

import importlib.util

import pytest

from running import run_python


def needs(*modules: str) -> pytest.MarkDecorator:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{' '.join(missing)} is not installed")


BEARTYPE = """
import sseparse
from beartype import beartype
from beartype.roar import BeartypeCallHintParamViolation

@beartype
def size(chunk: sseparse.BytesLike, event: sseparse.Event, left: sseparse.Pending | None) -> int:
    return len(chunk)

event = sseparse.Event("message", "b", "")
assert size(memoryview(b"a"), event, None) == 1
for checked in (size, beartype(sseparse.encode)):
    try:
        checked(5, event, None)
    except BeartypeCallHintParamViolation:
        pass
    else:
        raise AssertionError(checked)
assert list(beartype(sseparse.iter_events)([b"data: b\\n\\n"], None)) == [event]
assert beartype(sseparse.parse)(b"data: b\\n\\n") == [event]
"""


@needs("beartype")
def test_beartype() -> None:
    run_python(BEARTYPE)


PYDANTIC = """
import pydantic, sseparse

class Record(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    event: sseparse.Event
    item: sseparse.Item | None = None
    left: sseparse.Pending | None = None

event = sseparse.Event("a", "b", "c")
assert Record(event=event).event is event
left = {"type": "message", "data": "", "last_event_id": "", "line": b"x", "start": 0}
assert Record(event=event, left=left).left == sseparse.Pending(**left)

@pydantic.validate_call(config={"arbitrary_types_allowed": True})
def count(chunk: sseparse.BytesLike) -> int:
    return len(bytes(chunk))

assert count(b"abc") == 3
try:
    Record(event="a")
except pydantic.ValidationError:
    pass
else:
    raise AssertionError("pydantic took a str for an Event")
"""


@needs("pydantic")
def test_pydantic() -> None:
    run_python(PYDANTIC)
