"""Shared ticks: one timer wakes all readers that wait for about the same moment."""

import asyncio
import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from ..loops import PerLoop
from .fanout import SLICE

# Seconds. Nobody notices text that comes 10 ms late, and with ticks 1000 readers at ten pieces a
# second need 100 timers a second instead of 10,000. Ticks of 5 ms cost 5 % more CPU for each piece
# on uvicorn and granian, and make the pieces come 1 ms more evenly.
TICK = 0.01
# The part of a tick by which a sum of fractions may miss the tick that is meant, and the seconds by
# which a tick may come before a moment.
ROUNDING = 1e-5
EARLY = ROUNDING * TICK


def tick_of(moment: float) -> int:
    """Return the number of the first tick at or after a moment of the event loop's clock."""
    return math.ceil(moment / TICK - ROUNDING)


class Ticks:
    """The ticks of one event loop. Moments are times of the loop's clock, in seconds."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, list[Callable[[], object]]] = {}

    def last(self) -> float:
        """Return the moment of the last tick.

        A reader that begins at a tick, and goes on at a pace of whole ticks, is never late by part
        of a tick.
        """
        return math.floor(self._loop.time() / TICK) * TICK

    def until(self, moment: float) -> "asyncio.Future[None]":
        """Return a future that is done at the first tick at or after `moment`."""
        woken: asyncio.Future[None] = self._loop.create_future()
        self.call(moment, partial(_wake, woken))
        return woken

    def call(self, moment: float, wake: Callable[[], object]) -> None:
        """Call `wake` at the first tick at or after `moment`. `wake` must not raise an error."""
        tick = tick_of(moment)
        waiting = self._waiting.get(tick)
        if waiting is None:
            waiting = self._waiting[tick] = []
            self._loop.call_at(tick * TICK, self._wake, tick)
        waiting.append(wake)

    def _wake(self, tick: int) -> None:
        self._wake_some(iter(self._waiting.pop(tick)))

    def _wake_some(self, waiting: Iterator[Callable[[], object]]) -> None:
        """Wake the next readers, and let other work run before the remaining readers."""
        woken = list(islice(waiting, SLICE))
        for wake in woken:
            wake()
        if len(woken) == SLICE:
            self._loop.call_soon(self._wake_some, waiting)


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():  # The reader of a cancelled future has left.
        woken.set_result(None)


ticks = PerLoop(Ticks)
