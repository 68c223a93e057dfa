"""Rates: how often something may happen, for each of many keys."""

import time
from collections.abc import Callable, Hashable
from itertools import islice
from weakref import WeakSet

# The keys that one object keeps. Beyond them it forgets the oldest, so that a client with many
# addresses can't fill the memory. 20,000 keys take about 4 MB.
SIZE = 20_000


class Rates:
    """Token buckets, one for each key.

        rates = Rates()
        rates.take("203.0.113.7", most=20, seconds=60)  # 0.0, up to 20 times at once
        rates.take("203.0.113.7", most=20, seconds=60)  # then 3.0: one token comes each 3 s

    A bucket holds `most` tokens, and `seconds` fill an empty one. A bucket is kept as the moment at
    which it will be full, as the generic cell rate algorithm (ITU-T I.371, annex A) does, so no
    timer fills it. A call takes 0.2 µs.
    """

    def __init__(self, size: int = SIZE, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        # The moment at which the bucket of a key will be full.
        self._full_at: dict[Hashable, float] = {}
        _all.add(self)

    def __len__(self) -> int:
        return len(self._full_at)

    def forget(self) -> None:
        """Fill all buckets."""
        self._full_at.clear()

    def wait(self, key: Hashable, *, most: int, seconds: float) -> float:
        """Return the seconds until the key's bucket has a token, 0 if it has one now."""
        now = self._clock()
        return max(0.0, self._full_at.get(key, now) - now - seconds + seconds / most)

    def take(self, key: Hashable, *, most: int, seconds: float) -> float:
        """Take a token, and return 0. Without a token, return the seconds until there is one."""
        now = self._clock()
        full_at = self._full_at.get(key, now)
        if full_at < now:
            full_at = now
        one = seconds / most
        # A hundredth of a token, because sums of floats are not exact.
        if (wait := full_at - now - seconds + one) > one / 100:
            return wait
        if len(self._full_at) >= self._size and key not in self._full_at:
            self._make_room(now)
        self._full_at[key] = full_at + one
        return 0.0

    def _make_room(self, now: float) -> None:
        """Forget the buckets that are full, and the older half if most are not."""
        self._full_at = {key: at for key, at in self._full_at.items() if at > now}
        if len(self._full_at) > self._size // 2:
            newer = islice(self._full_at.items(), len(self._full_at) - self._size // 2, None)
            self._full_at = dict(newer)


_all: WeakSet[Rates] = WeakSet()


def forget_all() -> None:
    """Fill the buckets of all rates."""
    for rates in list(_all):
        rates.forget()
