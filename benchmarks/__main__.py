"""Run the command: python -m benchmarks."""

from __future__ import annotations

import sys

from .parsers.report import main

sys.exit(main())
