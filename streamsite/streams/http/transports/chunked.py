"""Chunked transfer: the bare text of a stream, or newline-delimited JSON (NDJSON).

The bare text of a stream of JSON values is NDJSON, too: one value on each line.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

from ...pieces import Pieces, Record
from ...values import JSON
from ...wire import ndjson
from ..endpoints import endpoint
from ..requests import StreamRequest, read_request
from .encoding import json_objects


@endpoint("GET")
async def chunked(request: HttpRequest, name: str) -> StreamingHttpResponse:
    """Stream the text, or the records with `Accept: application/x-ndjson`.

    The text of a stream of JSON values has one value on each line. Text can't carry a reset or an
    end state. If the stream can't honour the cursor, the header `Stream-Reset` has the number of
    the piece with which the text begins instead.
    """
    wanted = await read_request(request, name)
    as_records = ndjson.CONTENT_TYPE in request.headers.get("Accept", "")
    as_lines = as_records or wanted.stream.format == JSON
    response = StreamingHttpResponse(
        body(wanted, lines, quiet=b"\n") if as_records else body(wanted, text),
        content_type=ndjson.CONTENT_TYPE if as_lines else "text/plain; charset=utf-8",
    )
    if wanted.reset:
        response["Stream-Reset"] = "0"
    return response


async def body(
    wanted: StreamRequest, encode: Callable[[Any], bytes], *, quiet: bytes = b""
) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of each batch, and `quiet` for an empty batch.

    An empty batch is a keep-alive. NDJSON allows a blank line, and bare text allows nothing, so
    that `quiet` is empty. The empty part still matters: a server that sends the response's head
    with the first part sends the head now.
    """
    async with aclosing(wanted.batches("chunked")) as batches:
        async for batch in batches:
            yield b"".join([record.encoded(encode) for record in batch]) or quiet


def lines(record: Record) -> bytes:
    """Return a record as NDJSON: one line for each piece, or one for another record."""
    return ndjson.lines(json_objects(record))


def text(record: Record) -> bytes:
    """Return the text of a record, which is empty unless the record is `Pieces`."""
    return "".join(record.texts).encode() if isinstance(record, Pieces) else b""
