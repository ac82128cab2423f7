"""Count instructions for each event: ``python -m benchmarks.instructions``.

Other work of the machine and the layout of memory change times by 10 % and more. They change the
number of instructions by less than 1 %. So the number shows what a change did, and where the time
goes. It does not show how fast a parser is, because a cache miss does not count.

This needs valgrind. Each contestant runs twice for each case, with one parse and with several. The
difference is divided by the number of events, so the start of Python is not in it.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from .. import arguments
from ..contestants.contestant import BUILDS, builds
from ..contestants.peers import NODE, PEERS, peers
from . import measure
from .cases import CASES, expected

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMES = (1, 6)
# "1,234,567 (12.34%)  ./path/unicodeobject.c:ascii_decode [/usr/lib/libpython3.13.so]"
COUNT = re.compile(r"^ *([\d,]+) +\( *[\d.]+%\) +(.+?)(?: +\[.*\])?$", re.MULTILINE)
TOTAL = "PROGRAM TOTALS"
CASE = {case.name: case for case in CASES}


def parse(case: str, contestant: str, times: str) -> None:
    """Parse the stream of a case a given number of times; this runs under valgrind."""
    found = [each for each in builds() if each.name == contestant]
    if not found:
        found, missing = peers([contestant])
        if missing:
            sys.exit(f"{contestant}: {missing[contestant]}")
    blocks = CASE[case].blocks(CASE[case].units)
    chunks = CASE[case].chunks(blocks)
    for _ in range(int(times)):
        measure.consume(found[0], chunks)


def count(case: str, contestant: str) -> Counter[str]:
    """Return the instructions for each event by function, and their sum as ``TOTAL``.

    Raises:
        OSError: valgrind, or its callgrind_annotate, does not run.
        subprocess.CalledProcessError: The program under valgrind failed.
    """
    once, several = (_counts(_callgrind(case, contestant, times)) for times in TIMES)
    events, _ = expected(CASE[case].blocks(CASE[case].units))
    parses = (TIMES[1] - TIMES[0]) * events
    return Counter(
        {
            name: round((several[name] - once[name]) / parses)
            for name in several.keys() | once.keys()
        }
    )


def _callgrind(case: str, contestant: str, times: int) -> str:
    """Return the output of callgrind_annotate for the given number of parses."""
    program = "import sys; from benchmarks.parsers.instructions import parse; parse(*sys.argv[1:])"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "callgrind.out")
        valgrind = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"]
        subprocess.run(
            [*valgrind, sys.executable, "-c", program, case, contestant, str(times)],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        annotate = ["callgrind_annotate", "--auto=no", "--threshold=100", str(out)]
        return subprocess.run(annotate, check=True, stdout=subprocess.PIPE, text=True).stdout


def _counts(annotated: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for number, name in COUNT.findall(annotated):
        counts[name.rpartition("/")[2]] += int(number.replace(",", ""))
    return counts


def main(given: Sequence[str] | None = None) -> int:
    options = _options(given)
    for case in options.cases:
        for contestant in options.contestants:
            try:
                counts = count(case, contestant)
            except OSError as error:
                print(f"valgrind is needed: {error}", file=sys.stderr)
                return 1
            except subprocess.CalledProcessError as error:
                print(f"{case}, {contestant}: exit status {error.returncode}", file=sys.stderr)
                return 1
            total = counts.pop(TOTAL)
            print(f"{case}, {contestant}: {total:,} instructions an event", flush=True)
            for name, number in counts.most_common(options.functions):
                print(f"  {number:8,}  {name}", flush=True)
    return 0


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instructions",
        description="Count the instructions that parsers take for each event, with valgrind.",
    )
    contestants = [*BUILDS, *(name for name in PEERS if name != NODE)]
    parser.add_argument(
        "--cases",
        type=arguments.names(list(CASE)),
        default=["chat", "chat/evt"],
        metavar="NAME,...",
        help="cases of the benchmark (default: chat,chat/evt)",
    )
    parser.add_argument(
        "--contestants",
        type=arguments.names(contestants),
        default=[each.name for each in builds()],
        metavar="NAME,...",
        help="builds and peers (default: the installed builds)",
    )
    parser.add_argument(
        "--functions",
        type=arguments.positive,
        default=0,
        metavar="N",
        help="show the N functions that take the most (default: none)",
    )
    return parser.parse_args(given)
