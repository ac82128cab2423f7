"""The C extension written by hand, for comparison. It is built from ``by_hand.c`` when needed.

setuptools builds it with the compiler and the options of Python itself. Nothing stays on the disk.
"""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .contestant import Contestant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

SOURCE = Path(__file__).with_suffix(".c")
# In a process of its own: setuptools replaces distutils for the whole process, and prints.
SETUP = """
import sys
from setuptools import Extension, setup
setup(name="by_hand", ext_modules=[Extension("by_hand", sys.argv[1:])],
      script_args=["-q", "build_ext", "--inplace", "--build-temp=."])
"""


def by_hand(name: str) -> Contestant:
    if util.find_spec("setuptools") is None:
        raise ModuleNotFoundError(name="setuptools")
    module, fault = _built()
    if module is None:
        raise ImportError(f"no C extension can be built: {fault}")
    parser = module.Parser

    def events(chunks: Iterable[bytes]) -> Iterator[Any]:
        feed = parser().feed
        for chunk in chunks:
            yield from feed(chunk)

    version = f"a C extension by hand that is no parser, {module.COMPILER}"
    note = "no parser; right on this stream only"
    return Contestant(name, version, lambda chunks: [events(chunks)], "type", note=note)


@functools.cache
def _built() -> tuple[ModuleType | None, str]:
    """Return the extension, or None and the reason; it is built once in a process."""
    # Windows cannot delete an extension that is loaded.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        done = subprocess.run(
            [sys.executable, "-c", SETUP, str(SOURCE)],
            cwd=folder,
            capture_output=True,
            check=False,
            text=True,
        )
        if done.returncode:
            lines = [line.strip() for line in done.stderr.splitlines() if "error" in line.lower()]
            return None, lines[0] if lines else f"exit code {done.returncode}"
        [built] = Path(folder).glob("by_hand.*")
        spec = util.spec_from_file_location("by_hand", built)
        assert spec is not None
        assert spec.loader is not None
        module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module, ""
