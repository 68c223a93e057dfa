"""Playing a finished stream: its pieces again, as they were recorded or at a steady pace."""

import math
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

from ..errors import BadRequest
from ..instruments import POLLING, RESETS
from ..models import Stream
from ..pieces import Batch, Reset
from .cursors import START, After, count_resume, honour, parse_after
from .fanout import Viewer
from .finding import find, name_of
from .hub import QUIET, hub
from .pace import EARLY, ticks
from .paced_fanout import paced_fanout
from .tapes import Pace, Tape, tape_of


async def play(
    stream: Stream | str,
    *,
    every: Pace = "recorded",
    after: After = START,
    transport: str = "other",
    waited: float | None = None,
) -> AsyncGenerator[Batch, None]:
    """Yield a finished stream as it was recorded, or one piece `every` so many seconds.

        async with aclosing(play("build-17", every=0.1)) as batches: ...

    The first piece comes at once. `waited` says how many seconds ago the reader received the last
    piece that it has. With `waited`, the first piece comes when it is due after that one. A reader
    that is behind gets all pieces that are due in one batch. In all other respects `play` works as
    `follow` does.

    Raises NoSuchStream, Conflict while the stream is live, BadRequest if `every` is not a pace or
    `after` is not a cursor, and TypeError if `stream` is neither a stream nor a name.
    """
    after = parse_after(after)
    check_pace(every)
    name = name_of(stream)
    if isinstance(stream, str):
        stream = await find(name)
    reader = Player(stream, every, after, transport, waited=waited)
    try:
        while not reader.over:
            batch = await reader.lacking()
            if batch or not await reader.change():
                yield batch
    finally:
        reader.close()


def check_pace(every: Any) -> None:
    """Raise BadRequest unless `every` is "recorded" or a finite number of seconds above 0."""
    is_number = isinstance(every, int | float) and not isinstance(every, bool)
    if every != "recorded" and not (is_number and 0 < every < math.inf):
        raise BadRequest(
            f'every={every!r:.40} is not valid. Use a number of seconds above 0, or "recorded".'
        )


class Player:
    """A reader at a pace: `play` iterates over it, and a `Viewer` reads from it.

    `n` is the number of pieces that the reader has. After the last batch the reader is `over`.
    """

    __slots__ = (
        "_after", "_hub", "_reset", "_stream", "_ticks", "_transport", "_waited",
        "every", "n", "origin", "over", "tape", "traffic",
    )  # fmt: skip

    def __init__(
        self,
        stream: Stream,
        every: Pace,
        after: After,
        transport: str,
        *,
        waited: float | None = None,
    ) -> None:
        self._stream = stream
        self.every = every
        self._after = after
        self._transport = transport
        self._waited = waited
        self._ticks = ticks()
        self.tape: Tape | None = None
        self._reset: Reset | None = None
        self.n = 0
        # The beginning of the tape, as a moment of the event loop's clock. The moment lies in the
        # past for a reader with a cursor.
        self.origin = 0.0
        self.over = False
        self._hub = hub()
        self.traffic = self._hub.count(stream, transport, 1)
        if transport != POLLING:
            count_resume(stream, after)

    async def lacking(self) -> Batch:
        """Return the next batch, or an empty one when no piece is due yet."""
        if self.tape is None:
            self.tape = await tape_of(self._stream)
            self._start(self.tape)
        if self._reset is not None:
            batch, self._reset = [self._reset], None
            RESETS.inc()
            return batch
        return self._due()

    def _start(self, tape: Tape) -> None:
        self.n, self._reset = honour(tape.stream, self._after)
        if self.n < tape.count:
            # Counted from the last tick, each piece of a poll would be early by part of a tick.
            start = self._ticks.last() if self._waited is None else self._hub.loop.time()
            start += _delay(tape, self.n, self.every, self._waited)
            self.origin = start - tape.offset(self.n, self.every)

    def _moment(self) -> float:
        """Return when piece number `n` is due, as a moment of the event loop's clock."""
        assert self.tape is not None
        return self.origin + self.tape.offset(self.n, self.every)

    def _due(self) -> Batch:
        """Return the pieces that are due, or an empty batch. After the last piece comes the end."""
        tape, n = self.tape, self.n
        assert tape is not None
        if n == tape.count:
            self.over = True
            return [tape.end]
        now = self._hub.loop.time() + EARLY
        if self._moment() > now:
            return []
        due = tape.due(now - self.origin, self.every)
        self.n = stop = tape.part(n, max(n + 1, due))
        return tape.pieces(n, stop)

    async def change(self) -> bool:
        """Wait for the next piece. Return False if no piece is due after a long silence."""
        moment = self._moment()
        await self._ticks.until(min(moment, self._hub.loop.time() + QUIET))
        return moment <= self._hub.loop.time() + EARLY

    def wait(self, viewer: Viewer) -> None:
        """Serve the viewer when the next piece is due, or with a keep-alive in a long silence."""
        moment, quiet = self._moment(), self._hub.loop.time() + QUIET
        if moment <= quiet:
            paced_fanout().add(viewer, moment)
        else:
            self._ticks.call(quiet, partial(self.serve, viewer))

    def serve(self, viewer: Viewer) -> None:
        """Send the viewer the pieces that are due, or the end, or a keep-alive."""
        assert self.tape is not None
        if viewer.finished or not viewer.serve(self._due()):
            return
        if self.n == self.tape.count:
            viewer.pull()  # The end is due, too.
        else:
            self.wait(viewer)

    def close(self, viewer: Viewer | None = None) -> None:
        """Count the reader no longer. A tick passes over a viewer that has finished."""
        self._hub.count(self._stream, self._transport, -1)


async def delay(stream: Stream, *, every: Pace, after: After = START, waited: float = 0) -> float:
    """Return the seconds until the first piece that `play` would yield. Raises what `play` raises.

    A negative number says how long ago the piece was due.
    """
    tape = await tape_of(stream)
    return _delay(tape, honour(tape.stream, after)[0], every, waited)


def _delay(tape: Tape, n: int, every: Pace, waited: float | None) -> float:
    if waited is None or not 0 < n < tape.count:
        return 0
    return tape.offset(n, every) - tape.offset(n - 1, every) - waited


async def piece(stream: Stream, n: int) -> Any:
    """Return piece number `n` of a finished stream, or None when there is none.

    A piece is a text, or a value in a stream of JSON values.

    Raises NoSuchStream, and Conflict while the stream is live.
    """
    tape = await tape_of(stream)
    return tape.value(n) if 0 <= n < tape.count else None
