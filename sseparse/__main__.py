"""``python -m sseparse`` is the command ``sseparse``."""

import sys

from ._cli import main

sys.exit(main())
