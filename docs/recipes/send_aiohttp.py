"""An event stream from aiohttp: python send_aiohttp.py."""

from contextlib import aclosing

from aiohttp import web
from feed import HEADERS, Feed

feed = Feed()


async def events(request: web.Request) -> web.StreamResponse:
    """Stream to a client from where it was cut off."""
    response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
    await response.prepare(request)
    async with aclosing(feed.blocks(request.headers.get("Last-Event-ID", ""))) as blocks:
        async for block in blocks:
            await response.write(block)
    return response


async def publish(request: web.Request) -> web.Response:
    """Publish the body of a request as an event."""
    feed.publish(await request.text(), type="note")
    return web.Response(status=204)


app = web.Application()
app.add_routes([web.get("/events", events), web.post("/publish", publish)])

if __name__ == "__main__":
    # handler_cancellation: the handler ends as soon as its client has left.
    web.run_app(app, port=8000, handler_cancellation=True)
