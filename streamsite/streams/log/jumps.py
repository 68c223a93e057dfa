"""Jumps of the database's clock, and the leases from before a jump.

A lease ends at a moment on the clock of the database, the one clock that all processes share. When
this clock is set two days ahead, every lease seems to have run out, and when the clock is set back,
no lease runs out for two days. Each process therefore compares the clock of the database with its
own monotonic clock. After a jump, the process measures the leases from before the jump by its own
clock.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

# The smallest jump ahead, in seconds. The time that the database takes to answer is shorter.
AHEAD = 1.0
# The smallest jump back, in seconds. After a smaller step back, leases run out late by as much. No
# producer's lease is longer than this, so a lease that was given before the jump ends later than
# any lease that is given after it.
BACK = 60.0


class Jumps:
    """What one process knows of jumps.

    >>> jumps = Jumps(clock)
    >>> jumps.look(now, leases)             # the database's clock, every other second
    False
    >>> jumps.look(in_two_days, leases)     # `leases` returns the leases, by stream
    True
    >>> jumps.runs_on(7, lease)             # seems to have run out, and has not
    True
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # The last look: the clock of the database, and the clock of the process.
        self._last: tuple[datetime, float] | None = None
        # By stream: its lease from before a jump, and when this lease ends on the process's clock.
        self._ends: dict[int, tuple[datetime, float]] = {}

    def look(self, now: datetime, leases: Callable[[], Mapping[int, datetime]]) -> bool:
        """Compare the clocks. Return whether the database's clock has jumped since the last look.

        `leases` returns when the lease of each live stream ends. It is called only after a jump.
        """
        here = self._clock()
        last, self._last = self._last, (now, here)
        if last is None:
            return False
        then, there = last
        ahead = (now - then).total_seconds() - (here - there)
        if -BACK < ahead < AHEAD:
            return False
        # A lease that ends between the two looks was given before a jump ahead: a newer one ends
        # later. The last look may be long ago, in a process that has had no viewers.
        if ahead > 0:
            earliest, latest = then, now
        else:
            earliest = max(then, now + timedelta(seconds=BACK))
            latest = datetime.max.replace(tzinfo=now.tzinfo)
        for stream_id, lease in leases().items():
            if earliest <= lease <= latest and self._ends.get(stream_id, (None,))[0] != lease:
                self._ends[stream_id] = lease, there + (lease - then).total_seconds()
        return True

    def runs_on(self, stream_id: int, lease: datetime) -> bool:
        """Return whether a lease runs on although its end has passed on the database's clock."""
        known, end = self._ends.get(stream_id, (None, 0.0))
        return known == lease and self._clock() < end

    def ended(self) -> dict[int, datetime]:
        """Return the leases that have ended, whatever the database's clock says, by stream.

        A stream whose producer has renewed its lease since may be among them.
        """
        here = self._clock()
        self._ends = {
            pk: (lease, end) for pk, (lease, end) in self._ends.items() if here < end + BACK
        }
        return {pk: lease for pk, (lease, end) in self._ends.items() if end < here}


jumps = Jumps()
