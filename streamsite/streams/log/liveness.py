"""Signs of life: leases, and the end of streams whose producer has died or never came."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connections, transaction
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now
from django.utils import timezone

from ..errors import Conflict, Ended, StreamError, TakenOver
from ..models import Stream
from ..querysets import StreamQuerySet, home
from .ending import finish
from .jumps import AHEAD, jumps
from .outages import AWAY, of_sqlite, outage
from .silence import LATE, silence

NEVER_CAME = "The stream was reserved, and its producer did not come in time."


def from_now(seconds: float) -> ExpressionWrapper:
    """Return the moment `seconds` from now, as an SQL expression."""
    # The clock of the database, because the clocks of the processes may differ.
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())


def renew(stream_ids: Sequence[int], fences: Sequence[str], lease: float) -> set[str]:
    """Renew the leases of these producers for `lease` seconds.

    Returns the fencing tokens that are still valid.
    """
    held = Stream.objects.live().filter(pk__in=stream_ids, fence__in=fences)
    if held.update(leased_until=from_now(lease)) == len(fences):
        return set(fences)
    return set(held.values_list("fence", flat=True))


def refusal(stream_id: int, fence: str) -> StreamError | None:
    """Return why the holder of this fencing token may not write, or None when it may."""
    stream = Stream.objects.filter(pk=stream_id).first()
    if stream is None:
        return Conflict("The stream was deleted.")
    if not stream.live:
        return Ended(stream.name, stream.state)
    return TakenOver(stream.name) if stream.fence != fence else None


def reap(streams: StreamQuerySet | None = None) -> list[int]:
    """End the live streams whose producer has died or never came, as `interrupted`.

    Returns their ids. `streams` limits the search. A producer is dead when its lease has ended, and
    `silence` says that the producer had the chance to renew the lease. The lease of a reserved
    stream is the time in which its producer may come.
    """
    started = time.monotonic()
    everything = streams is None
    streams = Stream.objects.all() if streams is None else streams
    ended = leases(streams.filter(leased_until__lt=Now()))
    if everything or ended:
        look_at_clock()
    if everything:
        ended |= jumps.ended()
    ended = {pk: lease for pk, lease in ended.items() if not jumps.runs_on(pk, lease)}
    reaped = []
    for stream_id in silence.proven(ended):
        try:
            if _interrupt(stream_id, ended[stream_id], started):
                reaped.append(stream_id)
        except AWAY as error:
            if not of_sqlite(error):
                raise
            # SQLite is locked, or its disk is full, so the end of the stream can't be written now.
            # The process that looks next writes it. The producers may be alive, because they can't
            # renew their leases now, either. So this moment counts as an outage.
            silence.outage()
            outage.tell(error)
            break
    return reaped


def look_at_clock() -> None:
    """Look at the clock of the database.

    A jump counts as an outage, after which an expired lease does not prove that a producer is dead.
    """
    asked = time.monotonic()
    now = database_clock()
    slow = time.monotonic() - asked > AHEAD / 2
    if not slow and jumps.look(now, lambda: leases(Stream.objects.all())):
        silence.outage()


def database_clock() -> datetime:
    """Return what the clock of the database says."""
    connection = connections[home()]
    if connection.vendor != "postgresql":
        return timezone.now()  # SQLite reads the clock of this machine.
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def leases(streams: StreamQuerySet) -> dict[int, datetime]:
    """Return when the leases of the live streams among `streams` end, by stream."""
    rows = streams.live().values_list("pk", "leased_until")
    return {pk: lease for pk, lease in rows if lease is not None}


def _interrupt(stream_id: int, lease: datetime, started: float) -> bool:
    with transaction.atomic(home()):
        if time.monotonic() - started > LATE:
            return False  # Whatever held up this transaction may have held up the producer, too.
        # The producer may have renewed its lease since. A row that the producer is writing at this
        # moment is skipped, because this thread must not wait for it.
        ended = Stream.objects.select_for_update(skip_locked=True).filter(
            pk=stream_id, leased_until=lease
        )
        if (stream := ended.first()) is None:
            return False
        reason = NEVER_CAME if stream.reserved else "The producer died."
        return finish(stream_id, Stream.State.INTERRUPTED, reason) is not None
