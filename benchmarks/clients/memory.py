"""The most memory that this process has used. The module itself adds hardly any."""

from __future__ import annotations

import resource
from pathlib import Path


def resident_mb() -> float:
    """Return the most resident memory so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    # For other systems. On Linux this value begins with the memory of the parent process.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
