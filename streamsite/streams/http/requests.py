"""What a reader asks for, in the same words on every transport."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Literal

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from ..errors import BadRequest, Conflict, Forbidden
from ..log.database import in_database
from ..models import MAX_PACE, MIN_PACE, Stream
from ..pieces import Cursor
from ..reading.cursors import honour
from ..reading.finding import find
from ..reading.following import follow
from ..reading.playing import play
from ..reading.tapes import Batch


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """A stream that this reader may see, from where, and how fast."""

    stream: Stream
    after: Cursor
    pace: float | Literal["recorded"] | None

    def batches(self, transport: str) -> AsyncGenerator[Batch, None]:
        """Return what the reader gets, batch by batch."""
        if self.pace is None:
            return follow(self.stream, after=self.after, transport=transport)
        return play(
            self.stream,
            every=self.pace,
            after=self.after,
            transport=transport,
            # Each poll takes up where the one before left off.
            resumed=transport == "polling",
        )

    @property
    def complete(self) -> bool:
        """Whether the reader has all pieces of a stream that is over."""
        return not self.stream.live and 0 < self.stream.pieces == self.after.n and not self.reset

    @property
    def reset(self) -> bool:
        """Whether the cursor can't be honoured."""
        return honour(self.stream, self.after)[1] is not None


async def find_visible(
    name: str, user: AbstractBaseUser | AnonymousUser, *, revision: int = 0
) -> Stream:
    """Return the stream, if this user may watch it. Raises NoSuchStream and Forbidden."""
    stream = await find(name, revision=revision)
    # The user is read from the session, in the database's thread, where it matters alone.
    if stream.visibility == Stream.Visibility.OWNER and not await in_database(
        stream.visible_to, user
    ):
        raise Forbidden(f"Stream {name!r} is private: log in as its owner, or as staff.")
    return stream


async def read_request(
    name: str,
    query: Mapping[str, str],
    user: AbstractBaseUser | AnonymousUser,
    *,
    last_event_id: str = "",
) -> StreamRequest:
    """Understand a reader's request: `after` (or the Last-Event-ID, which wins) and `pace`.

    Raises BadRequest for what can't be understood, NoSuchStream, Forbidden, and Conflict when a
    live stream is to be replayed.
    """
    after = Cursor.parse(last_event_id or query.get("after", "0"))
    pace = _pace(query["pace"]) if "pace" in query else None
    stream = await find_visible(name, user, revision=after.revision)
    if pace is not None and stream.live:
        raise Conflict(f"Stream {name!r} is live: leave out `pace`, or replay it after its end.")
    return StreamRequest(stream, after, pace)


def _pace(text: str) -> float | Literal["recorded"]:
    if text == "recorded":
        return "recorded"
    try:
        pace = float(text)
    except ValueError:
        pace = 0
    if not MIN_PACE <= pace <= MAX_PACE:
        raise BadRequest(
            f"pace={text[:40]!r} is not understood: "
            f"give the seconds a piece, from {MIN_PACE:g} to {MAX_PACE:g}, or `recorded`."
        )
    return pace


def whole_number(
    query: Mapping[str, str], name: str, default: int, most: int, *, least: int = 0
) -> int:
    """Return a parameter from `least` to `most`. Raises BadRequest."""
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise BadRequest(f"{name}={text[:40]!r} is not a whole number from {least} to {most}.")
    return int(text)
