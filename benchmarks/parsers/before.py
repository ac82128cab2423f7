"""Build an earlier commit of sseparse, to measure it beside the current one.

    python -m benchmarks.before REV FOLDER
    python -m benchmarks --before FOLDER

The command renames the package of that commit, so that one process can import both, and compiles
it with its own setup.py. That needs setuptools and mypy; nothing is downloaded.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING

from ..contestants.contestant import BEFORE_PACKAGE
from .header import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

# The files that name the package for the build. Imports within the package are relative.
NAMING = ("setup.py", "setup.cfg", "pyproject.toml")
# The number of lines that are shown of the output of a failed build.
SHOWN = 15


class BuildError(Exception):
    """The revision cannot be built, for the reason in the message."""


def build(revision: str, folder: Path, root: Path = ROOT) -> str:
    """Put the compiled package of a git revision into the folder, and return its commit.

    A package that is already in the folder is replaced.

    Raises:
        BuildError: The revision does not exist, or it cannot be compiled here.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source, dist = Path(scratch, "source"), Path(scratch, "dist")
        commit = _run(
            "git", "-C", str(root), "rev-parse", "--verify", "--short", f"{revision}^{{commit}}"
        )
        archive = Path(scratch, "source.zip")
        _run("git", "-C", str(root), "archive", "--format=zip", f"--output={archive}", commit)
        _extract(archive, source)
        if not (source / "sseparse").is_dir() or not (source / "setup.py").exists():
            raise BuildError(f"{commit} has no package sseparse with a setup.py")
        (source / "sseparse").rename(source / BEFORE_PACKAGE)
        for name in NAMING:
            if (source / name).exists():
                text = (source / name).read_text(encoding="utf-8")
                renamed = re.sub(r"\bsseparse\b", BEFORE_PACKAGE, text)
                (source / name).write_text(renamed, encoding="utf-8")
        _run(
            *(sys.executable, "setup.py", "-q", "bdist_wheel", f"--dist-dir={dist}"),
            cwd=source,
            env={**os.environ, "SSEPARSE_BUILD": "compiled"},
        )
        [wheel] = dist.glob("*.whl")
        with zipfile.ZipFile(wheel) as built:
            if not any(name.endswith(tuple(EXTENSION_SUFFIXES)) for name in built.namelist()):
                raise BuildError(f"the setup.py of {commit} compiles nothing")
        target = folder / BEFORE_PACKAGE
        if target.exists():
            shutil.rmtree(target)
        _extract(wheel, folder)
        (target / "COMMIT").write_text(f"{commit}\n", encoding="utf-8")
        return commit


def _run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            capture_output=True,
            check=False,
            text=True,
        )
    except OSError as error:
        raise BuildError(f"{command[0]} does not run: {error}") from error
    if done.returncode:
        lines = f"{done.stdout}\n{done.stderr}".strip().splitlines()
        last = "\n".join(lines[-SHOWN:])
        raise BuildError(f"{' '.join(command)}: exit status {done.returncode}\n{last}")
    return done.stdout.strip()


def _extract(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder)


def main(given: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.before",
        description="Compile an earlier commit of sseparse, for python -m benchmarks --before.",
    )
    parser.add_argument("revision", metavar="REV", help="a commit: any name that git knows")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to put the package")
    options = parser.parse_args(given)
    try:
        commit = build(options.revision, options.folder)
    except BuildError as error:
        print(f"cannot build {options.revision}: {error}", file=sys.stderr)
        return 1
    print(f"{options.folder / BEFORE_PACKAGE}: commit {commit}, compiled")
    return 0
