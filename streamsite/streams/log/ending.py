"""The end of a stream: written into the log once, and announced to all readers.

A producer, a publisher over HTTP and a stop all end a stream by `end_stream`.
"""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F
from django.db.models.functions import Now

from ..instruments import ENDS
from ..models import Stream
from ..pieces import Pieces
from ..querysets import home
from ..signals import streams_changed
from .bell import Ring, bell
from .database import in_database, in_database_once_there
from .recordings import fold


def finish(
    stream_id: int, state: str, reason: str = "", fence: str | None = None, failure: str = ""
) -> Stream | None:
    """End a live stream, and fold its segments into one row.

    Viewers see the `reason`, and only the owner and staff see the `failure`. With `fence`, only the
    producer that holds this fencing token can end the stream. Returns the ended stream, or None if
    this call did not end the stream.
    """
    streams = Stream.objects.live().filter(pk=stream_id)
    if fence is not None:
        streams = streams.filter(fence=fence)
    # Null where the stream has no `keep`, which is for ever.
    expiry = ExpressionWrapper(Now() + F("keep"), output_field=DateTimeField())
    with transaction.atomic(home()):
        if not streams.update(
            state=state,
            reason=reason,
            failure=failure,
            ended_at=Now(),
            expires_at=expiry,
            leased_until=None,
        ):
            return None
        fold(stream_id)
        transaction.on_commit(ENDS.labels(state).inc, using=home(), robust=True)
        transaction.on_commit(
            lambda: streams_changed.send(sender=Stream), using=home(), robust=True
        )
        return Stream.objects.get(pk=stream_id)


async def end_stream(
    stream_id: int,
    state: str,
    reason: str = "",
    *,
    fence: str | None = None,
    failure: str = "",
    patient: bool = False,
) -> Stream | None:
    """End a live stream as `finish` does, and ring. Returns what `finish` returns.

    While the database is away, a `patient` caller waits for the database. Any other caller gets the
    database's error.
    """
    run = in_database_once_there if patient else in_database
    # PostgreSQL can't store a NUL, which the text of an exception may contain.
    ended = await run(finish, stream_id, state, reason, fence, failure.replace("\0", ""))
    if ended is not None:
        await _ring(ended)
    return ended


async def announce_end(stream_id: int) -> None:
    """Tell every process that a stream has ended, however it ended."""
    stream = await in_database(Stream.objects.filter(pk=stream_id).first)
    if stream is not None:
        await _ring(stream)


async def _ring(stream: Stream) -> None:
    ring_ends([stream])
    # A command ends its event loop right after the end of its stream.
    await bell().sent()


def ring_ends(streams: Iterable[Stream]) -> None:
    """Ring for streams that have ended, and that were just read from the database."""
    bell().ring(
        [
            Ring.of(
                stream.pk,
                Pieces(stream.pieces, (), revision=stream.revision, format=stream.format),
                end,
            )
            for stream in streams
            if (end := stream.end())
        ]
    )
