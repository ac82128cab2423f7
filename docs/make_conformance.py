"""Make conformance.txt and conformance.html again: run every ready adapter in a new environment.

    python docs/make_conformance.py
    python docs/make_conformance.py --map      # only conformance.html, from conformance.txt

The first command needs npm, and the network for the peers, which the extra ``peers`` and the
package.json in ``benchmarks/contestants/node`` pin. It takes some minutes.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

DOCS = Path(__file__).parent
NODE = DOCS.parent / "benchmarks" / "contestants" / "node"


def read_tables(report: str) -> dict[str, dict[str, str]]:
    """Return the cells of the report's tables, for each parser by family."""
    found: dict[str, dict[str, str]] = {}
    # The tables stand between the title and the first parser's failures.
    for table in report.split("\n\n")[1:]:
        heading, *rows = table.splitlines()
        if not heading.startswith(" "):
            break
        families = re.split(" {2,}", heading.strip())
        for row in rows:
            parser, *cells = re.split(" {2,}", row.strip())
            found.setdefault(parser, {}).update(zip(families, cells, strict=True))
    return found


def read_cell(cell: str) -> tuple[int, int]:
    """Return how many streams are right, and of how many; 0 of 0 if none is judged."""
    found = re.fullmatch(r"(\d+)/(\d+)", cell)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def heat_map(report: str) -> str:
    """Return the tables as one table in HTML, with a colour for the share that is wrong."""
    tables = read_tables(report)
    families = list(next(iter(tables.values())))
    totals = {
        family: max(total for _, total in map(read_cell, column))
        for family in families
        for column in [[cells[family] for cells in tables.values()]]
    }
    # A name is not broken at its hyphen.
    heading = "".join(
        f'<th scope="col">{escape(family).replace("-", "&#8209;")}<br>'
        f"<small>of {totals[family]:,}</small></th>"
        for family in families
        if family != "all"
    )
    rows = []
    for parser, cells in tables.items():
        name, _, version = parser.partition(" ")
        row = "".join(draw_cell(family, cell) for family, cell in cells.items())
        rows.append(
            f'<tr><th scope="row">{escape(name)} <small>{escape(version)}</small></th>{row}</tr>'
        )
    lines = (
        '<div class="wide-box" tabindex="0" role="region" aria-label="Streams by family">',
        '<table class="heat-map">',
        "<caption>Streams that each parser gets right, by family. Blue: all of them. "
        "Orange: not all; the stronger, the more are wrong.</caption>",
        f'<thead><tr><th scope="col">parser</th>{heading}<th scope="col">all</th></tr></thead>',
        "<tbody>",
        *rows,
        "</tbody>",
        "</table>",
        "</div>",
    )
    return "\n".join(lines) + "\n"


def draw_cell(family: str, cell: str) -> str:
    """Return a cell: how many are right, of all families the share, or why nothing is judged."""
    right, total = read_cell(cell)
    if not total:
        return f'<td class="not-judged">{escape(cell)}</td>'
    wrong = 1 - right / total
    # Rounded down: 100 % means all.
    shown = f"{100 * right // total} %" if family == "all" else f"{right:,}"
    kind = "wrong" if wrong else "right"
    title = f"{right:,} of {total:,}"
    return f'<td class="{kind}" style="--wrong: {wrong:.2f}" title="{title}">{shown}</td>'


def main() -> None:
    """Run the command, and write the files only if all parsers could be run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--map", action="store_true", help="draw conformance.html only")
    report = DOCS / "conformance.txt"
    if not parser.parse_args().map:
        report.write_bytes(run_all())
    drawn = heat_map(report.read_text(encoding="utf-8"))
    DOCS.joinpath("conformance.html").write_text(drawn, encoding="utf-8", newline="\n")


def run_all() -> bytes:
    """Return the report on all parsers."""
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
    return done.stdout


if __name__ == "__main__":
    main()
