"""Tombstones: the names of streams that were removed or deleted, and their last revisions.

A stream is removed when its time is over. While its tombstone stands, nobody can publish under the
stream's name again, and a reader is told that the stream was removed. Whoever deletes a stream
frees the name: a reader is told that there is no such stream.

A new stream of a name with a tombstone begins with the revision after the last one. A reader that
comes back with a cursor of the old stream therefore gets a Reset and the new text from the
beginning. A tombstone stands for a year.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import connections
from django.db.models import F
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone

from ..bookkeeping import Tombstone
from ..errors import NoSuchStream, Removed
from ..models import Stream

# How long a tombstone stands.
STANDS = timedelta(days=365)


def removed(names: Iterable[str]) -> dict[str, bool]:
    """Return those of the names whose streams were removed, and whether these were private."""
    # PostgreSQL raises ValueError for a NUL in a parameter.
    possible = [name for name in names if "\0" not in name]
    found = Tombstone.objects.filter(name__in=possible, free=False)
    return dict(found.values_list("name", "private"))


def missing(name: str) -> NoSuchStream:
    """Return the error for a name without a stream: Removed if the stream was removed."""
    found = removed([name])
    return Removed(name, private=found[name]) if found else NoSuchStream(name)


def tombstone(name: str) -> Tombstone | None:
    """Return the tombstone of a name, if one stands.

    For a new stream, call it in the transaction that inserts the stream, and after the insertion:
    the insertion waits for a removal of the same name that is being committed.
    """
    return Tombstone.objects.filter(name=name).first()


def succeed(stream: Stream, earlier: Tombstone) -> None:
    """Let a new stream begin with the revision after the last one of an earlier stream."""
    stream.revision = earlier.revision + 1
    Stream.objects.filter(pk=stream.pk).update(revision=stream.revision)


@receiver(pre_delete, sender=Stream)
def _bury(instance: Stream, using: str, **_signal: Any) -> None:
    """Set up the tombstone of a stream that is being deleted, in the transaction of the deletion.

    The stream is read again, because it may have been edited after `instance` was read.
    """
    # The lock holds up two kinds of transactions: one that edits the stream, and one that adds a
    # row with a foreign key to the stream. Such a row would make the deletion fail.
    standing = Stream.objects.using(using).filter(pk=instance.pk).select_for_update()
    if not connections[using].features.has_select_for_update:
        # On SQLite, a transaction that reads before its first write fails if another process has
        # written in the meantime.
        standing.update(revision=F("revision"))
    Tombstone.objects.using(using).bulk_create(
        [
            Tombstone(
                name=name,
                removed_at=timezone.now(),
                private=visibility == Stream.Visibility.OWNER,
                revision=revision,
                free=True,
            )
            for name, visibility, revision in standing.values_list("name", "visibility", "revision")
        ],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["removed_at", "private", "revision", "free"],
    )


def close(names: Iterable[str]) -> None:
    """Let nobody publish again under the names of streams that were just deleted."""
    Tombstone.objects.filter(name__in=names).update(free=False)


def forget(names: Iterable[str]) -> None:
    """Delete the tombstones of deleted streams whose names, like random ones, never come again."""
    Tombstone.objects.filter(name__in=names, free=True).delete()


def clear(most: int) -> None:
    """Delete up to `most` tombstones that have stood for their time, by one statement."""
    old = Tombstone.objects.filter(removed_at__lt=timezone.now() - STANDS)
    # A tombstone that another transaction has locked is left for the next time, because this
    # transaction must not wait for the other one.
    old = old.select_for_update(skip_locked=True)
    Tombstone.objects.filter(pk__in=old.values("pk")[:most]).delete()
