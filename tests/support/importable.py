"""Make the packages ``benchmarks`` and ``fuzz`` importable; import this module before them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# They are imported by path. With the checkout on sys.path, Python would not find an installed
# sseparse, and with tests on sys.path, it could import tests/benchmarks as the package.
for _folder in (ROOT / "benchmarks", ROOT / "tests" / "fuzz"):
    _spec = importlib.util.spec_from_file_location(
        _folder.name,
        _folder / "__init__.py",
        submodule_search_locations=[str(_folder)],
    )
    assert _spec is not None
    # Only once, because pytest runs this module under a second name to look for doctests.
    sys.modules.setdefault(_folder.name, importlib.util.module_from_spec(_spec))
