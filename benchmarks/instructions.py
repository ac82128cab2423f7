"""Run the command: python -m benchmarks.instructions."""

from __future__ import annotations

import sys

from .parsers.instructions import main

if __name__ == "__main__":
    sys.exit(main())
