"""Choose the parsers to run, and run them."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ._judge import Report, judge, silent
from ._peers import PEERS
from ._subject import CannotRunError, Subject, command_line, python_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Target", "against", "command", "peers", "run"]

_NODE = "eventsource-parser"
_NODE_NOTE = (
    "Bytes go through the platform's TextDecoder, as its documentation shows. An event carries the "
    "ID of its own block; the last one is kept, as a client would."
)


class Target(NamedTuple):
    """Describe a parser to run: its name, its command, and a note on differences in meaning."""

    name: str
    command: Sequence[str]
    note: str = ""


def against(name: str) -> Target:
    """Return the target for a ready adapter's name, or for MODULE:FUNCTION.

    Raises:
        ValueError: The name is neither.
    """
    if name == _NODE:
        adapter = Path(__file__).with_name("eventsource_parser.mjs")
        return Target(name, ["node", str(adapter)], _NODE_NOTE)
    if name in PEERS:
        return Target(name, python_command(name), PEERS[name].note)
    if ":" not in name:
        known = ", ".join([*PEERS, _NODE])
        raise ValueError(f"{name!r} is neither MODULE:FUNCTION nor one of {known}")
    return Target(name, python_command(name))


def command(text: str) -> Target:
    """Return the target for a command line.

    Raises:
        ValueError: The command is empty, or a quotation is not closed.
    """
    split = command_line(text)
    if not split:
        raise ValueError("the command is empty")
    return Target(text, split)


def peers() -> list[Target]:
    """Return all ready adapters, this parser's own first."""
    return [against(name) for name in (*PEERS, _NODE)]


def run(
    targets: Iterable[Target], progress: Callable[[str], None] = silent
) -> tuple[list[Report], dict[str, str]]:
    """Run the parsers; return their reports, and for those that cannot be run the reasons by name.

    ``progress`` is called with the name of the parser and the family that are run next.
    """
    reports: list[Report] = []
    missing: dict[str, str] = {}
    for target in targets:
        try:
            reports.append(asyncio.run(_run(target, progress)))
        except CannotRunError as error:
            missing[target.name] = str(error)
    return reports, missing


async def _run(target: Target, progress: Callable[[str], None]) -> Report:
    def family(name: str) -> None:
        progress(f"{target.name}: {name}")

    subject = Subject(target.command)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(subject.stop)
        return await judge(subject, target.name, target.note, progress=family)
