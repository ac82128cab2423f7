"""The answers of real servers in tests/data/captures, without their HTTP framing."""

from __future__ import annotations

import io
import zlib
from http.client import HTTPResponse, IncompleteRead
from pathlib import Path
from typing import Any, NamedTuple

CAPTURES = Path(__file__).parents[1] / "data" / "captures"


class Capture(NamedTuple):
    name: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes  # the part that arrived, decoded
    is_cut: bool  # whether the framing announces more bytes

    @property
    def options(self) -> dict[str, Any]:
        """The request, as options of the parser."""
        return {
            "status": self.status,
            "headers": self.headers,
            "stream": "nonstream" not in self.name,
            "api": "completions" if ".legacy" in self.name else "chat",
            "n": 2 if "_n2" in self.name else 1,
        }


def read_capture(name: str) -> Capture:
    class Socket:
        def makefile(self, _: str) -> io.BytesIO:
            return io.BytesIO((CAPTURES / f"{name}.raw").read_bytes())

    sock: Any = Socket()
    response = HTTPResponse(sock)
    response.begin()
    try:
        body, is_cut = response.read(), False
    except IncompleteRead as error:
        body, is_cut = error.partial, True
    if response.headers.get("content-encoding") == "gzip":
        body = zlib.decompress(body, 31)
    return Capture(name, response.status, response.getheaders(), body, is_cut)


NAMES = sorted(path.stem for path in CAPTURES.glob("*.raw"))
