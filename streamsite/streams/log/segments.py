"""The pieces of live streams: appended in groups, read from a number on."""

from collections.abc import Sequence

from ..errors import OutOfTurn, StreamError, TooLarge
from ..models import Segment, Stream
from ..pieces import Pieces
from .commits import Write, commit
from .limits import check_limits
from .liveness import refusal
from .recordings import cut

# Characters after which `read` stops, however few pieces it has found.
READ_LENGTH = 262_144


def append(writes: Sequence[Write]) -> list[StreamError | None]:
    """Commit the pieces of any number of streams together, a row for each stream.

    The writes must be of different streams. Returns None for each write that was committed, and for
    each other write why it was refused. A refused write does not affect the others.
    """
    for write in writes:
        write.tries += 1
    committed = commit(writes)
    return [None if write.stream_id in committed else _refusal(write) for write in writes]


def _refusal(write: Write) -> StreamError | None:
    """Return why a write was not committed, or None when an earlier try committed it."""
    try:
        check_limits(write.end, write.length)
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
        check_limits(write.end, stream.length + write.length)
    except TooLarge as error:
        return error
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
