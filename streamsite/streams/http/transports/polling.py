"""Polling: one JSON response with the pieces since the cursor.

With the parameter `wait` this is long polling: the response waits until there is a piece.

A replay needs to know when the reader received its last piece. The server keeps no state for a
client between two polls, so the client says so with the parameter `waited`. Without it, a poll that
ends before the next piece is due would begin the wait anew.

An answer that is the same for many clients is made once: see `answers`.
"""

from contextlib import aclosing, nullcontext, suppress
from typing import Any

from django.http import HttpRequest, HttpResponse

from ...errors import BadRequest
from ...instruments import POLLING, traffics
from ...pieces import Batch, Cursor, End, Pieces, Reset
from ...reading.hub import QUIET, hub
from ...reading.playing import delay
from ...values import JSON
from ...wire import objects
from ..draining import draining
from ..endpoints import endpoint
from ..limits.polls import count_poll
from ..outlets import while_connected
from ..requests import StreamRequest, read_request, seconds, whole_number
from .answers import Answer, Key, answers
from .encoding import json_values

# The largest `wait`, in seconds.
MAX_WAIT = 60
# The default and the largest `limit`: the number of pieces in one response.
LIMIT = 500
MAX_LIMIT = 10_000


@endpoint("GET")
async def polling(request: HttpRequest, name: str) -> HttpResponse:
    """Return the pieces since the cursor as one JSON response.

    The response is `{"pieces": ["…"], "after": 19, "state": "live"}`, where `after` is the cursor
    for the next request. The answer of a stream of JSON values has `"format": "json"`, and its
    pieces are the values. With the last pieces the response has the end state and `sha256`, and a
    `reason` if there is one. After a cursor that the stream can't honour, the response has `reset`
    and `why`.
    """
    client = count_poll(request)
    wait = whole_number(request.GET, "wait", 0, MAX_WAIT)
    limit = whole_number(request.GET, "limit", LIMIT, MAX_LIMIT, least=1)
    waited = seconds(request.GET, "waited")
    wanted = await read_request(request, name)
    hub().poll_began(wanted.stream, client)
    try:
        with while_connected(getattr(request, "receive", None)) if wait else nullcontext():
            answer = await _answer(wanted, wait, limit, waited)
    finally:
        hub().poll_ended(wanted.stream, client)
    traffic = traffics().of(POLLING)
    traffic.arrivals += 1
    traffic.add(answer.pieces, len(answer.body))
    return HttpResponse(answer.body, content_type="application/json")


async def _answer(wanted: StreamRequest, wait: int, limit: int, waited: float | None) -> Answer:
    """Return the response, after up to `wait` seconds if no piece is there."""
    stream, after = wanted.stream, wanted.after
    members: dict[str, Any] = {"pieces": [], "after": after.written, "state": stream.state}
    if stream.format == JSON:
        members["format"] = JSON
    if wanted.pace is not None:
        due = await delay(stream, every=wanted.pace, after=after, waited=waited or 0)
        if waited is None and due > max(wait, QUIET):
            raise BadRequest(
                f"The next piece comes {due:g} s after the last one, and this poll may wait "
                f"{max(wait, QUIET):g} s. Send `waited`, the seconds since you received the last "
                "piece, or a longer `wait`."
            )
        idle = waited is not None and due > wait
        batch = () if idle and not wait else await _batch(wanted, wait if idle else None, waited)
        return _encoded(members, batch, limit)
    key = Key.of(stream, after, limit)
    kept = answers().get(key)
    lags = False
    if stream.live and after.n == stream.pieces and not wanted.reset:
        # No piece is there. Pieces that come while the client waits make another answer.
        batch = await _batch(wanted, wait) if wait else ()
        if batch:
            key = _later(key, batch)
            kept = answers().get(key)
    elif kept is None:
        # The tail that this client shares with other readers may lack the newest pieces, and then
        # so does this answer. No later client may get it.
        lags = hub().lags(stream)
        batch = await _batch(wanted)
    if kept is None:
        kept = _encoded(members, batch, limit)
        if not lags:
            answers().keep(key, kept)
    return kept


async def _batch(
    wanted: StreamRequest, wait: int | None = None, waited: float | None = None
) -> Batch:
    """Return the first batch that is not empty, or an empty one after `wait` seconds."""
    with suppress(TimeoutError):
        async with (
            draining.waiting(wait),
            aclosing(wanted.watched(POLLING, waited=waited or 0)) as batches,
        ):
            async for batch in batches:
                if batch:
                    return batch
    return ()


def _later(key: Key, batch: Batch) -> Key:
    """Return the key of an answer with this batch, which came after the stream was looked up."""
    for record in batch:
        if isinstance(record, Pieces):
            key = key._replace(pieces=record.end)
    last = batch[-1]
    return key._replace(ended=isinstance(last, End), revision=last.revision)


def _encoded(members: dict[str, Any], batch: Batch, limit: int) -> Answer:
    parts = _parts(batch, limit)
    return Answer(objects.poll(**(members | parts)).encode(), len(parts["pieces"]))


def _parts(batch: Batch, limit: int) -> dict[str, Any]:
    """Return the parts of the response's JSON object that come from a batch."""
    parts: dict[str, Any] = {"pieces": []}
    for record in batch:
        match record:
            case Pieces(first=first, revision=revision):
                values = record.encoded(json_values)
                taken = values[: limit - len(parts["pieces"])]
                parts["pieces"] += taken
                parts["after"] = Cursor(revision, first + len(taken)).written
                if len(taken) < len(values):
                    break
            case Reset(n=n, why=why, revision=revision):
                parts |= {"reset": n, "why": why, "after": Cursor(revision, n).written}
            case End(state=state, sha256=sha256, reason=reason):
                parts |= {"state": state, "sha256": sha256} | ({"reason": reason} if reason else {})
    return parts
