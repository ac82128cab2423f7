"""A pytest plugin: a slow test ends its mutant, and mutants are active in copies of the core, too.

A test that takes more than LIMIT of processor time ends its mutant. Most mutants that time out loop
for ever. mutmut's own limit is a multiple of the time of all the tests on the clock, so that each
would take minutes, and a busy machine would look like a loop.

mutmut knows a mutant by the module that its function is of. Tests that run copies of the core, to
take ways that the core itself does not take in pure Python, would find no mutant in them.
"""

from __future__ import annotations

import os
import re
import signal
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import CodeType, ModuleType

LIMIT = 20.0  # seconds
TIMED_OUT = 36  # mutmut's word for it, as an exit status

signal.signal(signal.SIGPROF, lambda *_: os._exit(TIMED_OUT))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    # No limit while mutmut records which functions a test calls, which takes several times as long,
    # and none while it runs the code as it is.
    has_mutant = os.environ.get("MUTANT_UNDER_TEST", "") not in ("", "stats")
    signal.setitimer(signal.ITIMER_PROF, LIMIT if has_mutant else 0)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


# What mutmut writes into a module before its first function.
MARK = "from mutmut.mutation.trampoline import "
# The functions of a copy are to be of the core. Its relative imports go by its __package__.
RENAME = '__name__ = "sseparse._core." + __name__.rpartition(".")[2]\n'


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    running: Any = import_module("running")
    load_copy = running.load_copy

    def load_mutable_copy(
        folder: object, name: str, change: Callable[[str], str] = str, **constants: str
    ) -> ModuleType:
        def renamed(source: str) -> str:
            return change(source.replace(MARK, RENAME + MARK, 1))

        copy: ModuleType = load_copy(folder, name, renamed, **constants)
        return copy

    running.load_copy = load_mutable_copy
    running.function_name = original_name


def original_name(code: CodeType) -> str:
    """Return the name in the source: mutmut calls a method xǁClassǁname__mutmut_1."""
    return re.sub(r"^x(ǁ\w+?ǁ|_)|__mutmut_\w+$", "", code.co_name)
