"""Sources that run in the server: asynchronous generators whose items become pieces."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from contextlib import aclosing, nullcontext
from typing import Any, Unpack

from ..errors import Restarting
from ..loops import PerLoop
from ..models import Stream
from .blocks import publish
from .options import PublishOptions
from .outcomes import Failed
from .wsgi import loop_ends_with_view

logger = logging.getLogger(__name__)

# The tasks of each event loop, which itself keeps only weak references to its tasks.
running: PerLoop[set[asyncio.Task[None]]] = PerLoop(set)

# Whether this process is about to end, and takes no more sources.
_closed = False

# Awaits the end of a source whose event loop ends with the view. `isolation` sets it.
end_in_view: Callable[[Stream, asyncio.Task[None]], Awaitable[None]] | None = None


async def start(
    name: str | Stream | None, source: AsyncIterable[Any], **options: Unpack[PublishOptions]
) -> Stream:
    """Publish the items of `source`, a piece each, in a task of this event loop.

        stream = await start(None, model(question), visibility="link")

    Returns as soon as readers can follow the stream. The options and the errors are those of
    `publish`. When the source raises an exception, the stream fails and the exception is logged.
    When the stream is stopped, a source that is a generator is closed (`aclose`) in the same task.
    When the source has ended, the returned stream says how it ended, as after `publish`.

    Raises Restarting when the server was told to end: the source would be cut off in the middle.
    With `StreamErrorMiddleware` a view answers with status 503 then. Raises RuntimeError in a view
    under WSGI, because the event loop of such a view ends with it.
    """
    if _closed:
        raise Restarting()
    if not isinstance(source, AsyncIterable):
        hint = " Call it: model(question)." if callable(source) else ""
        raise TypeError(
            "start() needs an asynchronous iterable, such as an `async def` with a `yield`. It got "
            f"{type(source).__name__}.{hint}"
        )
    ends_with_view = loop_ends_with_view()
    if ends_with_view and end_in_view is None:
        raise RuntimeError(
            "start() can't run a source under WSGI, because the event loop ends with the view. "
            "Serve the site by ASGI, or write the stream with publish() in a task of a task queue. "
            '`runserver` uses ASGI if "daphne" comes first in INSTALLED_APPS.'
        )
    opened: asyncio.Future[Stream] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        # A generator that is left in the middle is closed here. Python's garbage collector would
        # close it in another task, and a client of HTTP may refuse to be closed there.
        closing = aclosing(source) if isinstance(source, AsyncGenerator) else nullcontext()
        try:
            async with closing, publish(name, **options) as producer:
                opened.set_result(producer.stream)
                async for piece in source:
                    await producer.write(piece)
        except Failed as error:
            # The source expected the failure. The traceback of an unexpected cause is logged.
            logger.warning(
                "The source of stream %r failed: %s",
                opened.result().name,
                error,
                exc_info=error.__cause__,
            )
        except Exception as error:
            if opened.done():
                logger.exception("The source of stream %r failed", opened.result().name)
            else:
                opened.set_exception(error)
        finally:
            opened.cancel()  # Has no effect once the stream is there.

    task = asyncio.create_task(run())
    tasks = running()
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    stream = await asyncio.shield(opened)
    if ends_with_view and end_in_view is not None:
        await end_in_view(stream, task)
    return stream


def close_sources() -> None:
    """Refuse new sources in this process, which is about to end. The running sources go on."""
    global _closed
    _closed = True


async def end_sources() -> None:
    """End the sources of this event loop, and their streams as `interrupted`."""
    tasks = list(running())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
