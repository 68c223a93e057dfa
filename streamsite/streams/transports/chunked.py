"""Chunked transfer: the bare text as it comes, or a JSON object a line."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.http import HttpRequest, StreamingHttpResponse

from ..endpoints import endpoint
from ..pieces import Pieces, Record
from ..wire import ndjson
from .reading import Reading, reading
from .records import as_objects


@endpoint("GET")
async def chunked(request: HttpRequest, name: str) -> StreamingHttpResponse:
    """Stream the text, or with `Accept: application/x-ndjson` the records.

    The bare text has no words for a reset or a state: a cursor that can't be honoured is answered
    by the header `Stream-Reset`, and the text from there.
    """
    ask = await reading(name, request.GET, request.user)
    as_lines = ndjson.CONTENT_TYPE in request.headers.get("Accept", "")
    response = StreamingHttpResponse(
        body(ask, lines if as_lines else text),
        content_type=ndjson.CONTENT_TYPE if as_lines else "text/plain; charset=utf-8",
    )
    if ask.reset:
        response["Stream-Reset"] = "0"
    return response


async def body(ask: Reading, encode) -> AsyncGenerator[bytes, None]:  # type: ignore[no-untyped-def]
    async with aclosing(ask.batches("chunked")) as batches:
        async for batch in batches:
            if part := b"".join([record.encoded(encode) for record in batch]):
                yield part


def lines(record: Record) -> bytes:
    """Encode a record as lines of JSON."""
    return ndjson.lines(as_objects(record))


def text(record: Record) -> bytes:
    """Encode a record as its bare text."""
    return "".join(record.texts).encode() if isinstance(record, Pieces) else b""
