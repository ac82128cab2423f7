"""Makes the packages ``benchmarks`` and ``fuzz`` importable; import it before them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# By their paths: with the checkout on sys.path, its sseparse would hide an installed one, and with
# tests on it, tests/benchmarks could be taken for the package.
for _folder in (ROOT / "benchmarks", ROOT / "tests" / "fuzz"):
    _spec = importlib.util.spec_from_file_location(
        _folder.name,
        _folder / "__init__.py",
        submodule_search_locations=[str(_folder)],
    )
    assert _spec is not None
    # Once: pytest runs this module under a second name to look for doctests.
    sys.modules.setdefault(_folder.name, importlib.util.module_from_spec(_spec))
