"""Run the command: python -m benchmarks.json."""

from __future__ import annotations

import sys

from .parsers.with_json import main

if __name__ == "__main__":
    sys.exit(main())
