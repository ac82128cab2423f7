"""The wheel as a user installs it: its content, and that it needs nothing else."""

from __future__ import annotations

import ast
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RECORDING = ROOT / "tests" / "recordings" / "sse-starlette.sse"


def can_build() -> bool:
    try:
        setuptools = importlib.metadata.version("setuptools")
    except importlib.metadata.PackageNotFoundError:
        return False
    return int(setuptools.split(".")[0]) >= 77 and importlib.util.find_spec("pip") is not None


pytestmark = pytest.mark.skipif(not can_build(), reason="needs pip and setuptools 77")


def run(*command: str | Path, **variables: str) -> str:
    """Run a command and return its output; show its standard error if it fails."""
    done = subprocess.run(
        command,
        capture_output=True,
        env={**os.environ, **variables},
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the pure wheel, from a copy, because building leaves files."""
    project = tmp_path_factory.mktemp("project")
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, project)
    shutil.copytree(
        ROOT / "sseparse",
        project / "sseparse",
        ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd"),
    )
    out = tmp_path_factory.mktemp("dist")
    pip = [sys.executable, "-m", "pip", "--isolated", "wheel", "--quiet"]
    offline = ["--no-build-isolation", "--no-index", "--no-deps"]
    run(*pip, *offline, "--wheel-dir", out, project, SSEPARSE_BUILD="pure")
    [built] = out.iterdir()
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment with nothing else, and return its python."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    executable = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # --no-index and not --no-deps: one dependency would make it fail.
    pip = [sys.executable, "-m", "pip", "--isolated", "--python", str(executable)]
    run(*pip, "install", "--quiet", "--no-index", wheel)
    return executable


def test_wheel_is_pure_and_holds_the_package_only(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "sseparse").rglob("*.py")}
    data = {"eventsource_parser.mjs", "streams.json.xz"}
    others = {f"sseparse/_conformance/{name}" for name in data}
    assert names == sources | {"sseparse/py.typed"} | others


@pytest.mark.parametrize("has_address", [True, False])
def test_links_of_the_description(
    has_address: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    [function] = [each for each in tree.body if getattr(each, "name", "") == "description"]
    names: dict[str, Any] = {"Path": Path, "re": re}
    exec(compile(ast.Module([function], []), "setup.py", "exec"), names)
    monkeypatch.chdir(tmp_path)
    Path("README.md").write_text("[a](b.md) ![c](d.svg) [e](https://f/)", encoding="utf-8")
    address = '[project.urls]\nSource = "https://host/x"\n' if has_address else ""
    Path("pyproject.toml").write_text(address, encoding="utf-8")
    assert names["description"]() == (
        "[a](https://host/x/blob/HEAD/b.md) ![c](https://host/x/raw/HEAD/d.svg) [e](https://f/)"
        if has_address
        else "a  [e](https://f/)"
    )


def test_the_size_of_the_wheel(wheel: Path) -> None:
    """It must not grow without notice; ``.ci/run wheels`` checks the compiled wheel, too."""
    assert wheel.stat().st_size <= 290_000


def test_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        folder = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(folder))
        licence = archive.read(folder.replace("METADATA", "licenses/LICENSE"))
    assert licence == (ROOT / "LICENSE").read_bytes()
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    description = str(metadata.get_payload())
    assert "\n## Four tasks\n" in description
    assert re.findall(r"\]\((?!https:)", description) == []  # relative links do not work there
    assert metadata["Requires-Python"] == ">=3.10"
    assert [name for name in metadata.get_all("Requires-Dist", []) if "extra ==" not in name] == []


def test_an_unknown_build_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "setup.py", "--version"],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "SSEPARSE_BUILD": "fast"},
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    message = "SSEPARSE_BUILD must be pure, compiled or unset, not 'fast'\n"
    assert (done.returncode, done.stderr) == (1, message)


def test_parses_where_nothing_else_is_installed(python: Path) -> None:
    program = """
import importlib.metadata, json, sseparse, sys
print(json.dumps({
    "installed": [found.metadata["Name"] for found in importlib.metadata.distributions()],
    "data": [event.data for event in sseparse.parse(open(sys.argv[1], "rb").read())],
}))
"""
    assert json.loads(run(python, "-I", "-c", program, RECORDING)) == {
        "installed": ["sseparse"],
        "data": [*(f"line {n}\nsecond é" for n in range(4)), "end"],
    }


def test_command_where_nothing_else_is_installed(python: Path) -> None:
    printed = run(python.with_name("sseparse"), "events", RECORDING).splitlines()
    expected = RECORDING.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in printed] == [json.loads(line) for line in expected]


def test_readme_shows_what_its_first_command_prints(python: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    recording = RECORDING.relative_to(ROOT).as_posix()
    assert f"sseparse events {recording}\n```" in readme
    command: list[str | Path] = [python.with_name("sseparse"), "events", RECORDING]
    assert f"```\n{on_a_terminal(command)}```" in readme
    assert f"`{run(*command).splitlines()[-1]}`" in readme  # what goes into a pipe


def on_a_terminal(command: list[str | Path]) -> str:
    """Return what the command prints there, without colours."""
    ours, its = pty.openpty()
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=its, env={**os.environ, "NO_COLOR": "1"}
        )
        os.close(its)
        with process:
            printed = b""
            # At the end Linux reports an error, and others give nothing.
            with contextlib.suppress(OSError):
                while data := os.read(ours, 65536):
                    printed += data
            assert process.wait(60) == 0
    finally:
        os.close(ours)
    return printed.decode().replace("\r\n", "\n")
