"""When the pieces of a stream came, in ms since the stream began.

A replay keeps these times, so a wall clock that is set two days ahead must not make the replay wait
for two days. A process measures each stream by its monotonic clock. Only a process that goes on
with a stream of another process looks at the wall clock, within bounds: its pieces come after those
that the stream has, and the pause counts as at most `LONGEST` seconds.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from ..models import Stream

# Seconds. A publisher over HTTP that has been silent for as long counts as dead.
LONGEST = 60.0
# Streams of which a process knows when they began.
MOST = 4096


def beginning(
    stream: Stream,
    last: int,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], datetime] = timezone.now,
) -> float:
    """Return when a stream began on `clock`, which never goes back.

    The newest piece of the stream came `last` ms after the beginning.
    """
    passed = (wall() - stream.started_at).total_seconds()
    return clock() - min(max(passed, last / 1000), last / 1000 + LONGEST)


class Moments:
    """When the streams began that are published over HTTP, by the clock of this process.

    >>> moments = Moments()
    >>> moments.passed(stream)               # of a stream that this process has not served yet
    >>> moments.meet(stream, last=1_200)     # its newest piece came after 1,200 ms
    >>> moments.passed(stream)
    1480
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = timezone.now,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._began: OrderedDict[int, float] = OrderedDict()

    def passed(self, stream: Stream) -> int | None:
        """Return the ms since a stream began, or None if this process has not met the stream."""
        began = self._began.get(stream.pk)
        if began is None:
            return None
        self._began.move_to_end(stream.pk)
        return round((self._clock() - began) * 1000)

    def meet(self, stream: Stream, last: int) -> None:
        """Note when a stream began, whose newest piece came `last` ms later."""
        self._began[stream.pk] = beginning(stream, last, self._clock, self._wall)
        if len(self._began) > MOST:
            self._began.popitem(last=False)


moments = Moments()
