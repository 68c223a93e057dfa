"""The pieces of live streams: appended in groups, read from a number on."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connections, transaction

from ..conf import setting
from ..errors import OutOfTurn, StreamError, TooLarge
from ..models import Segment, Stream
from ..pieces import Pieces
from ..querysets import home
from ..values import TEXT
from .limits import check_limits
from .liveness import from_now, refusal
from .packing import pack
from .recordings import cut

# Characters after which `read` stops, however few pieces it has found.
READ_LENGTH = 262_144


@dataclass(slots=True)
class Write:
    """Pieces that the holder of a fencing token adds to a stream, starting with number `first`.

    `times` are the moments at which the pieces came, in ms since the stream began. `tries` counts
    how often the write was appended: when the connection was lost during a commit, nobody knows
    whether the commit succeeded.
    """

    stream_id: int
    fence: str
    lease: float
    first: int
    texts: Sequence[str]
    times: Sequence[int]
    format: str = TEXT
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
    """Commit the pieces of any number of streams in one transaction, a row for each write.

    Returns None for each write that was committed, and for each other write why it was refused. A
    refused write does not affect the others.
    """
    for write in writes:
        write.tries += 1
    with transaction.atomic(home()):
        if _claim(writes) == len(writes):
            _keep(writes)
            return [None] * len(writes)
        transaction.set_rollback(True, home())
    # At least one write was refused. Claiming them one by one shows which.
    with transaction.atomic(home()):
        outcomes = [None if _claim([write]) else _refusal(write) for write in writes]
        _keep([write for write, refused in zip(writes, outcomes, strict=True) if refused is None])
    return outcomes


def _claim(writes: Sequence[Write]) -> int:
    """Claim the numbers of the new pieces, and return how many writes could.

    A write can when its producer still holds the stream, and the stream has as many pieces as the
    producer believes. The statement is plain SQL because it runs for each stream and commit: with
    200 live streams, the ORM took a third of the server's time for it.
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
    with connections[home()].cursor() as cursor:
        cursor.executemany(_CLAIM, rows)
        return int(cursor.rowcount)


def _keep(writes: Sequence[Write]) -> None:
    """Insert the pieces of claimed writes, and renew the leases of their producers."""
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
        ignore_conflicts=True,  # The row exists when the same write runs a second time.
    )


def _refusal(write: Write) -> StreamError | None:
    """Return why a write could not be claimed, or None when an earlier try committed it."""
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
        return None
    if stream.pieces == write.first:
        return TooLarge(
            f"Stream {stream.name!r} would have more than {setting('STREAM_MAX_LENGTH')} "
            "characters, which is the limit."
        )
    return OutOfTurn(
        f"Stream {stream.name!r} has {stream.pieces} pieces, so {write.first} is not the number "
        "of the next piece."
    )


def read(stream: Stream, after: int, most: int) -> Pieces:
    """Return the pieces of a live stream from number `after` on: about `most`, in whole segments.

    Returns no pieces when the stream has ended: `recording` returns the pieces of such a stream.
    """
    texts: list[str] = []
    length = 0
    n = after
    # The number of rows is small at first and doubles, because a row may hold one small piece or
    # many large ones. A server-side cursor is no alternative: PostgreSQL would prepare all rows
    # to return the first.
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
    return Pieces(after, texts, revision=stream.revision, format=stream.format)
