"""Running a source into the log.

    async with publish("build", title="Nightly build") as stream:
        async for line in run("make"):
            await stream.write(line)

and the same without `async` in a management command, a task queue's worker or a thread. When the
block ends, so does the stream: as `done`; as `failed` when it raises; as `stopped` when somebody
asked for that, and then the block is cancelled; as `interrupted` when the process dies.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .. import log
from ..errors import Conflict, Ended, StreamError
from ..log.database import in_database, in_database_once_there
from ..log.limits import check_piece
from ..loops import PerLoop
from ..models import Stream, new_private_name
from ..reading.hub import hub, ring_end
from .background import in_background
from .leases import LEASE, Lease, leases
from .writer import writer

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger(__name__)

State = Stream.State

# Pieces and characters that may wait for a commit before `write` waits too.
PENDING_PIECES = 2_000
PENDING_LENGTH = 262_144
# Characters of an exception's text that viewers are shown.
REASON_LENGTH = 500


class Stopped(Exception):
    """The stream was ended by somebody else, so nothing more can be written."""


class publish:  # noqa: N801 - used like a function
    """Make a stream and be its producer, inside `async with` or `with`.

    Without a name it gets one that nobody can guess. `owner` is a user; `visibility` one of
    "public", "link", "owner". With `takeover` a live stream of that name is carried on where its
    producer left it. With `abandon` the stream is stopped when nobody has watched it for so many
    seconds.

    Raises, on entering, BadRequest for a name that can't be one, Conflict when another producer
    writes this stream, and Ended when it is over.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        title: str = "",
        owner: "AbstractBaseUser | None" = None,
        visibility: str = Stream.Visibility.PUBLIC,
        takeover: bool = False,
        abandon: float | None = None,
    ) -> None:
        self._name = name or new_private_name()
        self._abandon = abandon
        self._options: dict[str, Any] = {
            "title": title,
            "owner_id": owner.pk if owner else None,
            "visibility": visibility,
            "takeover": takeover,
        }
        self._producer: Producer | None = None

    async def _open(self) -> "Producer":
        fence = secrets.token_hex(16)
        stream = await in_database(
            log.create, self._name, fence=fence, lease=LEASE, **self._options
        )
        self._producer = Producer(stream, fence, self._abandon)
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


class Producer:
    """The one writer of a live stream."""

    def __init__(self, stream: Stream, fence: str, abandon: float | None) -> None:
        self.stream = stream
        self.stopped = False
        self._fence = fence
        self._handed_over = stream.pieces  # to a commit, at least
        # When the stream began, on the clock that never goes back.
        self._began = time.monotonic() - max(0.0, time.time() - stream.started_at.timestamp())
        self._texts: list[str] = []
        self._times: list[int] = []
        self._length = 0
        self._write: log.Write | None = None  # that is being committed
        self._error: Exception | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._lease = Lease(stream.pk, fence, self._give_up, abandon, self._stop_unwatched)
        self._body: asyncio.Task[Any] | None = None

    @property
    def name(self) -> str:
        return self.stream.name

    @property
    def n(self) -> int:
        """The number that the next piece gets."""
        return self._handed_over + len(self._texts)

    def start(self, body: asyncio.Task[Any] | None) -> None:
        """Begin to mind the stream; `body` is the task to cancel when it is stopped."""
        self._body = body
        leases().hold(self._lease)
        self._watching = asyncio.create_task(self._watch())

    async def write(self, text: str) -> None:
        """Add a piece; an empty text adds none.

        Returns before the piece is committed, unless many wait already. Raises BadRequest and
        TooLarge for a text that can't be a piece, TakenOver, and Stopped when the stream has ended.
        """
        self._check()
        if text:
            check_piece(text)
            self._texts.append(text)
            self._times.append(round((time.monotonic() - self._began) * 1000))
            self._length += len(text)
            if self._flushing is None or self._flushing.done():
                self._flushing = asyncio.create_task(self._flush())
        if len(self._texts) > PENDING_PIECES or self._length > PENDING_LENGTH:
            await self.flush()
        else:
            await asyncio.sleep(0)  # A source that never waits would keep the loop from all others.

    async def flush(self) -> None:
        """Return when all pieces are committed. Raises as `write` does."""
        if self._flushing is not None:
            await asyncio.shield(self._flushing)
        self._check()

    def _check(self) -> None:
        if isinstance(self._error, Ended):
            raise Stopped(self._error.detail) from self._error
        if self._error is not None:
            raise self._error

    async def _flush(self) -> None:
        while (self._write or self._texts) and self._error is None:
            if self._write is None:
                self._write = log.Write(
                    self.stream.pk, self._fence, LEASE, self._handed_over, self._texts, self._times
                )
                self._handed_over = self._write.end
                self._texts, self._times, self._length = [], [], 0
            try:
                await writer().append(self._write)
            except Exception as error:  # noqa: BLE001 - given to whoever writes next
                self._give_up(error)
            self._write = None  # Unless this was cancelled: then _end appends it again.

    async def _watch(self) -> None:
        """Hear at once, by ring, when somebody ends the stream."""
        tail = hub().watch(self.stream)
        try:
            while tail.end is None:
                await tail.change()
        finally:
            hub().leave(tail)
        self._give_up(Ended(self.name, tail.end.state))

    async def _stop_unwatched(self) -> None:
        await stop(self.stream, f"Nobody watched for {self._lease.abandon:g} s.")

    def _give_up(self, error: Exception) -> None:
        if self._error is not None:
            return
        self._error = error
        # Ended by somebody, taken over, or deleted. Beyond a limit is a failure.
        self.stopped = isinstance(error, Conflict)
        if self._body is not None:
            self._body.cancel()

    async def finish(self, error: BaseException | None) -> bool:
        """End the stream as the block ended. Returns whether its exception is dealt with."""
        if self._watching is not None:
            self._watching.cancel()
        # What is found out from here on is raised, since nothing is left to cancel.
        body, self._body = self._body, None
        ours = self._error is not None and (
            error is self._error
            or isinstance(error, Stopped)
            or (
                isinstance(error, asyncio.CancelledError)
                and body is not None
                and body.uncancel() == 0
            )
        )
        if error is None or ours:
            state, reason = State.DONE, ""
        elif isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit):
            state, reason = State.INTERRUPTED, "The producer was told to end."
        else:
            state, reason = State.FAILED, f"{type(error).__name__}: {error}"[:REASON_LENGTH]
        self._lease.abandon = None
        ending = asyncio.ensure_future(self._end(state, reason))
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            # It goes on. Where all of a loop's tasks were cancelled together, it was itself: again.
            await asyncio.wait([ending])
            if ending.cancelled():
                await asyncio.shield(self._end(state, reason))
            raise
        finally:
            leases().release(self._lease)
        if (error is None or ours) and not self.stopped:
            self._check()
        return ours

    async def _end(self, state: str, reason: str) -> None:
        if self._flushing is not None:
            await asyncio.wait([self._flushing])
        await self._flush()  # What is left where all of a loop's tasks were cancelled together.
        if self._error is not None and not self.stopped:
            state, reason = State.FAILED, "The pieces could not be kept."
            if isinstance(self._error, StreamError):
                reason = self._error.detail
        if await in_database_once_there(
            log.finish, self.stream.pk, state, reason.replace("\0", ""), self._fence
        ):
            await ring_end(self.stream.pk)


class SyncProducer:
    """A producer for code that isn't asynchronous. Its stream is minded in a thread beside."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    @property
    def stream(self) -> Stream:
        return self._producer.stream

    @property
    def name(self) -> str:
        return self._producer.name

    @property
    def n(self) -> int:
        return self._producer.n

    @property
    def stopped(self) -> bool:
        """Whether somebody ended the stream. The next `write` raises Stopped: the block ends."""
        return self._producer.stopped

    def write(self, text: str) -> None:
        """As Producer.write."""
        in_background(self._producer.write(text))

    def flush(self) -> None:
        """As Producer.flush."""
        in_background(self._producer.flush())


async def start(name: str | None, source: AsyncIterable[str], **options: Any) -> Stream:
    """Publish what `source` yields, a piece each, in a task of this event loop.

    Returns as soon as the stream is there to be followed; the options are those of `publish`, and
    so are the errors. When the source raises, the stream fails and the log says why.
    """
    opened: asyncio.Future[Stream] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        try:
            async with publish(name, **options) as producer:
                opened.set_result(producer.stream)
                async for text in source:
                    await producer.write(text)
        except Exception as error:
            if opened.done():
                logger.exception("The source of stream %r failed", opened.result().name)
            else:
                opened.set_exception(error)

    task = asyncio.create_task(run())
    running = _running()
    running.add(task)  # The loop itself keeps but a weak reference.
    task.add_done_callback(running.discard)
    return await asyncio.shield(opened)


_running: PerLoop[set[asyncio.Task[None]]] = PerLoop(set)


async def end_sources() -> None:
    """End the sources that `start` began in this event loop, their streams as `interrupted`."""
    running = list(_running())
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def stop(stream: Stream, reason: str = "") -> bool:
    """End a live stream as `stopped`, whichever process writes it. Returns whether it was live."""
    stopped = await in_database(log.finish, stream.pk, State.STOPPED, reason)
    if stopped:
        await ring_end(stream.pk)
    return stopped
