"""Pieces: added, read."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from ..conf import setting
from ..errors import OutOfTurn, StreamError, TooLarge
from ..models import Segment, Stream
from ..pieces import Pieces
from .limits import check_limits
from .packing import pack
from .recordings import cut
from .streams import from_now, refusal

# Characters after which a read is enough, however few its pieces.
READ_LENGTH = 262_144


@dataclass(slots=True)
class Write:
    """Pieces that the holder of a fencing token adds to a stream, the first with number `first`.

    `tries` counts how often it was appended. Whether the first one came through is not known where
    the connection was lost.
    """

    stream_id: int
    fence: str
    lease: float
    first: int
    texts: Sequence[str]
    times: Sequence[int]
    tries: int = 0

    @property
    def end(self) -> int:
        return self.first + len(self.texts)

    @property
    def length(self) -> int:
        return sum(map(len, self.texts))


_CLAIM = (
    f"UPDATE {Stream._meta.db_table} SET pieces = %s, length = length + %s"  # noqa: S608 - constant
    f" WHERE id = %s AND state = '{Stream.State.LIVE}' AND fence = %s AND pieces = %s"
    " AND length <= %s"
)


def append(writes: Sequence[Write]) -> list[StreamError | None]:
    """Commit the pieces of any number of streams together, a row for each write.

    Returns for each write None, or why it was refused; the others are not touched by that.
    """
    for write in writes:
        write.tries += 1
    with transaction.atomic():
        if _claim(writes) == len(writes):
            _keep(writes)
            return [None] * len(writes)
        transaction.set_rollback(True)
    # Some are refused: asked one by one, each finds out for itself.
    with transaction.atomic():
        outcomes = [None if _claim([write]) else _refusal(write) for write in writes]
        _keep([write for write, refused in zip(writes, outcomes, strict=True) if refused is None])
    return outcomes


def _claim(writes: Sequence[Write]) -> int:
    """Count the pieces in, of streams that are their producers' and stand where these think.

    Returns of how many writes. In SQL by hand: this is done for each stream and commit, and the ORM
    took a third of the time of a server with 200 streams for it.
    """
    rows = [
        (
            write.end,
            write.length,
            write.stream_id,
            write.fence,
            write.first,
            setting("STREAM_MAX_LENGTH") - write.length,
        )
        for write in writes
        if write.end <= setting("STREAM_MAX_PIECES")
    ]
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.executemany(_CLAIM, rows)
        return int(cursor.rowcount)


def _keep(writes: Sequence[Write]) -> None:
    """Write the pieces that were counted in, which is a sign of life as well."""
    for lease in {write.lease for write in writes}:
        alive = [write.stream_id for write in writes if write.lease == lease]
        Stream.objects.filter(pk__in=alive).update(leased_until=from_now(lease))
    Segment.objects.bulk_create(
        [
            Segment(
                stream_id=write.stream_id,
                first=write.first,
                end=write.end,
                text="".join(write.texts),
                lengths=pack(map(len, write.texts)),
                times=pack(write.times),
            )
            for write in writes
            if write.texts
        ],
        ignore_conflicts=True,  # The same write, done twice.
    )


def _refusal(write: Write) -> StreamError | None:
    try:
        check_limits(write.end, write.length)
    except TooLarge as error:
        return error
    if refused := refusal(write.stream_id, write.fence):
        return refused
    stream = Stream.objects.get(pk=write.stream_id)
    same = Segment.objects.filter(stream=stream, first=write.first, end=write.end)
    if (
        write.tries > 1
        and stream.pieces == write.end
        and same.filter(text="".join(write.texts)).exists()
    ):
        return None  # It was committed before the connection was lost.
    if stream.pieces == write.first:
        return TooLarge(
            f"Stream {stream.name!r} would pass {setting('STREAM_MAX_LENGTH')} characters."
        )
    return OutOfTurn(
        f"Stream {stream.name!r} has {stream.pieces} pieces: number {write.first} isn't the next."
    )


def read(stream: Stream, after: int, most: int) -> Pieces:
    """Return the pieces of a live stream from number `after` on: about `most`, in whole segments.

    None of them when it is over: see recordings.recording.
    """
    texts: list[str] = []
    length = 0
    n = after
    # A few rows at first, and then more: a row may be one small piece, or many large ones. (With
    # an iterator PostgreSQL would prepare all rows there are, each time, to give the first.)
    rows = 2
    while len(texts) < most and length < READ_LENGTH:
        segments = Segment.objects.filter(
            stream=stream, stream__state=Stream.State.LIVE, end__gt=n
        ).order_by("first")[:rows]
        for segment in segments:
            texts += cut(segment)[max(after - segment.first, 0) :]
            length += len(segment.text)
            n = segment.end
            if len(texts) >= most or length >= READ_LENGTH:
                break
        if len(segments) < rows:
            break
        rows *= 2
    return Pieces(after, texts, revision=stream.revision)
