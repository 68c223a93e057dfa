"""Write the bytes of an input into a stream, as pieces."""

import asyncio
from collections.abc import AsyncIterable

from ..writing.producers import Producer
from .decoding import Decoder


async def write(
    stream: Producer,
    decoder: Decoder,
    given: AsyncIterable[bytes],
    *,
    every: float | None = None,
) -> None:
    """Write the input into the stream, up to the end of the input."""
    throttle = Throttle(every)
    try:
        async for data in given:
            for piece in decoder.feed(data) if data else decoder.flush():
                await throttle.wait()
                await stream.write(piece)
        for piece in decoder.finish():
            await throttle.wait()
            await stream.write(piece)
    except asyncio.CancelledError:
        if not stream.stopped:
            for piece in decoder.flush():
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
