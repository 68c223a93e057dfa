"""Streams by name: created, found, taken up by their producers."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import IntegrityError, connections, transaction
from django.utils import timezone
from django.utils.functional import Promise

from ..errors import BadRequest, Conflict, Ended, NoSuchStream, Removed
from ..models import TITLE_LENGTH, Stream
from ..names import name_problem
from ..pieces import check_text
from ..querysets import home
from ..values import FORMATS, TEXT
from .keeping import Keep, kept_for
from .liveness import from_now, reap
from .tombstones import removed, succeed, tombstone


@dataclass(frozen=True, slots=True)
class Found:
    """What `look_up` found: the streams by name, and the names of streams that were removed.

    `removed` says of each of these names whether the stream was private. `ended` are the streams
    that `look_up` ended, because their producers had died.
    """

    streams: dict[str, Stream]
    removed: Mapping[str, bool] = field(default_factory=dict)
    ended: Collection[Stream] = ()

    def get(self, name: str) -> Stream:
        """Return the stream with this name. Raises NoSuchStream, or Removed."""
        if name in self.streams:
            return self.streams[name]
        if name in self.removed:
            raise Removed(name, private=self.removed[name])
        raise NoSuchStream(name)


def find(name: str) -> Stream:
    """Return the stream with this name. Raises NoSuchStream, or Removed."""
    return look_up([name]).get(name)


def find_all(names: Iterable[str]) -> dict[str, Stream]:
    """Return the streams with these names, by name. Names without a stream are left out.

    A stream whose producer has died is ended first.
    """
    return look_up(names).streams


def look_up(names: Iterable[str]) -> Found:
    """Look up the streams with these names. A stream whose producer has died is ended first."""
    # PostgreSQL raises ValueError for a NUL in a parameter.
    possible = [name for name in names if "\0" not in name]
    found = {stream.name: stream for stream in Stream.objects.filter(name__in=possible)}
    live = [stream.pk for stream in found.values() if stream.live]
    ended: list[Stream] = []
    if live and (ids := reap(Stream.objects.filter(pk__in=live))):
        ended = list(Stream.objects.filter(pk__in=ids))
        found |= {stream.name: stream for stream in ended}
    missing = [name for name in possible if name not in found]
    return Found(found, removed(missing) if missing else {}, ended)


def peek(name: str) -> Stream | None:
    """Return the stream with this name, or None. A stream whose producer has died stays live."""
    # PostgreSQL raises ValueError for a NUL in a parameter.
    return Stream.objects.filter(name=name.replace("\0", "")).first()


def create(
    name: str,
    *,
    fence: str,
    lease: float,
    title: str = "",
    owner_id: int | None = None,
    token_id: int | None = None,
    visibility: str | None = None,
    format: str | None = None,
    keep: Keep = None,
    takeover: bool = False,
    started_at: datetime | None = None,
    admit: Callable[[], None] | None = None,
) -> Stream:
    """Create a live stream for the producer that holds the fencing token `fence`.

    The producer counts as alive for `lease` seconds. With an empty `fence` the stream is reserved:
    its producer may come within `lease` seconds. Without `visibility`, the stream is visible to its
    owner, or to anyone with the link where it has no owner. `token_id` names the token of a
    publisher over HTTP. `format` is "text" (the default of a new stream) or "json". `keep` is how
    long the stream is kept after its end.

    A call that is repeated because its answer was lost returns the stream of the first call. The
    call of a producer is recognized by `fence`, and a reservation by `started_at`.

    A reserved stream with this name is handed to the producer as it stands, unless `owner_id` names
    another user than the stream's owner. A publisher over HTTP gets only the reserved streams of
    the token's owner. With `takeover`, the same goes for a live stream that has a producer, if the
    stream belongs to the same owner; a publisher whose token has no owner takes over only the
    streams of that token.

    `admit` is called for a new stream, in the transaction that creates it. Its error undoes the
    transaction.

    Raises BadRequest for a name, a title, an owner, a format, a visibility or a `keep` that is not
    valid, Conflict when another producer writes the stream or the stream has another format, Ended
    when the stream has ended, and Removed when it was removed.
    """
    _check_options(name, title, format, visibility)
    kept = kept_for(keep)
    try:
        with transaction.atomic(home()):
            stream = Stream.objects.create(
                name=name,
                title=title,
                owner_id=owner_id,
                token_id=token_id,
                visibility=visibility or Stream.default_visibility(owner_id),
                format=format or TEXT,
                keep=kept,
                fence=fence,
                leased_until=from_now(lease),
                started_at=started_at or timezone.now(),
            )
            if earlier := tombstone(name):
                # The name of a removed stream is used once, so that a link never shows another
                # text.
                if not earlier.free:
                    raise Removed(name, private=earlier.private)
                succeed(stream, earlier)
            if admit is not None:
                admit()
            return stream
    except IntegrityError:
        _check_owner(owner_id)
        stream = find(name)
    if not stream.live:
        raise Ended(name, stream.state)
    if not fence:
        return _reserved_before(stream, started_at)
    if stream.reserved:
        others = owner_id is not None and stream.owner_id != owner_id
        if others or (token_id is not None and owner_id is None):
            raise Conflict(f"Stream {name!r} is reserved for another owner.")
        return take_up(stream, fence=fence, lease=lease, token_id=token_id, format=format)
    if stream.fence != fence:
        _check_takeover(stream, takeover=takeover, owner_id=owner_id, token_id=token_id)
    check_format(stream, format)
    if stream.fence != fence:
        Stream.objects.live().filter(pk=stream.pk).update(fence=fence, leased_until=from_now(lease))
        stream.refresh_from_db(from_queryset=Stream.objects.all())
    return stream


def _check_options(name: str, title: str, format: str | None, visibility: str | None) -> None:
    """Raise BadRequest unless a new stream may have these options."""
    if problem := name_problem(name):
        raise BadRequest(f"{name!r:.40} is not a valid stream name. {problem}")
    if not isinstance(title, str | Promise):
        raise BadRequest(f"The title must be text, not {type(title).__name__}.")
    if len(title) > TITLE_LENGTH:
        raise BadRequest(f"The title has {len(title)} characters. The limit is {TITLE_LENGTH}.")
    check_text(title)
    if format is not None and format not in FORMATS:
        raise BadRequest(f"There is no format {format!r:.40}. Use {_one_of(FORMATS)}.")
    if visibility and visibility not in Stream.Visibility.values:
        raise BadRequest(
            f"There is no visibility {visibility!r:.40}. Use {_one_of(Stream.Visibility.values)}."
        )


def _check_owner(owner_id: int | None) -> None:
    """Raise BadRequest if there is no user with this id."""
    users = get_user_model()._base_manager.using(home())
    if owner_id is not None and not users.filter(pk=owner_id).exists():
        raise BadRequest(
            f"There is no user with the id {owner_id}, so the stream can't have this owner. "
            "Save the user first."
        )


def _reserved_before(stream: Stream, started_at: datetime | None) -> Stream:
    """Return the live stream if this very reservation has created it. Raises Conflict."""
    if not stream.reserved:
        raise Conflict(f"Stream {stream.name!r} already has a producer. Reserve another name.")
    if stream.started_at != started_at:
        raise Conflict(f"Stream {stream.name!r} is reserved already. Reserve another name.")
    return stream


def _check_takeover(
    stream: Stream, *, takeover: bool, owner_id: int | None, token_id: int | None
) -> None:
    """Raise Conflict unless a producer may take over the live stream of another one."""
    name = stream.name
    if not takeover:
        raise Conflict(
            f"Stream {name!r} already has a producer. Publish under another name, "
            "or take the stream over."
        )
    if stream.owner_id != owner_id:
        raise Conflict(f"Stream {name!r} belongs to another user and can't be taken over.")
    if token_id is not None and owner_id is None and stream.token_id != token_id:
        raise Conflict(
            f"Stream {name!r} was published with another token and can't be taken over. "
            "Tokens of the same owner may take over each other's streams."
        )


def take_up(
    stream: Stream,
    *,
    fence: str,
    lease: float,
    token_id: int | None = None,
    format: str | None = None,
) -> Stream:
    """Hand a reserved stream to the producer that holds the fencing token `fence`.

    The stream keeps its title, its owner and who may watch it, and starts now.

    Raises NoSuchStream when the stream was deleted or removed, Ended when it has ended, and
    Conflict when another producer has come first or the stream has another format than `format`.
    """
    check_format(stream, format)
    if find(stream.name).pk != stream.pk:  # A stream that is found late is ended first.
        raise NoSuchStream(stream.name)
    Stream.objects.live().filter(pk=stream.pk, fence="").update(
        fence=fence, leased_until=from_now(lease), token_id=token_id, started_at=timezone.now()
    )
    found = find(stream.name)
    if not found.live:
        raise Ended(found.name, found.state)
    if found.fence != fence:
        raise Conflict(f"Stream {found.name!r} already has a producer.")
    return found


def _one_of(values: Sequence[str]) -> str:
    """Return the values as a sentence lists them: "public, link or owner"."""
    return f"{', '.join(values[:-1])} or {values[-1]}"


def check_format(stream: Stream, format: str | None) -> None:
    """Raise Conflict when a producer wants to write a format that the stream does not have."""
    if format is not None and format != stream.format:
        raise Conflict(
            f"Stream {stream.name!r} has the format {stream.format}, and its format can't be "
            f"changed. Write {stream.format}, or publish under another name."
        )


# The lock that PostgreSQL takes for a foreign key, and that Django's ORM doesn't have. While a
# producer writes a row, PostgreSQL may wait for a deletion of the row despite SKIP LOCKED. This
# statement and `QuerySet.delete` don't deadlock, because both lock streams in the order of ids.
_HOLD = (
    f"SELECT id FROM {Stream._meta.db_table} WHERE id = ANY(%s::bigint[])"  # noqa: S608 - constant
    " ORDER BY id FOR KEY SHARE SKIP LOCKED"
)


def hold(stream_ids: Collection[int]) -> set[int]:
    """Return the ids of the streams that exist, and let nobody delete them in this transaction.

    A stream that somebody is deleting is left out. Producers go on writing the streams.
    """
    found = Stream.objects.filter(pk__in=stream_ids)
    connection = connections[home()]
    if connection.vendor != "postgresql":
        return set(found.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [list(stream_ids)])
        return {pk for (pk,) in cursor.fetchall()}


def standing(stream_ids: Iterable[int]) -> dict[int, Stream]:
    """Return the streams with these ids, by id. A deleted stream is left out."""
    return Stream.objects.in_bulk(stream_ids)
