"""Measure the parsing of events together with that of the JSON in their data.

    python -m benchmarks.json

Each build of sseparse is measured alone, then with each JSON library. All ratios are to httpx-sse
with json.loads. The typed rows decode into the classes of ``typed``, which have the fields that a
program reads; msgspec skips the others.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

from .. import arguments
from ..contestants.contestant import builds
from ..contestants.peers import YARDSTICK, peers
from .cases import CASES
from .header import header
from .measure import frozen, measure, spread
from .streams import anthropic, chat, tool_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..contestants.contestant import Contestant
    from .cases import Case
    from .measure import Result
    from .streams import Block

# The class in ``typed`` for the data of each stream.
TYPES: dict[Callable[[int], list[Block]], str] = {
    chat: "ChatChunk",
    tool_calls: "ChatChunk",
    anthropic: "ContentBlockDelta",
}
KNOWN = {case.name: case for case in CASES if case.blocks in TYPES}
DEFAULT = ("chat", "chat/evt", "anthropic", "tool-calls")
BASE = f"{YARDSTICK} + json"
LIBRARIES = ("orjson", "msgspec")


def contestants(case: Case) -> list[Contestant]:
    """Return the parsers alone and with the JSON libraries, for the data of that case.

    Raises:
        ImportError: A library or the yardstick is not installed.
    """
    orjson, msgspec = map(import_module, LIBRARIES)
    chunk = getattr(import_module(".typed", __package__), TYPES[case.blocks])
    yardstick, missing = peers([YARDSTICK])
    if missing:
        raise ModuleNotFoundError(name=YARDSTICK)

    def converted(text: str) -> Any:
        return msgspec.convert(json.loads(text), chunk)

    found = []
    for parser in [*yardstick, *builds()]:
        found.append(parser._replace(loop=_reading(parser), note=""))
        found.append(_decoding(parser, "json", json.loads))
        if parser.name != YARDSTICK:
            typed = msgspec.json.Decoder(chunk).decode
            found += [
                _decoding(parser, "orjson", orjson.loads),
                _decoding(parser, "msgspec", msgspec.json.decode),
                _decoding(parser, "msgspec, typed", typed, converted),
            ]
    return found


def _reading(parser: Contestant) -> Callable[[Iterable[bytes]], int]:
    def loop(chunks: Iterable[bytes]) -> int:
        count = 0
        for batch in parser.batches(chunks):
            for event in batch:
                _data = event.data
                count += 1
        return count

    return loop


def _decoding(
    parser: Contestant,
    library: str,
    decode: Callable[[str], Any],
    right: Callable[[str], Any] = json.loads,
) -> Contestant:
    """Return the parser with a loop that decodes the data of each event.

    Before it is timed, each decoded object is compared with that of ``right`` for the same data.
    """

    def loop(chunks: Iterable[bytes]) -> int:
        count = 0
        for batch in parser.batches(chunks):
            for event in batch:
                decode(event.data)
                count += 1
        return count

    def data(event: Any) -> str:
        decoded = decode(event.data)
        return event.data if decoded == right(event.data) else repr(decoded)

    return parser._replace(name=f"{parser.name} + {library}", loop=loop, data=data, note="")


def table(result: Result) -> str:
    """Return the times of one case, and the share of JSON in each."""
    case = result.case
    lines = [
        f"\n{case.name}: {case.about}; {result.events:,} events, {result.size:,} bytes",
        f"  {'':26} {'ns/event':>9} {'quartiles':>11} {f'to {BASE}':>22} {'JSON':>6}",
    ]
    for row in result.rows:
        if not row.seconds:
            lines.append(f"  {row.name:26} {row.fault}")
            continue
        times = spread(row.rounds())
        quartiles = f"{times.low / times.median - 1:+.0%} {times.high / times.median - 1:+.0%}"
        ratio = result.ratio(row.name, BASE)
        to_base = "-" if ratio is None else f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"
        # The time of the parser alone, to the time of both, within each round.
        alone = result.ratio(row.name, row.name.partition(" + ")[0])
        share = "" if alone is None or " + " not in row.name else f"{1 - alone.median:.0%}"
        lines.append(
            f"  {row.name:26} {times.median / result.events * 1e9:9,.0f} {quartiles:>11}"
            f" {to_base:>22} {share:>6} {row.fault}".rstrip()
        )
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = arguments.parser("benchmarks.json", __doc__)
    parser.add_argument(
        "--cases",
        type=arguments.names(list(KNOWN)),
        default=DEFAULT,
        metavar="NAME,...",
        help=f"{','.join(DEFAULT)} by default, of: {', '.join(KNOWN)}",
    )
    parser.add_argument(
        "--rounds", type=arguments.positive, default=9, metavar="N", help="9 by default"
    )
    options = parser.parse_args(given)
    try:
        measured = {KNOWN[name]: contestants(KNOWN[name]) for name in options.cases}
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed", file=sys.stderr)
        return 1
    names = ", ".join(each.name for each in builds())
    head = header(names, options.rounds, peers([YARDSTICK])[0], {})
    head |= {library: f"{library} {metadata.version(library)}" for library in LIBRARIES}
    print("\n".join(f"{name:20} {value}" for name, value in head.items()), flush=True)
    with frozen():
        for case, each in measured.items():
            print(table(measure(case, each, options.rounds, grown=())), flush=True)
    return 0
