"""Let Ctrl-C end the command without a traceback while this package is being imported.

Python imports the package before any code of the command can run, and the import takes a third of
the start of the command. In all other programs this module does nothing: the library does not touch
their signals.
"""

import sys

_NAMES = ("sseparse", "sseparse.exe", "sseparse-script.py")


def _is_command() -> bool:
    """Tell whether ``python -m sseparse`` or the script ``sseparse`` imports the package."""
    path = (getattr(sys, "argv", None) or [""])[0]
    if path == "-m":
        # runpy sets this while it imports the package of the module that it will run, which may be
        # another package that imports this one.
        given = sys.orig_argv
        return "-m" in given and given[given.index("-m") + 1 :][:1] == ["sseparse"]
    return path.replace("\\", "/").rsplit("/", 1)[-1] in _NAMES


if _is_command():
    # The module signal itself takes time to import.
    import _signal  # type: ignore[import-not-found]

    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
