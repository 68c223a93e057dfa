"""Stopping: a user, a publisher or the site itself ends a live stream."""

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from ..errors import Forbidden
from ..instruments import STOPS
from ..log.ending import end_stream
from ..models import Stream
from ..reading.finding import find, name_of
from ..tokens import PublishToken

User = AbstractBaseUser | AnonymousUser


async def stop(stream: Stream | str, reason: str = "") -> bool:
    """End a live stream, given the stream or its name, as `stopped`, whichever process writes it.

        await stop("import-42", "The order was cancelled.")
        async_to_sync(stop)(stream, "The order was cancelled.")  # in code without `async`

    Viewers see the `reason`. The producer learns of the end by a ring, or because its next piece is
    refused. Returns whether this call ended the stream.

    Raises NoSuchStream for a name that no stream has, and TypeError if `stream` is neither a stream
    nor a name.
    """
    if not isinstance(stream, Stream):
        stream = await find(name_of(stream))
    ended = await end_stream(stream.pk, Stream.State.STOPPED, reason) is not None
    STOPS.labels("yes" if ended else "no").inc()
    return ended


async def stop_with(token: PublishToken, stream: Stream) -> bool:
    """Stop a stream on behalf of a publisher. Raises Forbidden."""
    same_owner = token.owner_id is not None and token.owner_id == stream.owner_id
    if not same_owner and stream.token_id != token.pk:
        raise Forbidden(
            f"Stream {stream.name!r} belongs neither to the owner of this token nor to this token."
        )
    return await stop(stream, f"Stopped by {token.label}.")


def reason_of(user: User | None, stream: Stream) -> str:
    """Return the reason that viewers see when a user stops a stream.

    It does not name the user, because everybody may watch a public stream, and a user name may be
    an address. The admin's log has the name: see `write_down`.
    """
    if user is None:
        return ""
    if user.pk == stream.owner_id:
        return "Stopped by its owner."
    return "Stopped by staff." if getattr(user, "is_staff", False) else ""


def write_down(user: User, stream: Stream) -> None:
    """Add an entry to the admin's log that a user stopped a stream, where the site has an admin."""
    if not apps.is_installed("django.contrib.admin"):
        return
    from django.contrib.admin.models import CHANGE, LogEntry

    LogEntry.objects.log_actions(
        str(user.pk), [stream], CHANGE, f"Stopped {stream.name}.", single_object=True
    )
