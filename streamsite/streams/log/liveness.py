"""Signs of life: leases, and the end of streams whose producer has died or never came."""

import time
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now

from ..errors import Conflict, Ended, StreamError, TakenOver
from ..models import Stream
from ..querysets import StreamQuerySet, home
from .ending import finish
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

    Returns their ids. `streams` limits the search. A producer is dead when its lease has expired
    and `silence` says that the producer had the chance to renew the lease. The lease of a reserved
    stream is the time in which its producer may come.
    """
    started = time.monotonic()
    streams = Stream.objects.all() if streams is None else streams
    expired = dict(streams.live().filter(leased_until__lt=Now()).values_list("pk", "leased_until"))
    return [stream_id for stream_id in silence.proven(expired) if _interrupt(stream_id, started)]


def _interrupt(stream_id: int, started: float) -> bool:
    with transaction.atomic(home()):
        if time.monotonic() - started > LATE:
            return False  # Whatever held up this transaction may have held up the producer, too.
        # The producer may have renewed its lease since. A row that the producer is writing at this
        # moment is skipped, because this thread must not wait for it.
        expired = Stream.objects.select_for_update(skip_locked=True).filter(
            pk=stream_id, leased_until__lt=Now()
        )
        if (stream := expired.first()) is None:
            return False
        reason = NEVER_CAME if stream.reserved else "The producer died."
        return finish(stream_id, Stream.State.INTERRUPTED, reason) is not None
