"""The log: the only code that reads and writes pieces in the database.

Plain functions on Django's ORM, for any thread. Each is right when it is done twice, as after a
connection was lost while it committed.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate, pairwise

from django.db import IntegrityError, connection, transaction
from django.db.models import DateTimeField, ExpressionWrapper, QuerySet
from django.db.models.functions import Now

from .conf import setting
from .errors import BadRequest, Conflict, Ended, NoSuchStream, StreamError, TakenOver, TooLarge
from .limits import check_limits, check_piece
from .models import Segment, Stream, name_problem
from .packing import pack, unpack
from .pieces import Pieces, check_text, split
from .signals import streams_changed

State = Stream.State

# Characters after which a read is enough, however few its pieces.
READ_LENGTH = 262_144


@dataclass(frozen=True, slots=True)
class Write:
    """Pieces that the holder of a fencing token adds to a stream, the first with number `first`."""

    stream_id: int
    fence: str
    lease: float
    first: int
    texts: Sequence[str]
    times: Sequence[int]

    @property
    def end(self) -> int:
        return self.first + len(self.texts)

    @property
    def length(self) -> int:
        return sum(map(len, self.texts))


@dataclass(frozen=True, slots=True)
class Recording:
    """A finished stream: all pieces, and when each came, in ms since the stream began."""

    stream: Stream
    pieces: Pieces
    times: Sequence[int]


# Streams: made, found, ended.


def find(name: str) -> Stream:
    """Return the stream of this name. Raises NoSuchStream."""
    found = find_all([name])
    if name not in found:
        raise NoSuchStream(name)
    return found[name]


def find_all(names: Iterable[str]) -> dict[str, Stream]:
    """Return the streams of these names, those that there are."""
    # PostgreSQL refuses a NUL with a ValueError.
    possible = [name for name in names if "\0" not in name]
    found = {stream.name: stream for stream in Stream.objects.filter(name__in=possible)}
    live = [stream.pk for stream in found.values() if stream.live]
    if live and reap(Stream.objects.filter(pk__in=live)):
        for stream in found.values():
            stream.refresh_from_db()
    return found


def create(
    name: str,
    *,
    fence: str,
    lease: float,
    title: str = "",
    owner_id: int | None = None,
    visibility: str = Stream.Visibility.PUBLIC,
    takeover: bool = False,
) -> Stream:
    """Make a live stream for the producer that holds `fence`.

    With `takeover`, a live stream of that name goes to this producer as it stands. Raises
    BadRequest for a name that can't be one, Conflict when another producer writes it, and Ended
    when it is over.
    """
    if problem := name_problem(name):
        raise BadRequest(f"{name[:40]!r} can't name a stream. {problem}")
    if len(title) > 200:
        raise BadRequest(f"The title has {len(title)} characters: 200 are the most.")
    check_text(title)
    try:
        with transaction.atomic():
            return Stream.objects.create(
                name=name,
                title=title,
                owner_id=owner_id,
                visibility=visibility,
                fence=fence,
                leased_until=_from_now(lease),
            )
    except IntegrityError:
        stream = find(name)
    if not stream.live:
        raise Ended(name, stream.state)
    if stream.fence == fence:
        return stream
    if not takeover:
        raise Conflict(
            f"Stream {name!r} has a producer already: publish under another name, or take it over."
        )
    if stream.owner_id != owner_id:
        raise Conflict(f"Stream {name!r} belongs to another user, so it can't be taken over.")
    Stream.objects.filter(pk=stream.pk, state=State.LIVE).update(
        fence=fence, leased_until=_from_now(lease)
    )
    stream.refresh_from_db()
    return stream


def finish(stream_id: int, state: str, reason: str = "", fence: str | None = None) -> bool:
    """End a live stream, and fold its segments into one.

    With a fence, only the producer that holds it can. Returns whether this call ended it.
    """
    streams = Stream.objects.filter(pk=stream_id, state=State.LIVE)
    if fence is not None:
        streams = streams.filter(fence=fence)
    with transaction.atomic():
        if not streams.update(state=state, reason=reason, ended_at=Now(), leased_until=None):
            return False
        fold(stream_id)
        transaction.on_commit(lambda: streams_changed.send(sender=Stream), robust=True)
    return True


def fold(stream_id: int) -> None:
    """Put all of a stream's pieces into one row, and write down the hash of its text."""
    segments = list(Segment.objects.filter(stream=stream_id).order_by("first"))
    text = "".join(segment.text for segment in segments)
    if len(segments) > 1:
        Segment.objects.filter(stream=stream_id).delete()
        Segment.objects.create(
            stream_id=stream_id,
            first=0,
            end=segments[-1].end,
            text=text,
            lengths=b"".join(bytes(segment.lengths) for segment in segments),
            times=b"".join(bytes(segment.times) for segment in segments),
        )
    Stream.objects.filter(pk=stream_id).update(sha256=hashlib.sha256(text.encode()).hexdigest())


def reap(streams: QuerySet[Stream] | None = None) -> list[int]:
    """End the live streams whose producer has died as `interrupted`. Returns their ids."""
    streams = Stream.objects.all() if streams is None else streams
    dead = streams.filter(state=State.LIVE, leased_until__lt=Now()).values_list("pk", flat=True)
    return [pk for pk in dead if _interrupt(pk)]


def _interrupt(stream_id: int) -> bool:
    with transaction.atomic():
        # Asked again inside, lest the producer has shown life since. One that writes this moment
        # is passed over: this thread must not wait for it.
        expired = Stream.objects.select_for_update(skip_locked=True).filter(
            pk=stream_id, leased_until__lt=Now()
        )
        return expired.exists() and finish(stream_id, State.INTERRUPTED, "The producer died.")


def record(stream: Stream, text: str) -> None:
    """Write a whole text, split as the stream says, as a finished stream or a new revision of one.

    Raises BadRequest for a text that can't be kept, TooLarge beyond a limit, Conflict while the
    stream is live with a producer.
    """
    check_text(text)
    texts = split(text, stream.split)
    check_limits(len(texts), len(text))
    for piece in texts:
        check_piece(piece)
    with transaction.atomic():
        if stream.pk is None:
            stream.state, stream.ended_at = State.DONE, stream.started_at
        elif Stream.objects.get(pk=stream.pk).live:
            raise Conflict(f"Stream {stream.name!r} is live: its text can be edited after its end.")
        else:
            stream.revision += 1
            Segment.objects.filter(stream=stream).delete()
        stream.pieces, stream.length = len(texts), len(text)
        stream.save()
        if texts:
            step = stream.pace * 1000
            Segment.objects.create(
                stream=stream,
                first=0,
                end=len(texts),
                text=text,
                lengths=pack(map(len, texts)),
                times=pack(round(i * step) for i in range(len(texts))),
            )
        fold(stream.pk)
    stream.refresh_from_db()


# Pieces: added, read.


_CLAIM = (
    f"UPDATE {Stream._meta.db_table} SET pieces = %s, length = length + %s "  # noqa: S608 - a constant
    f"WHERE id = %s AND state = '{State.LIVE}' AND fence = %s AND pieces = %s AND length <= %s"
)


def append(writes: Sequence[Write]) -> list[StreamError | None]:
    """Commit the pieces of any number of streams together, a row for each write.

    Returns for each write None, or why it was refused; the others are not touched by that.
    """
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

    Returns of how many writes. In SQL by hand: this is done for each stream and commit, and takes
    Django's ORM twenty times as long.
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
        Stream.objects.filter(pk__in=alive).update(leased_until=_from_now(lease))
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


def refusal(stream_id: int, fence: str) -> StreamError | None:
    """Return why the holder of this fence may not write, or None when it may."""
    stream = Stream.objects.filter(pk=stream_id).first()
    if stream is None:
        return Conflict("The stream was deleted.")
    if not stream.live:
        return Ended(stream.name, stream.state)
    return TakenOver(stream.name) if stream.fence != fence else None


def _refusal(write: Write) -> StreamError | None:
    try:
        check_limits(write.end, write.length)
    except TooLarge as error:
        return error
    if refused := refusal(write.stream_id, write.fence):
        return refused
    stream = Stream.objects.get(pk=write.stream_id)
    same = Segment.objects.filter(stream=stream, first=write.first, end=write.end)
    if stream.pieces == write.end and same.filter(text="".join(write.texts)).exists():
        return None  # It was committed before the connection was lost.
    if stream.pieces == write.first:
        return TooLarge(
            f"Stream {stream.name!r} would pass {setting('STREAM_MAX_LENGTH')} characters."
        )
    return Conflict(
        f"Stream {stream.name!r} has {stream.pieces} pieces: number {write.first} isn't the next."
    )


def read(stream: Stream, after: int, most: int) -> Pieces:
    """Return the pieces from number `after` on: about `most` of them, and all of a segment.

    None of them where the stream was edited or deleted since it was found.
    """
    segments = Segment.objects.filter(
        stream=stream, stream__revision=stream.revision, end__gt=after
    ).order_by("first")
    texts: list[str] = []
    first = after
    length = 0
    for segment in segments.iterator(chunk_size=16):
        whole = cut(segment)
        if not texts:
            first = max(after, segment.first)
            whole = whole[first - segment.first :]
        texts += whole
        length += len(segment.text)
        if len(texts) >= most or length >= READ_LENGTH:
            break
    return Pieces(first, texts, revision=stream.revision)


def recording(stream_id: int) -> Recording:
    """Return the whole of a finished stream. Raises Conflict while it is live."""
    texts: list[str] = []
    times: list[int] = []
    with transaction.atomic():
        # Locked, so that the pieces are those of the revision that they are said to be.
        stream = Stream.objects.select_for_update().get(pk=stream_id)
        if stream.live:
            raise Conflict(f"Stream {stream.name!r} is live: it can be replayed after its end.")
        for segment in Segment.objects.filter(stream=stream).order_by("first"):
            texts += cut(segment)
            times += unpack(segment.times)
    return Recording(stream, Pieces(0, tuple(texts), revision=stream.revision), tuple(times))


def text_of(stream: Stream) -> str:
    """Return the text so far."""
    return "".join(
        Segment.objects.filter(stream=stream).order_by("first").values_list("text", flat=True)
    )


# Life.


def renew(stream_ids: Sequence[int], fences: Sequence[str], lease: float) -> set[str]:
    """Show that the holders of these fences live. Returns the fences of those that may go on."""
    theirs = Stream.objects.filter(pk__in=stream_ids, fence__in=fences, state=State.LIVE)
    if theirs.update(leased_until=_from_now(lease)) == len(fences):
        return set(fences)
    return set(theirs.values_list("fence", flat=True))


def standing(stream_ids: Iterable[int]) -> dict[int, Stream]:
    """Return how streams stand. One that isn't in the answer was deleted."""
    return Stream.objects.in_bulk(stream_ids)


def cut(segment: Segment) -> list[str]:
    """Return a segment's pieces."""
    text = segment.text
    return [
        text[start:stop] for start, stop in pairwise(accumulate(unpack(segment.lengths), initial=0))
    ]


def _from_now(seconds: float) -> ExpressionWrapper:
    # The database's clock, since the processes' own may differ.
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())
