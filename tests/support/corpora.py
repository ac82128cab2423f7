"""The full conformance corpora, with the answers that browsers confirmed: see data/corpora."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "corpora"


def eventsource() -> list[dict[str, Any]]:
    """Read the streams of eventsource.json.xz, one dict for each."""
    columns = json.loads(lzma.decompress((DATA / "eventsource.json.xz").read_bytes()))
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def tricky() -> list[dict[str, Any]]:
    """Read the streams of tricky.jsonl, one dict for each."""
    lines = (DATA / "tricky.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
