"""Tombstones: the names of removed streams.

While the tombstone of a stream stands, nobody can use the stream's name again, and a reader is told
that the stream was removed. A tombstone stands for a year.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.utils import timezone

from ..bookkeeping import Tombstone
from ..errors import NoSuchStream, Removed

# How long a tombstone stands.
STANDS = timedelta(days=365)


def tombstones(names: Iterable[str]) -> dict[str, bool]:
    """Return those of the names whose streams were removed, and whether these were private."""
    # PostgreSQL raises ValueError for a NUL in a parameter.
    found = Tombstone.objects.filter(name__in=[name for name in names if "\0" not in name])
    return dict(found.values_list("name", "private"))


def missing(name: str) -> NoSuchStream:
    """Return the error for a name without a stream: Removed if the stream was removed."""
    found = tombstones([name])
    return Removed(name, private=found[name]) if found else NoSuchStream(name)


def bury(names: Mapping[str, bool]) -> None:
    """Set up the tombstones of streams that are being removed, given whether they are private."""
    now = timezone.now()
    Tombstone.objects.bulk_create(
        [Tombstone(name=name, removed_at=now, private=private) for name, private in names.items()],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["removed_at", "private"],
    )


def clear(most: int) -> None:
    """Delete up to `most` tombstones that have stood for their time, by one statement."""
    old = Tombstone.objects.filter(removed_at__lt=timezone.now() - STANDS)
    Tombstone.objects.filter(pk__in=old.values("pk")[:most]).delete()
