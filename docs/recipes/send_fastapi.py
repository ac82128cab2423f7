"""An event stream from FastAPI: uvicorn send_fastapi:app."""

from typing import Annotated

from fastapi import FastAPI, Header, Request
from fastapi.responses import StreamingResponse
from feed import HEADERS, Feed

app = FastAPI()
feed = Feed()


@app.get("/events")
async def events(last_event_id: Annotated[str, Header()] = "") -> StreamingResponse:
    """Stream to a client from where it was cut off."""
    # IDs are sent as UTF-8, and FastAPI reads headers as Latin-1.
    last_event_id = last_event_id.encode("latin-1").decode()
    return StreamingResponse(
        feed.blocks(last_event_id), media_type="text/event-stream", headers=HEADERS
    )


@app.post("/publish", status_code=204)
async def publish(request: Request) -> None:
    """Publish the body of a request as an event."""
    feed.publish((await request.body()).decode(), type="note")
