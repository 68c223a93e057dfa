"""Reserving: a stream is there to be followed before its producer comes."""

from typing import Any, Unpack

from django.utils import timezone
from django.utils.asyncio import async_unsafe

from .. import log
from ..log.database import in_database
from ..models import Stream
from ..names import new_private_name
from .options import ReserveOptions, checked

# Seconds within which the producer of a reserved stream may come.
WITHIN = 600.0


@async_unsafe("reserve() can't run in asynchronous code. Write await areserve().")
def reserve(name: str | None = None, **options: Unpack[ReserveOptions]) -> Stream:
    """Create a live stream whose producer comes later, and return the stream.

        stream = reserve(owner=request.user)
        transaction.on_commit(lambda: answer.delay(stream.name))
        return render(request, "answer.html", {"stream": stream})

    Readers may follow the stream at once, and see its pieces as soon as `publish(stream)`,
    `publish(name)`, `start` or a publisher over HTTP with a token of the same owner takes the
    stream up. When no producer comes within `within` seconds, the stream ends as `interrupted`. The
    other options, `title`, `owner`, `visibility` and `keep`, are those of `publish`.

    Call `reserve` where you call Django's ORM, and `await areserve()` in asynchronous code. In a
    transaction, the reservation is committed with the transaction.

    Raises BadRequest for a name or an option that is not valid, Conflict when a live stream has
    this name, Ended when the stream with this name has ended, and Removed when it was removed.
    """
    return log.create(**reservation(name, options))


async def areserve(name: str | None = None, **options: Unpack[ReserveOptions]) -> Stream:
    """Reserve a stream as `reserve` does, in asynchronous code: `stream = await areserve()`."""
    return await in_database(log.create, **reservation(name, options))


def reservation(name: str | None, options: ReserveOptions) -> dict[str, Any]:
    """Return the arguments of `log.create` that reserve a stream.

    The name and the time of the reservation are among them, because `in_database` repeats the call
    when the connection is lost, and the first call may have been committed.
    """
    fields = checked("reserve", options, ReserveOptions)
    within = fields.pop("within", WITHIN)
    return {
        **fields,
        "name": name or new_private_name(),
        "fence": "",
        "lease": within,
        "started_at": timezone.now(),
    }
