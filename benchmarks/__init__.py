"""How fast the parser is, beside others: ``python -m benchmarks`` (see docs/benchmarks.rst)."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
# The working directory stands first, and would hide an installed sseparse, which may be compiled.
sys.path.sort(key=lambda entry: Path(entry).resolve() == _ROOT)
