"""Run the command: python -m benchmarks."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The working directory stands first, and would hide an installed sseparse, which may be compiled.
sys.path.sort(key=lambda entry: Path(entry).resolve() == ROOT)

from .report import main  # noqa: E402  sseparse must not be imported before

sys.exit(main())
