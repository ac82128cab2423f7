"""A proxy that forwards each stream as it comes, and records it: python proxy.py URL FOLDER."""

import base64
import datetime as dt
import itertools
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

# These belong to one connection, and are not passed on. The proxy asks for no compression.
NOT_PASSED_ON = {"accept-encoding", "connection", "content-length", "host", "keep-alive", "te"}
NOT_PASSED_ON |= {"proxy-authorization", "trailer", "transfer-encoding", "upgrade"}
SECRET = {"authorization", "api-key", "x-api-key", "cookie", "set-cookie"}  # not recorded
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=600)  # s

HTTP = web.AppKey("http", aiohttp.ClientSession)
Pairs = list[tuple[str, str]]


def make_app(target: str, folder: Path) -> web.Application:
    """Return an application that passes every request on to target, without a / at its end."""
    numbers = itertools.count(1)

    async def forward(request: web.Request) -> web.StreamResponse:
        began, started = dt.datetime.now(dt.timezone.utc), time.perf_counter_ns()
        url, body = target + request.raw_path, await request.read()
        headers = [*passed_on(request.headers), ("Accept-Encoding", "identity")]
        try:
            answer = await request.app[HTTP].request(
                request.method,
                URL(url, encoded=True),
                data=body or None,
                headers=headers,
                allow_redirects=False,
            )
        except aiohttp.ClientError as error:
            return web.Response(status=502, text=f"{type(error).__name__}: {error}")
        chunks: list[dict[str, float]] = []
        received = bytearray()
        try:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for name, value in passed_on(answer.headers):
                response.headers.add(name, value)
            await response.prepare(request)
            while chunk := await answer.content.readany():
                arrival = (time.perf_counter_ns() - started) / 1e6  # ms
                chunks.append({"ts": arrival, "bytes": len(chunk)})
                received += chunk
                await response.write(chunk)
        except aiohttp.ClientError:
            # Cut off. A proper end would hide that from the client.
            if request.transport is not None:
                request.transport.abort()
        finally:
            answer.close()
            file = folder / f"{next(numbers):06}.har"
            entry = har_entry(request, url, body, answer, bytes(received), chunks, began)
            log = {"version": "1.2", "creator": {"name": "chrome-har", "version": "1"}}
            file.write_text(json.dumps({"log": {**log, "entries": [entry]}}))
        return response

    async def with_http(app: web.Application) -> AsyncIterator[None]:
        # No limit of connections: each stream keeps one.
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            connector=connector, timeout=TIMEOUT, auto_decompress=False
        ) as app[HTTP]:
            yield

    app = web.Application(client_max_size=1 << 30)
    app.cleanup_ctx.append(with_http)
    app.router.add_route("*", "/{path:.*}", forward)
    return app


def passed_on(headers: Any) -> Pairs:
    """Return the headers that the other side gets."""
    named = {each.strip().lower() for each in headers.get("Connection", "").split(",")}
    left_out = NOT_PASSED_ON | named
    return [(name, value) for name, value in headers.items() if name.lower() not in left_out]


def har_entry(
    request: web.Request,
    url: str,
    body: bytes,
    answer: aiohttp.ClientResponse,
    received: bytes,
    chunks: list[dict[str, float]],
    began: dt.datetime,
) -> dict[str, Any]:
    """Return the exchange as a HAR has it, with the time and the size of each read."""

    def recorded(headers: Any) -> list[dict[str, str]]:
        pairs = [(name, value) for name, value in headers.items() if name.lower() not in SECRET]
        return [{"name": name, "value": value} for name, value in pairs]

    content = {
        "size": len(received),
        "mimeType": answer.headers.get("Content-Type", ""),
        "encoding": "base64",
        "text": base64.b64encode(received).decode(),
    }
    return {
        "startedDateTime": began.isoformat(),
        "time": chunks[-1]["ts"] if chunks else 0,
        "request": {
            "method": request.method,
            "url": url,
            "headers": recorded(request.headers),
            "postData": {
                "mimeType": request.headers.get("Content-Type", ""),
                "text": body.decode("utf-8", "replace"),
            },
        },
        "response": {
            "status": answer.status,
            "statusText": answer.reason or "",
            "headers": recorded(answer.headers),
            "content": content,
        },
        "_chunks": chunks,
    }


if __name__ == "__main__":
    app = make_app(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
    # handler_cancellation: a client that leaves ends its request to the server, too.
    web.run_app(app, host="127.0.0.1", port=8000, handler_cancellation=True)
