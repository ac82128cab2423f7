"""The public names: exactly these, documented, each from one module."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sseparse.completions
from running import CORE, PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC = [
    "BytesLike",
    "Error",
    "Event",
    "EventTooLargeError",
    "Item",
    "Observer",
    "Parser",
    "Pending",
    "aiter_events",
    "encode",
    "iter_events",
    "parse",
]
# What the package itself uses of the core besides those.
INTERNAL = ["COMPILED", "DEFAULT_MAX_EVENT_SIZE"]
MODULES = sorted(file.stem for file in CORE.glob("_*.py") if file.stem != "__init__")

# The public names without a docstring or without an example, and why.
NO_DOCSTRING = {"BytesLike": "an alias of types cannot have one"}
NO_EXAMPLE = {"Error": "nothing raises the base class"}
# The class that defines the methods of Parser and Observer.
BASE = "Machine"


def test_the_public_names() -> None:
    assert sseparse.__all__ == PUBLIC
    namespace: dict[str, object] = {}
    exec("from sseparse import *", namespace)
    assert sorted(set(namespace) - {"__builtins__"}) == PUBLIC
    assert sorted(sseparse._core.__all__) == sorted([*PUBLIC, *INTERNAL])


def exported(file: Path) -> list[str]:
    """Return ``__all__`` of a module, without importing it: pyspark may be missing."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    raise AssertionError(f"{file} has no __all__")


def test_the_public_names_of_all_modules_are_listed() -> None:
    """docs/stability.rst has them all, for each module without a leading underscore."""
    page = (PACKAGE.parent / "docs" / "stability.rst").read_text(encoding="utf-8")
    blocks = re.findall(r"^``(sseparse[\w.]*)``\n((?:    .+\n)+)", page, re.MULTILINE)
    listed = {module: re.findall(r"``(\w+)``", names) for module, names in blocks}
    files = {file.stem: file for file in PACKAGE.glob("[!_]*.py")}
    files |= {folder.name: folder / "__init__.py" for folder in PACKAGE.glob("[!_]*/")}
    files = {name: file for name, file in files.items() if file.exists()}
    defined = {f"sseparse.{name}": exported(file) for name, file in files.items()}
    defined["sseparse"] = PUBLIC
    # Without the extras these would be missing from __all__.
    defined["sseparse.completions"] = sseparse.completions.__all__
    assert listed.keys() == defined.keys()
    for module, names in defined.items():
        assert listed[module] == sorted(names, key=lambda name: (name.lower(), name)), module


@pytest.mark.parametrize("name", [*PUBLIC, *INTERNAL])
def test_each_name_comes_from_one_module(name: str) -> None:
    modules = [importlib.import_module(f"sseparse._core.{module}") for module in MODULES]
    [module] = [module for module in modules if name in module.__all__]
    assert getattr(sseparse._core, name) is getattr(module, name)
    if name in PUBLIC:
        assert getattr(sseparse, name) is getattr(module, name)


def source(module: str) -> ast.Module:
    return ast.parse((CORE / f"{module}.py").read_text(encoding="utf-8"))


def definitions(body: list[ast.stmt]) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    """Yield the public classes and functions of a body; of one with overloads, what runs."""
    for node in body:
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef)) or node.name.startswith("_"):
            continue
        if "overload" not in map(ast.unparse, node.decorator_list):
            yield node


def test_each_name_is_documented_with_an_example() -> None:
    # From the source: a compiled class has no docstring.
    documented = []
    methods = {}
    for node in (node for module in MODULES for node in definitions(source(module).body)):
        if node.name not in (*PUBLIC, BASE):
            continue
        doc = ast.get_docstring(node) or ""
        assert doc, node.name
        if node.name != BASE:
            assert ">>> " in doc or node.name in NO_EXAMPLE, node.name
            documented.append(node.name)
        if isinstance(node, ast.ClassDef):
            methods[node.name] = [member.name for member in definitions(node.body)]
            for member in definitions(node.body):
                assert ast.get_docstring(member), f"{node.name}.{member.name}"
    assert sorted(documented) == sorted(set(PUBLIC) - set(NO_DOCSTRING))
    assert methods[BASE] == ["last_event_id", "retry", "close"]
    assert methods["Parser"] == methods["Observer"] == ["feed"]


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").read_bytes() == b""


def test_the_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", sseparse.__version__)


def test_each_invariant_names_a_test_that_exists() -> None:
    doc = ast.get_docstring(source("_machine"))
    assert doc is not None
    assert re.findall(r"^I\d", doc, re.MULTILINE) == [f"I{number}" for number in range(1, 8)]
    modules = list(Path(__file__).parents[1].rglob("test_*.py"))
    defined = re.findall(
        r"^def (test_\w+)\(", "\n".join(f.read_text("utf-8") for f in modules), re.M
    )
    defined += [module.name for module in modules]
    named = re.findall(r"\btest_\w+(?:\.py)?", doc)
    assert len(named) == 7
    for name in named:
        assert name in defined, name
