"""The paced fan-out: at each tick, one loop sends the next piece to all viewers for whom it is due.

Viewers who began at the same moment are due at the same moments. A message is made once for them,
as in the fan-out of a live stream.
"""

import asyncio
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..instruments import Traffic
from ..loops import PerLoop
from .fanout import SLICE, Viewer, size_of
from .hub import QUIET
from .pace import tick_of, ticks

if TYPE_CHECKING:
    from .playing import Player


class PacedFanOut:
    """The viewers of finished streams who wait for the next piece, in one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ticks = ticks()
        # By tick.
        self._waiting: dict[int, list[Viewer]] = {}

    def add(self, viewer: Viewer, moment: float) -> None:
        """Serve a viewer, whose reader is a `Player`, when the next piece is due: at `moment`."""
        self._waiting_for(moment).append(viewer)

    def _waiting_for(self, moment: float) -> list[Viewer]:
        tick = tick_of(moment)
        waiting = self._waiting.get(tick)
        if waiting is None:
            waiting = self._waiting[tick] = []
            self._ticks.call(moment, partial(self._serve, tick))
        return waiting

    def _serve(self, tick: int) -> None:
        self._serve_some(iter(self._waiting.pop(tick)))

    def _serve_some(self, waiting: Iterator[Viewer]) -> None:
        """Serve the next viewers, and let other work run before the remaining viewers."""
        served = list(islice(waiting, SLICE))
        now = self._loop.time()
        quiet = now + QUIET
        tape, every, n, encode = None, None, -1, None
        message, offset = None, 0.0
        # How many viewers got `message`, its size, and where this is counted.
        got, size, traffic = 0, 0, Traffic()
        # The viewers who wait for the same moment.
        moment, together = 0.0, []
        for viewer in served:
            if viewer.finished:
                continue  # The viewer has left.
            player: Any = viewer.reader
            if (
                player.n != n
                or player.tape is not tape
                or player.every != every
                or viewer.encode is not encode
            ):
                traffic.add(1, size, got)
                tape, every, n, encode = player.tape, player.every, player.n, viewer.encode
                message, offset = _next(player, encode)
                got, size, traffic = 0, size_of(message), player.traffic
            following = player.origin + offset
            if message is None or not now < following <= quiet:
                player.serve(viewer)
                continue
            player.n = n + 1
            got += 1
            if viewer.deliver(message):
                if following != moment:
                    moment, together = following, self._waiting_for(following)
                together.append(viewer)
        traffic.add(1, size, got)
        if len(served) == SLICE:
            self._loop.call_soon(self._serve_some, waiting)


def _next(player: "Player", encode: Any) -> tuple[Any, float]:
    """Return the message with the player's next piece, and the offset of the piece after that.

    The message is None if there is no piece after that.
    """
    tape, n = player.tape, player.n
    assert tape is not None
    if n + 1 == tape.count:
        return None, 0
    try:
        return encode(tape.pieces(n, n + 1)), tape.offset(n + 1, player.every)
    except Exception:  # noqa: BLE001 - each viewer meets the same error, and ends by it
        return None, 0


paced_fanout = PerLoop(PacedFanOut)
