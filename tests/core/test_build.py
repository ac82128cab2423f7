"""The choice of the build in _build.py, for each state of the files. test_builds.py runs builds."""

from __future__ import annotations

import sys
from importlib.machinery import FileFinder
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from running import CORE

if TYPE_CHECKING:
    from pathlib import Path

BUILD = CORE / "_build.py"
LIBRARY = "init_chosen____core____event"


def finder_after(
    monkeypatch: pytest.MonkeyPatch, folder: Path, library: str | None, pure: str | None
) -> object:
    """Run _build.py as chosen._core._build; return the folder's finder, or None if none was set."""
    package, core = ModuleType("chosen"), ModuleType("chosen._core")
    package.__path__, core.__path__ = [str(folder.parent)], [str(folder)]
    if library is not None:
        package._core__mypyc = ModuleType("chosen._core__mypyc")  # type: ignore[attr-defined]
        setattr(package._core__mypyc, library, None)
    monkeypatch.setitem(sys.modules, "chosen", package)
    monkeypatch.setitem(sys.modules, "chosen._core", core)
    if pure is None:
        monkeypatch.delenv("SSEPARSE_PURE", raising=False)
    else:
        monkeypatch.setenv("SSEPARSE_PURE", pure)
    monkeypatch.setattr(sys, "path_importer_cache", {})
    names = {"__name__": "chosen._core._build", "__package__": "chosen._core"}
    exec(compile(BUILD.read_text(encoding="utf-8"), str(BUILD), "exec"), names)
    return sys.path_importer_cache.get(str(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with the source and the extension of a module."""
    for name in ("_event.py", "_event.cpython-399.so", "_encode.py"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("pure", [None, "", "0"])
def test_the_extension_is_used(
    monkeypatch: pytest.MonkeyPatch, folder: Path, pure: str | None
) -> None:
    assert finder_after(monkeypatch, folder, LIBRARY, pure) is None


@pytest.mark.parametrize(
    ("library", "pure"),
    [(LIBRARY, "1"), (LIBRARY, "yes"), (None, ""), ("init_sseparse____core____event", "")],
)
def test_the_source_is_used(
    monkeypatch: pytest.MonkeyPatch, folder: Path, library: str | None, pure: str
) -> None:
    finder = finder_after(monkeypatch, folder, library, pure)
    assert isinstance(finder, FileFinder)
    found = finder.find_spec("_event")
    assert found is not None
    assert found.origin == str(folder / "_event.py")


@pytest.mark.parametrize("names", [["_event.py"], ["_event.pyc"], ["_event.so"], []])
def test_there_is_nothing_to_choose(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, names: list[str]
) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert finder_after(monkeypatch, tmp_path, None, "1") is None


def test_a_folder_that_cannot_be_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert finder_after(monkeypatch, tmp_path / "package.zip" / "_core", None, "") is None
