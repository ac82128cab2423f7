"""The head of a report: the versions, the machine and the settings."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import sseparse

from .measure import CLOCK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..contestants.contestant import Contestant

ROOT = Path(__file__).resolve().parents[2]


def header(
    builds: str, rounds: int, peers: Sequence[Contestant], missing: Mapping[str, str]
) -> dict[str, str]:
    """Return the lines of the head, by name."""
    return {
        "sseparse": sseparse.__version__,
        "commit": commit(),
        "builds": builds,
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": _machine(),
        "rounds": f"{rounds}, timed with {CLOCK}",
        **{each.name: each.version for each in peers},
        **{name: f"left out: {reason}" for name, reason in missing.items()},
    }


def commit(root: Path = ROOT) -> str:
    """Return the commit of the checkout if its source is measured, else why it is unknown."""
    if not _is_same(root / "sseparse" / "_core", Path(sseparse.__file__).parent / "_core"):
        return "unknown; the measured sseparse is not the source in this folder"
    if not (root / ".git").exists():
        return "unknown; this folder is not a git checkout"
    try:
        commit = _git(root, "rev-parse", "--short", "HEAD")
        changes = _git(root, "status", "--porcelain", "sseparse")
    except (OSError, subprocess.CalledProcessError):
        return "unknown; git fails"
    return commit + (", with changes" if changes else "")


def _is_same(source: Path, measured: Path) -> bool:
    names = {path.name for folder in (source, measured) for path in folder.glob("*.py")}
    return all(
        (source / name).exists()
        and (measured / name).exists()
        and (source / name).read_bytes() == (measured / name).read_bytes()
        for name in names
    )


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL).strip()


def _machine() -> str:
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        model = named[0] if named else model
    return f"{platform.system()} {platform.machine()}, {model}, {os.cpu_count()} cores"
