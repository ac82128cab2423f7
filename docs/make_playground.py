"""Add the wheel of sseparse and the address of Pyodide to the playground of the built pages.

    sphinx-build -b html docs OUT
    python docs/make_playground.py OUT                   # browsers load Pyodide from jsDelivr
    python docs/make_playground.py OUT --pyodide FOLDER  # Pyodide is copied beside the pages

FOLDER is the folder of npm's package ``pyodide``, which ``npm install --no-save pyodide@VERSION``
puts into ``node_modules``. The version is that of ``docs/pyodide.json``, which also has the digest
of each file. Browsers compare the files with the digests, wherever they come from. To change the
version, write ``docs/pyodide.json`` again from that folder:

    python docs/make_playground.py --pin FOLDER
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
PIN = DOCS / "pyodide.json"
# What a browser loads. The address is that of the files in npm's package.
FILES = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "pyodide-lock.json",
    "python_stdlib.zip",
)
ADDRESS = "https://cdn.jsdelivr.net/npm/pyodide@{version}/"


def digest(file: Path) -> str:
    """Return the digest of a file as browsers compare it (Subresource Integrity)."""
    return "sha384-" + base64.b64encode(hashlib.sha384(file.read_bytes()).digest()).decode()


def pin(package: Path) -> None:
    """Write the version and the digests of a package to the file."""
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    files = {name: digest(package / name) for name in FILES}
    PIN.write_text(json.dumps({"version": version, "files": files}, indent=1) + "\n")


def build_wheel(target: Path) -> str:
    """Build the pure wheel of this checkout into a folder, and return the wheel's name."""
    for old in target.glob("sseparse-*.whl"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        # setuptools writes into the folder that it builds.
        copy = Path(folder, "checkout")
        copy.mkdir()
        for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(DOCS.parent / name, copy)
        left = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
        shutil.copytree(DOCS.parent / "sseparse", copy / "sseparse", ignore=left)
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", target, copy],
            env={**os.environ, "SSEPARSE_BUILD": "pure"},
            check=True,
        )
    (wheel,) = target.glob("sseparse-*-py3-none-any.whl")
    return wheel.name


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", nargs="?", type=Path, help="the folder of the built pages")
    parser.add_argument("--pyodide", type=Path, metavar="FOLDER", help="copy Pyodide from here")
    parser.add_argument("--pin", type=Path, metavar="FOLDER", help="write docs/pyodide.json")
    options = parser.parse_args()
    if options.pin:
        pin(options.pin)
        return
    if options.out is None:
        parser.error("name the folder of the built pages")
    target = options.out / "_static" / "playground"
    if not target.is_dir():
        parser.error(f"{options.out} has no playground: build the pages first")
    pinned = json.loads(PIN.read_text(encoding="utf-8"))
    address = ADDRESS.format(version=pinned["version"])
    if options.pyodide:
        wrong = [name for name in FILES if digest(options.pyodide / name) != pinned["files"][name]]
        if wrong:
            parser.error(f"not the files of Pyodide {pinned['version']}: {', '.join(wrong)}")
        address = "pyodide/"
        (target / address).mkdir(exist_ok=True)
        for name in FILES:
            shutil.copy(options.pyodide / name, target / address / name)
    config = {"wheel": build_wheel(target), "pyodide": address, "files": pinned["files"]}
    (target / "config.json").write_text(json.dumps(config, indent=1) + "\n")


if __name__ == "__main__":
    main()
