"""Signs of life: leases, and the end of streams whose producer has died or never came."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from .silence import GRACE, LATE, silence

# Seconds. A transaction on SQLite that waits longer for its beginning waits for a lock, which keeps
# the producers from writing, too.
LOCKED = 0.25

NEVER_CAME = "The stream was reserved, and its producer did not come in time."


def from_now(seconds: float) -> ExpressionWrapper:
    """Return the moment `seconds` from now, as an SQL expression."""
    # The clock of the database, because the clocks of the processes may differ.
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())


# The order in which PostgreSQL locks the rows of a statement is not known. A row that another
# transaction has locked is skipped, because to wait for it could deadlock: see `commits`.
_RENEW = f"""
    UPDATE {Stream._meta.db_table}
    SET leased_until = statement_timestamp() + %s * interval '1 second'
    WHERE id IN (
        SELECT id FROM {Stream._meta.db_table}
        WHERE id = ANY(%s::bigint[]) AND fence = ANY(%s) AND state = '{Stream.State.LIVE}'
        FOR NO KEY UPDATE SKIP LOCKED
    )
    RETURNING fence
"""  # noqa: S608 - constants


def renew(stream_ids: Sequence[int], fences: Sequence[str], lease: float) -> set[str]:
    """Renew the leases of these producers for `lease` seconds.

    Returns the fencing tokens that are still valid.
    """
    connection = connections[home()]
    if connection.vendor != "postgresql":
        held = Stream.objects.live().filter(pk__in=stream_ids, fence__in=fences)
        if held.update(leased_until=from_now(lease)) == len(fences):
            return set(fences)
        return set(held.values_list("fence", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [lease, list(stream_ids), list(fences)])
        renewed = {fence for (fence,) in cursor.fetchall()}
    for pk, fence in zip(stream_ids, fences, strict=True):
        if fence not in renewed:  # Another transaction has locked the stream, or ended it.
            held = Stream.objects.live().filter(pk=pk, fence=fence)
            if held.update(leased_until=from_now(lease)):
                renewed.add(fence)
    return renewed


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
    reaped: list[int] = []
    proven = silence.proven(ended)
    if not proven:
        return reaped
    try:
        with _impatient():
            for stream_id in proven:
                if silence.unwritable:
                    _renew_anew(proven)
                    break
                if _interrupt(stream_id, ended[stream_id], started):
                    reaped.append(stream_id)
    except AWAY as error:
        if not of_sqlite(error):
            raise
        # SQLite is locked, or its disk is full, so the end of the stream can't be written now. The
        # process that looks next writes it. The producers may be alive, because they can't renew
        # their leases now, either.
        silence.refused()
        outage.tell(error)
    return reaped


@contextmanager
def _impatient() -> Iterator[None]:
    """Wait for SQLite's lock for at most `LOCKED` seconds, because viewers wait meanwhile."""
    connection = connections[home()]
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        (usual,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {min(usual, round(LOCKED * 1000))}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")


def _renew_anew(silent: Sequence[int]) -> None:
    """Let the leases of producers that could not write, either, run anew from now on.

    A lease that its producer has just renewed for longer stays as it is.
    """
    for stream_id in silent:  # One by one, because one statement for all could deadlock.
        lease = Stream.objects.live().filter(pk=stream_id, leased_until__lt=from_now(GRACE))
        lease.update(leased_until=from_now(GRACE))
    silence.written()


def look_at_clock() -> None:
    """Look at the clock of the database.

    A jump counts as an outage, after which an expired lease does not prove that a producer is dead.
    So does a look that took too long to tell: the next look may find a jump that came before it.
    """
    asked = time.monotonic()
    now = database_clock()
    slow = time.monotonic() - asked > AHEAD / 2
    if slow or jumps.look(now, lambda: leases(Stream.objects.all())):
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
    began = time.monotonic()
    with transaction.atomic(home()):
        now = time.monotonic()
        if now - began > LOCKED:
            silence.refused()
            return False
        if now - started > LATE:
            return False  # Whatever held up this transaction may have held up the producer, too.
        # The producer may have renewed its lease since. A row that the producer is writing at this
        # moment is skipped, because this thread must not wait for it.
        ended = Stream.objects.select_for_update(skip_locked=True, no_key=True).filter(
            pk=stream_id, leased_until=lease
        )
        if (stream := ended.first()) is None:
            return False
        reason = NEVER_CAME if stream.reserved else "The producer died."
        return finish(stream_id, Stream.State.INTERRUPTED, reason) is not None
