"""One of something for each event loop: a process has several where threads run producers."""

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Called, it returns the running loop's own, which the first call makes."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[asyncio.AbstractEventLoop, T] = {}
        # A forked worker has no loop of its parent's that runs.
        os.register_at_fork(after_in_child=self._made.clear)

    def __call__(self) -> T:
        loop = asyncio.get_running_loop()
        found = self._made.get(loop)
        if found is None:
            # Each `asyncio.run` has a loop of its own. What was made for one that is over may hold
            # it, so that neither would go by itself.
            for loop_over in [each for each in list(self._made) if each.is_closed()]:
                self._made.pop(loop_over, None)
            found = self._made[loop] = self._make()
        return found

    def __iter__(self) -> Iterator[T]:
        """Iterate over those of all loops that run."""
        return iter([made for loop, made in list(self._made.items()) if not loop.is_closed()])
