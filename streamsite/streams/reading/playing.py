"""Playing a finished stream: its pieces again, as they were recorded or at a steady pace."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from ..models import Stream
from ..pieces import Batch
from .cursors import START, After, honour
from .finding import find
from .hub import QUIET, hub
from .pace import ticks
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

    The first piece comes at once. With `waited`, the first piece comes when it is due after the
    last one that the reader has, which it received `waited` seconds ago. A reader that is behind
    gets all pieces that are due in one batch. In all other respects `play` works as `follow` does.

    Raises NoSuchStream, and Conflict while the stream is live.
    """
    if isinstance(stream, str):
        stream = await find(stream)
    tape = await tape_of(stream)
    n, reset = honour(tape.stream, after)
    loop, tick = asyncio.get_running_loop(), ticks()
    here = hub()
    here.count(stream, transport, 1)
    try:
        if reset:
            yield [reset]
        # Counted from the last tick, each piece of a poll would be early by part of a tick.
        start = tick.last() if waited is None else loop.time()
        moment = begin = start + _delay(tape, n, every, waited)
        first = n
        while n < tape.count:
            now = loop.time()
            while moment - now > QUIET:
                await tick.until(now + QUIET)
                yield []
                now = loop.time()
            if moment > now:
                await tick.until(moment)
            due = max(n + 1, tape.due(first, loop.time() - begin, every))
            yield tape.pieces(n, due)
            n = due
            if n < tape.count:
                moment = begin + tape.delay(first, n, every)
        yield [tape.end]
    finally:
        here.count(stream, transport, -1)


async def delay(stream: Stream, *, every: Pace, after: After = START, waited: float = 0) -> float:
    """Return the seconds until the first piece that `play` would yield. Raises what `play` raises.

    A negative number says how long ago the piece was due.
    """
    tape = await tape_of(stream)
    return _delay(tape, honour(tape.stream, after)[0], every, waited)


def _delay(tape: Tape, n: int, every: Pace, waited: float | None) -> float:
    if waited is None or not 0 < n < tape.count:
        return 0
    return tape.delay(n - 1, n, every) - waited


async def piece(stream: Stream, n: int) -> Any:
    """Return piece number `n` of a finished stream, or None when there is none.

    A piece is a text, or a value in a stream of JSON values.

    Raises NoSuchStream, and Conflict while the stream is live.
    """
    tape = await tape_of(stream)
    return tape.value(n) if 0 <= n < tape.count else None
