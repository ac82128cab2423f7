"""The mypyc step: compile sseparse/_parser.py into the wheel.

SSEPARSE_BUILD unset: compile; where that fails, build pure Python. pure: do not try, nor import
mypy. compiled: a failure to compile is a failure to build. An editable install is always pure.
"""

import os
import sys

from setuptools import setup

build = os.environ.get("SSEPARSE_BUILD", "")
if build not in ("", "pure", "compiled"):
    sys.exit(f"SSEPARSE_BUILD must be pure, compiled or unset, not {build!r}")


def setup_compiled() -> bool:
    """Build with the extension, and say whether that worked."""
    try:
        from mypyc.build import mypycify

        setup(ext_modules=mypycify(["sseparse/_parser.py"], opt_level="3"))
    except (
        Exception,
        SystemExit,
    ) as error:  # setuptools reports a compiler's failure as SystemExit
        if build == "compiled":
            raise
        print(f"sseparse: building pure Python, because compiling failed: {error}")
        return False
    return True


wanted = build != "pure" and "bdist_wheel" in sys.argv
if not (wanted and setup_compiled()):
    setup()
