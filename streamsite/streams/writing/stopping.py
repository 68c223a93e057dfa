"""Stopping a stream as somebody: who may, and who did."""

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from ..errors import Forbidden, Unauthorized
from ..log.database import in_database
from ..models import PublishToken, Stream
from .producers import stop

User = AbstractBaseUser | AnonymousUser


async def stop_as(user: User, stream: Stream) -> bool:
    """Stop a stream as a user. Raises Unauthorized and Forbidden."""

    def allowed() -> tuple[bool, bool, str]:
        return bool(user.is_authenticated), stream.stoppable_by(user), str(user)

    known, may, username = await in_database(allowed)
    if not known:
        raise Unauthorized("Log in to stop a stream: its owner and staff may.")
    if not may:
        raise Forbidden(f"Stream {stream.name!r} can be stopped by its owner and by staff.")
    stopped = await stop(stream, f"Stopped by {username}.")
    if stopped:
        await in_database(write_down, user, stream)
    return stopped


async def stop_with(token: PublishToken, stream: Stream) -> bool:
    """Stop a stream as a publisher. Raises Forbidden."""
    if token.owner_id != stream.owner_id:
        raise Forbidden(f"Stream {stream.name!r} belongs to another user than this token.")
    return await stop(stream, f"Stopped by {token.label}.")


def write_down(user: User, stream: Stream) -> None:
    """Write into the admin's log that a user stopped a stream, where the site has an admin."""
    if not apps.is_installed("django.contrib.admin"):
        return
    from django.contrib.admin.models import CHANGE, LogEntry

    LogEntry.objects.log_actions(
        str(user.pk), [stream], CHANGE, f"Stopped {stream.name}.", single_object=True
    )
