"""Run the command: python -m benchmarks.cassettes."""

from __future__ import annotations

import sys

from .recordings.cassettes import main

if __name__ == "__main__":
    sys.exit(main())
