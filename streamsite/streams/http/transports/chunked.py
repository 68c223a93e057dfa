"""Chunked transfer: the bare text of a stream, or newline-delimited JSON (NDJSON).

The bare text of a stream of JSON values is NDJSON, too: one value on each line.
"""

from django.http import HttpRequest

from ...pieces import Pieces, Record
from ...values import JSON
from ...wire import ndjson
from ..endpoints import endpoint
from ..requests import read_request
from ..responses import RecordsResponse
from .encoding import Format, json_objects


@endpoint("GET")
async def chunked(request: HttpRequest, name: str) -> RecordsResponse:
    """Stream the text, or the records with `Accept: application/x-ndjson`.

    The text of a stream of JSON values has one value on each line. Text can't carry a reset or an
    end state. If the stream can't honour the cursor, the header `Stream-Reset` has the number of
    the piece with which the text begins instead.
    """
    wanted = await read_request(request, name)
    as_records = ndjson.CONTENT_TYPE in request.headers.get("Accept", "")
    as_lines = as_records or wanted.stream.format == JSON
    response = RecordsResponse(
        wanted,
        "chunked",
        LINES if as_records else TEXT,
        content_type=ndjson.CONTENT_TYPE if as_lines else "text/plain; charset=utf-8",
    )
    if wanted.reset:
        response["Stream-Reset"] = "0"
    return response


def lines(record: Record) -> bytes:
    """Return a record as NDJSON: one line for each piece, or one for another record."""
    return ndjson.lines(json_objects(record))


def text(record: Record) -> bytes:
    """Return the text of a record, which is empty unless the record is `Pieces`."""
    return "".join(record.texts).encode() if isinstance(record, Pieces) else b""


# An empty batch is a keep-alive. NDJSON allows a blank line, and bare text allows nothing.
LINES = Format(lines, quiet=b"\n")
TEXT = Format(text)
