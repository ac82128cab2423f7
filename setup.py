"""The mypyc step: compile the machine into the wheel.

SSEPARSE_BUILD unset: compile; where that fails, build pure Python. pure: do not try, nor import
mypy. compiled: a failure to compile is a failure to build. An editable install is always pure.
"""

import ast
import os
import re
import sys
import tempfile
from pathlib import Path

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


def c_string(text: str) -> str:
    """Return the text in C: a string for each line, since compilers limit the length of one."""
    escapes = {10: "\\n", 34: '\\"', 92: "\\\\"}
    lines = [
        "".join(escapes.get(byte, chr(byte)) if byte < 128 else f"\\{byte:o}" for byte in line)
        for line in text.encode().splitlines(keepends=True)
    ]
    return "\n".join(f'"{line}"' for line in lines)


def add_docstrings(code: Path) -> None:
    """Complete the docstrings in mypyc's C code, which holds signatures and NULL."""
    text = code.read_text(encoding="utf-8")
    for name in COMPILED:
        module = ast.parse(Path(f"sseparse/_core/{name}.py").read_text(encoding="utf-8"))
        for owner in (node for node in module.body if isinstance(node, ast.ClassDef)):
            in_c = f"{name}___{owner.name}"
            if f" CPyType_{in_c}_template_ =" not in text:
                continue  # not compiled as a class of C; it has its docstring
            for node in (owner, *owner.body):
                is_documented = isinstance(node, (ast.ClassDef, ast.FunctionDef))
                if not is_documented or node.name.startswith("_") or not ast.get_docstring(node):
                    continue
                if node is owner:
                    place = rf'(\.tp_doc = PyDoc_STR\("{node.name}\([^\n]*")(?=\),)'
                elif "property" in map(ast.unparse, node.decorator_list):
                    place = rf"(\(getter\){in_c}_get_{node.name},\s+NULL, )NULL"
                else:
                    place = rf'(CPyPy_{in_c}___{node.name},\s[^\n]*PyDoc_STR\("[^\n]*")(?=\)}})'
                docstring = "\\1\n" + c_string(ast.get_docstring(node)).replace("\\", "\\\\")
                text, found = re.subn(place, docstring, text)
                if found != 1:
                    raise RuntimeError(f"mypyc's code has {found} places like {place}")
    code.write_text(text, encoding="utf-8")


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
            # -O3, which is the default, gives a tenth more code and no more speed.
            modules = mypycify(
                [*options, *files], target_dir=scratch, group_name="sseparse._core", opt_level="2"
            )
            add_docstrings(Path(modules[0].sources[0]))
            if os.name == "posix":  # GCC and Clang
                # What nothing calls of mypyc's library is left out, and so are symbols and what
                # only debuggers read: two thirds of it all. A compiler's new warning is no error.
                is_mac = sys.platform == "darwin"
                for module in modules:
                    module.extra_compile_args += ["-fno-semantic-interposition", "-Wno-error"]
                    module.extra_compile_args += ["-fvisibility=hidden", "-ffunction-sections"]
                    module.extra_compile_args += ["-fno-asynchronous-unwind-tables"]
                    module.extra_link_args += (
                        ["-Wl,-dead_strip", "-Wl,-x"] if is_mac else ["-Wl,--gc-sections", "-s"]
                    )
        setup(ext_modules=modules, options={"build": {"build_base": scratch}})


wanted = os.environ.get("SSEPARSE_BUILD", "")
if wanted not in ("", "pure", "compiled"):
    sys.exit(f"SSEPARSE_BUILD must be pure, compiled or unset, not {wanted!r}")

if sys.version_info < (3, 10):
    # pip asks for the metadata, and then says which Python the package needs. An old setuptools
    # refuses today's pyproject.toml, so it runs where there is none.
    os.chdir(tempfile.mkdtemp())
    setup(name="sseparse", version="0", python_requires=">=3.10")
elif wanted == "pure" or "bdist_wheel" not in sys.argv:
    build(compiled=False)
else:
    try:
        build(compiled=True)
    except (Exception, SystemExit) as error:  # setuptools makes a compiler's failure a SystemExit
        if wanted == "compiled":
            raise
        print(f"sseparse: building pure Python, because compiling failed: {error}")
        build(compiled=False)
