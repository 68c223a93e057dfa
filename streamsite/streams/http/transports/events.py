"""Server-Sent Events (WHATWG HTML, section 9.2).

Each piece is an event whose id is the cursor after the piece. A reset and the end are events with
the names `reset` and `end`. An EventSource therefore reconnects with the right cursor by itself.
"""

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from ...pieces import Cursor, End, Pieces, Record, Reset
from ...wire import sse
from ..endpoints import endpoint
from ..requests import read_request
from ..responses import RecordsResponse
from .encoding import Format, json_objects

# How long an EventSource waits before it reconnects, in milliseconds.
RETRY = 1000


@endpoint("GET")
async def events(request: HttpRequest, name: str) -> HttpResponseBase:
    """Stream the records as Server-Sent Events.

    A reader that has all pieces of a finished stream gets the status 204, which tells an
    EventSource not to reconnect.
    """
    last_event_id = request.headers.get("Last-Event-ID", "")
    wanted = await read_request(request, name, last_event_id=last_event_id)
    if wanted.complete and wanted.pace is None:
        nothing = HttpResponse(status=204)
        del nothing["Content-Type"]  # The response has no content.
        return nothing
    return RecordsResponse(wanted, "sse", FORMAT, content_type=sse.CONTENT_TYPE)


def encode(record: Record) -> bytes:
    """Return a record as events: one for each piece, or one for another record."""
    match record:
        case Pieces(first=first, revision=revision):
            before = f"{revision}." if revision else ""
            # Formatted here, and not by sse.event(), because this line runs for each piece of each
            # stream. JSON text has no line breaks, so the event needs no second `data` line.
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


FORMAT = Format(encode, before=sse.retry(RETRY), quiet=sse.comment("ping"))
