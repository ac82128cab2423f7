"""Run the examples of the pages, which are doctests, in an empty folder and with the recipes."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

# Sphinx's settings, scripts, and the recipes, which import libraries that may not be installed.
# tests/project/test_recipes.py tests these.
collect_ignore = ["conf.py", "recipes"]
collect_ignore_glob = ["make_*.py"]


# Pages whose examples run the strategies or the corpora for more than a second.
THOROUGH = {"testing.rst", "pytest.rst", "measure.rst"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the doctests of these pages, which cannot mark themselves."""
    for item in items:
        if item.path.name in THOROUGH:
            item.add_marker(pytest.mark.thorough)


@pytest.fixture(autouse=True)
def _surroundings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, doctest_namespace: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for recipe, function in (("lint", "lint"), ("raw", "raw_blocks"), ("decoder", "decode")):
        defined = runpy.run_path(str(Path(__file__).parent / "recipes" / f"{recipe}.py"))
        doctest_namespace[function] = defined[function]
