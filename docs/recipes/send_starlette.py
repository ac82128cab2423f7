"""An event stream from Starlette: uvicorn send_starlette:app."""

from feed import HEADERS, Feed
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

feed = Feed()


async def events(request: Request) -> Response:
    """Stream to a client from where it was cut off."""
    # IDs are sent as UTF-8, and Starlette reads headers as Latin-1.
    last_event_id = request.headers.get("last-event-id", "").encode("latin-1").decode()
    return StreamingResponse(
        feed.blocks(last_event_id), media_type="text/event-stream", headers=HEADERS
    )


async def publish(request: Request) -> Response:
    """Publish the body of a request as an event."""
    feed.publish((await request.body()).decode(), type="note")
    return Response(status_code=204)


app = Starlette(
    routes=[Route("/events", events), Route("/publish", publish, methods=["POST"])],
)
