"""Sources that run in the server: asynchronous generators whose items become pieces."""

import asyncio
import logging
from collections.abc import AsyncIterable
from typing import Any, Unpack

from ..loops import PerLoop
from ..models import Stream
from .blocks import publish
from .options import PublishOptions
from .wsgi import loop_ends_with_view

logger = logging.getLogger(__name__)

# The tasks of each event loop, which itself keeps only weak references to its tasks.
_running: PerLoop[set[asyncio.Task[None]]] = PerLoop(set)


async def start(
    name: str | Stream | None, source: AsyncIterable[Any], **options: Unpack[PublishOptions]
) -> Stream:
    """Publish the items of `source`, a piece each, in a task of this event loop.

        stream = await start(None, model(question), visibility="link")

    Returns as soon as readers can follow the stream. The options and the errors are those of
    `publish`. When the source raises an exception, the stream fails and the exception is logged.
    When the source has ended, the returned stream says how it ended, as after `publish`.

    Raises RuntimeError in a view under WSGI, because the event loop of such a view ends with it.
    """
    if loop_ends_with_view():
        raise RuntimeError(
            "start() can't run a source under WSGI, because the event loop ends with the view. "
            "Serve the site by ASGI, or write the stream with publish() in a task of a task queue."
        )
    opened: asyncio.Future[Stream] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        try:
            async with publish(name, **options) as producer:
                opened.set_result(producer.stream)
                async for piece in source:
                    await producer.write(piece)
        except Exception as error:
            if opened.done():
                logger.exception("The source of stream %r failed", opened.result().name)
            else:
                opened.set_exception(error)
        finally:
            opened.cancel()  # Has no effect once the stream is there.

    task = asyncio.create_task(run())
    running = _running()
    running.add(task)
    task.add_done_callback(running.discard)
    return await asyncio.shield(opened)


async def end_sources() -> None:
    """End the sources of this event loop, and their streams as `interrupted`."""
    running = list(_running())
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
