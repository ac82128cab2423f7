"""The mutants of a module, as mutmut makes them: each is one small change of one function.

mutmut writes all mutants of a module into one file, in which each call looks up the mutant that is
active. That makes the tests several times slower. Here each mutant is a module of its own instead,
which is the original but for the lines of one function.
"""

from __future__ import annotations

import ast
import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# mutmut calls the functions xǁClassǁname__mutmut_1 and x_name__mutmut_1, and the original
# x_name__mutmut_orig.
NAME = re.compile(r"x(?:ǁ(\w+?)ǁ|_)(\w+)__mutmut_(\d+)")


class Change(NamedTuple):
    """A mutant as equivalent.txt writes it, because numbers differ after the next change."""

    function: str
    lines: tuple[str, ...]  # those of the diff, without their indentation and comments

    def __str__(self) -> str:
        return "\n".join(f"    {line}" for line in (self.function, *self.lines))


class Mutant(NamedTuple):
    """One change of one function."""

    file: str  # as a path from the root of the checkout
    qualname: str  # of the function, in its module
    number: int
    change: Change
    source: str  # of the whole module

    @property
    def name(self) -> str:
        return f"{self.change.function}-{self.number}"


def mutants_of(root: Path, file: str) -> Iterator[Mutant]:
    """Yield all mutants of a module."""
    # Imported here, since pytest looks for doctests in this module where there is no mutmut.
    from mutmut.mutation.file_mutation import mutate_file_contents

    source = (root / file).read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    places = dict(_functions(source))
    module = ".".join(Path(file).with_suffix("").parts[1:])
    mutated = mutate_file_contents(file, source).code
    mutated_lines = mutated.splitlines(keepends=True)
    for mangled, (start, end) in _functions(mutated):
        found = NAME.fullmatch(mangled.rpartition(".")[2])
        if found is None:
            continue
        class_name, name, number = found.groups()
        qualname = f"{class_name}.{name}" if class_name else name
        first, last = places[qualname]
        before = lines[first:last]
        after = mutated_lines[start:end]
        after[0] = after[0].replace(found[0], name, 1)
        diff = [
            f"{line[0]} {line[1:].partition('  # ')[0].strip()}"
            for line in difflib.unified_diff(before, after, n=0)
            if line.startswith(("-", "+")) and not line.startswith(("---", "+++"))
        ]
        change = Change(f"{module}.{qualname}", tuple(diff))
        yield Mutant(
            file, qualname, int(number), change, "".join([*lines[:first], *after, *lines[last:]])
        )


def _functions(source: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the name and the range of lines of each function and method, without decorators."""
    bodies = [("", ast.parse(source).body)]
    for prefix, body in bodies:
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert node.end_lineno is not None
                yield prefix + node.name, (node.lineno - 1, node.end_lineno)
            elif isinstance(node, ast.ClassDef):
                bodies.append((f"{node.name}.", node.body))
