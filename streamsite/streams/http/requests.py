"""The parameters of a request that reads a stream: the same on every transport."""

import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from django.http import HttpRequest

from ..errors import BadRequest, Conflict
from ..models import MAX_PACE, MIN_PACE, Stream
from ..pieces import LATEST, Batch, Cursor
from ..reading.cursors import honour, latest
from ..reading.fanout import Reader
from ..reading.following import Follower, follow
from ..reading.playing import Player, play
from .access import find_watchable
from .admissions import Admission, admissions


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What a reader asks for: a stream that the reader may watch, a cursor, and a pace.

    `pace` is None to follow the stream. To replay a finished stream, `pace` is the number of
    seconds between two pieces, or "recorded" for the pace of the recording.
    """

    stream: Stream
    after: Cursor
    pace: float | Literal["recorded"] | None
    # With an admission, the policy is asked again whether the reader may watch: see `admissions`.
    admission: Admission | None = None

    def batches(
        self, transport: str, *, waited: float | None = None
    ) -> AsyncGenerator[Batch, None]:
        """Return an asynchronous iterator over the batches of records for this reader.

        With `waited`, a replay continues an earlier one, as `play` describes. Presence counts the
        reader under the name of the transport. Close the iterator (`contextlib.aclosing`) when the
        reader leaves before the end.
        """
        if self.pace is None:
            return follow(self.stream, after=self.after, transport=transport)
        return play(
            self.stream, every=self.pace, after=self.after, transport=transport, waited=waited
        )

    async def watched(
        self, transport: str, *, waited: float | None = None
    ) -> AsyncGenerator[Batch, None]:
        """Yield the batches as `batches` does, as long as the reader may watch the stream.

        Raise the StreamError with which the reader has lost the right.
        """
        admission = self.admission
        if admission is not None:
            admissions().add(admission)
        try:
            async with aclosing(self.batches(transport, waited=waited)) as batches:
                async for batch in batches:
                    if admission is not None and admission.lost is not None:
                        raise admission.lost
                    yield batch
        finally:
            if admission is not None:
                admissions().discard(admission)

    def reader(self, transport: str) -> Reader:
        """Return what the fan-out reads for this reader. See `batches`."""
        if self.pace is None:
            return Follower(self.stream, self.after, transport)
        return Player(self.stream, self.pace, self.after, transport)

    @property
    def complete(self) -> bool:
        """Whether the reader has all pieces of a finished stream."""
        return not self.stream.live and 0 < self.stream.pieces == self.after.n and not self.reset

    @property
    def reset(self) -> bool:
        """Whether the stream can't honour the cursor, so that the reader gets a `Reset` first."""
        return honour(self.stream, self.after)[1] is not None


async def read_request(
    request: HttpRequest, name: str, *, last_event_id: str = ""
) -> StreamRequest:
    """Parse and check a request to read a stream: who asks, and the parameters `after` and `pace`.

    `request` may be the handshake of a WebSocket.

    `last_event_id` is the value of the Last-Event-ID header. Unless the value is empty, it replaces
    `after`: an EventSource reconnects to its old URL, whose `after` is out of date. The cursor
    `latest` begins with the newest piece.

    Raises BadRequest if a parameter is not valid, NoSuchStream, Forbidden, and Conflict if the
    request has a `pace` and the stream is live.
    """
    query = request.GET
    text = last_event_id or query.get("after", "0")
    after = None if text == LATEST else Cursor.parse(text)
    pace = _pace(query["pace"]) if "pace" in query else None
    stream = await find_watchable(request, name, revision=after.revision if after else 0)
    if pace is not None and stream.live:
        raise Conflict(f"Stream {name!r} is live. Leave out `pace`, or replay it after its end.")
    admission = Admission(request, stream)
    return StreamRequest(stream, after or latest(stream), pace, admission)


def _pace(text: str) -> float | Literal["recorded"]:
    if text == "recorded":
        return "recorded"
    try:
        pace = float(text)
    except ValueError:
        pace = 0
    if not MIN_PACE <= pace <= MAX_PACE:
        raise BadRequest(
            f"pace={text[:40]!r} is not valid. Use the seconds between two pieces, "
            f"from {MIN_PACE:g} to {MAX_PACE:g}, or `recorded`."
        )
    return pace


def seconds(query: Mapping[str, str], name: str) -> float | None:
    """Return the value of the parameter `name`, or None if the query has no such parameter.

    Raises BadRequest unless the value is a number of seconds from 0.
    """
    if name not in query:
        return None
    try:
        value = float(query[name])
    except ValueError:
        value = -1
    if not 0 <= value < math.inf:
        raise BadRequest(
            f"{name}={query[name][:40]!r} is not valid. Use a number of seconds, such as 12.5."
        )
    return value


def whole_number(
    query: Mapping[str, str], name: str, default: int, most: int, *, least: int = 0
) -> int:
    """Return the value of the parameter `name`, or `default` if the query has no such parameter.

    Raises BadRequest unless the value is a whole number from `least` to `most`.
    """
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise BadRequest(
            f"{name}={text[:40]!r} is not valid. Use a whole number from {least} to {most}."
        )
    return int(text)
