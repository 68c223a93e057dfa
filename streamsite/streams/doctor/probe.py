"""A short stream of the doctor's own, which is removed afterwards."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from ..http.links import viewer_link
from ..log.database import in_database
from ..models import Stream
from ..names import new_private_name
from ..writing.blocks import publish
from ..writing.producers import Producer

TITLE = "manage.py doctor"
# Removed by the site if the doctor is killed.
KEEP = timedelta(minutes=10)


class Probe:
    """A stream that the doctor writes.

    `sent` has the moment at which each piece was committed, by `time.monotonic()`. `end` ends the
    stream, which can be read on until it is removed.
    """

    def __init__(self, producer: Producer, end: Callable[[], Awaitable[None]]) -> None:
        self.end = end
        self.sent: list[float] = []
        self._producer = producer

    async def write(self) -> None:
        """Write a piece, and wait until it is committed."""
        await self._producer.write(f"{len(self.sent)}\n")
        await self._producer.flush()
        self.sent.append(time.monotonic())

    def url(self, site: str) -> str:
        """Return the address of the stream on a site, with a link that opens it to everyone."""
        stream = self._producer.stream
        return f"{site.rstrip('/')}{stream.url}?{viewer_link(stream, expires=KEEP)}"


@asynccontextmanager
async def probe() -> AsyncIterator[Probe]:
    """Publish a stream inside the block. The stream is removed after the block."""
    name = new_private_name()
    try:
        async with AsyncExitStack() as writing:
            block = publish(name, title=TITLE, visibility="link", keep=KEEP)
            yield Probe(await writing.enter_async_context(block), writing.aclose)
    finally:
        await in_database(Stream.objects.filter(name=name).delete)
