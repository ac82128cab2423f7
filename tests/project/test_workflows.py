"""The files and steps that the workflows, the hook and the pages name exist."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.contestants.peers import PEERS
from benchmarks.parsers.cases import CASES

ROOT = Path(__file__).parents[2]
SCRIPT = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
STEPS = set(re.findall(r"^    \[(\w+)\]=[\"']", SCRIPT, re.MULTILINE))
FILES = [
    *sorted((ROOT / ".github").rglob("*.*")),
    *(ROOT / name for name in (".pre-commit-config.yaml", ".readthedocs.yaml", "CONTRIBUTING.md")),
    ROOT / "docs" / "releasing.rst",
]
TEXT = "\n".join(file.read_text(encoding="utf-8") for file in FILES)


def test_the_steps_exist() -> None:
    listed = re.search(r"^MAIN=\((.*)\)\nSIDE=\((.*)\)\n(?:#.*\n)*BY_HAND=\((.*)\)$", SCRIPT, re.M)
    assert listed is not None
    assert set(" ".join(listed.groups()).split()) == STEPS
    named = re.findall(r"\.ci/run\"?((?: [a-z]+)+)$|`\.ci/run((?: [a-z]+)+)`", TEXT, re.MULTILINE)
    steps = {step for both in named for step in "".join(both).split()}
    assert {"lint", "playground", "unit"} <= steps <= STEPS


def test_the_files_exist() -> None:
    named = set(re.findall(r"(?<![\w/.])(?:docs|\.github|tests|sseparse)/[\w./-]*\w\.\w+", TEXT))
    assert {"docs/make_playground.py", "sseparse/__init__.py"} <= named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_cases_that_are_compared_exist() -> None:
    workflow = (ROOT / ".github" / "workflows" / "benchmarks.yml").read_text(encoding="utf-8")
    for option, known in (("peers", PEERS), ("cases", [case.name for case in CASES])):
        (names,) = re.findall(rf"--{option} (\S+)", workflow)
        assert set(names.split(",")) <= set(known)


def test_the_pythons_are_those_of_the_package() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    linux = workflow.partition("\n  linux:")[2].partition("\n  macos:")[0]
    listed = re.findall(r"^ {12}(3\.\d+)$", linux, re.MULTILINE)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    classifiers = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    # 3.15 is not released yet.
    assert sorted(listed) == sorted(set(classifiers) - {"3.15"})
