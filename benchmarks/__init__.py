"""Measure the parser beside others: ``python -m benchmarks`` (see docs/benchmarks.rst)."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
# Otherwise the working directory comes first, and its sseparse hides an installed one, which may be
# compiled.
sys.path.sort(key=lambda entry: Path(entry).resolve() == _ROOT)
