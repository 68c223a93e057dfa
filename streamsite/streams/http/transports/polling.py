"""Polling: one JSON response with the pieces since the cursor.

With the parameter `wait` this is long polling: the response waits until there is a piece.
"""

import asyncio
from contextlib import aclosing, suppress
from typing import Any

from django.http import HttpRequest, JsonResponse

from ...pieces import Batch, Cursor, End, Pieces, Reset
from ...reading.hub import hub
from ..clients import client_of
from ..endpoints import endpoint
from ..requests import StreamRequest, read_request, whole_number

# The largest `wait`, in seconds.
MAX_WAIT = 60
# The default and the largest `limit`: the number of pieces in one response.
LIMIT = 500
MAX_LIMIT = 10_000


@endpoint("GET")
async def polling(request: HttpRequest, name: str) -> JsonResponse:
    """Return the pieces since the cursor as one JSON response.

    The response is `{"pieces": ["…"], "after": 19, "state": "live"}`, where `after` is the cursor
    for the next request. With the last pieces the response has the end state and `sha256`, and a
    `reason` if there is one. After a cursor that the stream can't honour, the response has `reset`
    and `why`.
    """
    wait = whole_number(request.GET, "wait", 0, MAX_WAIT)
    limit = whole_number(request.GET, "limit", LIMIT, MAX_LIMIT, least=1)
    wanted = await read_request(request, name)
    client = client_of(request)
    hub().poll_began(wanted.stream, client)
    try:
        answer = await _response(wanted, wait, limit)
    finally:
        hub().poll_ended(wanted.stream, client)
    return JsonResponse(answer, json_dumps_params={"ensure_ascii": False})


async def _response(wanted: StreamRequest, wait: int, limit: int) -> dict[str, Any]:
    """Return the response's JSON object, after up to `wait` seconds if there is no piece yet."""
    stream, after = wanted.stream, wanted.after
    answer: dict[str, Any] = {"pieces": [], "after": after.written, "state": stream.state}
    up_to_date = stream.live and after.n == stream.pieces and not wanted.reset
    if up_to_date and not wait:
        return answer
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(wait if up_to_date else None),
            aclosing(wanted.batches("polling")) as batches,
        ):
            async for batch in batches:
                if batch:
                    return answer | _parts(batch, limit)
    return answer


def _parts(batch: Batch, limit: int) -> dict[str, Any]:
    """Return the parts of the response's JSON object that come from a batch."""
    parts: dict[str, Any] = {"pieces": []}
    for record in batch:
        match record:
            case Pieces(first=first, texts=texts, revision=revision):
                taken = texts[: limit - len(parts["pieces"])]
                parts["pieces"] += taken
                parts["after"] = Cursor(revision, first + len(taken)).written
                if len(taken) < len(texts):
                    break
            case Reset(n=n, why=why, revision=revision):
                parts |= {"reset": n, "why": why, "after": Cursor(revision, n).written}
            case End(state=state, sha256=sha256, reason=reason):
                parts |= {"state": state, "sha256": sha256} | ({"reason": reason} if reason else {})
    return parts
