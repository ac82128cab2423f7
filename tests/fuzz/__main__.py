"""Fuzz the parser, guided by coverage.

    pip install atheris
    python tests/fuzz FOUND tests/fuzz/corpus -max_len=200 -max_total_time=900

FOUND is a folder for the inputs that reach something new; it must exist. Without the kept corpus
the fuzzer begins with nothing. All options are libFuzzer's (``-help=1``); the dictionary is given.
An input that breaks the target is written to a file named crash-..., and this runs it again:

    python tests/fuzz crash-...

What was found goes into tests as an example of its own. What reaches more than the kept corpus does
may be added to it, as small as it gets:

    python tests/fuzz -merge=1 tests/fuzz/corpus FOUND

The source in this checkout is fuzzed, since a compiled parser shows no coverage.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    atheris = import_module("atheris")
    sys.path[:1] = [str(HERE.parents[1]), str(HERE.parent / "support"), str(HERE)]
    with atheris.instrument_imports(include=["sseparse"]):
        parser = import_module("sseparse._parser")
    check = import_module("target").check

    # From some length on the parser takes another way, and the compiled build has one of its own.
    # Inputs should stay short, so the second byte decides, by bits that the target makes no use of.
    assert {"COMPILED", "_SPLIT_FROM", "_LINES_PER_BLOCK"} <= vars(parser).keys()

    def check_one_way(given: bytes) -> None:
        second = int.from_bytes(given[1:2], "big")
        long = second >= 0x80
        vars(parser).update(
            COMPILED=bool(second & 0x40),
            _SPLIT_FROM=0 if long else sys.maxsize,
            _LINES_PER_BLOCK=2 if long else 99,
        )
        check(given)

    # The first word is the command by which libFuzzer starts itself again to merge or to minimise.
    command = [f"{sys.executable} {HERE}", f"-dict={HERE / 'dictionary'}", *sys.argv[1:]]
    atheris.Setup(command, check_one_way)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
