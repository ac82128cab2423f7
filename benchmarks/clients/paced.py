"""A server that writes the time of sending into each event: one thread, one epoll loop.

It waits until all streams have been asked for. Then it sends events to each of them at the given
rate, evenly spread over all streams, and ``[DONE]`` at the end.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time

from .server import CHUNKED, LAST_CHUNK, event

STAMP = "0" * 20
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + CHUNKED + b"\r\n"


def serve(streams: int, rate: int, events: int) -> None:
    """Print the port, then answer as many requests as there are streams, all at once."""
    with socket.create_server(("127.0.0.1", 0), backlog=streams) as listener:
        print(listener.getsockname()[1], flush=True)
        peers = accept(listener, streams)
        with contextlib.ExitStack() as stack:
            for peer in peers:
                stack.enter_context(peer)
            send(peers, rate, events)
            for peer in peers:  # they close when they have read all
                peer.setblocking(True)
                with contextlib.suppress(ConnectionError):
                    peer.recv(1)


def accept(listener: socket.socket, streams: int) -> list[socket.socket]:
    """Return the connections when each has brought a whole request."""
    requests: dict[int, tuple[socket.socket, bytearray]] = {}
    ready: list[socket.socket] = []
    with select.epoll() as epoll:
        epoll.register(listener.fileno(), select.EPOLLIN)
        while len(ready) < streams:
            for number, _ in epoll.poll():
                if number == listener.fileno():
                    peer, _ = listener.accept()
                    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    requests[peer.fileno()] = peer, bytearray()
                    epoll.register(peer.fileno(), select.EPOLLIN)
                    continue
                peer, request = requests[number]
                request += peer.recv(65536)
                if is_whole(request):
                    epoll.unregister(number)
                    peer.setblocking(False)
                    peer.sendall(_HEAD)
                    ready.append(peer)
    return ready


def is_whole(request: bytearray) -> bool:
    """Tell whether a whole request, with a JSON object as its body, has come."""
    _, found, body = bytes(request).partition(b"\r\n\r\n")
    with contextlib.suppress(ValueError):
        return bool(found and json.loads(body))
    return False


def send(peers: list[socket.socket], rate: int, events: int) -> None:
    """Send each client the events at that rate, and the end."""
    one = event(STAMP)
    before, after = (b"%x\r\n" % len(one) + one + b"\r\n").split(STAMP.encode())
    began, gap = time.perf_counter_ns() + 10**8, 1e9 / (rate * len(peers))
    for number in range(len(peers) * events):
        due = began + int(number * gap)
        while (now := time.perf_counter_ns()) < due:
            pass  # a timer of the system would be as late as the delays that are measured
        peers[number % len(peers)].send(b"%b%020d%b" % (before, now, after))
    end = event(None, "stop") + b"data: [DONE]\n\n"
    for peer in peers:
        peer.send(b"%x\r\n%b\r\n" % (len(end), end) + LAST_CHUNK)
