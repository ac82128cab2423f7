"""Run the tests on one mutant after the other, each in a fork of one process.

A worker has collected the tests, in a copy of the checkout of its own. To make a mutant active it
writes the mutated module there, for tests that start other processes or copy the core, and gives
the function that is already imported the mutated code.

The order of the tests makes most of the speed: first those that killed the last mutants of the same
function and of the same module, then the quickest ones. Only tests that call the function are run.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import threading
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from pickle import dump, load
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from multiprocessing.queues import SimpleQueue

    from mutations import Mutant

# A test that takes more than this ends its mutant, because most of these loop forever. The slowest
# test of the core takes a fifth of it.
PROCESSOR_LIMIT = 10.0  # seconds of processor time
CLOCK_LIMIT = 90.0  # seconds; for tests that wait for other processes
# A mutant that appends without end must fail before the machine has no memory.
MEMORY = 2 * 1024**3  # bytes
# A mutant that equivalent.txt explains sees tests of this time only, and no others.
EXPLAINED_LIMIT = 4.0  # seconds

# Tests of up to this time come before the others, except for those that share a copy of the core:
# these come before all where they take less than the other time together.
QUICK = 0.05  # seconds
QUICK_GROUP = 1.0  # seconds
# The exit status of a fork that a test has failed in, and of one that the runner itself has.
KILLED = 1
BROKEN = 3
LEFT_OUT = (".git", ".*_cache", ".hypothesis", "*.so", "*.egg-info", "build", "dist", "mutants")


class Result(NamedTuple):
    name: str  # of the mutant
    status: str  # "killed", "timeout", "survived", "no tests"
    test: str  # which ended it


class Cost(NamedTuple):
    """The time of a test on the unchanged code, and the functions that it calls."""

    seconds: float
    functions: frozenset[tuple[str, str]]  # path and name of those that it calls


def work(
    root: Path,
    tree: Path,
    arguments: Sequence[str],
    mutants: Sequence[tuple[Mutant, bool]],  # and whether equivalent.txt explains it
    take: Callable[[], int],  # returns the next index into the mutants
    results: SimpleQueue[Result | str | None],
    costs: Path,
    measuring: AbstractContextManager[object],  # one worker at a time
    seconds: float | None,  # of tests for a mutant
) -> None:
    """Copy the checkout to the folder ``tree`` and run the tests on mutants there."""
    shutil.copytree(root, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
    os.chdir(tree)
    os.environ["PYTHONPATH"] = str(tree)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ["HYPOTHESIS_PROFILE"] = "mutation"
    sys.dont_write_bytecode = True
    sys.path[0] = str(tree)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    threading.stack_size(1 << 20)  # so that many threads find a place below that limit
    with open(os.devnull, "w") as nothing:  # noqa: PTH123
        for stream in (1, 2):
            os.dup2(nothing.fileno(), stream)
    plugin = Worker(tree, mutants, take, results, costs, measuring, seconds)
    # The default would be shared with all other runs of pytest, which delete old folders there.
    options = ["-q", "-m", "", "-p", "no:cacheprovider", f"--basetemp={tree}.tmp"]
    status = pytest.main([*options, *arguments], plugins=[plugin])
    if status != 0:
        results.put(f"pytest ended with {status}")
    results.put(None)


class Worker:
    """A pytest plugin that runs the tests once for each mutant."""

    def __init__(
        self,
        tree: Path,
        mutants: Sequence[tuple[Mutant, bool]],
        take: Callable[[], int],
        results: SimpleQueue[Result | str | None],
        costs: Path,
        measuring: AbstractContextManager[object],
        seconds: float | None,
    ) -> None:
        self._tree = tree
        self._mutants = mutants
        self._take = take
        self._results = results
        self._file = costs
        self._measuring = measuring
        self._seconds = seconds
        self._costs: dict[str, Cost] = {}
        # The tests that killed mutants of a file and of a function, the last one first.
        self._killers: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._items: list[Any] = []
        self._failed = ""  # the test that did, in a fork

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self._failed = f"{report.nodeid}: {report.longreprtext}"

    def pytest_runtestloop(self, session: Any) -> bool:
        self._items = list(session.items)
        with self._measuring:
            if self._file.exists():
                with self._file.open("rb") as file:
                    self._costs = load(file)
            if any(item.nodeid not in self._costs for item in self._items):
                status, answer = forked(self._measure)
                if status != 0:
                    self._results.put(f"On the code as it is, {status}: {answer.decode()}")
                    return True
                with self._file.open("rb") as file:
                    self._costs = load(file)
        while (index := self._take()) < len(self._mutants):
            self._results.put(self._judge(*self._mutants[index]))
        return True

    def _measure(self, write: Callable[[bytes], None]) -> None:
        """Run the tests that are not measured yet on the unchanged code; record what each calls."""
        called: set[CodeType] = set()
        files = {
            file.relative_to(self._tree).as_posix() for file in self._tree.glob("sseparse/**/*.py")
        }
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]
        monitoring.use_tool_id(monitoring.COVERAGE_ID, "mutation")

        def on_start(code: CodeType, _: int) -> object:
            called.add(code)
            return monitoring.DISABLE

        monitoring.register_callback(monitoring.COVERAGE_ID, monitoring.events.PY_START, on_start)
        monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.PY_START)
        items = [item for item in self._items if item.nodeid not in self._costs]
        for item, following in with_next(items):
            called.clear()
            monitoring.restart_events()
            start = processor_time()
            run(item, following)
            assert not self._failed, self._failed
            seconds = processor_time() - start
            places = (self._place(code) for code in called.copy())
            functions = frozenset(each for each in places if each[0] in files)
            self._costs[item.nodeid] = Cost(seconds, functions)
        with self._file.open("wb") as file:
            dump(self._costs, file)
        write(b"measured")

    def _place(self, code: Any) -> tuple[str, str]:
        """Return the path and the name of a function; a copy of the core counts as the core."""
        file = Path(code.co_filename)
        if file.is_relative_to(self._tree):
            path = file.relative_to(self._tree).as_posix()
        else:
            path = f"sseparse/_core/{file.name}"
        return path, code.co_qualname.partition(".<locals>")[0]

    def _judge(self, mutant: Mutant, is_explained: bool) -> Result:
        key = (mutant.file, mutant.qualname)
        tests = self._ordered(key, EXPLAINED_LIMIT if is_explained else self._seconds)
        if not tests:
            return Result(mutant.name, "no tests", "")

        def all_tests(write: Callable[[bytes], None]) -> None:
            write(b"its import\0")
            activate(mutant)
            for item, following in with_next(tests):
                write(item.nodeid.encode() + b"\0")
                try:
                    run(item, following)
                except (KeyboardInterrupt, SystemExit):  # pytest does not catch these
                    os._exit(KILLED)
                if self._failed:
                    os._exit(KILLED)

        file = self._tree / mutant.file
        before = file.stat()
        original = file.read_bytes()
        file.write_text(mutant.source, encoding="utf-8")
        try:
            status, answer = forked(all_tests)
        finally:
            file.write_bytes(original)
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        *_, last, error = answer.decode().split("\0")
        if status == BROKEN:
            raise RuntimeError(f"{mutant.name}: {error}")
        if status == 0:
            return Result(mutant.name, "survived", "")
        if -status in (signal.SIGPROF, signal.SIGALRM):
            return Result(mutant.name, "timeout", last)
        for killers in (self._killers[key], self._killers[key[0], ""]):
            if last in killers:
                killers.remove(last)
            killers.insert(0, last)
        return Result(mutant.name, "killed", last)

    def _ordered(self, key: tuple[str, str], limit: float | None) -> list[Any]:
        """Return the tests of a function, in the order that finds a mutant soon."""
        costs = self._costs
        mine = [item for item in self._items if key in costs[item.nodeid].functions]
        groups: dict[str, float] = defaultdict(float)
        for item in mine:
            groups[group(item)] += costs[item.nodeid].seconds
        order: dict[str, tuple[Any, ...]] = {}
        for place, item in enumerate(mine):
            seconds, all_seconds = costs[item.nodeid].seconds, groups[group(item)]
            if group(item):
                rank = 2 if all_seconds < QUICK_GROUP else 4
                order[item.nodeid] = (rank, all_seconds, group(item), place)
            else:
                order[item.nodeid] = (3 if seconds < QUICK else 4, seconds)
        for rank, killers in enumerate([self._killers[key][:5], self._killers[key[0], ""][:10]]):
            for place, nodeid in enumerate(killers):
                if nodeid in order:
                    order[nodeid] = min(order[nodeid], (rank, place))
        mine.sort(key=lambda item: order[item.nodeid])
        if limit is not None:
            seconds = 0.0
            for count, item in enumerate(mine):
                seconds += costs[item.nodeid].seconds
                if seconds > limit:
                    return mine[: max(count, 1)]
        return mine


def group(item: Any) -> str:
    """Return the group of a test: the tests that share a copy of the core; "" for no copy.

    A new copy is made if a test of another group runs between two of a group.
    """
    if not {"way", "core", "cores"} & set(item.fixturenames):
        return ""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return f"{item.path} {parameters.get('way')} {parameters.get('core')}"


def with_next(items: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(items, [*items[1:], None], strict=True)


def run(item: Any, following: Any) -> None:
    signal.setitimer(signal.ITIMER_PROF, PROCESSOR_LIMIT)
    signal.setitimer(signal.ITIMER_REAL, CLOCK_LIMIT)
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)


def processor_time() -> float:
    """Return the seconds of this process, and of those that it has waited for."""
    return sum(os.times()[:4])


def forked(function: Callable[[Callable[[bytes], None]], None]) -> tuple[int, bytes]:
    """Call a function in a fork; return the exit status, or less a signal, and what it wrote."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)  # with all that the tests start
        os.close(reading)
        os.set_inheritable(writing, False)

        def write(data: bytes) -> None:
            while data:
                data = data[os.write(writing, data) :]

        try:
            function(write)
        except BaseException as error:
            write(repr(error).encode())
            os._exit(BROKEN)
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123
        answer = pipe.read()
    _, status = os.waitpid(pid, 0)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(status), answer


def activate(mutant: Mutant) -> None:
    """Give the imported function the code of the mutant."""
    name = Path(mutant.file).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    module = sys.modules.get(name)
    if module is None:
        return  # it will be imported from the file
    names: dict[str, Any] = {
        key: value for key, value in vars(module).items() if key.startswith("__")
    }
    try:
        exec(compile(mutant.source, str(module.__file__), "exec"), names)
    except Exception:
        os._exit(KILLED)  # nothing that imports the package could run
    live, mutated = function_of(vars(module), mutant), function_of(names, mutant)
    if live is not None:  # else another one has taken its name, and only copies of the core have it
        assert mutated is not None
        live.__code__ = mutated.__code__
        live.__defaults__ = mutated.__defaults__
        live.__kwdefaults__ = mutated.__kwdefaults__


def function_of(names: dict[str, Any], mutant: Mutant) -> FunctionType | None:
    class_name, _, name = mutant.qualname.rpartition(".")
    found = vars(names[class_name])[name] if class_name else names[name]
    found = getattr(found, "__func__", found)  # of a static method or a class method
    return found if isinstance(found, FunctionType) else None
