"""The text of a streamed chat completion, over requests."""

from collections.abc import Generator
from typing import Any

import requests

from sseparse.completions import iter_chunks

TIMEOUT = (5, 600)  # s, to connect and of silence; a slow model may be silent for minutes


def answer(url: str, key: str, body: dict[str, Any]) -> Generator[str, None, None]:
    """Yield the text piece by piece, and raise an error if it is not whole."""
    headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}
    body = {**body, "stream": True}
    with requests.post(url, json=body, headers=headers, timeout=TIMEOUT, stream=True) as response:
        raw = response.raw  # the urllib3 response, which has read1()
        reads = iter(lambda: raw.read1(65536, decode_content=True), b"")
        with iter_chunks(reads, status=response.status_code, headers=response.headers) as stream:
            yield from stream.text()
