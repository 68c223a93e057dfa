"""The start and the end of a server, as the ASGI lifespan protocol tells of them."""

from typing import Any

from ..writing.producers import end_sources


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """End the sources that run in a server along with it, so that nobody waits for their leases.

    Daphne has no lifespan (daphne#264): streamsite.daphne ends them in its own way.
    """
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await end_sources()
            await send({"type": "lifespan.shutdown.complete"})
            return
