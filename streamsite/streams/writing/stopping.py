"""Stopping: a user, a publisher or the site itself ends a live stream."""

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from ..errors import Forbidden
from ..instruments import STOPS
from ..log.ending import end_stream
from ..models import Stream
from ..tokens import PublishToken

User = AbstractBaseUser | AnonymousUser


async def stop(stream: Stream, reason: str = "") -> bool:
    """End a live stream as `stopped`, whichever process writes it.

        await stop(stream, "The order was cancelled.")
        async_to_sync(stop)(stream, "The order was cancelled.")  # in code without `async`

    Viewers see the `reason`. The producer learns of the end by a ring, or because its next piece is
    refused. Returns whether this call ended the stream.
    """
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


def write_down(user: User, stream: Stream) -> None:
    """Add an entry to the admin's log that a user stopped a stream, where the site has an admin."""
    if not apps.is_installed("django.contrib.admin"):
        return
    from django.contrib.admin.models import CHANGE, LogEntry

    LogEntry.objects.log_actions(
        str(user.pk), [stream], CHANGE, f"Stopped {stream.name}.", single_object=True
    )
