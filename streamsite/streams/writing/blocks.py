"""`publish`: the block in which a producer writes a stream.

    async with publish("build", title="Nightly build") as stream:
        async for line in run("make"):
            await stream.write(line)

The same works without `async`, in a management command, a worker of a task queue or a thread. The
end of the block is the end of the stream:

- `done` when the block ends
- `failed` when the block raises an exception, which only the owner and staff see
- `stopped` when somebody stops the stream; the block is cancelled
- `interrupted` when the block is cancelled from outside, or the process dies
"""

import asyncio
import secrets
from types import TracebackType
from typing import Unpack

from django.utils.asyncio import async_unsafe

from .. import log
from ..instruments import PUBLISHES
from ..log.database import in_database
from ..models import Stream
from ..names import new_private_name
from .background import SyncProducer, in_background
from .leases import LEASE
from .options import PublishOptions, checked
from .producers import Producer


class publish:  # noqa: N801 - used like a function
    """Create a stream and write it, inside `async with` or `with`.

    Without a name the stream gets one that nobody can guess. Instead of a name, `publish` takes a
    stream that `reserve` returned, whose title, owner and visibility stay. `owner` is a user.
    `visibility` is "public" (everyone may watch, and the site lists the stream), "link" (anyone who
    knows the name) or "owner" (the owner and staff). The default is "owner" for a stream with an
    owner, and "link" for any other. With `takeover`, a live stream with this name continues where
    its producer left it. With `abandon`, the stream is stopped when nobody has watched it for that
    many seconds.

    `format` is "text", where each piece is a text, or "json", where each piece is a JSON value. The
    default is "text" for a new stream. A stream that exists keeps its format.

        with publish("import", format="json") as stream:
            stream.write({"progress": 0.42, "message": "Reading the orders"})

    `keep` is how long the stream is kept after its end: a `timedelta`, or "forever". The default is
    the setting STREAM_KEEP. After this time the site removes the stream, and tells its readers so.

    After the block, the producer's `stream` says how it ended, without another query:

        with publish("build-17") as producer:
            producer.write("make: done")
        producer.stream.state, producer.stream.pieces  # "done", 1

    Entering the block raises BadRequest for a name or an option that is not valid, Conflict when
    another producer writes the stream or the stream has another format, Ended when the stream has
    ended, Removed when a stream of this name was removed, and NoSuchStream when the reserved stream
    was deleted.
    """

    def __init__(self, name: str | Stream | None = None, **options: Unpack[PublishOptions]) -> None:
        self._target = name or new_private_name()
        self._options = checked("publish", options, PublishOptions)
        self._abandon = self._options.pop("abandon", None)
        self._producer: Producer | None = None

    async def _open(self) -> "Producer":
        fence = secrets.token_hex(16)
        target = self._target
        if isinstance(target, Stream):
            # The other options belong to the reserved stream.
            wanted = self._options.get("format")
            taken = await in_database(log.take_up, target, fence=fence, lease=LEASE, format=wanted)
            target.copy_from(taken)
            stream = target
        else:
            stream = await in_database(
                log.create, target, fence=fence, lease=LEASE, **self._options
            )
        last = await in_database(log.last_time, stream) if stream.pieces else 0
        self._producer = Producer(stream, fence, self._abandon, last)
        PUBLISHES.labels("python").inc()
        return self._producer

    async def __aenter__(self) -> "Producer":
        producer = await self._open()
        producer.start(asyncio.current_task())
        return producer

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        assert self._producer is not None
        return await self._producer.finish(error)

    @async_unsafe(
        "`with publish()` would block the event loop of asynchronous code. Write `async with`."
    )
    def __enter__(self) -> "SyncProducer":
        async def open_here() -> Producer:
            producer = await self._open()
            producer.start(None)
            return producer

        return SyncProducer(in_background(open_here()))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        assert self._producer is not None
        return in_background(self._producer.finish(error))
