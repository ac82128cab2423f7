"""Cut the bodies in tests/recordings out of raw captures of real servers.

    python tests/recordings/cut.py FOLDER OUT

FOLDER contains captures as ``curl -sN -i --raw`` prints them: status line, headers, a blank line,
then the body in the chunked framing in which it was sent. The bodies go to the folder OUT, each
after a check that framing it again gives the capture back, byte for byte.
"""

from __future__ import annotations

import sys
from pathlib import Path

# The capture, and the recording that ships.
RECORDINGS = {
    "better-sse.events.raw": "better-sse.sse",
    "sse-starlette.events.raw": "sse-starlette.sse",
    "sse-starlette.events_cr_resume.raw": "sse-starlette-cr.sse",
    "xllamacpp.stream_unicode.raw": "llama.cpp.sse",
}


def cut(capture: bytes) -> bytes:
    """Return the body of a chunked response.

    Raises:
        ValueError: The capture is not a whole chunked response.
    """
    head, _, rest = capture.partition(b"\r\n\r\n")
    chunks: list[bytes] = []
    while not chunks or chunks[-1]:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        chunks.append(rest[:length])
        rest = rest[length + 2 :]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    if head + b"\r\n\r\n" + framed != capture:
        raise ValueError("framing the body again does not give the capture back")
    return b"".join(chunks)


def main(folder: Path, out: Path) -> None:
    """Write every recording, or none if a capture is wrong."""
    bodies = {}
    for capture, recording in RECORDINGS.items():
        try:
            bodies[recording] = cut((folder / capture).read_bytes())
        except ValueError as error:
            sys.exit(f"{capture}: not a whole chunked response: {error}")
    for recording, body in bodies.items():
        (out / recording).write_bytes(body)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python tests/recordings/cut.py FOLDER OUT")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
