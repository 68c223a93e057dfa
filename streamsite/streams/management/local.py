"""Read a stream from this site's own database, for the command `follow`."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..client.backoff import Backoff
from ..client.reader import WAITING_PAUSE
from ..errors import NoSuchStream
from ..models import Stream
from ..pieces import Record
from ..reading.cursors import After
from ..reading.finding import find
from ..reading.following import follow

# The transport of a reader that needs no network.
LOCAL = "local"


async def local_records(name: str, after: After, wait: float) -> AsyncGenerator[Record, None]:
    """Yield the records of a stream in this site's database.

    Waits up to `wait` seconds for a stream that does not exist yet.
    """
    stream = await appearing(name, wait)
    async with aclosing(follow(stream, after=after, transport=LOCAL)) as batches:
        async for batch in batches:
            for record in batch:
                yield record


async def appearing(name: str, wait: float) -> Stream:
    """Return the stream named `name`, which may appear within `wait` seconds.

    Raises NoSuchStream after this time.
    """
    now = asyncio.get_running_loop().time
    until = now() + wait
    backoff = Backoff()
    while True:
        try:
            return await find(name)
        except NoSuchStream as error:
            if error.status != NoSuchStream.status or now() >= until:
                raise
        await asyncio.sleep(min(backoff.next(), WAITING_PAUSE, max(0.0, until - now())))
