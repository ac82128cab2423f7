"""Run the command: python -m benchmarks.history."""

from __future__ import annotations

import sys

from .parsers.history import main

if __name__ == "__main__":
    sys.exit(main())
