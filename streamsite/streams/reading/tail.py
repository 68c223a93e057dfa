"""The newest pieces of one stream, which all its readers in this process share."""

import asyncio
from collections import deque

from ..models import Stream
from ..pieces import End, Pieces

# What a tail keeps for readers a little behind. Those further back read the log. In characters; a
# piece counts for its own and for what it costs by itself, encoded in several formats.
TAIL_LENGTH = 262_144
PIECE_LENGTH = 64


def weight(pieces: Pieces) -> int:
    """Return what pieces cost in memory, in characters."""
    return sum(map(len, pieces.texts)) + PIECE_LENGTH * len(pieces.texts)


class Tail:
    """The newest pieces of one stream, and the readers that wait for more."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.count = stream.pieces
        self.end = stream.end()
        self.readers = 0
        self.joined = self.joining = False
        self.refreshing = False
        self.changed_at = 0.0
        self._recent: deque[Pieces] = deque()
        self._length = 0
        self._waiting: list[asyncio.Future[None]] = []

    def add(self, pieces: Pieces) -> bool:
        """Take newer pieces. Returns False when some are missing in between."""
        if pieces.first > self.count:
            return False
        if pieces.end > self.count:
            fresh = pieces.since(self.count)
            self.count = fresh.end
            self._recent.append(fresh)
            self._length += weight(fresh)
            # The newest stay, however many: all who are up to date wait for just these.
            while self._length > TAIL_LENGTH and len(self._recent) > 1:
                self._length -= weight(self._recent.popleft())
            self.wake()
        return True

    def remember(self, pieces: Pieces) -> None:
        """Keep older pieces, just read from the log, for the next reader, if there is room."""
        if pieces.end == self._first and self._length + weight(pieces) <= TAIL_LENGTH:
            self._recent.appendleft(pieces)
            self._length += weight(pieces)

    @property
    def _first(self) -> int:
        return self._recent[0].first if self._recent else self.count

    def since(self, n: int) -> list[Pieces] | None:
        """Return the pieces from number n on, or None when the tail doesn't reach back so far."""
        if self._recent and n == self._recent[-1].first:
            return [self._recent[-1]]  # As nearly every reader asks, at nearly every time.
        if n < self._first:
            return None
        found: list[Pieces] = []
        for pieces in reversed(self._recent):
            if pieces.end <= n:
                break
            found.append(pieces.since(max(n, pieces.first)))
        return found[::-1]

    def finish(self, end: End) -> None:
        """Take the end, whether or not the pieces before it have all come."""
        self.end = end
        self.wake()

    def wake(self) -> None:
        """Wake all readers."""
        self.changed_at = asyncio.get_running_loop().time()
        waiting, self._waiting = self._waiting, []
        for woken in waiting:
            if not woken.done():  # Cancelled: its reader has left.
                woken.set_result(None)

    def change(self) -> "asyncio.Future[None]":
        """Return what is done when pieces or the end come, or nothing has for a while."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(woken)
        return woken
