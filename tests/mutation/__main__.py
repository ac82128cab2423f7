"""Change the code in small ways, one at a time, and check whether the tests fail.

    pip install -e '.[test,peers,mutation]'
    nice python tests/mutation                  # the core
    nice python tests/mutation testing          # sseparse.testing and the conformance runner
    nice python tests/mutation completions      # the protocol of completions
    nice python tests/mutation clients          # the blocking client, with HTTP/1.1

mutmut makes the changes ("mutants"); worker.py runs the tests on them. It needs CPython 3.12 or
newer, and fork. The core has some 2,300 mutants, which take about an hour on two processors. The
results stay in the folder ``mutants``:

    python tests/mutation --report              # print them again
    python tests/mutation --only '*encode*'     # run some again, with the current tests
    python tests/mutation testing --every 7     # a sample: each seventh mutant

A mutant for which all tests pass survives. It needs a test, or an entry in ``equivalent.txt`` with
the reason why no input shows the difference. The exit status is 1 if a survivor of the core has
neither, if an entry names a mutant that does not survive, or if the tests fail for too few of the
other mutants: 95 % in the core, 85 % elsewhere. A time-out does not count as a failed test.

mutmut does not change code outside functions, functions with a decorator, annotations, docstrings,
and calls of ``len`` and ``isinstance``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import sys
import tempfile
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mutations import Change, mutants_of
from worker import work

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = ROOT / "mutants"
ENTRY = re.compile(
    r"^ +(?P<function>\w\S*)$|(?P<old>(?:^ +- .*\n)+)(?P<new>(?:^ +\+ .*\n)*)", re.MULTILINE
)


class Part(NamedTuple):
    """Some modules, and the tests that must fail for their mutants."""

    files: tuple[str, ...]  # patterns of paths
    tests: tuple[str, ...]  # arguments of pytest
    share: float  # per cent of the mutants that are not equivalent
    is_explained: bool = True  # whether each survivor needs an entry in equivalent.txt
    seconds: float | None = None  # of tests that a mutant has to survive; None for all of them


ASYNC = "tests/clients/test_async_client.py"
RUNNER = "tests/conformance/test_conformance.py"
PARTS = {
    "core": Part(
        files=("sseparse/_core/*.py",),
        tests=(
            "tests/core",
            "--ignore=tests/core/test_builds.py",  # builds wheels, of which each has one core
            "--ignore=tests/core/test_recordings.py",
            "--deselect=tests/core/test_template.py::test_each_short_way_is_used",
        ),
        share=95,
    ),
    "testing": Part(
        files=("sseparse/testing/*.py", "sseparse/_conformance/*.py"),
        tests=(
            "tests/testing",
            "tests/conformance",
            # It asks for the smallest example, and here hypothesis does not look for it.
            "--deselect=tests/testing/test_testing.py::test_the_found_example_is_small",
            # Node reserves more memory than a mutant may have.
            f"--deselect={RUNNER}::test_the_adapter_for_node",
            # tests/conformance/test_judge.py does the same in this process, in a tenth of the time.
            f"--deselect={RUNNER}::test_a_planted_fault_is_found",
            f"--deselect={RUNNER}::test_the_parser_to_break_is_right",
            f"--deselect={RUNNER}::test_this_parser_passes_everything",
            f"--deselect={RUNNER}::test_state_that_a_parser_shares_between_streams_is_found",
        ),
        share=85,
        is_explained=False,
        seconds=12,
    ),
    "completions": Part(
        files=("sseparse/completions/*.py",),
        tests=(
            "tests/completions",
            "sseparse/completions",
            "--ignore=tests/completions/test_answers.py",
            "--ignore=tests/completions/test_llama_cpp.py",
            # It starts a process.
            "--deselect=tests/completions/test_verdicts.py::test_the_protocol_loads_no_transport",
        ),
        share=85,
        is_explained=False,
        seconds=12,
    ),
    "clients": Part(
        files=(
            "sseparse/_clients/*.py",
            "sseparse/_clients/_http/*.py",
            "sseparse/_http1/*.py",
        ),
        tests=(
            "tests/http",
            "tests/clients",
            "sseparse/_clients",
            "sseparse/_http1",
            # The same answers as in tests/completions, once more for each client.
            "--ignore=tests/clients/test_both_captures.py",
            "--ignore=tests/clients/test_both_llama_cpp.py",
            "-k=not uvloop",  # the same tests as in asyncio's own event loop
            # It uses the signal that ends a mutant's time.
            "--deselect=tests/http/test_pool.py::test_a_signal_that_raises_anywhere",
            # They start processes.
            "--deselect=tests/http/test_requests.py::test_exit_in_a_stream",
            "--deselect=tests/http/test_requests.py::test_the_core_does_not_load_the_client",
            "--deselect=tests/http/test_requests.py::test_without_the_extra",
            "--deselect=tests/http/test_pool.py::test_fork",
            "--deselect=tests/http/test_pool.py::test_exit_with_an_open_stream",
            "--deselect=tests/http/test_pool.py::test_urllib3_future_is_recognised",
            f"--deselect={ASYNC}::test_without_the_extra",
            f"--deselect={ASYNC}::test_each_client_loads_its_own_transport_only",
            f"--deselect={ASYNC}::test_a_client_that_is_not_closed_warns",
        ),
        share=85,
        is_explained=False,
        seconds=25,
    ),
}


def explained() -> list[Change]:
    """Read equivalent.txt: the reasons, which are not indented, and the changes, which are.

    Below a function's name are lines of its code, each after a minus. Below each of these are the
    lines of its mutants, each after a plus. A mutant of several lines has all of them.
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


def files_of(part: Part) -> Iterator[str]:
    for pattern in part.files:
        for path in sorted(ROOT.glob(pattern)):
            yield path.relative_to(ROOT).as_posix()


def run(name: str, patterns: list[str], every: int, jobs: int) -> Iterator[tuple[str, list[str]]]:
    """Run the tests on the mutants whose names match; yield name, and status, test and change."""
    part = PARTS[name]
    known = set(explained())
    mutants = [
        (mutant, mutant.change in known)
        for file in files_of(part)
        for mutant in mutants_of(ROOT, file)
        if any(fnmatch(mutant.name, pattern) for pattern in patterns)
    ][::every]
    print(f"{len(mutants)} mutants", flush=True)
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    taken = context.Value("i", 0)

    def take() -> int:
        with taken.get_lock():
            index: int = taken.value
            taken.value += 1
        return index

    changes = {mutant.name: str(mutant.change) for mutant, _ in mutants}
    costs = RESULTS / f"{name}.costs"
    measuring = context.Lock()
    with tempfile.TemporaryDirectory() as folder:
        workers = [
            context.Process(
                target=work,
                args=(ROOT, Path(folder, str(number)), part.tests),
                kwargs={
                    "mutants": mutants,
                    "take": take,
                    "results": results,
                    "costs": costs,
                    "measuring": measuring,
                    "seconds": part.seconds,
                },
            )
            for number in range(jobs)
        ]
        for worker in workers:
            worker.start()
        running = len(workers)
        while running:
            result = results.get()
            if result is None:
                running -= 1
            elif isinstance(result, str):
                sys.exit(result)
            else:
                yield result.name, [result.status, result.test, changes[result.name]]
        for worker in workers:
            worker.join()


def report(part: Part, results: dict[str, list[str]], *, is_sample: bool) -> bool:
    """Print the results and what is left to do; return whether nothing is."""
    modules = [
        file.removeprefix("sseparse/").removesuffix(".py").replace("/", ".")
        for file in files_of(part)
    ]
    left = Counter(
        str(change)
        for change in explained()
        if any(change.function.startswith(module + ".") for module in modules)
    )
    totals = Counter(status for status, _, _ in results.values())
    equivalent = 0
    good = True
    for name, (status, test, change) in results.items():
        if status == "killed":
            continue
        if status == "survived" and left[change]:
            left[change] -= 1
            equivalent += 1
        elif status == "timeout":
            print(f"Timed out: {name}, in {test}\n{change}\n")
        else:
            print(f"To be killed or explained: {name}, {status}\n{change}\n")
            good = good and not part.is_explained
    for text in left.elements() if not is_sample else ():
        print(f"In equivalent.txt, and did not survive:\n{text}\n")
        good = False

    print(f"{len(results)} mutants:", ", ".join(f"{n} {status}" for status, n in totals.items()))
    share = 100 * totals["killed"] / (len(results) - equivalent)
    print(f"{equivalent} of those that survived are equivalent; {share:.1f} % of the others killed")
    return good and share >= part.share


def main() -> None:
    options = argparse.ArgumentParser(
        prog="python tests/mutation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.formatter_class = argparse.RawDescriptionHelpFormatter
    options.add_argument("part", nargs="?", default="core", choices=PARTS)
    options.add_argument(
        "--only", metavar="PATTERN", nargs="+", help="run only mutants with these names"
    )
    options.add_argument("--every", metavar="N", type=int, default=1, help="run each Nth mutant")
    options.add_argument("--report", action="store_true", help="only print the results")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = options.parse_args()
    file = RESULTS / f"{arguments.part}.json"
    results: dict[str, list[str]] = {}
    if arguments.only or arguments.report:
        results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    else:
        (RESULTS / f"{arguments.part}.costs").unlink(missing_ok=True)
    if not arguments.report:
        RESULTS.mkdir(exist_ok=True)
        found = run(arguments.part, arguments.only or ["*"], arguments.every, arguments.jobs)
        for count, (name, result) in enumerate(found, 1):
            results[name] = result
            if result[0] != "killed" or count % 50 == 0:
                print(f"{count}: {result[0]} {name} {result[1]}", flush=True)
                file.write_text(json.dumps(results, indent=1), encoding="utf-8")
        file.write_text(json.dumps(results, indent=1), encoding="utf-8")
    if not results:
        sys.exit("there are no results")
    part = PARTS[arguments.part]
    sys.exit(not report(part, results, is_sample=arguments.every > 1))


if __name__ == "__main__":
    main()
