"""Keeping: how long a stream is kept after its end, and the removal of streams whose time is over.

A stream that has ended and is not kept for ever has the moment `expires_at`. Running servers remove
expired streams a few at a time, one server at a time, and `manage.py prunestreams` removes all of
them.
"""

import logging
import time
from datetime import timedelta
from typing import Literal

from django.db import transaction
from django.db.models import ProtectedError, QuerySet, RestrictedError
from django.db.models.functions import Now
from django.utils import timezone

from ..bookkeeping import Chore
from ..conf import setting
from ..errors import BadRequest
from ..models import Stream
from ..querysets import home
from ..wire import durations
from .database import in_database
from .liveness import from_now
from .tombstones import clear, close

logger = logging.getLogger(__name__)

FOREVER: Literal["forever"] = "forever"
# How long after its end a stream is kept. None stands for the site's STREAM_KEEP.
Keep = timedelta | Literal["forever"] | None

# The longest duration. The end of a longer one might lie after the last date of the database.
LONGEST = timedelta(days=36_500)

# Streams, and characters, that one transaction removes. The database thread serves readers between
# two transactions. On SQLite, 20 short streams took 13 ms of CPU time, half of them for
# the tombstones. A stream of a million characters took 4 to 12 ms, and one of 60 million 250 ms.
BATCH = 20
BATCH_LENGTH = 1024 * 1024
# Tombstones that one transaction deletes. On SQLite, a thousand took 2 to 6 ms.
CLEARED = 1000
# The name of the row by which processes agree whose turn it is.
CHORE = "prune"
# Seconds between two rounds of removals, whichever process does them.
EVERY = 30.0
# Seconds after which a process begins no further transaction in its round.
ROUND = 1.0
# Seconds after which a process asks again whether a round is due.
ASK_EVERY = 5.0
# How long a stream stays that can't be removed because rows of the project protect it.
PUT_OFF = timedelta(days=1)


def parse_keep(text: str) -> Keep:
    """Return the value of `keep` that a text says: "30d", "12h", "45m", "90s" or "forever".

    Raises BadRequest for any other text.
    """
    if text == FOREVER:
        return FOREVER
    try:
        return durations.parse(text)
    except ValueError:
        raise BadRequest(
            f"keep={text[:40]!r} is not valid. Use a number and a unit (s, m, h or d), such as "
            "30d, or forever."
        ) from None


def kept_for(keep: Keep) -> timedelta | None:
    """Return how long a new stream is kept after its end, or None for ever.

    Raises BadRequest for a duration that is not valid.
    """
    if keep is None:
        keep = setting("STREAM_KEEP")
    if keep is None or keep == FOREVER:
        return None
    if not isinstance(keep, timedelta) or not timedelta() <= keep <= LONGEST:
        raise BadRequest(
            f"keep={keep!r} is not valid. Use a timedelta of at most {LONGEST.days} days, or "
            '"forever".'
        )
    return keep


def expired() -> QuerySet[Stream]:
    """Return the streams whose time is over, the oldest first. No live stream is among them."""
    return Stream.objects.ended().filter(expires_at__lt=Now()).order_by("expires_at")


def prune() -> list[str]:
    """Remove the next streams whose time is over, in one transaction, and return their names."""
    with transaction.atomic(home()):
        # A write comes first. SQLite refuses the first write of a transaction that has read what
        # another process has changed since.
        clear(CLEARED)
        batch: list[Stream] = []
        length = 0
        # A stream that another process is removing is skipped. A stream whose viewers are being
        # counted is not skipped, because `no_key` gets along with the lock of `hold` in streams.py.
        for stream in expired().select_for_update(skip_locked=True, no_key=True)[:BATCH]:
            length += stream.length
            if batch and length > BATCH_LENGTH:
                break
            batch.append(stream)
        removed = _remove(batch)
        close(removed)
    return removed


def _remove(streams: list[Stream]) -> list[str]:
    """Delete streams, and return their names.

    A stream that rows of the project protect (`on_delete=PROTECT` or `RESTRICT`) is put off.
    """
    ids = [stream.pk for stream in streams]
    try:
        # A savepoint, because a receiver of `pre_delete` may be what protects a stream.
        with transaction.atomic(home()):
            Stream.objects.filter(pk__in=ids).delete()
    except (ProtectedError, RestrictedError):
        if len(streams) > 1:
            # One of the streams is protected. Deleted one by one, the others are removed.
            return [name for stream in streams for name in _remove([stream])]
        logger.warning(
            "Stream %r can't be removed, because other rows of the project protect it. "
            "Next attempt in %s.",
            streams[0].name,
            PUT_OFF,
        )
        Stream.objects.filter(pk__in=ids).update(expires_at=timezone.now() + PUT_OFF)
        return []
    return [stream.name for stream in streams]


def claim(chore: str, every: float) -> bool:
    """Return whether this process is to do a chore now.

    Of all processes of the site, one does the chore once in `every` seconds.
    """
    due = Chore.objects.filter(name=chore, due_at__lte=Now())
    if due.update(due_at=from_now(every)):
        return True
    if Chore.objects.filter(name=chore).exists():
        return False
    Chore.objects.bulk_create([Chore(name=chore)], ignore_conflicts=True)
    return bool(due.update(due_at=from_now(every)))


class Pruner:
    """Removes expired streams in a running process, now and then."""

    def __init__(self) -> None:
        self._ask_at = time.monotonic() + ASK_EVERY

    async def take_turn(self) -> None:
        """Do a round of removals if one is due, and no other process does it."""
        now = time.monotonic()
        if now < self._ask_at:
            return
        self._ask_at = now + ASK_EVERY
        if await in_database(claim, CHORE, EVERY):
            while await in_database(prune) and time.monotonic() < now + ROUND:
                pass
