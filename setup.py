"""Build the package, with the parser compiled by mypyc where that is possible.

The environment variable SSEPARSE_BUILD decides. Unset: compile, and build pure Python if compiling
fails. "pure": build pure Python without importing mypy. "compiled": fail if compiling fails. An
editable install is always pure.

The archives do not depend on when, where and under which umask they are built.
"""

import ast
import gzip
import os
import re
import sys
import tarfile
import tempfile
from pathlib import Path

from setuptools import setup

# The machine, its helpers and the classes of its results. mypyc builds them as one shared library,
# in which they call each other directly. mypyc cannot compile asynchronous generators, so _iterate
# is not here.
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
    """Return the text as C source, one string for each line: compilers limit their length."""
    escapes = {10: "\\n", 34: '\\"', 92: "\\\\"}
    lines = [
        "".join(escapes.get(byte, chr(byte)) if byte < 128 else f"\\{byte:o}" for byte in line)
        for line in text.encode().splitlines(keepends=True)
    ]
    return "\n".join(f'"{line}"' for line in lines)


def add_docstrings(code: Path) -> None:
    """Add the docstrings to mypyc's C code, in which docstrings are only signatures, or NULL."""
    text = code.read_text(encoding="utf-8")
    for name in COMPILED:
        module = ast.parse(Path(f"sseparse/_core/{name}.py").read_text(encoding="utf-8"))
        for owner in (node for node in module.body if isinstance(node, ast.ClassDef)):
            in_c = f"{name}___{owner.name}"
            if f" CPyType_{in_c}_template_ =" not in text:
                continue  # a class that is not compiled to C keeps its docstring
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


def mark_rare(code: Path) -> None:
    """Let the compiler save space in the functions of mypyc's C code that are rarely called.

    Import calls some of them once. The others let Python call a method. Methods call each other
    directly, so Python seldom calls one, except feed() and those of events and items.
    """
    rare = r"char CPyDef_\w+___top_level__|PyObject \*CPyInit_|int CPyExec_|PyObject \*CPyPy_"
    often = "CPyPy__(event|items|parser|observer)___"
    text, found = re.subn(
        rf"^(\s*)(?=({rare})[^;{{}}]*\{{)(?!.*{often})",
        r"\1CPy_COLD ",
        code.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    if found < 3 * len(COMPILED):
        raise RuntimeError(f"mypyc's code has {found} functions that are rarely called")
    code.write_text(text, encoding="utf-8")


def description() -> str:
    """Return README.md for an index of packages, where relative links do not work.

    They point into the repository if pyproject.toml has its address as the URL "Source". Without
    one their text is kept, and pictures are left out.
    """
    text = Path("README.md").read_text(encoding="utf-8")
    source = re.search(
        r'^Source = "(.+)"$', Path("pyproject.toml").read_text("utf-8"), re.MULTILINE
    )
    link = r"\[([^]]*)\]\((?!https?:)([^)]+)\)"
    if source:
        text = re.sub("!" + link, rf"![\1]({source[1]}/raw/HEAD/\2)", text)
        return re.sub(link, rf"[\1]({source[1]}/blob/HEAD/\2)", text)
    return re.sub(link, r"\1", re.sub("!" + link, "", text))


def plain_mode(mode: int) -> int:
    """Return the mode that a file has under the usual umask."""
    return 0o755 if mode & 0o100 else 0o644


def commands() -> dict:
    """Return the commands that write archives, without what differs from build to build."""
    # An older setuptools, on an older Python, has no bdist_wheel.
    from setuptools.command.bdist_wheel import bdist_wheel
    from setuptools.command.sdist import sdist

    # setuptools gives this date to the files of a wheel, but not to those of an sdist. By default
    # it is 2020-02-02, as in hatchling: a zip file cannot contain a date before 1980.
    date = int(os.environ.setdefault("SOURCE_DATE_EPOCH", "1580601600"))

    class Sdist(sdist):
        def make_archive(self, base_name, *_format, base_dir, **_owner):
            def plain(member):
                member.mtime, member.mode = date, plain_mode(member.mode)
                member.uid = member.gid = 0
                member.uname = member.gname = ""
                return member

            name = f"{base_name}.tar.gz"
            packed = gzip.GzipFile(name, "wb", mtime=date)
            with packed, tarfile.open(fileobj=packed, mode="w") as archive:
                archive.add(base_dir, filter=plain)
            return name

    class Wheel(bdist_wheel):
        def write_wheelfile(self, *arguments):
            super().write_wheelfile(*arguments)  # the wheel's files are in place now
            for path in Path(self.bdist_dir).rglob("*"):
                path.chmod(plain_mode(path.stat().st_mode))

    return {"sdist": Sdist, "bdist_wheel": Wheel}


def build(compiled: bool) -> None:
    """Run the command on setup.py's command line."""
    # Files that an earlier build left in build/ would get into the wheel, so use a new folder.
    with tempfile.TemporaryDirectory() as scratch:
        modules = []
        if compiled:
            from mypyc.build import mypycify

            # The configuration for type checks must not decide whether the build compiles.
            options = ["--config-file=", f"--cache-dir={scratch}"]
            files = [f"sseparse/_core/{name}.py" for name in COMPILED]
            # The default, -O3, makes a tenth more code that is not faster.
            modules = mypycify(
                [*options, *files], target_dir=scratch, group_name="sseparse._core", opt_level="2"
            )
            add_docstrings(Path(modules[0].sources[0]))
            mark_rare(Path(modules[0].sources[0]))
            if os.name == "posix":  # GCC and Clang
                # Leave out functions of mypyc's library that nothing calls, symbols, and data for
                # debuggers: together two thirds of the size. Code that is not aligned takes 3 %
                # less, and is not slower. A new warning of a compiler must not be an error.
                is_mac = sys.platform == "darwin"
                # Distributions compile with -g, and put the symbols into packages of their own.
                is_debuggable = "-g" in os.environ.get("CFLAGS", "").split()
                # Nine of the ten extensions only pass an import on. A third of each would be the
                # compiler's code for constructors, which C does not have.
                strip = [] if is_debuggable else ["-s", "-Wl,--build-id=none", "-nostartfiles"]
                flags = ["-fno-semantic-interposition", "-Wno-error", "-fvisibility=hidden"]
                flags += ["-ffunction-sections", "-fdata-sections"]
                flags += ["-fno-asynchronous-unwind-tables", "-fno-align-functions"]
                flags += ["-fno-align-jumps", "-fno-align-loops"]
                for module in modules:
                    # mypyc gives one list to all of them, so it is replaced and not extended.
                    module.extra_compile_args = [*module.extra_compile_args, *flags]
                    module.extra_link_args += (
                        ["-Wl,-dead_strip", "-Wl,-x"] if is_mac else ["-Wl,--gc-sections", *strip]
                    )
        setup(
            ext_modules=modules,
            options={"build": {"build_base": scratch}},
            cmdclass=commands(),
            long_description=description(),
            long_description_content_type="text/markdown",
        )


wanted = os.environ.get("SSEPARSE_BUILD", "")
if wanted not in ("", "pure", "compiled"):
    sys.exit(f"SSEPARSE_BUILD must be pure, compiled or unset, not {wanted!r}")

if sys.version_info < (3, 10):
    # pip reads the metadata, and then reports which Python the package needs. An old setuptools
    # rejects this pyproject.toml, so it runs in an empty folder.
    os.chdir(tempfile.mkdtemp())
    setup(name="sseparse", version="0", python_requires=">=3.10")
elif wanted == "pure" or "bdist_wheel" not in sys.argv:
    build(compiled=False)
else:
    try:
        build(compiled=True)
    except (Exception, SystemExit) as error:  # setuptools turns a compiler error into SystemExit
        if wanted == "compiled":
            raise
        print(f"sseparse: building pure Python, because compiling failed: {error}")
        build(compiled=False)
