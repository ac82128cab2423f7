"""Run the command ``sseparse`` as ``python -m sseparse``."""

import sys

from ._cli import main

sys.exit(main())
