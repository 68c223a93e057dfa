"""The backlog: pieces of live streams from before their tails, for readers that are behind."""

from collections import OrderedDict

from .. import log
from ..log.database import in_database_at_last
from ..pieces import Pieces
from .tail import Tail, parts_of, weight

# Pieces in one read from the log.
BATCH = 1000
# How much an event loop keeps, in characters as `weight` counts them.
BACKLOG_LENGTH = 4 * 1024 * 1024


class Backlog:
    """The parts that readers of one event loop read from the log last.

    The log gives whole segments, and a reader is sent one part at a time. The other parts wait
    here and not with the reader, which may read nothing for long.
    """

    def __init__(self) -> None:
        # By stream and number of the first piece. Committed pieces of a live stream never change.
        self._parts: OrderedDict[tuple[int, int], Pieces] = OrderedDict()
        self._length = 0

    async def read(self, tail: Tail, n: int) -> list[Pieces] | None:
        """Return the next pieces from number `n` on, or None when the stream has ended."""
        kept = self._parts.get((tail.stream.pk, n))
        if kept is not None:
            self._parts.move_to_end((tail.stream.pk, n))
            return [kept]
        known = tail.count
        older = await in_database_at_last(log.read, tail.stream, n, BATCH)
        if not older.texts:
            return None
        parts = parts_of(older)
        tail.remember(parts)
        for part in parts:
            # A part with the newest piece is not kept, because newer pieces will lengthen it.
            if part.end < known:
                self._keep((tail.stream.pk, part.first), part)
        return parts[:1]

    def _keep(self, key: tuple[int, int], part: Pieces) -> None:
        if (before := self._parts.pop(key, None)) is not None:
            self._length -= weight(before)
        self._parts[key] = part
        self._length += weight(part)
        while self._length > BACKLOG_LENGTH:
            self._length -= weight(self._parts.popitem(last=False)[1])
