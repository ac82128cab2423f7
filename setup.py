"""The mypyc step: compile the machine into the wheel.

SSEPARSE_BUILD unset: compile; where that fails, build pure Python. pure: do not try, nor import
mypy. compiled: a failure to compile is a failure to build. An editable install is always pure.
"""

import os
import sys
import tempfile

from setuptools import setup

# The machine, its helpers and the classes that it makes. mypyc builds them as one shared library in
# which they call each other directly. It has no asynchronous generators, so _iterate is not here.
COMPILED = (
    "_event",
    "_items",
    "_bytes",
    "_template",
    "_interpreter",
    "_lines",
    "_machine",
    "_parser",
    "_observer",
)


def build(compiled: bool) -> None:
    """Carry out the command that setup.py was given."""
    # A new folder each time: what an earlier build left in build/ would get into the wheel.
    with tempfile.TemporaryDirectory() as scratch:
        modules = []
        if compiled:
            from mypyc.build import mypycify

            # No configuration: the one for checking must not decide whether the build compiles.
            options = ["--config-file=", f"--cache-dir={scratch}"]
            files = [f"sseparse/_core/{name}.py" for name in COMPILED]
            modules = mypycify([*options, *files], target_dir=scratch, group_name="sseparse._core")
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
