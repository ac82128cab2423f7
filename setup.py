"""The mypyc step: compile sseparse/_parser.py into the wheel.

SSEPARSE_BUILD unset: compile; where that fails, build pure Python. pure: do not try, nor import
mypy. compiled: a failure to compile is a failure to build. An editable install is always pure.
"""

import os
import sys
import tempfile

from setuptools import setup


def build(compiled: bool) -> None:
    """Carry out the command that setup.py was given."""
    # A new folder each time: what an earlier build left in build/ would get into the wheel.
    with tempfile.TemporaryDirectory() as scratch:
        modules = []
        if compiled:
            from mypyc.build import mypycify

            # No configuration: the one for checking must not decide whether the build compiles.
            options = ["--config-file=", f"--cache-dir={scratch}"]
            modules = mypycify([*options, "sseparse/_parser.py"], target_dir=scratch)
            if os.name == "posix":  # GCC and Clang
                for module in modules:
                    module.extra_compile_args.append("-fno-semantic-interposition")
        setup(ext_modules=modules, options={"build": {"build_base": scratch}})


wanted = os.environ.get("SSEPARSE_BUILD", "")
if wanted not in ("", "pure", "compiled"):
    sys.exit(f"SSEPARSE_BUILD must be pure, compiled or unset, not {wanted!r}")

if wanted == "pure" or "bdist_wheel" not in sys.argv:
    build(compiled=False)
else:
    try:
        build(compiled=True)
    except (Exception, SystemExit) as error:  # setuptools makes a compiler's failure a SystemExit
        if wanted == "compiled":
            raise
        print(f"sseparse: building pure Python, because compiling failed: {error}")
        build(compiled=False)
