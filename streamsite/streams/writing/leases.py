"""Showing that producers live: one query every other second for all of an event loop's."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from .. import log
from ..errors import StreamError
from ..log.database import in_database, steady
from ..loops import PerLoop
from ..reading import presence

logger = logging.getLogger(__name__)

# Seconds after which a producer that gave no sign counts as dead, and between two signs.
LEASE = 6.0
RENEWAL = 2.0


@dataclass(slots=True, eq=False)
class Lease:
    """A producer's right to write a stream, as long as it shows life.

    `lost` is called with the reason when somebody else ended or took the stream; `abandoned` when
    nobody has watched for `abandon` seconds.
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
        """Renew this lease, from now on."""
        self._held.add(lease)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(
                self._renew(), name="streams-leases"
            )

    def release(self, lease: Lease) -> None:
        """Renew this lease no more."""
        self._held.discard(lease)

    async def _renew(self) -> None:
        while self._held:
            await asyncio.sleep(RENEWAL)
            held = list(self._held)
            try:
                await self._renew_all(held)
                await self._look_for_viewers([each for each in held if each.abandon is not None])
            except Exception:
                # Whatever it is, and whosever: the others' streams must not be taken for dead.
                logger.exception("The leases can't be renewed; another try in %s s.", RENEWAL)

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
        if not held:
            return
        if not steady(presence.WATCH_SECONDS):
            # Who watches couldn't be told, so nobody is known to be gone.
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
