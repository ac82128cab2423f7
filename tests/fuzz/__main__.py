"""Fuzz the parser, guided by coverage.

    pip install atheris
    python tests/fuzz FOUND tests/fuzz/corpus -max_len=200 -max_total_time=900

FOUND is a folder for the inputs that reach new code; it must exist. Without the kept corpus the
fuzzer begins with nothing. All options are libFuzzer's (``-help=1``); this program adds the
dictionary. An input for which a check fails is written to a file named crash-..., and this runs it
again:

    python tests/fuzz crash-...

Add each found input to the tests as an example. This adds inputs that reach more than the kept
corpus, as small as possible:

    python tests/fuzz -merge=1 tests/fuzz/corpus FOUND

The program fuzzes the source in this checkout, or with ``--compiled`` as the first argument the
compiled package that is installed. Compiled code shows no coverage, so a copy of its source runs
beside it and guides the fuzzer. The step ``explore`` of ``.ci/run`` does that, on a build that
treats a few bytes as long input already.
"""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent


# What choose_way() sets, and the module of the core that reads it.
CONSTANTS = {
    "PLAIN": "_template",
    "RUN": "_template",
    "_SPAN": "_template",
    "SPLIT_FROM": "_lines",
    "SMALL": "_machine",
    "_PIECE": "_machine",
    "_SHORT": "_lines",
    "_LINES_TO_JOIN": "_interpreter",
    "_MAX_PAUSE": "_interpreter",
}


def choose_way(second: int) -> None:
    """Set the constants of the core by the second byte of an input.

    For long input the parser uses other functions, and the compiled build has its own. Inputs
    should stay short, so the second byte decides, by bits that the target does not use.
    """
    is_compiled = bool(second & 0x40)
    is_long = bool(second & 0x80)
    values = {
        "PLAIN": b"\n\ndata: " if is_compiled else b"",
        "RUN": -1 if is_compiled else 1 if is_long else 3,
        "_SPAN": 2 if is_long else 4,
        "SPLIT_FROM": sys.maxsize if is_compiled else 0 if is_long else 512,
        "SMALL": 0 if is_compiled else 512,
        "_PIECE": 32 if is_long else 64 * 1024,
        "_SHORT": 12 if is_long else 4096,
        "_LINES_TO_JOIN": 2 if is_long else 1024,
        "_MAX_PAUSE": 1 if is_long else 127,
    }
    for constant, module in CONSTANTS.items():
        names = vars(import_module(f"sseparse._core.{module}"))
        assert constant in names, constant
        names[constant] = values[constant]


def check_source(atheris: Any) -> Callable[[bytes], None]:
    """Return the target for the source in this checkout."""
    sys.path.insert(0, str(HERE.parents[1]))
    with atheris.instrument_imports(include=["sseparse"]):
        import_module("sseparse")
    check = import_module("target").check

    def check_one_way(given: bytes) -> None:
        choose_way(int.from_bytes(given[1:2], "big"))
        check(given)

    return check_one_way


def check_compiled(atheris: Any) -> Callable[[bytes], None]:
    """Return the target for the compiled package that is installed."""
    sse = import_module("sseparse")
    assert sse._core.COMPILED, f"{sse.__file__} is not compiled"
    with (
        tempfile.TemporaryDirectory() as folder,
        atheris.instrument_imports(include=["guide"]),
    ):
        # It uses the functions of the compiled build.
        guide = import_module("running").load_copy(Path(folder), "guide", COMPILED="True")
    check = import_module("target").check
    return lambda given: check(given, guide, sse)


def main() -> None:
    atheris = import_module("atheris")
    sys.path[:1] = [str(HERE.parent / "support"), str(HERE)]
    options = sys.argv[1:]
    is_compiled = options[:1] == ["--compiled"]
    target = (check_compiled if is_compiled else check_source)(atheris)
    # The first word is the command by which libFuzzer starts itself again to merge or to minimise.
    command = f"{sys.executable} {HERE}{' --compiled' * is_compiled}"
    atheris.Setup([command, f"-dict={HERE / 'dictionary'}", *options[is_compiled:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
