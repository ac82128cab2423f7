"""Change the core in small ways, one at a time, and see whether the tests notice.

    pip install -e '.[test,mutation]'
    nice python tests/mutation

mutmut makes the changes ("mutants", some 2,200) and runs the tests that setup.cfg names for it,
which takes hours on two cores; it needs fork. Its results stay in the folder ``mutants``:

    python tests/mutation --report              # tell them again
    mutmut show NAME                            # one mutant, as a diff
    python tests/mutation 'sseparse._core._encode*'   # try some again, with the tests of now

A mutant that survives asks for a test, or for an entry in ``equivalent.txt`` with the reason why no
input can tell it from the code. The exit status is 1 where one has neither, where an entry names a
mutant that does not survive, and where less than 95 % of those that are not equivalent are killed;
to time out is not to be killed.

mutmut leaves alone what stands outside of functions, properties, annotations, docstrings, and calls
of ``len`` and ``isinstance``.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ENOUGH = 95.0  # per cent
# A mutant that appends without end must break before the machine does.
MEMORY = 2 * 1024**3  # bytes
ENTRY = re.compile(
    r"^ +(?P<function>\w\S*)$|(?P<old>(?:^ +- .*\n)+)(?P<new>(?:^ +\+ .*\n)*)", re.MULTILINE
)


class Change(NamedTuple):
    """A mutant as equivalent.txt writes it: its number would not outlive the next change."""

    function: str
    lines: tuple[str, ...]  # those of the diff, without their indentation

    def __str__(self) -> str:
        return "\n".join(f"    {line}" for line in (self.function, *self.lines))


def explained() -> list[Change]:
    """Read equivalent.txt: what is not indented says why, what is indented of which changes.

    Below a function's name stand lines of its code, each after a minus, and below each what mutants
    make of it, each after a plus. A mutant of several lines stands there with all of them.
    """
    changes = []
    function = ""
    text = (HERE / "equivalent.txt").read_text(encoding="utf-8")
    for found in ENTRY.finditer(text):
        if found["function"]:
            function = found["function"]
            continue
        old, new = ([line.strip() for line in found[part].splitlines()] for part in ("old", "new"))
        mutants = [[*old, line] for line in new] if len(old) == 1 and new else [old + new]
        changes += [Change(function, tuple(lines)) for lines in mutants]
    return changes


def mutmut(*arguments: str) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def change(name: str) -> Change:
    """Return what a mutant changes."""
    diff = mutmut("show", name).splitlines()
    lines = [
        f"{line[0]} {line[1:].strip()}"
        for line in diff
        if line.startswith(("-", "+")) and not line.startswith(("---", "+++"))
    ]
    # sseparse._core._machine.xǁMachineǁfeed__mutmut_1 or sseparse._core._encode.x__lines__mutmut_1
    function = name.rpartition("__mutmut_")[0].removeprefix("sseparse.").replace(".xǁ", ".")
    return Change(function.replace("ǁ", ".").replace(".x_", "."), tuple(lines))


def report() -> bool:
    """Print what came of the mutants and what is left to do; return whether that is nothing."""
    results = [line.strip().split(": ") for line in mutmut("results", "--all", "1").splitlines()]
    totals = Counter(status for _, status in results)
    left = Counter(explained())
    equivalent = 0
    good = True
    for name, status in results:
        if status == "killed":
            continue
        changed = change(name)
        if status == "survived" and left[changed]:
            left[changed] -= 1
            equivalent += 1
        elif status == "timeout":
            print(f"Timed out: {name}\n{changed}\n")
        else:
            print(f"To be killed or explained: {name}, {status}\n{changed}\n")
            good = False
    for changed in left.elements():
        print(f"In equivalent.txt, and did not survive:\n{changed}\n")
        good = False

    print(f"{len(results)} mutants:", ", ".join(f"{n} {status}" for status, n in totals.items()))
    share = 100 * totals["killed"] / (len(results) - equivalent)
    print(f"{equivalent} of those that survived are equivalent; {share:.1f} % of the others killed")
    return good and share >= ENOUGH


def main() -> None:
    os.chdir(ROOT)
    names = sys.argv[1:]
    if names != ["--report"]:
        if not names:
            shutil.rmtree("mutants", ignore_errors=True)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        # With names, mutmut first runs the tests one by one on the code as it is. Without, it would
        # not notice that it cannot name one of them, and take the error that gives for a kill.
        command = [sys.executable, "-m", "mutmut", "run", *(names or ["*"])]
        subprocess.run(command, check=True)
    sys.exit(not report())


if __name__ == "__main__":
    main()
