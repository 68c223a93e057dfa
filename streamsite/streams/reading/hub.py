"""The hub: one tail of each stream that is followed in this event loop, for all of its readers.

The bell keeps the tails up to date. Where a ring is lost, the tail finds a gap in the numbers, or
the heartbeat finds more pieces in the database than the tail has; in both cases the hub reads the
log.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from copy import copy
from typing import Any

from .. import log
from ..instruments import BEHIND, LOOP_DELAY, POLLING, WANTED, Traffic, traffics
from ..log.bell import Ring, bell, this_process
from ..log.database import in_database
from ..log.ending import announce_end
from ..log.outages import outage
from ..log.silence import LATE, silence
from ..loops import PerLoop, start_apart
from ..models import Stream
from ..pieces import End
from ..signals import streams_changed
from . import presence
from .backlog import BATCH, Backlog
from .tail import Tail

logger = logging.getLogger(__name__)

# Seconds between two looks at the database, for everything that a lost ring would have told.
HEARTBEAT = 2.0
# Seconds between two reports to the metrics.
REPORT = 0.5
# Seconds without a piece after which readers get an empty batch, to keep the connection alive, and
# seconds between two looks for such readers. Together they stay below the 15 s that WHATWG HTML
# 9.2.7 advises for comments, on a busy machine too.
QUIET = 10.0
KEEP_ALIVE = 1.0
# Seconds for which a client that polls counts as a viewer after a poll.
POLLER_STAYS = 5.0


class Hub:
    """The tails of one event loop, and the number of its viewers."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._bell = bell()
        self._bell.hear = self.hear
        self.backlog = Backlog()
        self._tails: dict[int, Tail] = {}
        # By stream and transport.
        self._counts: Counter[tuple[int, str]] = Counter()
        # By stream and client: until when the client counts as a viewer.
        self._pollers: dict[tuple[int, str], float] = {}
        # What the database was last told of the counts, and when.
        self._told: dict[tuple[int, str], int] = {}
        self._told_at = 0.0
        # When a task of the hub was last woken.
        self._awake_at = 0.0
        self._tasks: set[asyncio.Task[object]] = set()
        self._next_warning = 0.0
        self._refreshing = asyncio.Lock()
        self._pruner = log.Pruner()
        self._traffics = traffics()

    def watch(self, stream: Stream) -> Tail:
        """Return the tail of a stream, and keep it until `leave`."""
        self._start()
        tail = self._tails.get(stream.pk)
        if tail is None:
            # A copy, because a producer changes its stream when the stream ends.
            tail = self._tails[stream.pk] = Tail(copy(stream))
            self._spawn(self._join(tail))
        elif tail.count < stream.pieces:
            self._look(tail)  # The caller has just read a newer count from the database.
        tail.readers += 1
        return tail

    def leave(self, tail: Tail) -> None:
        """Release a tail. The hub drops the tail when its last reader leaves."""
        tail.readers -= 1
        if not tail.readers:
            del self._tails[tail.stream.pk]
            self._spawn(self._leave(tail))

    def lags(self, stream: Stream) -> bool:
        """Return whether the readers of a stream lack pieces that it has in the database."""
        tail = self._tails.get(stream.pk)
        return tail is not None and tail.count < stream.pieces

    def count(self, stream: Stream, transport: str, change: int) -> Traffic:
        """Count a viewer who comes (1) or leaves (-1). Return the traffic of the transport."""
        self._start()
        key = (stream.pk, transport)
        self._counts[key] += change
        if not self._counts[key]:
            del self._counts[key]
        traffic = self._traffics.of(transport)
        traffic.viewers += change
        if transport != POLLING:  # A poll counts itself, also where it needs no reader.
            traffic.arrivals += change > 0
        return traffic

    def poll_began(self, stream: Stream, client: str) -> None:
        """Stop counting a client as between two polls: while it waits, `count` counts it."""
        self._pollers.pop((stream.pk, client), None)

    def poll_ended(self, stream: Stream, client: str) -> None:
        """Count a client as a viewer until it has had time to poll again."""
        self._start()
        self._pollers[stream.pk, client] = self.loop.time() + POLLER_STAYS

    def hear(self, ring: Ring) -> None:
        """Bring the tail of a stream up to date with a ring."""
        tail = self._tails.get(ring.stream_id)
        if tail is None or tail.end is not None:
            return
        if ring.pieces is not None:
            tail.add(ring.pieces)
        if ring.end is not None:
            tail.finish(ring.end)
        elif tail.count < ring.n:
            self._look(tail)

    def _look(self, tail: Tail) -> None:
        """Read the news of a tail from the log, unless a task is about to do so."""
        if not tail.refreshing:
            tail.refreshing = True
            self._spawn(self._refresh([tail]))

    # Tasks.

    def _start(self) -> None:
        if not self._tasks:
            self._awake_at = self.loop.time()
            self._spawn(self._listen())
            self._spawn(self._beat())
            self._spawn(self._keep_alive())
            if WANTED:
                self._spawn(self._report())

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = start_apart(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not outage.tell(error):
            logger.error(
                "Reading the log failed. The next heartbeat reads it again.", exc_info=error
            )

    async def _listen(self) -> None:
        while True:
            try:
                ring = await self._bell.next_ring()
            except Exception as error:  # noqa: BLE001 - a channel layer may raise anything
                self._warn_of_layer(error)
                await asyncio.sleep(HEARTBEAT)
            else:
                self.hear(ring)

    async def _beat(self) -> None:
        while True:
            self._notice_pause()
            try:
                for stream_id in await in_database(log.reap):
                    await announce_end(stream_id)
                BEHIND.set(await self._refresh(list(self._tails.values())))
                await self._tell_counts()
                await self._pruner.take_turn()
            except Exception as error:
                if not outage.tell(error):
                    logger.exception("A heartbeat failed. The next one comes in %s s.", HEARTBEAT)
            for tail in self._tails.values():
                if not tail.joined:
                    self._spawn(self._join(tail))
            await asyncio.sleep(HEARTBEAT)

    async def _keep_alive(self) -> None:
        """Give the readers of quiet streams an empty batch. The database may be away meanwhile."""
        while True:
            self._notice_pause()
            long_ago = self.loop.time() - QUIET
            for tail in self._tails.values():
                if tail.changed_at <= long_ago:
                    tail.wake()
            await asyncio.sleep(KEEP_ALIVE)

    def _notice_pause(self) -> None:
        """Notice that the process was paused, for instance because its virtual machine was moved.

        The pause may have kept the producers from renewing their leases, too.
        """
        now = self.loop.time()
        if now - self._awake_at > KEEP_ALIVE + LATE:
            silence.outage()
        self._awake_at = now

    async def _report(self) -> None:
        """Bring the metrics up to date, and measure how late the event loop wakes this task."""
        while True:
            due = self.loop.time() + REPORT
            await asyncio.sleep(REPORT)
            LOOP_DELAY.observe(max(0.0, self.loop.time() - due))
            self._traffics.report(len(self._pollers))

    async def _tell_counts(self) -> None:
        """Write the number of viewers into the database when it changed, or is due again."""
        now = self.loop.time()
        self._pollers = {key: until for key, until in self._pollers.items() if until > now}
        counts = Counter(self._counts)
        counts.update((pk, POLLING) for pk, _ in self._pollers)
        # Counts that fell to zero since the last time are told, too.
        told = {key: counts[key] for key in counts.keys() | self._told.keys()}
        changed = told != self._told
        if changed or (told and now > self._told_at + presence.WATCH_SECONDS / 2):
            await in_database(presence.tell_watches, this_process(), told)
            self._told_at = now
        if changed:
            streams_changed.send(sender=Stream)
        self._told = {key: viewers for key, viewers in told.items() if viewers}

    async def _join(self, tail: Tail) -> None:
        if tail.joining:
            return
        tail.joining = True
        try:
            await self._bell.join(tail.stream.pk)
            tail.joined = True
        except Exception as error:  # noqa: BLE001 - a channel layer may raise anything
            self._warn_of_layer(error)
        finally:
            tail.joining = False
        if not tail.readers:
            await self._leave(tail)  # The readers left in the meantime.
        elif tail.joined:
            # Rings that were sent before this process joined never reached it.
            await self._refresh([tail])

    async def _leave(self, tail: Tail) -> None:
        try:
            if tail.joined and tail.stream.pk not in self._tails:
                tail.joined = False
                await self._bell.leave(tail.stream.pk)
        except Exception as error:  # noqa: BLE001 - a channel layer may raise anything
            self._warn_of_layer(error)

    def _warn_of_layer(self, error: Exception) -> None:
        """Log that the channel layer does not answer, once however many streams meet the error."""
        now = self.loop.time()
        if now >= self._next_warning:
            self._next_warning = now + HEARTBEAT
            logger.warning(
                "The channel layer does not answer (%r). Readers wait for the heartbeat.", error
            )

    async def _refresh(self, tails: list[Tail]) -> int:
        """Bring tails up to date with the log. One query asks for all of their streams.

        Return how many pieces the tails lacked.
        """
        lacked = 0
        async with self._refreshing:
            live = [tail for tail in tails if tail.end is None]
            if not live:
                return 0
            for tail in live:
                tail.refreshing = False  # A ring from here on needs another look.
            standing = await in_database(log.standing, [tail.stream.pk for tail in live])
            for tail in live:
                stream = standing.get(tail.stream.pk)
                if stream is None:
                    why = "The stream was deleted."
                    tail.finish(End("failed", tail.count, "", why, revision=tail.stream.revision))
                elif end := stream.end():
                    # Readers that lack pieces at the end of a stream read its recording.
                    tail.finish(end)
                else:
                    lacked += max(0, stream.pieces - tail.count)
                    await self._catch_up(tail, stream.pieces)
        return lacked

    async def _catch_up(self, tail: Tail, count: int) -> None:
        while tail.count < count:
            newer = await in_database(log.read, tail.stream, tail.count, BATCH)
            if not newer.texts:
                break  # The stream has just ended or was deleted. The next heartbeat finds out.
            tail.add(newer)


hub = PerLoop(Hub)
