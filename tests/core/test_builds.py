"""P10: the compiled core and the pure core, from the source beside it, give the same results."""

from __future__ import annotations

import compileall
import copy
import importlib.machinery
import importlib.util
import inspect
import os
import pickle
import shutil
import subprocess
import sys
import typing
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from test_corpora import CASES, WAYS

import sseparse
from running import CORE, PACKAGE, feed_all, load_copy, observe_all, run_python, submodule
from sseparse import _core
from strategies import cut_streams, limits, seeds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Most build a package or start an interpreter.
pytestmark = pytest.mark.thorough

FILE = str(submodule(_core, "_machine").__file__)
BUILD = "compiled" if _core.COMPILED else "pure"

# The name is as long as "sseparse._core", so that a pickle differs only in the name.
PURE_NAME = "the_pure_build"

# The ways to read a stream.
FORMS: dict[str, Callable[..., Any]] = {
    "Parser": lambda sse, **options: sse.Parser(**options),
    "Observer": lambda sse, **options: sse.Observer(**options),
    "Observer without lines": lambda sse, **options: sse.Observer(lines=False, **options),
}


def test_the_build_is_the_expected_one() -> None:
    """The environment variable SSEPARSE_EXPECT, compiled or pure, names the build under test."""
    suffixes = importlib.machinery.EXTENSION_SUFFIXES if BUILD == "compiled" else [".py"]
    assert FILE.endswith(tuple(suffixes))
    assert os.environ.get("SSEPARSE_EXPECT", BUILD) == BUILD


@pytest.fixture(scope="module")
def pure(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if BUILD == "pure":
        pytest.skip("the sseparse under test is pure: there is no compiled core to compare with")
    copied = load_copy(tmp_path_factory.mktemp("pure"), PURE_NAME)
    assert len(PURE_NAME) == len(_core.__name__)
    assert not copied.COMPILED
    return copied


def pickles(value: Any) -> list[bytes]:
    return [
        pickle.dumps(value, protocol).replace(PURE_NAME.encode(), _core.__name__.encode())
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ]


def value_in_full(value: Any) -> Any:
    """Return everything that is visible of an event, an item or None."""
    members = [name for name in dir(value) if not name.startswith("_")]
    attributes = [(name, getattr(value, name)) for name in members]
    shown = [(name, repr(each)) for name, each in attributes if not callable(each)]
    return (repr(value), hash(value), shown, pickles(value))


def error_in_full(error: Exception) -> Any:
    attributes = {name: repr(value) for name, value in vars(error).items()}
    return (type(error).__name__, str(error), repr(error), attributes, pickles(error))


def in_full(
    sse: Any, form: str, chunks: list[bytes], limit: int | None = None, seed: str = ""
) -> list[Any]:
    """Return the results of each call, in forms that can be compared between builds."""
    parser = FORMS[form](sse, last_event_id=seed, max_event_size=limit)
    results: list[Any] = []
    for chunk in chunks:
        try:
            got = parser.feed(chunk)
        except sse.EventTooLargeError as error:
            results.append(error_in_full(error))
            got = [*error.events, *error.items]
        results.append([value_in_full(each) for each in got])
        results.append((parser.last_event_id, parser.retry))
    results.append(value_in_full(parser.close()))
    return results


@given(cut_streams, limits, seeds)
@example([b"data\n" * 1025, b"\n", b"data: x\ndata: y\n\n"], None, "")
def test_p10_builds(pure: Any, chunks: list[bytes], limit: int | None, seed: str) -> None:
    for form in FORMS:
        compiled_results = in_full(sseparse, form, chunks, limit, seed)
        assert compiled_results == in_full(pure, form, chunks, limit, seed), form


@pytest.mark.parametrize("way", WAYS)
def test_the_corpora(pure: Any, way: Any) -> None:
    for case in CASES:
        chunks = way(case.chunks)
        assert feed_all(chunks) == feed_all(chunks, sse=pure), case.name
        for lines in (True, False):
            got = observe_all(chunks, lines=lines)
            assert got == observe_all(chunks, lines=lines, sse=pure), case.name


def released() -> memoryview:
    view = memoryview(b"")
    view.release()
    return view


def closed(parser: Any) -> Any:
    parser.close()
    return parser


EVENT = ("a", "b", "c")
LINE = ("field", "data", "a", None, ": ", 0, 8, "\n")
BLOCK = (*("block", None, None, None, None, 8, 9, "\n", False), *(None, "a", None, None, (), 0, ""))

MISUSE: list[Callable[[Any], Any]] = [
    *[
        lambda sse, form=form, chunk=chunk: form(sse).feed(chunk)
        for form in FORMS.values()
        for chunk in (
            *("a", None, 1, [1], memoryview(b"abcd")[::2], memoryview(b"abcd").cast("H")),
            released(),
        )
    ],
    *[
        lambda sse, form=form, limit=limit: form(sse, max_event_size=limit)
        for form in FORMS.values()
        for limit in (0, -1, True, "8", 8.0, -(2**70))
    ],
    *[
        lambda sse, form=form, seed=seed: form(sse, last_event_id=seed)
        for form in FORMS.values()
        for seed in ("\0", "a\n", "\r", b"a", 1)
    ],
    *[
        lambda sse, form=form, use=use: use(form(sse))
        for form in FORMS.values()
        for use in (
            *(copy.copy, copy.deepcopy, pickle.dumps, vars, weakref.ref, len, iter),
            lambda parser: parser.feed(),
            lambda parser: parser.feed(b"", b""),
            lambda parser: parser.close(1),
            lambda parser: parser.observe(b""),
            lambda parser: closed(parser).feed(b""),
            lambda parser: closed(parser).feed(b"data: a\n\n"),
            lambda parser: closed(parser).feed("a"),
            lambda parser: setattr(parser, "retry", 1),
            lambda parser: setattr(parser, "other", 1),
            lambda parser: delattr(parser, "last_event_id"),
        )
    ],
    lambda sse: sse.Parser("a"),
    lambda sse: sse.Parser(other=1),
    lambda sse: sse.Parser(lines=True),
    lambda sse: sse.Observer(True),
    *[lambda sse, lines=lines: sse.Observer(lines=lines) for lines in (1, 0, None, "yes")],
    lambda sse: sse.parse("a"),
    lambda sse: next(sse.iter_events(b"a")),
    lambda sse: next(sse.iter_events([b"a"], closed(sse.Parser()))),
    lambda sse: sse.Event("a", "b"),
    lambda sse: sse.Event("a", "b", "c", "d"),
    lambda sse: sse.Event(*EVENT).json(),
    lambda sse: sse.Item(),
    lambda sse: sse.Item(*LINE[:-1]),
    lambda sse: sse.Item(*BLOCK, None),
    lambda sse: sse.Item(*LINE, other=1),
    *[
        lambda sse, use=use, make=make: use(make(sse))
        for use in (len, iter, vars, weakref.ref, lambda value: value < value)
        for make in (lambda sse: sse.Event(*EVENT), lambda sse: sse.Item(*LINE))
    ],
    *[
        lambda sse, name=name, change=change: change(sse.Event(*EVENT), name)
        for name in ("type", "data", "last_event_id", "json", "other")
        for change in (delattr, lambda event, name: setattr(event, name, "x"))
    ],
    *[
        lambda sse, name=name, change=change: change(sse.Item(*BLOCK), name)
        for name in ("kind", "start", "replaced", "comments", "block_start", "to_event", "other")
        for change in (delattr, lambda item, name: setattr(item, name, "x"))
    ],
]


def test_misuse(pure: Any) -> None:
    for number, misuse in enumerate(MISUSE):
        errors = []
        for sse in (sseparse, pure):
            try:
                misuse(sse)
            except Exception as error:
                errors.append(error)
        assert len(errors) == 2, number
        assert type(errors[0]) is type(errors[1]), number
        if not isinstance(errors[0], (TypeError, AttributeError)):
            assert str(errors[0]) == str(errors[1])


def test_events(pure: Any) -> None:
    arguments = ("type", '{"a": "é"}', "1")
    compiled_event, pure_event = sseparse.Event(*arguments), pure.Event(*arguments)
    assert value_in_full(compiled_event) == value_in_full(pure_event)
    assert compiled_event.json() == pure_event.json()
    assert compiled_event != pure_event  # of two packages
    assert pure_event == pure.Event(*arguments)
    assert hash(compiled_event) == hash(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        LINE,
        BLOCK,
        ("field", "é", "\ufffd", "unknown name", ":", 2**40, 2**41, "\r", True),
        ("comment", None, "c", None, ":", 0, 2, "\n"),
        ("byte order mark", None, None, None, None, 0, 3, ""),
        (*BLOCK[:9], "e", "a\nb", "1", 10**599, (":", "é"), 2**40, "1"),
        (*BLOCK[:9], None, None, None, 0, (), 0, "1"),
    ],
)
def test_items(pure: Any, arguments: tuple[Any, ...]) -> None:
    compiled_item, pure_item = sseparse.Item(*arguments), pure.Item(*arguments)
    assert value_in_full(compiled_item) == value_in_full(pure_item)
    assert value_in_full(compiled_item.to_event()) == value_in_full(pure_item.to_event())
    assert compiled_item != pure_item  # of two packages
    assert pure_item == pure.Item(*arguments)
    assert compiled_item == pickle.loads(pickle.dumps(compiled_item))


def test_public_members(pure: Any) -> None:
    assert pure.__all__ == _core.__all__
    for name in _core.__all__:
        compiled_members = [n for n in dir(getattr(_core, name)) if not n.startswith("_")]
        assert compiled_members == [n for n in dir(getattr(pure, name)) if not n.startswith("_")]


# Docstrings, signatures and annotations, as help(), editors and programs read them.


def shown(sse: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield each public object by its name, with its documentation and its parameters."""

    def of(name: str, value: Any) -> tuple[str, Any, Any]:
        if not callable(value) or (inspect.isclass(value) and issubclass(value, BaseException)):
            return name, inspect.getdoc(value), None
        parameters = inspect.signature(value).parameters.values()
        return name, inspect.getdoc(value), [(p.name, p.default) for p in parameters]

    for name in sse.__all__:
        value = getattr(sse, name)
        yield of(name, value)
        if inspect.isclass(value):
            # What an exception has by itself is CPython's; before 3.13 it has no signature.
            for member in sorted({*dir(value)} - {*dir(BaseException)}):
                if not member.startswith("_"):
                    yield of(f"{name}.{member}", getattr(value, member))


def test_help(pure: Any) -> None:
    compiled_help = list(shown(_core))
    assert compiled_help == list(shown(pure))
    documented = {name for name, doc, _ in compiled_help if doc and len(doc) > 30}
    assert {"Parser", "Parser.feed", "Parser.retry", "Item.kind", "Pending"} <= documented


def test_type_hints() -> None:
    """typing.get_type_hints() can read all annotations; those of compiled code are empty."""
    hints: dict[str, dict[str, Any]] = {}
    for name in sseparse.__all__:
        value = getattr(sseparse, name)
        members = [value]
        if inspect.isclass(value):
            members += [getattr(value, each) for each in dir(value) if not each.startswith("_")]
            members.append(value.__init__)
        for member in members:
            member = member.fget if isinstance(member, property) else member
            if inspect.isclass(member) or callable(member):
                hints.setdefault(name, {}).update(typing.get_type_hints(member))
    assert hints["iter_events"]["parser"] == sseparse.Parser | sseparse.Observer | None
    assert hints["Pending"]["line"] is bytes
    assert isinstance(b"", sseparse.BytesLike)


# The choice of the build.

PARSES = """
import sys
sys.path.insert(0, sys.argv[1])
import sseparse
assert [event.data for event in sseparse.parse(b"data: a\\n\\n")] == ["a"]
print("compiled" if sseparse._core.COMPILED else "pure")
"""


@pytest.mark.parametrize(("chosen", "build"), [("", BUILD), ("0", BUILD), ("1", "pure")])
def test_the_environment_chooses_the_source(chosen: str, build: str) -> None:
    assert run_python(PARSES, SSEPARSE_PURE=chosen) == f"{build}\n"
    version = "import runpy; sys.argv = ['sseparse', '--version']; runpy.run_module('sseparse')"
    code = f"import sys; sys.path.insert(0, sys.argv[1]); {version}"
    assert f"({build}, " in run_python(code, SSEPARSE_PURE=chosen)


ISOLATED = f"""
import sys
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
    run = interpreters.exec
else:
    import _xxsubinterpreters as interpreters
    run = interpreters.run_string
there = interpreters.create()
error = run(there, "import sys; sys.argv = " + repr(sys.argv) + {PARSES!r})
assert error is None, error
interpreters.destroy(there)
"""


@pytest.mark.skipif(
    sys.version_info < (3, 12), reason="an isolated interpreter needs CPython 3.12 or newer"
)
def test_an_isolated_interpreter_uses_the_source() -> None:
    assert run_python(ISOLATED) == "pure\n"
    assert run_python(PARSES + ISOLATED + PARSES) == f"{BUILD}\npure\n{BUILD}\n"


COPIED = """
import sys
sys.path.insert(0, FOLDER)
from package import copied
assert not copied.COMPILED
assert copied.Parser().feed(b"data: a\\n\\n") == [copied.Event("message", "a", "")]
assert not [name for name in sys.modules if name.partition(".")[0] == "sseparse"]
sys.path.insert(0, sys.argv[1])
import sseparse
assert sseparse.Event is not copied.Event
assert sseparse.Parser().feed(b"data: a\\n\\n") == [sseparse.Event("message", "a", "")]
print("compiled" if sseparse._core.COMPILED else "pure")
"""


def test_a_folder_copied_out_of_an_install(tmp_path: Path) -> None:
    """A copy is pure, even with copies of the compiled modules, and independent of the install."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    shutil.copytree(CORE, tmp_path / "package" / "copied")
    code = COPIED.replace("FOLDER", repr(str(tmp_path)))
    assert run_python(code, "-I", "-S") == f"{BUILD}\n"


def test_a_whole_package_copied_out_of_an_install(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    shutil.copytree(PACKAGE, tmp_path / "package" / "copied")
    code = COPIED.replace("FOLDER", repr(str(tmp_path)))
    code = code.replace("import copied", "import copied as package\ncopied = package._core")
    assert run_python(code, "-I", "-S") == f"{BUILD}\n"


def without_extensions(_: str, names: list[str]) -> list[str]:
    """Return the names that shutil.copytree() leaves out."""
    return [name for name in names if name.endswith((".so", ".pyd")) or name == "__pycache__"]


def test_bytecode_without_its_source_is_pure(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "sseparse", ignore=without_extensions)
    assert compileall.compile_dir(tmp_path, quiet=1, legacy=True)
    for file in tmp_path.rglob("*.py"):
        file.unlink()
    code = PARSES.replace("sys.argv[1]", repr(str(tmp_path)))
    assert run_python(code, "-I", "-S") == "pure\n"


WITHOUT_FILES = """
import importlib.abc, importlib.machinery, sys
from pathlib import Path

class Loader(importlib.abc.InspectLoader):
    def find_spec(self, name, path=None, target=None):
        file = Path(sys.argv[1], *name.split("."))
        self.is_package = lambda name: Path(sys.argv[1], *name.split(".")).is_dir()
        if file.is_dir() or file.with_suffix(".py").exists():
            return importlib.machinery.ModuleSpec(name, self, is_package=file.is_dir())

    def get_source(self, name):
        file = Path(sys.argv[1], *name.split("."))
        file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
        return file.read_text("utf-8")

sys.meta_path.insert(0, Loader())
import sseparse
assert not hasattr(sseparse._core._bytes, "__file__")
assert [event.data for event in sseparse.parse(b"data: a\\n\\n")] == ["a"]
print(sseparse._core.COMPILED)
"""


def test_modules_without_a_file() -> None:
    assert run_python(WITHOUT_FILES, "-I", "-S") == "False\n"


@pytest.mark.skipif(
    importlib.util.find_spec("PyInstaller") is None, reason="PyInstaller is not installed"
)
def test_a_frozen_program(tmp_path: Path) -> None:
    """PyInstaller finds everything that the program needs, including compiled code."""
    (tmp_path / "program.py").write_text(PARSES.replace("sys.path.insert(0, sys.argv[1])", ""))
    command = [sys.executable, "-m", "PyInstaller", "--log-level=ERROR"]
    environment = {**os.environ, "PYINSTALLER_CONFIG_DIR": str(tmp_path / "cache")}
    subprocess.run(
        [*command, "--paths", str(PACKAGE.parent), "program.py"],
        check=True,
        cwd=tmp_path,
        env=environment,
        timeout=300,
    )
    program = tmp_path / "dist" / "program" / "program"
    printed = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True, timeout=60)
    assert printed.stdout == f"{BUILD}\n"
