"""This process's readers: one tail of each stream that is watched here, whoever watches.

The database is the truth. The channel layer only rings: "stream 7 has 19 pieces now", with the
new ones in it where they are small. A ring that is lost costs a heartbeat, never a piece: a gap
in the numbers, or a heartbeat that finds more than the tail has, makes it read the log.
"""

import asyncio
import logging
import os
import secrets
from collections import Counter
from contextlib import suppress
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer

from .. import log
from ..log.database import in_database
from ..loops import PerLoop
from ..models import Stream
from ..pieces import End, Pieces
from ..signals import streams_changed
from . import presence
from .presence import WATCH_SECONDS
from .tail import Tail

logger = logging.getLogger(__name__)

# Seconds between two looks at the database, for whatever a ring didn't tell.
HEARTBEAT = 2.0
# Characters of new pieces that a ring carries. More are read from the log.
RING_LENGTH = 8192
# Seconds that a ring may take; after one that failed, none is tried for a heartbeat.
RING_TIMEOUT = 1.0
# Seconds that joining a stream's group may take. The next heartbeat tries again.
JOIN_TIMEOUT = 5.0
# Pieces in one batch from the log.
BATCH = 1000
# Seconds without a piece after which readers get an empty batch. With the heartbeat added it stays
# below the 15 s that WHATWG HTML 9.2.7 advises for comments.
QUIET = 12.0
# Seconds for which a poller counts as a reader.
POLLER_STAYS = 5.0

_process = secrets.token_hex(8)


def _new_process() -> None:
    global _process
    _process = secrets.token_hex(8)


# A forked worker is a process by itself.
os.register_at_fork(after_in_child=_new_process)


class Hub:
    """The tails of one event loop, and how many readers it has."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._tails: dict[int, Tail] = {}
        self._counts: Counter[tuple[int, str]] = Counter()
        self._pollers: dict[tuple[int, str], float] = {}
        self._told: dict[tuple[int, str], int] = {}
        self._told_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._channel = ""
        self._refreshing = asyncio.Lock()

    def watch(self, stream: Stream) -> Tail:
        """Return this stream's tail, and keep it until `leave`."""
        self._start()
        tail = self._tails.get(stream.pk)
        if tail is None:
            tail = self._tails[stream.pk] = Tail(stream)
            self._spawn(self._join(tail))
        elif tail.count < stream.pieces:
            self._look(tail)  # The reader was told of more just now.
        tail.readers += 1
        return tail

    def leave(self, tail: Tail) -> None:
        """Let a tail go; with its last reader it is gone."""
        tail.readers -= 1
        if not tail.readers:
            del self._tails[tail.stream.pk]
            self._spawn(self._leave(tail))

    def count(self, stream: Stream, transport: str, more: int) -> None:
        """Count a reader who comes, 1, or leaves, -1."""
        self._start()
        key = (stream.pk, transport)
        self._counts[key] += more
        if not self._counts[key]:
            del self._counts[key]

    def poll_began(self, stream: Stream, client: str) -> None:
        """Count a client that asks again and again as a reader just while it waits, by `count`."""
        self._pollers.pop((stream.pk, client), None)

    def poll_ended(self, stream: Stream, client: str) -> None:
        """Count the client for as long as it may take to ask again."""
        self._start()
        self._pollers[stream.pk, client] = self.loop.time() + POLLER_STAYS

    def hear(self, ring: dict[str, Any]) -> None:
        """Take a ring: {"stream", "first", "texts" or None, "n", "end" or None}."""
        tail = self._tails.get(ring["stream"])
        if tail is None or tail.end is not None:
            return
        if ring["texts"] is not None:
            tail.add(Pieces(ring["first"], ring["texts"], revision=tail.stream.revision))
        if ring["end"] is not None:
            tail.finish(End(*ring["end"], revision=tail.stream.revision))
        elif tail.count < ring["n"]:
            self._look(tail)

    def _look(self, tail: Tail) -> None:
        if not tail.refreshing:
            tail.refreshing = True
            self._spawn(self._refresh([tail]))

    # The tasks.

    def _start(self) -> None:
        if not self._tasks:
            self._spawn(self._listen())
            self._spawn(self._beat())

    def _spawn(self, work: Any) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("A look at the log failed; a heartbeat makes it good.", exc_info=error)

    async def _listen(self) -> None:
        layer = get_channel_layer()
        while True:
            try:
                if not self._channel:
                    self._channel = await layer.new_channel("streams")
                    for tail in self._tails.values():
                        self._spawn(self._join(tail))
                ring = await layer.receive(self._channel)
            except Exception as error:  # noqa: BLE001 - whatever a channel layer may raise
                logger.warning(
                    "The channel layer doesn't answer (%r): readers wait for the heartbeat.", error
                )
                await asyncio.sleep(HEARTBEAT)
                continue
            if ring["process"] != _process:
                self.hear(ring)

    async def _beat(self) -> None:
        while True:
            try:
                for stream_id in await in_database(log.reap):
                    await ring_end(stream_id)
                await self._refresh(list(self._tails.values()))
                await self._tell_counts()
            except Exception:
                logger.exception("A heartbeat failed; the next one comes in %s s.", HEARTBEAT)
            now = self.loop.time()
            for tail in self._tails.values():
                if now - tail.changed_at > QUIET:
                    tail.wake()
                if not tail.joined:
                    self._spawn(self._join(tail))
            await asyncio.sleep(HEARTBEAT)

    async def _tell_counts(self) -> None:
        now = self.loop.time()
        self._pollers = {key: until for key, until in self._pollers.items() if until > now}
        counts = Counter(self._counts)
        counts.update((pk, "polling") for pk, _ in self._pollers)
        # Also what fell to zero since the last time.
        told = {key: counts[key] for key in counts.keys() | self._told.keys()}
        changed = told != self._told
        if changed or (told and now > self._told_at + WATCH_SECONDS / 2):
            await in_database(presence.tell_watches, _process, told)
            self._told_at = now
        if changed:
            streams_changed.send(sender=Stream)
        self._told = {key: viewers for key, viewers in told.items() if viewers}

    async def _join(self, tail: Tail) -> None:
        if tail.joining or not self._channel:
            return
        tail.joining = True
        try:
            async with asyncio.timeout(JOIN_TIMEOUT):
                await get_channel_layer().group_add(_group(tail.stream.pk), self._channel)
            tail.joined = True
        except Exception as error:  # noqa: BLE001 - whatever a channel layer may raise
            logger.warning("The channel layer refuses (%r): readers wait for the heartbeat.", error)
        finally:
            tail.joining = False
        if not tail.readers:
            await self._leave(tail)  # They left meanwhile.
        elif tail.joined:
            # What was committed before this process had joined was never announced to it.
            await self._refresh([tail])

    async def _leave(self, tail: Tail) -> None:
        try:
            if tail.joined and tail.stream.pk not in self._tails:
                tail.joined = False
                await get_channel_layer().group_discard(_group(tail.stream.pk), self._channel)
        except Exception as error:  # noqa: BLE001 - whatever a channel layer may raise
            logger.warning("The channel layer refuses (%r).", error)

    async def _refresh(self, tails: list[Tail]) -> None:
        """Bring tails up to what the log has, with one query for all that are."""
        async with self._refreshing:
            watched = [tail for tail in tails if tail.end is None]
            if not watched:
                return
            for tail in watched:
                tail.refreshing = False  # What rings from here on is news again.
            standing = await in_database(log.standing, [tail.stream.pk for tail in watched])
            for tail in watched:
                stream = standing.get(tail.stream.pk)
                if stream is None:
                    tail.finish(End("failed", tail.count, "", "The stream was deleted."))
                elif end := stream.end():
                    # What the tail hasn't of it, its readers take as those do who come late.
                    tail.finish(end)
                else:
                    await self._catch_up(tail, stream.pieces)

    async def _catch_up(self, tail: Tail, count: int) -> None:
        while tail.count < count:
            newer = await in_database(log.read, tail.stream, tail.count, BATCH)
            if not newer.texts:
                break  # It ended or was deleted just now: the next heartbeat finds out.
            tail.add(newer)


hub = PerLoop(Hub)


# Rings.

_quiet_until = 0.0


async def ring(stream_id: int, pieces: Pieces, end: End | None = None) -> None:
    """Tell every process of pieces that were committed, and of the end where there is one."""
    small = sum(map(len, pieces.texts)) <= RING_LENGTH
    message = {
        "stream": stream_id,
        "first": pieces.first,
        "texts": list(pieces.texts) if small else None,
        "n": pieces.end,
        "end": end and [end.state, end.n, end.sha256, end.reason],
    }
    # This process needs no channel layer to hear of it.
    for each in hub:
        if each.loop is asyncio.get_running_loop():
            each.hear(message)
        else:
            with suppress(RuntimeError):  # It was closed this moment.
                each.loop.call_soon_threadsafe(each.hear, message)
    await _ring_others(_group(stream_id), message)


async def ring_end(stream_id: int) -> None:
    """Tell every process that a stream has ended, whoever ended it."""
    stream = (await in_database(log.standing, [stream_id])).get(stream_id)
    if stream is not None and (end := stream.end()):
        await ring(stream_id, Pieces(stream.pieces, ()), end)


async def _ring_others(group: str, message: dict[str, Any]) -> None:
    global _quiet_until
    layer = get_channel_layer()
    if isinstance(layer, InMemoryChannelLayer):
        return  # It reaches this process alone, which has heard.
    now = asyncio.get_running_loop().time()
    if now < _quiet_until:
        return
    try:
        async with asyncio.timeout(RING_TIMEOUT):
            await layer.group_send(group, {"type": "streams.ring", "process": _process, **message})
    except Exception as error:  # noqa: BLE001 - whatever a channel layer may raise
        _quiet_until = now + HEARTBEAT
        logger.warning(
            "A ring got lost (%r): other processes see the pieces at their heartbeat.", error
        )


def _group(stream_id: int) -> str:
    return f"streams.{stream_id}"
