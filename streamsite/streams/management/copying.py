"""Write the bytes of an input into a stream, as pieces."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Iterable
from typing import Any

from ..writing.producers import Producer
from .decoding import Decoder


async def write(
    stream: Producer,
    decoder: Decoder,
    given: AsyncIterable[bytes],
    *,
    every: float | None = None,
) -> None:
    """Write the input into the stream, up to the end of the input.

    If the task is cancelled, write without a pause what has been read.
    """
    throttle = Throttle(every)
    waiting: deque[Any] = deque()

    async def write_decoded(pieces: Iterable[Any]) -> None:
        try:
            waiting.extend(pieces)
        finally:  # The pieces before one that is not valid are written, too.
            while waiting:
                await throttle.wait()
                await stream.write(waiting.popleft())

    try:
        async for data in given:
            await write_decoded(decoder.feed(data) if data else decoder.flush())
        await write_decoded(decoder.finish())
    except asyncio.CancelledError:
        if not stream.stopped:
            for piece in (*waiting, *decoder.flush()):
                await stream.write(piece)
        raise


async def discard(given: AsyncIterable[bytes]) -> None:
    """Read the input to its end, so that its writer never waits."""
    async for _ in given:
        pass


class Throttle:
    """Space out the pieces: one every `every` seconds, or without a wait if `every` is None."""

    def __init__(self, every: float | None) -> None:
        self._every = every
        self._due = 0.0

    async def wait(self) -> None:
        """Wait until the next piece may be written.

        After a pause of the input the pieces are spaced out as before: none is sent early to catch
        up.
        """
        if self._every is not None:
            now = asyncio.get_running_loop().time()
            self._due = max(self._due, now)
            await asyncio.sleep(self._due - now)
            self._due += self._every
