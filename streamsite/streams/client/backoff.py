"""Compute how long to wait before the next connection."""

import random
from collections.abc import Callable

BASE = 0.25  # seconds
CAP = 15.0  # seconds


class Backoff:
    """Exponential backoff with full jitter.

    Jitter spreads out the readers that lose their connections at the same moment, so that they do
    not all reconnect at the same moment.

    `base` is the longest first wait in seconds. A server can set `base` by the `retry:` field of
    Server-Sent Events. Each attempt doubles the longest wait, up to `CAP` seconds, or up to `base`
    where `base` is longer than `CAP`. `jitter` returns a random number from 0 to 1.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self.base = BASE
        self._jitter = jitter
        self._attempt = 0

    def next(self) -> float:
        """Return the number of seconds to wait before the next attempt."""
        longest = max(self.base, min(CAP, self.base * 2.0**self._attempt))
        # 2.0**64 is far above the cap. Without this limit the power would overflow a float.
        self._attempt = min(self._attempt + 1, 64)
        return self._jitter() * longest

    def reset(self) -> None:
        """Start again with short waits, after a connection that brought new records."""
        self._attempt = 0
