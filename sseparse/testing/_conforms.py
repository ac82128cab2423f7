"""Run the conformance corpora on a parser in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["assert_conforms"]

# These families need a process of their own, or a parser with a limit.
_NOT_HERE = ("promptness", "limits", "growth")


def assert_conforms(parse: Callable[[Iterable[bytes]], Iterable[Any]]) -> None:
    r"""Assert that a parser gives the standard's answer for each stream of the conformance corpora.

    The parser gets each of the 1,186 streams whole, as the corpus cuts it, and byte by byte. The
    command ``sseparse conformance`` judges more: promptness, limits and growth.

    Args:
        parse: The parser. It is called with the chunks of one stream, an iterable of bytes, and
            returns an iterable of events. An event has the attributes, or as a dict the keys,
            ``type`` and ``data``, both str, and optionally ``last_event_id`` and ``retry``. If the
            iterable has attributes ``last_event_id`` and ``retry``, they are read at the end.

    Raises:
        AssertionError: An answer was wrong, or ``parse`` raised. The message names each family of
            streams with failures, how many of its streams passed, and the smallest that failed.

    >>> from sseparse import iter_events
    >>> from sseparse.testing import assert_conforms
    >>> assert_conforms(iter_events)
    """
    from .._conformance._cases import FAMILIES
    from .._conformance._in_process import InProcess
    from .._conformance._judge import judge
    from .._conformance._report import failures
    from .._conformance._subject import CannotRunError

    families = [family for family in FAMILIES if family.name not in _NOT_HERE]
    judging = judge(InProcess(parse), "the parser", families=families)
    try:
        judging.send(None)
    except StopIteration as ended:  # a coroutine that waits for nothing ends in this way
        report = ended.value
    except CannotRunError as error:
        raise AssertionError(str(error)) from error
    if report.failing:
        lines = ["the parser does not conform to the standard", *failures(report)]
        raise AssertionError("\n".join(lines))
