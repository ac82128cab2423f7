"""Run the command: python -m benchmarks.client."""

from __future__ import annotations

import sys

from .clients.report import main

if __name__ == "__main__":
    sys.exit(main())
