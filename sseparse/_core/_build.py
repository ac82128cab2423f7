# Part of sseparse. Copyright (c) 2026 The sseparse developers. SPDX-License-Identifier: MIT
"""Which build of the core is used: the compiled modules, or the source that lies beside them.

The source is used where ``SSEPARSE_PURE=1`` says so; where the package was copied to another name,
for compiled modules find each other by the name that they were compiled under; and where the
extension cannot be loaded, as in an isolated sub-interpreter. It must be decided before a compiled
module is imported.
"""

from __future__ import annotations

import os
import sys

__all__: list[str] = []


def _has_extension() -> bool:
    """Return whether the compiled modules are to be used, and can be."""
    if os.environ.get("SSEPARSE_PURE", "") not in ("", "0"):
        return False
    try:
        # What holds the code of all compiled modules. They import it from C, where what collects
        # the modules of a program, such as PyInstaller, would not see it.
        from .. import _core__mypyc  # type: ignore[attr-defined]
    except ImportError:
        return False
    # It has a function for each module, which bears the name that the module was compiled under.
    return hasattr(_core__mypyc, f"init_{__package__}._event".replace(".", "___"))


def _prefer_source(folder: str) -> None:
    """Let imports from the folder pass over extensions, where there are any."""
    try:
        names = os.listdir(folder)  # noqa: PTH208  # pathlib takes longer to import than all of this
    except OSError:
        return  # it is in a zip file, from which no extension is loaded
    builds = [name for name in names if name.startswith("_event.")]
    if "_event.py" in builds and len(builds) > 1:
        from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader

        finder = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES))
        sys.path_importer_cache[folder] = finder


if not _has_extension():
    for folder in sys.modules[__name__.rpartition(".")[0]].__path__:
        _prefer_source(folder)
