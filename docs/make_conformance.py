"""Make conformance.txt again: run every ready adapter, in an environment that is thrown away.

    python docs/make_conformance.py

Needs npm, and the network for the peers, which the extra ``peers`` and the package.json in
``benchmarks/contestants/node`` pin. Takes some minutes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
NODE = DOCS.parent / "benchmarks" / "contestants" / "node"


def main() -> None:
    """Run all, and write the file only if all could be run."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        binaries = Path(folder, "Scripts" if os.name == "nt" else "bin")
        subprocess.run(
            [binaries / "python", "-m", "pip", "install", "-q", f"{DOCS.parent}[peers]"],
            env={**os.environ, "SSEPARSE_BUILD": "pure"},
            check=True,
        )
        for file in NODE.glob("package*.json"):
            shutil.copy(file, folder)
        subprocess.run(["npm", "ci", "--silent"], cwd=folder, check=True)
        # From the folder with node_modules. Status 1 says that a parser failed somewhere.
        done = subprocess.run(
            [binaries / "sseparse", "conformance", "--peers"],
            cwd=folder,
            stdout=subprocess.PIPE,
            check=False,
        )
    if done.returncode not in (0, 1) or b"\nnot run: " in done.stdout:
        sys.exit(f"not every parser was run:\n{done.stdout.decode()}")
    DOCS.joinpath("conformance.txt").write_bytes(done.stdout)


if __name__ == "__main__":
    main()
