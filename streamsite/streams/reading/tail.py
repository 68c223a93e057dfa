"""The tail: the newest pieces of one live stream, shared by all of its readers in an event loop."""

import asyncio
from collections import deque
from collections.abc import Sequence

from ..models import Stream
from ..pieces import End, Pieces, Record
from .fanout import FanOut

# How much a tail keeps, in characters. Readers that need older pieces read them from the log.
TAIL_LENGTH = 262_144
# Characters added for each piece, because a piece is kept in several encodings.
PIECE_LENGTH = 64
# Characters that a reader gets in one batch, unless a single piece is longer. A viewer that reads
# nothing holds one encoded batch beside the buffers of its socket.
PART_LENGTH = 65_536


def weight(pieces: Pieces) -> int:
    """Return what pieces cost in memory, in characters."""
    return sum(map(len, pieces.texts)) + PIECE_LENGTH * len(pieces.texts)


def parts_of(pieces: Pieces) -> list[Pieces]:
    """Return the pieces in parts of at most `PART_LENGTH` characters, or of one longer piece."""
    if len(pieces.texts) == 1:
        return [pieces]
    return list(pieces.batches(len(pieces.texts), PART_LENGTH))


def _first_part(parts: list[Pieces]) -> list[Pieces]:
    """Return the first of these parts, as many as are one batch."""
    length = 0
    for number, pieces in enumerate(parts):
        length += sum(map(len, pieces.texts))
        if number and length > PART_LENGTH:
            return parts[:number]
    return parts


class Tail:
    """The newest pieces of one stream, and the readers that wait for more.

    `count` is the number of pieces that the stream is known to have, and `end` its End record once
    the stream has ended. The hub fills the tail.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.count = stream.pieces
        self.end = stream.end()
        self.readers = 0
        # Whether this event loop gets the stream's rings, or is about to.
        self.joined = self.joining = False
        # Whether a task is about to read the log.
        self.refreshing = False
        self.changed_at = 0.0
        self._recent: deque[Pieces] = deque()
        self._length = 0
        # How many of the recent parts came together last.
        self._newest = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._ending: set[asyncio.Future[End]] = set()
        self.fanout = FanOut(self.count)

    def add(self, pieces: Pieces) -> bool:
        """Add newer pieces. Returns False when pieces are missing in between."""
        if pieces.first > self.count:
            return False
        if pieces.end > self.count:
            fresh = pieces.since(self.count)
            self.count = fresh.end
            parts = parts_of(fresh)
            self._recent += parts
            self._length += weight(fresh)
            # The parts that came last stay whatever their size: readers that are up to date wait
            # for them. So do the parts before, which some readers are still being sent.
            kept = self._newest + len(parts)
            while self._length > TAIL_LENGTH and len(self._recent) > kept:
                self._length -= weight(self._recent.popleft())
            self._newest = len(parts)
            self.wake()
        return True

    def remember(self, parts: list[Pieces]) -> None:
        """Keep older pieces, just read from the log, for the next reader if there is room."""
        for pieces in reversed(parts):
            if pieces.end != self._first or self._length + weight(pieces) > TAIL_LENGTH:
                break
            self._recent.appendleft(pieces)
            self._length += weight(pieces)

    @property
    def _first(self) -> int:
        return self._recent[0].first if self._recent else self.count

    def since(self, n: int) -> list[Pieces] | None:
        """Return the next pieces from number `n` on, or None when the tail begins after `n`.

        The pieces have at most `PART_LENGTH` characters, or are one longer piece.
        """
        recent = self._recent
        if recent and n == recent[-1].first:
            return [recent[-1]]  # The usual case: the reader is one part behind.
        if n < self._first:
            return None
        found: list[Pieces] = []
        for pieces in reversed(recent):
            if pieces.end <= n:
                break
            found.append(pieces.since(max(n, pieces.first)))
        return _first_part(found[::-1])

    def due(self, n: int) -> Sequence[Record] | None:
        """Return the next batch of a reader that has `n` pieces, with the end if that is next.

        Returns None when the tail does not hold what the reader lacks.
        """
        pieces = self.since(n)
        if self.end is None or pieces is None:
            return pieces
        if self.end.revision != self.stream.revision:
            return None
        if (pieces[-1].end if pieces else n) == self.end.n:
            return [*pieces, self.end]
        return pieces or None

    def finish(self, end: End) -> None:
        """Note the end of the stream, whether or not the tail has all pieces before the end."""
        self.end = end
        self.wake()
        ending, self._ending = self._ending, set()
        for woken in ending:
            if not woken.done():
                woken.set_result(end)

    def wake(self) -> None:
        """Wake all waiting readers."""
        self.changed_at = asyncio.get_running_loop().time()
        self.fanout.wake(self)
        waiting, self._waiting = self._waiting, []
        for woken in waiting:
            if not woken.done():  # The reader of a cancelled future has left.
                woken.set_result(None)

    def change(self) -> "asyncio.Future[None]":
        """Return a future that is done at the next piece, at the end, or after a long silence."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(woken)
        return woken

    def ending(self) -> "asyncio.Future[End]":
        """Return a future that is done at the end of the stream, and not at each piece."""
        woken: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        if self.end is None:
            self._ending.add(woken)
            # A caller may give up, and a stream may live for long.
            woken.add_done_callback(self._ending.discard)
        else:
            woken.set_result(self.end)
        return woken
