"""Look at streams in the database, and change them behind the engine's back."""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.utils import timezone

from streamsite import streams
from streamsite.streams import Stream, errors, log
from streamsite.streams.bookkeeping import Tombstone, Watch
from streamsite.streams.log import bell, database
from streamsite.streams.models import Segment
from streamsite.streams.reading import presence


def primary_key(name: str) -> int:
    return Stream.objects.get(name=name).pk


def count() -> int:
    return Stream.objects.count()


def rows() -> dict[str, int]:
    """Return how many rows tell of streams and visitors, by table."""
    tables = (Stream, Segment, Watch, Tombstone, Session)
    return {table.__name__: table.objects.count() for table in tables}


def exists(name: str) -> bool:
    return Stream.objects.filter(name=name).exists()


def states() -> list[str]:
    """Return the states of all streams but the article."""
    return list(Stream.objects.exclude(name="article").values_list("state", flat=True))


def state(name: str) -> str:
    """Return the state as the database has it, even where a lease has expired."""
    return Stream.objects.get(name=name).state


def title(name: str) -> str:
    return log.find(name).title


def address(name: str) -> str:
    """Return the path of a stream's page."""
    return log.find(name).get_absolute_url()


def pieces(name: str) -> list[str]:
    """Return the pieces of a finished stream."""
    return list(log.recording(log.find(name)).pieces.texts)


def edit_at_once(name: str, texts: list[str]) -> list[int]:
    """Edit a finished stream from copies that were all read before the first edit.

    Return the revision that each edit made.
    """
    copies = [log.find(name) for _ in texts]
    for copy, text in zip(copies, texts, strict=True):
        log.record(copy, text)
    return [copy.revision for copy in copies]


def segments(name: str) -> list[tuple[int, int]]:
    """Return the number of the first piece of each segment, and of the piece after its last."""
    rows = Segment.objects.filter(stream__name=name).order_by("first")
    return [(row.first, row.end) for row in rows]


def standings(names: list[str]) -> list[tuple[str, int]]:
    """Return the state and the number of pieces of each stream."""
    found = log.find_all(names)
    return [(found[name].state, found[name].pieces) for name in names]


def state_and_reason(name: str) -> tuple[str, str]:
    stream = log.find(name)
    return stream.state, stream.reason


def reason_and_failure(name: str) -> tuple[str, str]:
    """Return why a stream failed: what viewers see, and what the owner and staff see."""
    stream = log.find(name)
    return stream.reason, stream.failure


def kept(name: str) -> list[Any]:
    """Return the title, revision and state of a stream, and after its end its pieces and times."""
    stream = log.find(name)
    if stream.live:
        return [stream.title, stream.revision, stream.state]
    recording = log.recording(stream)
    return [
        stream.title,
        stream.revision,
        stream.state,
        list(recording.pieces.texts),
        list(recording.times),
    ]


def viewers(name: str) -> int:
    """Return how many viewers are counted, over all processes."""
    pk = primary_key(name)
    return sum(presence.viewers([pk]).get(pk, {}).values())


# Changes.


def reserve(
    name: str, owner: int | None = None, within: float = 60, format: str | None = None
) -> str:
    """Reserve a stream, and return its state."""
    user = get_user_model()(pk=owner) if owner else None
    return streams.reserve(name, title="Reserved", owner=user, within=within, format=format).state


def publish_reserved(name: str, text: str) -> tuple[str, str, int | None]:
    """Take up the reserved stream, write a text, and return title, visibility and owner."""
    with streams.publish(log.find(name)) as producer:
        producer.write(text)
        stream = producer.stream
    return stream.title, stream.visibility, stream.owner_id


def publish_values(name: str, values: list[Any]) -> None:
    """Publish a finished stream of JSON values."""
    with streams.publish(name, format="json") as producer:
        for value in values:
            producer.write(value)


def publish_after_deletion(name: str) -> str:
    """Take up a reserved stream that was deleted, and return the name of the error."""
    stream = streams.reserve(name)
    Stream.objects.filter(pk=stream.pk).delete()
    try:
        with streams.publish(stream):
            pass
    except errors.StreamError as error:
        return type(error).__name__
    return ""


def edit(name: str, text: str, title: str = "") -> None:
    """Replace the text of a finished stream, and its title."""
    stream = log.find(name)
    stream.title = title
    log.record(stream, text)


def delete(name: str) -> None:
    Stream.objects.get(name=name).delete()


def delete_all(names: list[str]) -> None:
    Stream.objects.filter(name__in=names).delete()


def edit_and_delete_as_read_before(name: str, text: str) -> None:
    """Delete a stream by an object that was read before an edit of the text."""
    before = log.find(name)
    edit(name, text)
    before.delete()


def finish_and_edit(name: str, text: str) -> None:
    """End a stream and replace its text in one transaction: no reader sees the end alone."""
    with transaction.atomic():
        log.finish(primary_key(name), "done")
        log.record(Stream.objects.get(name=name), text)


def show_to_owner_only(name: str) -> None:
    Stream.objects.filter(name=name).update(visibility="owner")


def expire_lease(name: str) -> None:
    Stream.objects.filter(name=name).update(leased_until=timezone.now())


def damage_segments() -> None:
    """Make all segments unreadable."""
    Segment.objects.update(lengths=b"?")


def ring_patiently() -> None:
    """Let a pause of this process not count as an absent channel layer, which mutes its bell."""
    bell.RING_TIMEOUT = 60


def keep_database_busy(seconds: float) -> None:
    """Let the next commit of this process wait for so many seconds, and return at once."""
    database.executor().submit(time.sleep, seconds)


def drop_watches() -> None:
    """Make every heartbeat fail that tells the number of viewers."""
    with connection.schema_editor() as schema:
        schema.delete_model(Watch)


def make_one_of_each_end(name: str) -> None:
    """Make a stream for each end state, named by `name` and the state."""
    for state in ("done", "stopped", "failed", "interrupted"):
        stream = log.create(f"{name}-{state}", fence="", lease=60)
        log.finish(stream.pk, state, "Because.")


def append_in_groups(names: list[str]) -> list[str | None]:
    """Append to three streams in two commit groups, the second of which has two writes to refuse.

    Return the name of the error with which the log refused each write, or None.
    """
    streams = [log.create(name, fence=name, lease=60) for name in names]

    def write(stream: Stream, first: int, *texts: str) -> log.Write:
        return log.Write(stream.pk, stream.name, first, texts, [0] * len(texts))

    one, other, full = streams
    Stream.objects.filter(pk=full.pk).update(length=settings.STREAM_MAX_LENGTH)
    good = [write(one, 0, "a ", "b "), write(other, 0, "c ")]
    mixed = [write(one, 9, "gap"), write(other, 1, "d "), write(full, 0, "more")]
    outcomes = log.append(good) + log.append(mixed) + log.append([write(one, 2, "e ")])
    for stream in streams:
        log.finish(stream.pk, "done")
    return [None if outcome is None else type(outcome).__name__ for outcome in outcomes]


def titled(title: str) -> int:
    """Return how many streams have this title."""
    return Stream.objects.filter(title=title).count()


def rename_table(old: str, new: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")


def leased(name: str) -> bool:
    """Return whether the lease of a stream's producer runs, by the wall clock."""
    leased_until = Stream.objects.get(name=name).leased_until
    return leased_until is not None and leased_until > timezone.now()


def times(name: str) -> list[int]:
    """Return when each piece of a finished stream came, in ms since the stream began."""
    return list(log.recording(log.find(name)).times)
