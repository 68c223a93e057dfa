"""Chunked transfer: the bare text as it comes, or a JSON object a line."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

from ...pieces import Pieces, Record
from ...wire import ndjson
from ..endpoints import endpoint
from ..requests import StreamRequest, read_request
from .encoding import json_objects


@endpoint("GET")
async def chunked(request: HttpRequest, name: str) -> StreamingHttpResponse:
    """Stream the text, or with `Accept: application/x-ndjson` the records.

    The bare text has no words for a reset or a state: a cursor that can't be honoured is answered
    by the header `Stream-Reset`, and the text from there.
    """
    wanted = await read_request(name, request.GET, request.user)
    as_lines = ndjson.CONTENT_TYPE in request.headers.get("Accept", "")
    response = StreamingHttpResponse(
        body(wanted, lines, quiet=b"\n") if as_lines else body(wanted, text),
        content_type=ndjson.CONTENT_TYPE if as_lines else "text/plain; charset=utf-8",
    )
    if wanted.reset:
        response["Stream-Reset"] = "0"
    return response


async def body(
    wanted: StreamRequest, encode: Callable[[Any], bytes], *, quiet: bytes = b""
) -> AsyncGenerator[bytes, None]:
    """Yield a part for each batch, `quiet` for an empty one.

    That is a blank line where the format has one, a sign of life. Even no bytes at all have an
    effect: a server that waits for the first of them with the head sends the head.
    """
    async with aclosing(wanted.batches("chunked")) as batches:
        async for batch in batches:
            yield b"".join([record.encoded(encode) for record in batch]) or quiet


def lines(record: Record) -> bytes:
    """Encode a record as lines of JSON."""
    return ndjson.lines(json_objects(record))


def text(record: Record) -> bytes:
    """Encode a record as its bare text."""
    return "".join(record.texts).encode() if isinstance(record, Pieces) else b""
