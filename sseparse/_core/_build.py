# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Choose the build of the core: the compiled modules, or the source files beside them.

The source is used in three cases:

- ``SSEPARSE_PURE=1`` is set.
- The package was copied to another name. Compiled modules import each other by the name that they
  had when they were compiled.
- The extension cannot be loaded, as in an isolated sub-interpreter.

The choice must be made before a compiled module is imported.
"""

from __future__ import annotations

import os
import sys

__all__: list[str] = []


def _has_extension() -> bool:
    """Return whether the compiled modules should be used, and can be."""
    if os.environ.get("SSEPARSE_PURE", "") not in ("", "0"):
        return False
    try:
        # This library contains the code of all compiled modules. They import it from C. Tools that
        # collect the modules of a program, such as PyInstaller, only see this import.
        from .. import _core__mypyc  # type: ignore[attr-defined]
    except ImportError:
        return False
    # The library has a function for each module, named after the module as it was compiled.
    return hasattr(_core__mypyc, f"init_{__package__}._event".replace(".", "___"))


def _prefer_source(folder: str) -> None:
    """Make imports from the folder ignore extensions, if it contains any."""
    try:
        names = os.listdir(folder)  # noqa: PTH208  # pathlib takes longer to import than all of this
    except OSError:
        return  # the folder is in a zip file, from which Python loads no extension
    builds = [name for name in names if name.startswith("_event.")]
    if "_event.py" in builds and len(builds) > 1:
        from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader

        finder = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES))
        sys.path_importer_cache[folder] = finder


if not _has_extension():
    for folder in sys.modules[__name__.rpartition(".")[0]].__path__:
        _prefer_source(folder)
