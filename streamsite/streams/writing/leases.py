"""Leases: how a producer shows that it is alive. One query renews all leases of an event loop."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from .. import log
from ..errors import StreamError
from ..log.database import in_database
from ..log.outages import outage
from ..log.silence import silence
from ..loops import PerLoop, start_apart
from ..reading import presence

logger = logging.getLogger(__name__)

# Seconds without a renewal after which a producer counts as dead.
LEASE = 6.0
# Seconds between two renewals.
RENEWAL = 2.0


@dataclass(slots=True, eq=False)
class Lease:
    """The right of a producer to write a stream, for as long as the producer renews it.

    `lost` is called with the reason when somebody else ended the stream or took it over.
    `abandoned` is awaited when nobody has watched the stream for `abandon` seconds.
    """

    stream_id: int
    fence: str
    lost: Callable[[StreamError], None]
    abandon: float | None
    abandoned: Callable[[], Awaitable[object]]
    watched_at: float = field(default_factory=time.monotonic)


class Leases:
    """The leases of one event loop."""

    def __init__(self) -> None:
        self._held: set[Lease] = set()
        self._task: asyncio.Task[None] | None = None

    def hold(self, lease: Lease) -> None:
        """Renew this lease until `release`."""
        self._held.add(lease)
        if self._task is None or self._task.done():
            self._task = start_apart(self._renew(), "streams-leases")

    def release(self, lease: Lease) -> None:
        """Stop renewing this lease."""
        self._held.discard(lease)

    async def _renew(self) -> None:
        while self._held:
            await asyncio.sleep(RENEWAL)
            held = list(self._held)
            try:
                await self._renew_all(held)
                await self._look_for_viewers([each for each in held if each.abandon is not None])
            except Exception as error:
                # An error that concerns one lease must not let the other leases run out.
                if not outage.tell(error):
                    logger.exception("Renewing the leases failed. Next attempt in %s s.", RENEWAL)

    async def _renew_all(self, held: list[Lease]) -> None:
        renewed = await in_database(
            log.renew, [each.stream_id for each in held], [each.fence for each in held], LEASE
        )
        for lease in held:
            if lease.fence not in renewed and lease in self._held:
                refusal = await in_database(log.refusal, lease.stream_id, lease.fence)
                if refusal is not None:
                    lease.lost(refusal)

    async def _look_for_viewers(self, held: list[Lease]) -> None:
        """Note which of these streams are watched, and abandon those that no longer are."""
        if not held:
            return
        if not silence.steady(presence.WATCH_SECONDS):
            # Servers could not store their viewers, so no viewers in the database proves nothing.
            for lease in held:
                lease.watched_at = time.monotonic()
            return
        watched = await in_database(presence.viewers, [each.stream_id for each in held])
        now = time.monotonic()
        for lease in held:
            if lease.stream_id in watched:
                lease.watched_at = now
            elif (
                lease in self._held
                and lease.abandon is not None
                and now - lease.watched_at > lease.abandon
            ):
                await lease.abandoned()


leases = PerLoop(Leases)
