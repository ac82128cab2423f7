"""Builds of an earlier commit: made from a git checkout, and measured beside this one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import importable  # noqa: F401  before what it makes importable
import sseparse
from benchmarks.contestants.contestant import BEFORE_PACKAGE, before
from benchmarks.contestants.peers import BY_HAND, peers
from benchmarks.parsers import before as tool
from benchmarks.parsers import report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# One builds a commit.
pytestmark = pytest.mark.thorough

# A package of this name with an extension of its own, whose module takes whole blocks only.
INIT = """
from ._parser import NAME
__version__ = "0.0.7"
class Event:
    def __init__(self, data):
        self.type, self.data = NAME, data
def iter_events(chunks):
    for chunk in chunks:
        for block in chunk.decode().split("\\n\\n")[:-1]:
            yield Event(block.partition(": ")[2])
"""
EXTENSION = """
#include <Python.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_parser", NULL, -1, NULL};
PyMODINIT_FUNC
PyInit__parser(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddStringConstant(module, "NAME", "message") < 0) Py_CLEAR(module);
    return module;
}
"""
SETUP = """
import os
from setuptools import Extension, setup
assert os.environ["SSEPARSE_BUILD"] == "compiled"
setup(
    name="sseparse", version="0.0.7",
    packages=["sseparse"], package_data={"sseparse": ["py.typed"]},
    ext_modules=[Extension("sseparse._parser", ["sseparse/_parser.c"])],
)
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a git checkout with one commit of a small package."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path / "checkout"
    (root / "sseparse").mkdir(parents=True)
    for name, text in (
        ("setup.py", SETUP),
        ("sseparse/__init__.py", INIT),
        ("sseparse/_parser.c", EXTENSION),
        ("sseparse/py.typed", ""),
    ):
        (root / name).write_text(text)
    commit(root)
    return root


def commit(root: Path) -> None:
    def git(*arguments: str) -> None:
        options = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "core.hooksPath=none"]
        command = ["git", *options, "-c", "commit.gpgSign=false", *arguments]
        subprocess.run(command, cwd=root, check=True, capture_output=True)

    if not (root / ".git").exists():
        git("init")
    git("add", ".")
    git("commit", "-m", "A commit")


@pytest.fixture
def _imported_anew() -> Iterator[None]:
    """Remove the imported package, so that the next test does not see it."""
    yield
    for name in [each for each in sys.modules if each.partition(".")[0] == BEFORE_PACKAGE]:
        del sys.modules[name]


@pytest.mark.usefixtures("_imported_anew")
def test_a_commit_is_built_and_measured(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if missing := peers([BY_HAND])[1]:  # which needs a compiler, too
        pytest.skip(missing[BY_HAND])
    folder = tmp_path / "built"
    stale = folder / BEFORE_PACKAGE / "stale.py"
    stale.parent.mkdir(parents=True)
    stale.touch()
    name = tool.build("HEAD", folder, checkout)
    assert not stale.exists()
    assert (folder / BEFORE_PACKAGE / "py.typed").exists()

    contestant = before(folder)
    assert contestant.name == "before"
    assert contestant.version == f"sseparse 0.0.7, commit {name}"
    [[event]] = contestant.batches([b"data: a\n\n"])
    assert (event.type, event.data) == ("message", "a")
    assert not isinstance(event, sseparse.Event)
    assert str(folder) not in sys.path

    arguments = ["--cases", "chat/evt", "--builds", "pure", "--peers", "naive", "--rounds", "1"]
    assert report.main([*arguments, "--before", str(folder)]) == 0
    head, table = capsys.readouterr().out.split("\n\n")
    assert f"\nbefore               sseparse 0.0.7, commit {name}\n" in head
    assert "\n  before  " in table


@pytest.mark.usefixtures("_imported_anew")
def test_a_revision_that_cannot_be_built(checkout: Path, tmp_path: Path) -> None:
    folder = tmp_path / "built"

    with pytest.raises(tool.BuildError, match=r"rev-parse .*no-such\S*: exit status 128\n"):
        tool.build("no-such", folder, checkout)

    (checkout / "setup.py").write_text("raise SystemExit('no mypyc here')")
    commit(checkout)
    with pytest.raises(tool.BuildError, match="exit status 1\nno mypyc here"):
        tool.build("HEAD", folder, checkout)

    pure = "from setuptools import setup; setup(name='sseparse', packages=['sseparse'])"
    (checkout / "setup.py").write_text(pure)
    commit(checkout)
    with pytest.raises(tool.BuildError, match=r"the setup\.py of \w+ compiles nothing"):
        tool.build("HEAD", folder, checkout)

    (checkout / "setup.py").unlink()
    commit(checkout)
    with pytest.raises(tool.BuildError, match=r"has no package sseparse with a setup\.py"):
        tool.build("HEAD", folder, checkout)
    assert not folder.exists()


def test_the_output_of_the_command_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(revision: str, folder: Path) -> str:
        if revision == "old":
            raise tool.BuildError("it is too old")
        assert folder == tmp_path
        return "abc1234"

    monkeypatch.setattr(tool, "build", build)
    assert tool.main(["new", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / BEFORE_PACKAGE}: commit abc1234, compiled\n"
    assert tool.main(["old", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "cannot build old: it is too old\n"


def test_without_git(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tool.main(["HEAD", str(tmp_path / "built")]) == 1
    assert "git does not run: " in capsys.readouterr().err


@pytest.mark.usefixtures("_imported_anew")
def test_a_folder_without_a_build_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        report.main(["--before", str(tmp_path)])
    said = capsys.readouterr().err
    assert f"no build in {tmp_path}: No module named 'sseparse_before'; python -m" in said

    package = tmp_path / BEFORE_PACKAGE
    package.mkdir()
    (package / "__init__.py").write_text("from . import _parser\n")
    (package / "_parser.py").touch()
    with pytest.raises(SystemExit):
        report.main(["--before", str(tmp_path)])
    assert "it was not compiled for this Python" in capsys.readouterr().err
