"""When the silence of a producer means that the producer is dead.

A producer renews its lease in the database every other second, and a lease that has run out
belongs to a dead producer. While the database is away, though, no producer can renew its lease, so
after an outage every lease has run out. The object below tells the two cases apart.
"""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

# Seconds after which an answer of the database is so late that the database counts as away.
LATE = 2.0
# Seconds without an outage after which an expired lease proves that its producer is dead. Producers
# try to renew their leases every other second.
GRACE = 6.0

Lease = TypeVar("Lease")


class Silence:
    """What one process knows of the database's outages, and of the leases that expired in them.

    >>> silence = Silence()
    >>> silence.proven({7: expiry})  # the database is steady: stream 7's producer is dead
    [7]
    >>> silence.outage()
    >>> silence.proven({7: expiry})  # producers had no chance to renew their leases yet
    []

    `clock` returns seconds and never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._outage_at = float("-inf")
        # Whether the last attempt to end a dead producer's stream failed, or waited for a lock.
        self.unwritable = False
        # By stream: the expiry that this process saw, and when it first saw that expiry.
        self._suspects: dict[int, tuple[object, float]] = {}

    def outage(self) -> None:
        """Note that producers may have had no chance to renew their leases.

        The database failed to answer, or answered late; its clock jumped; or this process was
        paused, perhaps with the whole machine.
        """
        self._outage_at = self._clock()

    def refused(self) -> None:
        """Note that the database could be read, and that no producer could write its lease."""
        self.outage()
        self.unwritable = True

    def written(self) -> None:
        """Note that the database can be written again. What was seen before proves nothing."""
        self.outage()
        self._suspects.clear()
        self.unwritable = False

    def steady(self, seconds: float) -> bool:
        """Return whether the last outage was more than `seconds` ago."""
        return self._clock() - self._outage_at > seconds

    def proven(self, expired: Mapping[int, Lease]) -> list[int]:
        """Return the streams whose producer is dead, among those whose lease has expired.

        `expired` maps a stream's id to the moment at which its lease ran out. Shortly after an
        outage a producer is dead only when this process has seen the same expired lease for
        `GRACE` seconds.
        """
        if self.steady(GRACE):
            self._suspects.clear()
            return list(expired)
        now = self._clock()
        for stream_id, expiry in expired.items():
            if self._suspects.get(stream_id, (None, now))[0] != expiry:
                self._suspects[stream_id] = expiry, now
        return [stream_id for stream_id in expired if now - self._suspects[stream_id][1] > GRACE]


silence = Silence()
