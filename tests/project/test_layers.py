"""Imports go one way, `import sseparse` loads the core only, and the tests stay on this machine."""

from __future__ import annotations

import ast
import socket
from typing import TYPE_CHECKING

import pytest

from running import PACKAGE, run_python

if TYPE_CHECKING:
    from collections.abc import Iterator

CORE = {"", "_encode", "_errors", "_items", "_iterate", "_parser"}

# What each module or subpackage may import of the package when it runs. "" is the package itself.
LAYERS = {
    "_errors": set[str](),
    "_items": set[str](),
    "_encode": set[str](),
    "_parser": {"_errors", "_items"},
    "_iterate": {"_errors", "_parser"},
    "": CORE,
    "_http": {"_errors"},
    "completions": {"", "_errors", "_http", "_parser"},
    "testing": set(),
    "_conformance": {"", "_parser"},
    "_cli": {*CORE, "_conformance", "completions"},
    "__main__": {"_cli"},
}

# What the core may import of what is not its own: json in Event.json() only.
OUTSIDE = {"__future__", "collections.abc", "json", "mypy_extensions", "typing"}

# What `import sseparse` may load beyond an interpreter that has imported typing. mypy_extensions is
# used where mypy has brought it.
LOADED = {"__future__", "mypy_extensions"}
# What the compiled module's own start-up asks for beside that.
COMPILED = "sseparse._parser__mypyc"
LOADED_BY_COMPILED = {
    "importlib",
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "importlib.machinery",
}


def layer_of(path: list[str]) -> str:
    """Return the layer of a module given as its path below the package."""
    return path[0] if path and path[0] != "__init__" else ""


def running_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run; `if TYPE_CHECKING` does not."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from running_nodes(child)


def imports() -> Iterator[tuple[str, str, bool]]:
    """Yield the layer, what it imports, and whether that is of the package."""
    for file in sorted(PACKAGE.rglob("*.py")):
        path = list(file.relative_to(PACKAGE).with_suffix("").parts)
        for node in running_nodes(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield layer_of(path), alias.name, False
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield layer_of(path), str(node.module), False
            elif isinstance(node, ast.ImportFrom):
                above = path[: len(path) - node.level]
                below = node.module.split(".") if node.module else []
                yield layer_of(path), layer_of(above + below), True


def test_every_module_has_its_layer() -> None:
    files = [
        list(file.relative_to(PACKAGE).with_suffix("").parts) for file in PACKAGE.rglob("*.py")
    ]
    assert {layer_of(path) for path in files} == set(LAYERS)


def test_imports_go_one_way() -> None:
    seen = [(layer, name) for layer, name, own in imports() if own and layer != name]
    assert [(layer, name) for layer, name in seen if name not in LAYERS[layer]] == []
    assert ("_parser", "_errors") in seen
    assert ("__main__", "_cli") in seen


def test_imports_inside_the_package_are_relative() -> None:
    assert [name for _, name, own in imports() if not own and name.startswith("sseparse")] == []


def test_the_core_imports_only_what_is_listed() -> None:
    assert {name for layer, name, own in imports() if not own and layer in CORE} == OUTSIDE


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
    # -S: what a site-packages loads at start would hide what the import loads.
    loaded = set(run_python(code, "-I", "-S").split())
    own = {name for name in loaded if name.split(".")[0] == "sseparse"}
    core = {f"sseparse.{name}".rstrip(".") for name in CORE}
    assert core <= own <= {*core, COMPILED}
    assert loaded - own <= (LOADED | LOADED_BY_COMPILED if COMPILED in own else LOADED)


def test_no_connection_leaves_the_machine() -> None:
    with socket.socket() as sock:
        with pytest.raises(PermissionError, match=r"may not connect to 192\.0\.2\.1"):
            sock.connect(("192.0.2.1", 80))
        with pytest.raises(PermissionError, match=r"may not connect to example\.org"):
            sock.connect_ex(("example.org", 80))
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as sock:
        sock.connect(server.getsockname())
