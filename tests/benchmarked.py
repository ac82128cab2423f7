"""Makes the folder ``benchmarks`` importable, for the tests of it; import this before it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

# By its path: with the checkout on sys.path, its sseparse would hide an installed one.
_spec = importlib.util.spec_from_file_location(
    "benchmarks",
    ROOT / "benchmarks/__init__.py",
    submodule_search_locations=[str(ROOT / "benchmarks")],
)
assert _spec is not None
sys.modules["benchmarks"] = importlib.util.module_from_spec(_spec)
