"""How much memory this process has held at most; it imports next to nothing."""

from __future__ import annotations

import resource
from pathlib import Path


def resident_mb() -> float:
    """Return the most resident memory so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    # Elsewhere; on Linux it begins with what the process that started this one has held.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
