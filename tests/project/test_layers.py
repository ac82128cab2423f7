"""Imports go one way, `import sseparse` loads the core only, and the tests stay on this machine."""

from __future__ import annotations

import ast
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import sseparse._core
from running import CORE, PACKAGE, run_python

if TYPE_CHECKING:
    from collections.abc import Iterator

# What each module or subpackage may import of the package, also under `if TYPE_CHECKING`. "" is the
# package itself.
LAYERS = {
    "_core": {"_core__mypyc"},  # the library of its compiled modules
    "_http1": set(),
    "_safe_text": set(),
    "_started": set(),
    "": {"_core", "_started"},
    "_clients": {"", "_core", "_http1", "completions"},
    "completions": {"_core", "_clients", "_safe_text"},  # _clients if a client is used
    "recording": {"_core", "_http1", "completions"},  # completions if a completion is used
    "arrow": {"_core", "recording"},
    "spark": {"arrow", "recording"},
    "testing": {"_conformance"},
    "_conformance": {"", "_core", "_safe_text"},
    "_cli": {"", "_core", "_conformance", "_safe_text", "completions", "recording"},
    "__main__": {"_cli"},
}

# The other modules that the core may import when it runs: json in Event.json() only, and
# importlib.machinery if the source is used although there are compiled modules.
OUTSIDE = {
    "__future__",
    "collections.abc",
    "importlib.machinery",
    "json",
    "mypy_extensions",
    "os",
    "sys",
    "typing",
}

# The same for the protocol of completions. importlib is for the clients, which are imported when
# their names are used.
OUTSIDE_COMPLETIONS = {
    "__future__",
    "collections.abc",
    "contextlib",
    "enum",
    "http",
    "importlib",
    "importlib.machinery",
    "json",
    "re",
    "typing",
    "weakref",
}

# The same for the recordings. yaml, yaml_ft and zstandard are imported if a file needs them.
OUTSIDE_RECORDING = {
    "__future__",
    "binascii",
    "bisect",
    "bz2",
    "collections.abc",
    "dataclasses",
    "datetime",
    "email.utils",
    "errno",
    "functools",
    "importlib",
    "io",
    "itertools",
    "json",
    "lzma",
    "os",
    "pathlib",
    "re",
    "stat",
    "typing",
    "yaml",
    "yaml_ft",
    "zipfile",
    "zlib",
}

# What `import sseparse` may load beyond an interpreter that has imported typing.
# mypy_extensions is used if mypy has installed it.
# os, and what it imports, is loaded in every interpreter that was started without -S.
LOADED = {"__future__", "mypy_extensions", "os", "os.path", "posixpath", "ntpath"}
LOADED |= {"genericpath", "_stat", "stat"}
# The shared library with the code of all compiled modules, and the modules that it imports.
LIBRARY = "sseparse._core__mypyc"
LOADED_BY_LIBRARY = {
    "importlib",
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "importlib.machinery",
}

# The modules of the core that are not compiled, and why.
NOT_COMPILED = {
    "__init__": "it only re-exports names",
    "_build": "it decides whether the compiled modules are used",
    "_errors": "mypyc makes no native class of an exception",
    "_encode": "it is not on the way of a stream that is read",
    "_iterate": "mypyc has no asynchronous generators",
    "_pending": "mypyc drops the docstring of a NamedTuple",
    "_pure": "it is what pure Python does in place of compiled code",
}

MAX_COMPLEXITY = 20
MAX_LINES = 450


class Import(NamedTuple):
    """One import statement. Modules are given as their path below the package."""

    importer: list[str]
    imported: list[str]
    is_own: bool  # else `imported` is the name of a module that is not of the package
    runs: bool  # False under `if TYPE_CHECKING`


def path_of(file: Path) -> list[str]:
    return list(file.relative_to(PACKAGE).with_suffix("").parts)


def layer_of(path: list[str]) -> str:
    return path[0] if path and path[0] != "__init__" else ""


def nodes(tree: ast.AST, runs: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """Yield all nodes, and whether they run; those under `if TYPE_CHECKING` do not."""
    for child in ast.iter_child_nodes(tree):
        type_checking = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        yield child, runs
        yield from nodes(child, runs and not type_checking)


def is_module(path: list[str]) -> bool:
    there = PACKAGE.joinpath(*path)
    return there.is_dir() or there.with_suffix(".py").exists() or path == ["_core__mypyc"]


def imports(folder: Path = PACKAGE) -> Iterator[Import]:
    """Yield every import in the folder."""
    for file in sorted(folder.rglob("*.py")):
        path = path_of(file)
        for node, runs in nodes(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(path, [alias.name], False, runs)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield Import(path, [str(node.module)], False, runs)
            elif isinstance(node, ast.ImportFrom):
                above = path[: len(path) - node.level]
                if node.module:
                    yield Import(path, above + node.module.split("."), True, runs)
                    continue
                for alias in node.names:
                    below = [*above, alias.name]
                    yield Import(path, below if is_module(below) else above, True, runs)


def test_every_module_has_its_layer() -> None:
    assert {layer_of(path_of(file)) for file in PACKAGE.rglob("*.py")} == set(LAYERS)


def test_imports_go_one_way() -> None:
    seen = [(layer_of(each.importer), layer_of(each.imported)) for each in imports() if each.is_own]
    between = [(importer, imported) for importer, imported in seen if importer != imported]
    assert [pair for pair in between if pair[1] not in LAYERS[pair[0]]] == []
    assert ("_clients", "completions") in between
    assert ("__main__", "_cli") in between


def test_imports_inside_the_package_are_relative() -> None:
    others = [each.imported[0] for each in imports() if not each.is_own]
    assert [name for name in others if name.split(".")[0] == "sseparse"] == []


def test_imports_inside_the_core_go_one_way() -> None:
    # A module imports only modules that are named before it, so that there is no circle.
    doc = ast.get_docstring(ast.parse((CORE / "__init__.py").read_text(encoding="utf-8")))
    assert doc is not None
    order = list(dict.fromkeys(re.findall(r"\b_[a-z]+\b", doc)))
    modules = {file.stem for file in CORE.glob("*.py")} - {"__init__"}
    assert set(order) == modules
    seen = set()
    for each in imports(CORE):
        if each.is_own and each.importer[1] not in ("__init__", "_build"):
            importer, imported = each.importer[1], each.imported[1]
            assert imported in order[: order.index(importer)], (importer, imported)
            seen.add((importer, imported))
    assert ("_iterate", "_observer") in seen  # under `if TYPE_CHECKING`
    # _event imports no other module.
    assert order[0] == "_event"


def test_the_core_imports_only_what_is_listed() -> None:
    outside = {each.imported[0] for each in imports(CORE) if each.runs and not each.is_own}
    assert outside == OUTSIDE


def test_the_protocol_imports_only_what_is_listed() -> None:
    """No clock, no I/O, and only the standard library."""
    folder = PACKAGE / "completions"
    outside = {each.imported[0] for each in imports(folder) if each.runs and not each.is_own}
    assert outside == OUTSIDE_COMPLETIONS
    inside = {each.imported[0] for each in imports(folder) if each.runs and each.is_own}
    assert inside == {"_core", "_safe_text", "completions"}
    safe = {each.imported[0] for each in imports() if each.importer == ["_safe_text"]}
    assert safe == {"__future__", "json", "json.encoder", "re", "typing"}


def test_the_recordings_import_only_what_is_listed() -> None:
    folder = PACKAGE / "recording"
    outside = {each.imported[0] for each in imports(folder) if each.runs and not each.is_own}
    assert outside == OUTSIDE_RECORDING


def test_the_import_of_the_recordings_is_light() -> None:
    """A program that reads raw bodies does not load decoders of other forms."""
    code = """
import sys
import typing
from sseparse.recording import streams
[recording] = streams(b"data: 1\\n\\n")
assert len(list(recording.events())) == 1
print(*sys.modules)
"""
    loaded = set(run_python(code).split())
    heavy = {"yaml", "yaml_ft", "json", "zlib", "bz2", "lzma", "zipfile", "asyncio", "urllib3"}
    assert not loaded & {*heavy, "sseparse.completions", "sseparse.testing", "http"}


def test_import_loads_the_core_only() -> None:
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import typing
before = set(sys.modules)
import sseparse
print(*sorted(set(sys.modules) - before))
assert "json" not in sys.modules
assert sseparse.parse(b"data: 1\\n\\n")[0].json() == 1
"""
    # -S: modules that site-packages loads at start would hide those that the import loads.
    loaded = set(run_python(code, "-I", "-S").split())
    own = {name for name in loaded if name.split(".")[0].startswith("sseparse")}
    core = {f"sseparse._core.{file.stem}" for file in CORE.glob("*.py")}
    core = {name.removesuffix(".__init__") for name in core} | {"sseparse", "sseparse._started"}
    if sseparse._core.COMPILED:
        assert own == {*core, LIBRARY}
        assert loaded - own <= LOADED | LOADED_BY_LIBRARY
    else:
        assert own == core
        assert loaded - own <= LOADED


def compiled_modules() -> list[str]:
    """Return the list in setup.py."""
    setup = Path(__file__).parents[2] / "setup.py"
    for node in ast.parse(setup.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COMPILED":
            return list(ast.literal_eval(node.value))
    raise AssertionError("setup.py has no COMPILED")


def test_every_other_module_of_the_core_is_compiled() -> None:
    names = [file.stem for file in CORE.glob("*.py")]
    assert sorted([*compiled_modules(), *NOT_COMPILED]) == sorted(names)


def test_the_extensions_are_those_of_the_list() -> None:
    found = {
        file.name.split(".")[0]
        for folder in (PACKAGE, CORE)
        for file in folder.iterdir()
        if file.suffix in (".so", ".pyd")
    }
    library = LIBRARY.removeprefix("sseparse.")
    assert found == ({library, *compiled_modules()} if sseparse._core.COMPILED else set())


def test_one_module_knows_which_build_it_is() -> None:
    sources = {file.stem: file.read_text(encoding="utf-8") for file in CORE.glob("*.py")}
    assert [name for name, source in sources.items() if "__file__" in source] == []
    using = [name for name, source in sources.items() if re.search(r"\bCOMPILED\b", source)]
    assert sorted(using) == ["__init__", "_bytes"]  # __init__ re-exports it


def complexity(function: ast.AST) -> int:
    """Return the cyclomatic complexity of a function, with the functions inside it.

    It counts as radon does: 1, and 1 for each ``if``, ``elif``, conditional expression, ``for``,
    ``while``, ``else`` of a loop or a ``try``, ``except``, ``for`` and ``if`` of a comprehension,
    ``and``, ``or`` and ``assert``.
    """
    count = 1
    for node in ast.walk(function):
        if isinstance(node, (ast.If, ast.IfExp, ast.Assert)):
            count += 1
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
            count += 1 + bool(node.orelse)
        elif isinstance(node, ast.Try):
            count += len(node.handlers) + bool(node.orelse)
        elif isinstance(node, ast.comprehension):
            count += 1 + len(node.ifs)
        elif isinstance(node, ast.BoolOp):
            count += len(node.values) - 1
    return count


def test_complexity() -> None:
    assert complexity(ast.parse("pass")) == 1
    code = """
for a in b:
    if a: pass
    elif b and c and d: pass
while a or b: pass
else: pass
try: pass
except A: pass
except B: pass
else: pass
[a for a in b if c]
assert a if b else c
"""
    assert complexity(ast.parse(code)) == 1 + 1 + 1 + 3 + 3 + 3 + 2 + 2


def test_functions_are_simple_and_files_are_short() -> None:
    counted = {}
    for file in PACKAGE.rglob("*.py"):
        source = file.read_text(encoding="utf-8")
        assert source.count("\n") <= MAX_LINES, file.name
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                counted[f"{file.relative_to(PACKAGE)}:{node.lineno} {node.name}"] = complexity(node)
    assert {name: count for name, count in counted.items() if count > MAX_COMPLEXITY} == {}
    assert max(counted.values()) > 10


def test_no_connection_leaves_the_machine() -> None:
    with socket.socket() as sock:
        with pytest.raises(PermissionError, match=r"may not connect to 192\.0\.2\.1"):
            sock.connect(("192.0.2.1", 80))
        with pytest.raises(PermissionError, match=r"may not connect to example\.org"):
            sock.connect_ex(("example.org", 80))
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as sock:
        sock.connect(server.getsockname())


def test_each_file_of_the_core_names_its_licence() -> None:
    """It may be copied into another project."""
    files = sorted(CORE.glob("*.py"))
    assert len(files) > 10
    for file in files:
        first = file.read_text(encoding="utf-8").partition("\n")[0]
        assert first.startswith("# Part of sseparse. Copyright (c) ")
        assert first.endswith(" The sseparse developers. SPDX-License-Identifier: MIT")
