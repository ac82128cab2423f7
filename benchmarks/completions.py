"""Run the command: python -m benchmarks.completions."""

from __future__ import annotations

import sys

from .clients.protocol import main

if __name__ == "__main__":
    sys.exit(main())
