"""A pytest plugin: a test that takes more than LIMIT of processor time ends its mutant.

Most mutants that time out loop for ever. mutmut's own limit is a multiple of the time of all the
tests on the clock, so that each would take minutes, and a busy machine would look like a loop.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

LIMIT = 10.0  # seconds
TIMED_OUT = 36  # mutmut's word for it, as an exit status

signal.signal(signal.SIGPROF, lambda *_: os._exit(TIMED_OUT))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
