"""The bell: tells the readers in every process that a stream has new pieces, or has ended.

The database is the truth, and the bell only rings. The channel layer drops messages by design, so a
ring says how many pieces the stream has, and carries the pieces where they are small. A reader that
finds a gap reads the log, and so does every hub at its heartbeat. A lost ring costs time, never a
piece. A ring that no other process would hear is not sent: see `listeners`.
"""

import asyncio
import logging
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from channels.layers import InMemoryChannelLayer, get_channel_layer

from ..instruments import RING, RINGS_LOST
from ..loops import PerLoop, start_apart
from ..models import Stream
from ..pieces import End, Pieces
from .listeners import GROUP, INTERVAL, Listeners, announcement

logger = logging.getLogger(__name__)

# Characters of new pieces that a ring carries. Readers read larger pieces from the log.
RING_LENGTH = 8192
# Seconds that sending a ring may take.
RING_TIMEOUT = 1.0
# Seconds without rings to other processes after a ring that failed.
MUTE = 2.0
# Streams whose last ring is kept for listeners that come later. Others wait for their heartbeat.
UNHEARD = 10_000
# Seconds that joining or leaving the group of a stream may take.
GROUP_TIMEOUT = 5.0

_process = secrets.token_hex(8)


def _new_process() -> None:
    global _process
    _process = secrets.token_hex(8)


# A forked worker is a process of its own.
os.register_at_fork(after_in_child=_new_process)


def this_process() -> str:
    """Return the name under which this process rings and counts its viewers."""
    return _process


def is_small(texts: Sequence[str]) -> bool:
    """Return whether a ring may carry these pieces."""
    return sum(map(len, texts)) <= RING_LENGTH


class Ring(NamedTuple):
    """News of one stream: it has `n` pieces now.

    `pieces` are the newest of them, or None where they are too large for a ring. `end` is None
    while the stream is live.
    """

    stream_id: int
    n: int
    pieces: Pieces | None
    end: End | None

    def message(self) -> dict[str, Any]:
        """Return the ring as a message of the channel layer."""
        news = self.pieces or self.end
        return {
            "type": "streams.ring",
            "stream": self.stream_id,
            "n": self.n,
            "first": self.pieces and self.pieces.first,
            "texts": self.pieces and list(self.pieces.texts),
            "format": self.pieces and self.pieces.format,
            "revision": news.revision if news else 0,
            "end": self.end and [self.end.state, self.end.n, self.end.sha256, self.end.reason],
        }

    @classmethod
    def of(cls, stream_id: int, pieces: Pieces, end: End | None = None) -> "Ring":
        """Return the ring for pieces that were committed, and for the end if the stream ended."""
        return cls(stream_id, pieces.end, pieces if is_small(pieces.texts) else None, end)

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> "Ring":
        """Return the ring of a message. Raises LookupError and TypeError for any other message."""
        texts, end = message["texts"], message["end"]
        # Until all processes are of this version, some ring without the revision.
        revision = message.get("revision", 0)
        pieces = None
        if texts is not None:
            pieces = Pieces(message["first"], texts, revision=revision, format=message["format"])
        end = None if end is None else End(*end, revision=revision)
        return cls(message["stream"], message["n"], pieces, end)

    def after(self, earlier: "Ring | None") -> "Ring":
        """Return one ring in place of this ring and an earlier one that was not sent yet."""
        if earlier is None:
            return self
        both = None
        if earlier.pieces and self.pieces and earlier.n == self.pieces.first:
            texts = [*earlier.pieces.texts, *self.pieces.texts]
            if is_small(texts):
                both = replace(earlier.pieces, texts=texts)
        return Ring(self.stream_id, self.n, both, self.end)


class Bell:
    """The bell of one event loop.

    `hear` is called with each ring in this event loop. The hub sets it.
    """

    hear: Callable[[Ring], None] | None = None
    process = staticmethod(this_process)

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = ""
        self._opening = asyncio.Lock()
        self._muted_until = 0.0
        # The rings that are to be sent to other processes, by stream.
        self._unsent: dict[int, Ring] = {}
        self._sending: asyncio.Task[None] | None = None
        self._listeners = Listeners(self._loop.time)
        # The streams whose rings are sent to this event loop.
        self._joined: set[int] = set()
        self._announcing: asyncio.Task[None] | None = None
        # The last rings that nobody was there to hear, without pieces, by stream.
        self._unheard: dict[int, Ring] = {}

    def ring(self, rings: Sequence[Ring]) -> None:
        """Tell every process what was committed together, of different streams.

        Returns at once, because a slow channel layer must not hold up the next commit. While a ring
        of a stream waits to be sent, later rings of the stream are merged into it.
        """
        for each in bell:  # The event loops of this process need no channel layer.
            each._deliver(rings)
        if isinstance(channel_layer(), InMemoryChannelLayer):
            return  # No other process listens to this layer.
        for ring in rings:
            if ring.end is None and not self._listeners.may_hear(ring.stream_id):
                self._unheard[ring.stream_id] = ring._replace(pieces=None)
            else:
                self._unheard.pop(ring.stream_id, None)
                self._send_soon(ring)
        if len(self._unheard) > UNHEARD:
            self._unheard.clear()

    def _send_soon(self, ring: Ring) -> None:
        self._unsent[ring.stream_id] = ring.after(self._unsent.get(ring.stream_id))
        if self._sending is None or self._sending.done():
            self._sending = start_apart(self._send_all(), "streams-bell")

    async def sent(self) -> None:
        """Wait until all rings are sent, or lost: `RING_TIMEOUT` seconds or a little more."""
        if self._sending is not None:
            await asyncio.wait([self._sending])

    def _deliver(self, rings: Sequence[Ring]) -> None:
        if self.hear is None:
            return
        if self._loop is asyncio.get_running_loop():
            self._hear_all(rings)
        else:
            with suppress(RuntimeError):  # The other loop was closed a moment ago.
                self._loop.call_soon_threadsafe(self._hear_all, rings)

    def _hear_all(self, rings: Sequence[Ring]) -> None:
        assert self.hear is not None
        for ring in rings:
            self.hear(ring)

    async def _send_all(self) -> None:
        while self._unsent:
            rings, self._unsent = self._unsent, {}
            await asyncio.gather(
                *(self._send(_group(pk), ring.message()) for pk, ring in rings.items())
            )

    async def _send(self, group: str, message: dict[str, Any]) -> None:
        now = self._loop.time()
        if now < self._muted_until:
            return
        try:
            async with asyncio.timeout(RING_TIMEOUT):
                await channel_layer().group_send(group, {**message, "process": self.process()})
            RING.observe(self._loop.time() - now)
        except Exception as error:  # noqa: BLE001 - a channel layer may raise anything
            RINGS_LOST.inc()
            if self._loop.time() >= self._muted_until:  # The first of the rings that are sent now.
                logger.warning(
                    "Rings are lost (%r). Other processes see the pieces at their next heartbeat.",
                    error,
                )
            self._muted_until = now + MUTE

    async def next_ring(self) -> Ring:
        """Return the next ring of another process. Raises what the channel layer raises."""
        channel = await self._open()
        layer = channel_layer()
        while True:
            message = await layer.receive(channel)
            try:
                own = message["process"] == self.process()
                if message["type"] == "streams.listen":
                    self._tell(self._listeners.note(message["streams"], own=own))
                elif not own:  # This process has heard its own rings already.
                    return Ring.from_message(message)
            except (LookupError, TypeError):
                # During a rolling deploy, processes of another version ring, too.
                logger.warning(
                    "A message on the channel of the streams is not a ring: %.200r", message
                )

    async def join(self, stream_id: int) -> None:
        """Have the rings of a stream sent to this event loop.

        Raises TimeoutError after `GROUP_TIMEOUT` seconds, or what the channel layer raises.
        """
        async with asyncio.timeout(GROUP_TIMEOUT):
            channel = await self._open()
            await channel_layer().group_add(_group(stream_id), channel)
        self._joined.add(stream_id)
        await self._announce([stream_id])

    def _tell(self, stream_ids: Iterable[int]) -> None:
        """Tell new listeners how many pieces their streams have."""
        for stream_id in stream_ids:
            if ring := self._unheard.pop(stream_id, None):
                self._send_soon(ring)

    async def _announce(self, stream_ids: Iterable[int]) -> None:
        if self._announcing is not None:
            await self._send(GROUP, announcement(stream_ids))

    async def _announce_all(self) -> None:
        while True:
            await self._announce(self._joined)
            await asyncio.sleep(INTERVAL)

    async def leave(self, stream_id: int) -> None:
        """Have the rings of a stream sent no longer. Raises what `join` raises."""
        self._joined.discard(stream_id)
        async with asyncio.timeout(GROUP_TIMEOUT):
            await channel_layer().group_discard(_group(stream_id), self._channel)

    async def _open(self) -> str:
        """Return this event loop's channel on the layer, and open the channel the first time."""
        async with self._opening:
            if not self._channel:
                layer = channel_layer()
                channel = await layer.new_channel("streams")
                if not isinstance(layer, InMemoryChannelLayer):
                    await layer.group_add(GROUP, channel)
                    self._announcing = start_apart(self._announce_all(), "streams-listeners")
                self._channel = channel
        return self._channel


bell = PerLoop(Bell)


def ring(stream: Stream, n: int) -> None:
    """Tell the readers in this process that a stream has `n` pieces by now.

    Without Redis no channel layer connects two processes. A server can then learn from a child that
    publishes, for example by a pipe, and ring for it:

        async for line in child.stdout:
            ring(stream, int(line))

    The readers then look into the log, so a number that is too large does no harm. A number that
    the stream never reaches makes the readers look for its end. Call the function in an event loop.
    """
    for each in bell:
        each._deliver([Ring(stream.pk, n, None, None)])


# What a site without CHANNEL_LAYERS uses.
in_memory = InMemoryChannelLayer()


def channel_layer() -> Any:
    """Return the channel layer that carries the rings. `isolation` replaces it."""
    return get_channel_layer() or in_memory


def _group(stream_id: int) -> str:
    return f"streams.{stream_id}"
