"""Streams: made, found, shown to live, ended."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, ExpressionWrapper, QuerySet
from django.db.models.functions import Now

from ..errors import BadRequest, Conflict, Ended, NoSuchStream, StreamError, TakenOver
from ..models import Stream, name_problem
from ..pieces import check_text
from ..signals import streams_changed
from .database import LATE, steady
from .recordings import fold

State = Stream.State

# Seconds without an outage after which a lease that has run out means something. Producers try to
# renew theirs every other second.
GRACE = 6.0


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
    if live and (ended := reap(Stream.objects.filter(pk__in=live))):
        found |= {stream.name: stream for stream in Stream.objects.filter(pk__in=ended)}
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
                leased_until=from_now(lease),
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
        fence=fence, leased_until=from_now(lease)
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


def reap(streams: QuerySet[Stream] | None = None) -> list[int]:
    """End the live streams whose producer has died as `interrupted`. Returns their ids.

    After the database was away, or was late, those that live have to show it first: a producer is
    dead when its lease stays as it is for GRACE seconds in which it is looked at.
    """
    begun = time.monotonic()
    streams = Stream.objects.all() if streams is None else streams
    expired = streams.filter(state=State.LIVE, leased_until__lt=Now())
    dead = dict(expired.values_list("pk", "leased_until"))
    if steady(GRACE):
        _suspected.clear()
    else:
        for pk, until in dead.items():
            if _suspected.get(pk, (None, 0.0))[0] != until:
                _suspected[pk] = until, begun
        dead = {pk: until for pk, until in dead.items() if begun - _suspected[pk][1] > GRACE}
    return [pk for pk in dead if _interrupt(pk, begun)]


# The leases that had run out when this process last looked at them, and since when it has seen so.
_suspected: dict[int, tuple[datetime | None, float]] = {}


def _interrupt(stream_id: int, begun: float) -> bool:
    with transaction.atomic():
        if time.monotonic() - begun > LATE:
            return False  # Somebody held the database meanwhile, and held up the producer, too.
        # Asked again inside, lest the producer has shown life since. One that writes this moment
        # is passed over: this thread must not wait for it.
        expired = Stream.objects.select_for_update(skip_locked=True).filter(
            pk=stream_id, leased_until__lt=Now()
        )
        return expired.exists() and finish(stream_id, State.INTERRUPTED, "The producer died.")


def refusal(stream_id: int, fence: str) -> StreamError | None:
    """Return why the holder of this fence may not write, or None when it may."""
    stream = Stream.objects.filter(pk=stream_id).first()
    if stream is None:
        return Conflict("The stream was deleted.")
    if not stream.live:
        return Ended(stream.name, stream.state)
    return TakenOver(stream.name) if stream.fence != fence else None


def renew(stream_ids: Sequence[int], fences: Sequence[str], lease: float) -> set[str]:
    """Show that the holders of these fences live. Returns the fences of those that may go on."""
    theirs = Stream.objects.filter(pk__in=stream_ids, fence__in=fences, state=State.LIVE)
    if theirs.update(leased_until=from_now(lease)) == len(fences):
        return set(fences)
    return set(theirs.values_list("fence", flat=True))


def standing(stream_ids: Iterable[int]) -> dict[int, Stream]:
    """Return how streams stand. One that isn't in the answer was deleted."""
    return Stream.objects.in_bulk(stream_ids)


def from_now(seconds: float) -> ExpressionWrapper:
    """Return the moment that many seconds from now."""
    # The database's clock, since the processes' own may differ.
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())
