"""Publish streams that are kept for a time, let the time pass, and remove streams."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import ProtectedError
from django.db.models.signals import pre_delete
from django.utils import timezone

from streamsite import streams
from streamsite.streams import End, Stream, log
from streamsite.streams.bookkeeping import Chore, Tombstone
from streamsite.streams.log import keeping
from tests.waiting import wait_until


def publish(name: str, text: str, keep: float | str | None = None) -> None:
    """Publish a text that is kept for `keep` seconds, "forever", or as the site says."""
    with streams.publish(name, keep=_keep(keep), visibility="link") as stream:
        for word in text.split():
            stream.write(word)


def publish_several(names: list[str]) -> None:
    """Publish a short text under each name, and let the streams' time pass."""
    for name in names:
        publish(name, "x")
        let_time_pass(name)


def reserve(name: str, keep: float | str | None = None) -> None:
    streams.reserve(name, keep=_keep(keep))


def _keep(keep: float | str | None) -> Any:
    return timedelta(seconds=keep) if isinstance(keep, float | int) else keep


def kept_for(name: str) -> float | None:
    """Return the seconds between the end of a stream and its removal, or None for ever."""
    stream = log.find(name)
    if stream.expires_at is None or stream.ended_at is None:
        return None
    return round((stream.expires_at - stream.ended_at).total_seconds(), 3)


def let_time_pass(name: str) -> None:
    """Move the moment of a stream's removal into the past."""
    Stream.objects.filter(name=name).update(expires_at=timezone.now() - timedelta(seconds=1))


def let_tombstone_age(name: str) -> None:
    Tombstone.objects.filter(name=name).update(removed_at=timezone.now() - timedelta(days=366))


def tombstones() -> list[str]:
    """Return the names with a tombstone, in a database of any version."""
    return list(Tombstone.objects.order_by("name").values_list("name", flat=True))


def exists(name: str) -> bool:
    return Stream.objects.filter(name=name).exists()


def pause() -> None:
    """Let no process remove streams by itself within the next hour."""
    Chore.objects.update_or_create(
        name=keeping.CHORE, defaults={"due_at": timezone.now() + timedelta(hours=1)}
    )


def resume() -> None:
    """Let the next process that asks remove streams."""
    Chore.objects.update(due_at=timezone.now())


def prune() -> list[str]:
    """Remove all streams whose time is over, and return their names."""
    removed = []
    while batch := log.prune():
        removed += batch
    return removed


def remove(name: str) -> None:
    """Let the time of a stream pass, and remove the stream."""
    let_time_pass(name)
    prune()
    # A server removes streams, too, and `prune` skips a stream that a server is removing.
    wait_until(lambda: not exists(name), "the stream is removed")


def delete_and_remove(deleted: str, removed: str) -> list[str]:
    """Publish two streams, delete one, and let the other one's time pass.

    Return the names with a tombstone.
    """
    publish_several([deleted, removed])
    Stream.objects.get(name=deleted).delete()
    prune()
    return tombstones()


def prune_despite_protection(protected: str) -> list[str]:
    """Remove streams while the project protects one of them, and return the removed names."""

    def protect(instance: Stream, **_signal: Any) -> None:
        if instance.name == protected:
            raise ProtectedError("protected", {instance})

    pre_delete.connect(protect, sender=Stream)
    try:
        return prune()
    finally:
        pre_delete.disconnect(protect, sender=Stream)


def claims_at_once(chore: str, claims: int) -> list[bool]:
    """Claim a chore in several threads at once, and return what each was told."""

    def claim(_number: int) -> bool:
        try:
            return keeping.claim(chore, 60)
        finally:
            connection.close()

    with ThreadPoolExecutor(claims) as pool:
        return list(pool.map(claim, range(claims)))


def follow_after_removal(name: str) -> list[str]:
    """Remove a stream between the moments at which a reader finds it and reads its pieces.

    Return the state and the reason of the end record.
    """

    async def read() -> list[str]:
        stream = await streams.find(name)
        await asyncio.to_thread(remove, name)
        ends = [
            record
            async for batch in streams.follow(stream)
            for record in batch
            if isinstance(record, End)
        ]
        return [text for end in ends for text in (end.state, end.reason)]

    return asyncio.run(read())
