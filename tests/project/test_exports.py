"""The public names: exactly these, documented, each from one place."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import sseparse
from running import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC = [
    "ByteOrderMark",
    "Comment",
    "Error",
    "Event",
    "EventTooLargeError",
    "Field",
    "NoData",
    "Observed",
    "Parser",
    "Pending",
    "aiter_events",
    "encode",
    "iter_events",
    "parse",
]
MODULES = ["_encode", "_errors", "_items", "_iterate", "_parser"]


def test_the_public_names() -> None:
    assert sseparse.__all__ == PUBLIC
    namespace: dict[str, object] = {}
    exec("from sseparse import *", namespace)
    assert sorted(set(namespace) - {"__builtins__"}) == PUBLIC


def test_each_name_comes_from_one_module() -> None:
    names = []
    for module in MODULES:
        names += importlib.import_module(f"sseparse.{module}").__all__
    assert sorted(names) == PUBLIC


def sources() -> Iterator[ast.Module]:
    for module in MODULES:
        yield ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))


def definitions(body: list[ast.stmt]) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    """Yield the public classes and functions of a body."""
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
            yield node


def test_each_name_is_documented_with_an_example() -> None:
    # From the source: a compiled class has no docstring.
    documented = []
    for node in (node for source in sources() for node in definitions(source.body)):
        if node.name in PUBLIC:
            doc = ast.get_docstring(node) or ""
            assert ">>> " in doc or node.name == "Error", node.name  # nothing raises the base class
            for member in definitions(node.body) if isinstance(node, ast.ClassDef) else []:
                assert ast.get_docstring(member), f"{node.name}.{member.name}"
            documented.append(node.name)
    assert sorted(documented) == PUBLIC


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").read_bytes() == b""


def test_the_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", sseparse.__version__)


def test_each_invariant_names_a_test_that_exists() -> None:
    doc = ast.get_docstring(list(sources())[MODULES.index("_parser")])
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
