"""The tail: the newest pieces of one live stream, shared by all of its readers in an event loop."""

import asyncio
from collections import deque

from ..models import Stream
from ..pieces import End, Pieces, Record
from .fanout import FanOut

# How much a tail keeps, in characters. Readers that need older pieces read them from the log.
TAIL_LENGTH = 262_144
# Characters added for each piece, because a piece is kept in several encodings.
PIECE_LENGTH = 64


def weight(pieces: Pieces) -> int:
    """Return what pieces cost in memory, in characters."""
    return sum(map(len, pieces.texts)) + PIECE_LENGTH * len(pieces.texts)


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
        self._waiting: list[asyncio.Future[None]] = []
        self._ending: list[asyncio.Future[End]] = []
        self.fanout = FanOut(self)

    def add(self, pieces: Pieces) -> bool:
        """Add newer pieces. Returns False when pieces are missing in between."""
        if pieces.first > self.count:
            return False
        if pieces.end > self.count:
            fresh = pieces.since(self.count)
            self.count = fresh.end
            self._recent.append(fresh)
            self._length += weight(fresh)
            # The newest batch stays whatever its size: readers that are up to date wait for it.
            while self._length > TAIL_LENGTH and len(self._recent) > 1:
                self._length -= weight(self._recent.popleft())
            self.wake()
        return True

    def remember(self, pieces: Pieces) -> None:
        """Keep older pieces, just read from the log, for the next reader if there is room."""
        if pieces.end == self._first and self._length + weight(pieces) <= TAIL_LENGTH:
            self._recent.appendleft(pieces)
            self._length += weight(pieces)

    @property
    def _first(self) -> int:
        return self._recent[0].first if self._recent else self.count

    def since(self, n: int) -> list[Pieces] | None:
        """Return the pieces from number `n` on, or None when the tail begins after `n`."""
        if self._recent and n == self._recent[-1].first:
            return [self._recent[-1]]  # The usual case: the reader is one batch behind.
        if n < self._first:
            return None
        found: list[Pieces] = []
        for pieces in reversed(self._recent):
            if pieces.end <= n:
                break
            found.append(pieces.since(max(n, pieces.first)))
        return found[::-1]

    def last_batch(self, n: int) -> list[Record] | None:
        """Return the last batch of a reader that has `n` pieces: what it lacks, and the end.

        Returns None while the stream is live, and when the tail does not hold all that the reader
        lacks.
        """
        due = self.since(n)
        if self.end is None or due is None:
            return None
        complete = (due[-1].end if due else n) == self.end.n
        return [*due, self.end] if complete and self.end.revision == self.stream.revision else None

    def finish(self, end: End) -> None:
        """Note the end of the stream, whether or not the tail has all pieces before the end."""
        self.end = end
        self.wake()
        ending, self._ending = self._ending, []
        for woken in ending:
            if not woken.done():
                woken.set_result(end)

    def wake(self) -> None:
        """Wake all waiting readers."""
        self.changed_at = asyncio.get_running_loop().time()
        self.fanout.wake()
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
            self._ending.append(woken)
        else:
            woken.set_result(self.end)
        return woken
