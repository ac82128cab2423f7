"""The server of ``python -m benchmarks.client``: chat completions over real sockets.

A request names a number of events and the way to send them: ``event``, with a write for each;
``64k``, in writes of 64 KiB; ``cut``, in HTTP chunks of 4 KiB, which end inside events;
``none``, without HTTP chunks, in writes of 64 KiB; or one of ``FRAMINGS``, where each event waits
for a line of standard input.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time
import zlib
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

WORD = " token"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LAST_CHUNK = b"0\r\n\r\n"


class Framing(NamedTuple):
    """The bytes of a response: the head, a piece for each event, and the end."""

    head: bytes
    pieces: list[bytes]
    end: bytes


def event(content: str | None, finish: str | None = None) -> bytes:
    """Return an event as large as those of real servers."""
    delta = {} if content is None else {"content": content}
    body = {
        "id": "chatcmpl-7eSvSno8venz3QcuQhTA3vT8kN18D6gj",
        "object": "chat.completion.chunk",
        "created": 1795333748,
        "model": "tiny",
        "system_fingerprint": "b0-unknown",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"


ONE = event(WORD)
END = event(None, "stop") + b"data: [DONE]\n\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunked(count: int) -> Framing:
    """Each event in an HTTP chunk of its own, as most servers do."""
    return Framing(CHUNKED, [_chunk(ONE)] * count, _chunk(END) + LAST_CHUNK)


def _cut(body: bytes) -> bytes:
    return b"".join(_chunk(body[at : at + 4096]) for at in range(0, len(body), 4096))


def coalesced(count: int) -> Framing:
    """All events in one HTTP chunk that comes slowly, as from a proxy."""
    size = b"%x\r\n" % (len(ONE) * count + len(END))
    return Framing(CHUNKED, [size + ONE, *[ONE] * (count - 1)], END + b"\r\n" + LAST_CHUNK)


def closed(count: int) -> Framing:
    """No length: the end of the connection ends the stream, as in HTTP/1.0."""
    return Framing(b"Connection: close\r\n", [ONE] * count, END)


def sized(count: int) -> Framing:
    """A Content-Length, and a body that comes slowly, as of a recording that is played back."""
    length = len(ONE) * count + len(END)
    return Framing(b"Content-Length: %d\r\n" % length, [ONE] * count, END)


def gzipped(count: int) -> Framing:
    """Compressed, even if the client does not ask for it; each event flushed in an HTTP chunk."""
    compressor = zlib.compressobj(wbits=31)
    flushed = [
        _chunk(compressor.compress(each) + compressor.flush(zlib.Z_SYNC_FLUSH))
        for each in [ONE] * count
    ]
    end = _chunk(compressor.compress(END) + compressor.flush()) + LAST_CHUNK
    return Framing(CHUNKED + b"Content-Encoding: gzip\r\n", flushed, end)


FRAMINGS = {
    "chunked": chunked,
    "coalesced": coalesced,
    "close-delimited": closed,
    "content-length": sized,
    "gzip": gzipped,
}


def serve() -> None:
    """Print the port, then answer each request, until killed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A thread for each connection: a client may keep one open that it does not use.
            threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    # A client may disconnect before it has read the end.
    with connection, contextlib.suppress(ConnectionError), connection.makefile("rb") as requests:
        while line := requests.readline():
            kind, count = _read_request(line, requests)
            framing = closed(count) if kind == "none" else FRAMINGS.get(kind, chunked)(count)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + framing.head + b"\r\n"
            )
            if kind in FRAMINGS:
                _paced(connection, framing)
                return
            body = b"".join(framing.pieces)
            size = len(framing.pieces[0]) if kind == "event" else 65536
            if kind == "cut":
                body = _cut(ONE * count)
            for at in range(0, len(body), size):
                connection.sendall(body[at : at + size])
            connection.sendall(framing.end)
            if kind == "none":
                return


def _read_request(line: bytes, requests: object) -> tuple[str, int]:
    """Read a request, and return the way and the number in its body, or else in its query."""
    readline, read = requests.readline, requests.read  # type: ignore[attr-defined]  # a file
    length = 0
    while (header := readline()) != b"\r\n":
        if header.lower().startswith(b"content-length:"):
            length = int(header.partition(b":")[2])
    if length:
        body = json.loads(read(length))
        return body["user"], body["max_tokens"]
    query = parse_qs(urlsplit(line.split()[1].decode()).query)
    return query["user"][0], int(query["max_tokens"][0])


def _paced(connection: socket.socket, framing: Framing) -> None:
    """Send the next event, or the end, for each line of input; print the time, in monotonic ns."""
    for piece in [*framing.pieces, framing.end]:
        sys.stdin.readline()
        now = time.monotonic_ns()
        with contextlib.suppress(ConnectionError):  # each line is answered
            connection.sendall(piece)
        print(now, flush=True)
