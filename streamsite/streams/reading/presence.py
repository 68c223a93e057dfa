"""Presence: how many viewers each server process has, by stream and transport."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Now

from .. import log
from ..bookkeeping import Watch
from ..querysets import home

# Seconds after which the viewers of a process no longer count, because the process has died.
WATCH_SECONDS = 10


def tell_watches(process: str, counts: Mapping[tuple[int, str], int]) -> None:
    """Store the number of viewers of a process, by stream and transport."""
    old = Watch.objects.filter(seen_at__lt=Now() - timedelta(seconds=6 * WATCH_SECONDS))
    with transaction.atomic(home()):
        # A write comes first, because SQLite refuses the first write of a transaction that has read
        # what another process has changed since. No row is waited for, because a transaction that
        # deletes streams may wait for this one.
        forgotten = old.select_for_update(skip_locked=True)
        Watch.objects.filter(pk__in=forgotten.values("pk")).delete()
        existing = log.hold({pk for pk, _ in counts})
        Watch.objects.bulk_create(
            [
                Watch(
                    process=process,
                    stream_id=pk,
                    transport=transport,
                    viewers=viewers,
                    seen_at=Now(),
                )
                for (pk, transport), viewers in counts.items()
                if pk in existing
            ],
            update_conflicts=True,
            unique_fields=["process", "stream", "transport"],
            update_fields=["viewers", "seen_at"],
        )


def viewers(stream_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Return the number of viewers of all processes, by stream and transport.

    >>> viewers([7, 8])
    {7: {"sse": 12, "websocket": 3}}
    """
    since = Now() - timedelta(seconds=WATCH_SECONDS)
    rows = (
        Watch.objects.filter(stream__in=list(stream_ids), viewers__gt=0, seen_at__gte=since)
        .values_list("stream", "transport")
        .annotate(total=Sum("viewers"))
        .order_by("stream", "transport")
    )
    found: dict[int, dict[str, int]] = {}
    for stream_id, transport, total in rows:
        found.setdefault(stream_id, {})[transport] = total
    return found
