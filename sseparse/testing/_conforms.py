"""The conformance corpora for a parser in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["assert_conforms"]

# The families that are not about what a stream means: they need a process, or a limit.
_NOT_HERE = ("promptness", "limits", "growth")


def assert_conforms(parse: Callable[[Iterable[bytes]], Iterable[Any]]) -> None:
    r"""Assert that a parser gives the standard's answer for each stream of the conformance corpora.

    There are 2,657 streams. Each is given whole, as the corpus cuts it, and byte by byte. The
    command ``sseparse conformance`` judges more: promptness, limits and growth.

    Args:
        parse: Takes the chunks of one stream, an iterable of bytes, and returns an iterable of
            events. Each has attributes, or in a dict keys, ``type`` and ``data``, both str, and
            ``last_event_id`` and ``retry`` where the parser knows them. If what is returned has
            attributes ``last_event_id`` and ``retry``, they are read at the end.

    Raises:
        AssertionError: An answer was wrong, or ``parse`` raised. It names each family of streams
            that has failures, how many of its streams passed, and the smallest that did not.

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
    except StopIteration as ended:  # how a coroutine ends that waits for nothing
        report = ended.value
    except CannotRunError as error:
        raise AssertionError(str(error)) from error
    if report.failing:
        lines = ["the parser does not conform to the standard", *failures(report)]
        raise AssertionError("\n".join(lines))
