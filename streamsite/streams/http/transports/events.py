"""Server-Sent Events: an event for each record, whose id is the cursor after it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from ...pieces import Cursor, End, Pieces, Record, Reset
from ...wire import sse
from ..endpoints import endpoint
from ..requests import StreamRequest, read_request
from .encoding import json_objects

# Milliseconds that an EventSource waits before it reconnects.
RETRY = 1000


@endpoint("GET")
async def events(request: HttpRequest, name: str) -> HttpResponseBase:
    """Stream the records as events. 204 tells an EventSource that has all to stay away."""
    last_event_id = request.headers.get("Last-Event-ID", "")
    wanted = await read_request(name, request.GET, request.user, last_event_id=last_event_id)
    if wanted.complete and wanted.pace is None:
        nothing = HttpResponse(status=204)
        del nothing["Content-Type"]  # There is no content.
        return nothing
    return StreamingHttpResponse(body(wanted), content_type=sse.CONTENT_TYPE)


async def body(wanted: StreamRequest) -> AsyncGenerator[bytes, None]:
    yield sse.retry(RETRY)
    async with aclosing(wanted.batches("sse")) as batches:
        async for batch in batches:
            yield b"".join([record.encoded(encode) for record in batch]) or sse.comment("ping")


def encode(record: Record) -> bytes:
    """Encode a record as events."""
    match record:
        case Pieces(first=first, revision=revision):
            before = f"{revision}." if revision else ""
            # Written out by hand: this runs once for each piece of each stream. JSON is one line.
            return "".join(
                [
                    f"id: {before}{n}\ndata: {text}\n\n"
                    for n, text in enumerate(json_objects(record), first + 1)
                ]
            ).encode()
        case Reset(n=n, revision=revision):
            name, cursor = "reset", Cursor(revision, n)
        case End(n=n, revision=revision):
            name, cursor = "end", Cursor(revision, n)
    return sse.event(json_objects(record)[0], name=name, id=str(cursor))
