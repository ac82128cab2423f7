"""Run the command: python -m benchmarks.asynchronous."""

from __future__ import annotations

import sys

from .clients.asynchronous import main

if __name__ == "__main__":
    sys.exit(main())
