"""Producers: the one writer of each live stream, from its first piece to its end."""

import asyncio
import time
from typing import Any

from ..errors import Conflict, Ended, StreamError
from ..log.database import in_database_once_there
from ..log.ending import end_stream
from ..log.limits import piece_of
from ..models import Stream
from ..reading.hub import hub
from .leases import Lease, leases
from .moments import beginning
from .outbox import Outbox
from .outcomes import Outcome, Stopped, outcome_of
from .stopping import stop

State = Stream.State


class Producer:
    """The one writer of a live stream.

        async with publish("answer-17") as stream:  # a Producer
            await stream.write("one")
            await stream.flush()
            stream.n  # 1: the number of the next piece

    `stopped` says whether somebody else ended the stream or took it over. After the block, `stream`
    says how the stream ended: `state`, `reason`, `pieces`, `length`, `sha256` and `ended_at`.
    """

    def __init__(self, stream: Stream, fence: str, abandon: float | None, last: int) -> None:
        self.stream = stream
        self.stopped = False
        self._fence = fence
        self._outbox = Outbox(stream, fence, self._give_up)
        # When the stream began, on a clock that never goes back. An earlier producer's newest piece
        # came `last` ms later.
        self._began = beginning(stream, last)
        self._error: Exception | None = None  # Why nothing more can be written.
        self._lease = Lease(stream.pk, fence, self._give_up, abandon, self._stop_unwatched)
        self._block: asyncio.Task[Any] | None = None
        self._outcome: asyncio.Future[Outcome] | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self.stream.name

    @property
    def n(self) -> int:
        """The number of the next piece."""
        return self._outbox.n

    def start(self, block: asyncio.Task[Any] | None) -> None:
        """Take charge of the stream. `block` is the task to cancel when the stream is stopped."""
        self._block = block
        self._outcome = asyncio.get_running_loop().create_future()
        self._supervisor = asyncio.create_task(self._supervise(self._outcome))

    async def write(self, piece: Any) -> None:
        """Add a piece: a text or, in the format `json`, any JSON value. No text adds none.

            await stream.write("Hello")
            await stream.write({"progress": 0.42, "message": "Reading"})

        Returns before the piece is committed, unless many pieces wait for a commit already.

        Raises BadRequest and TooLarge for a value that can't be a piece, TakenOver when another
        producer has taken the stream over, and Stopped when the stream has ended.
        """
        self._check()
        if self.stream.format == Stream.Format.JSON or piece not in ("", None):
            text = piece_of(piece, self.stream.format)
            self._outbox.add(text, round((time.monotonic() - self._began) * 1000))
        if self._outbox.full:
            await self.flush()
        elif self._outbox.waiting > 1:
            # The source has written more than once without a commit in between. Let other tasks
            # run, because the source may be one that never waits.
            await asyncio.sleep(0)

    async def flush(self) -> None:
        """Wait until all pieces are committed. Raises what `write` raises."""
        await self._outbox.empty()
        self._check()

    def _check(self) -> None:
        if isinstance(self._error, Ended):
            raise Stopped(self._error.detail) from self._error
        if self._error is not None:
            raise self._error

    def _give_up(self, error: Exception) -> None:
        """Note why nothing more can be written, and cancel the block."""
        if self._error is not None:
            return
        self._error = error
        self._outbox.close()
        # A Conflict means that the stream was ended, taken over or deleted by somebody else.
        self.stopped = isinstance(error, Conflict)
        if self._block is not None:
            self._block.cancel()

    async def _stop_unwatched(self) -> None:
        await stop(self.stream, f"Nobody watched for {self._lease.abandon:g} s.")

    async def finish(self, error: BaseException | None) -> bool:
        """End the stream as the block ended. Returns whether to suppress the block's exception."""
        assert self._outcome is not None
        assert self._supervisor is not None
        # From here on an error is raised by this method, because there is no block to cancel.
        block, self._block = self._block, None
        suppress = self._caused(error, block)
        ended_well = error is None or suppress
        self._outcome.set_result(outcome_of(None if ended_well else error))
        try:
            await asyncio.shield(self._supervisor)
        except asyncio.CancelledError:
            # Cancelled or not, the end is written. An event loop that ends cancels the supervising
            # task, too. A task that is cancelled before its first step never runs.
            if self._supervisor.cancelled():
                self._supervisor = asyncio.create_task(self._supervise(self._outcome))
            await asyncio.wait([self._supervisor])
            raise
        refused = self._error
        if refused is None:
            # A piece that comes after the block would be lost without a word.
            self._error = Ended(self.name, self.stream.state)
        elif ended_well and not self.stopped:
            raise refused
        return suppress

    def _caused(self, error: BaseException | None, block: asyncio.Task[Any] | None) -> bool:
        """Return whether the block ended by this producer's cancellation or error."""
        if self._error is None or error is None:
            return False
        if isinstance(error, asyncio.CancelledError):
            return block is not None and block.uncancel() == 0
        return error is self._error or isinstance(error, Stopped)

    async def _supervise(self, outcome: "asyncio.Future[Outcome]") -> None:
        """Keep the lease and listen for a stop while the block runs, and write the end after it."""
        leases().hold(self._lease)
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                try:
                    ended = await asyncio.shield(outcome)
                    listening.cancel()
                    self._lease.abandon = None
                    await self._end(ended)
                    return
                except asyncio.CancelledError:
                    # An event loop that ends cancels all of its tasks at once, this one and the
                    # block's among them. The end is still to be written, so start over: the log
                    # takes neither a piece nor an end twice.
                    continue
        finally:
            leases().release(self._lease)

    async def _listen(self) -> None:
        """Give up at once when a ring says that somebody has ended the stream."""
        tail = hub().watch(self.stream)
        try:
            end = await tail.ending()
        finally:
            hub().leave(tail)
        self._give_up(Ended(self.name, end.state))

    async def _end(self, outcome: Outcome) -> None:
        await self._outbox.empty()
        if self._error is not None and not self.stopped:
            refused = isinstance(self._error, StreamError)
            reason = str(self._error) if refused else "The pieces could not be stored."
            outcome = outcome_of(self._error, reason)
        now = await end_stream(
            self.stream.pk,
            outcome.state,
            outcome.reason,
            fence=self._fence,
            failure=outcome.failure,
            patient=True,
        )
        if now is None:  # Somebody else has ended the stream, has taken it over or has deleted it.
            now = await in_database_once_there(Stream.objects.filter(pk=self.stream.pk).first)
        if now is not None:
            self.stream.copy_from(now)
        else:
            self.stream.state, self.stream.reason = State.FAILED, "The stream was deleted."
