"""Run the command: python -m benchmarks.before."""

from __future__ import annotations

import sys

from .parsers.before import main

if __name__ == "__main__":
    sys.exit(main())
