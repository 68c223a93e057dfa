"""The database tables in which the processes of a site keep notes for each other.

The notes are the viewers of each stream, the work that one process does for all, and the names of
streams that were removed or deleted.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from .querysets import HomeManager


class Tombstone(models.Model):
    """The name of a stream that was removed because its time was over, or that somebody deleted."""

    name = models.CharField(max_length=100, unique=True)
    removed_at = models.DateTimeField(db_index=True)
    # Whether nobody may know that there was such a stream.
    private = models.BooleanField(default=False)
    # The last revision of the stream. A new stream of the name begins with the revision after it.
    # The database knows the defaults of these fields for processes of the version before.
    revision = models.PositiveIntegerField(db_default=0)
    # Whether the name may be used again, because somebody deleted the stream.
    free = models.BooleanField(db_default=False)

    objects = HomeManager()

    def __str__(self) -> str:
        return self.name


class Chore(models.Model):
    """Work that one process of the site does from time to time, and when the work is due next."""

    name = models.CharField(max_length=32, unique=True)
    due_at = models.DateTimeField(db_default=Now())

    objects = HomeManager()

    def __str__(self) -> str:
        return self.name


class Watch(models.Model):
    """The number of viewers of one stream by one transport, as one server process last reported."""

    process = models.CharField(max_length=32)
    stream = models.ForeignKey("streams.Stream", models.CASCADE, related_name="watches")
    transport = models.CharField(max_length=12)
    viewers = models.PositiveIntegerField()
    seen_at = models.DateTimeField()

    objects = HomeManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("process", "stream", "transport"), name="one_watch_a_process"
            ),
        )

    def __str__(self) -> str:
        return f"{self.viewers} × {self.transport}"
