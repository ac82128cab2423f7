"""Run the command: python -m benchmarks.chart."""

from __future__ import annotations

import sys

from .parsers.chart import main

if __name__ == "__main__":
    sys.exit(main())
