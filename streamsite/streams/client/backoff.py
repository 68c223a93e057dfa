"""How long to wait before another connection."""

import random
from collections.abc import Callable

BASE = 0.25  # seconds
CAP = 15.0


class Backoff:
    """Exponential backoff with full jitter, so that readers cut together don't come back together.

    `base` is the range of the first wait in seconds: what the server asks for, where it does.
    """

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self.base = BASE
        self._jitter = jitter
        self._attempt = 0

    def next(self) -> float:
        """Return the seconds before the next attempt."""
        longest = max(self.base, min(CAP, self.base * 2.0**self._attempt))
        # Far beyond what reaches the cap, and short of what a float holds.
        self._attempt = min(self._attempt + 1, 64)
        return self._jitter() * longest

    def reset(self) -> None:
        """Begin again with short waits."""
        self._attempt = 0
