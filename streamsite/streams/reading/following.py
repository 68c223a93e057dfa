"""Following a stream: its pieces from a cursor on, as they come, to its end."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ..errors import NoSuchStream, Removed
from ..instruments import POLLING, RESETS
from ..models import Stream
from ..pieces import LATEST, Batch, Cursor, End, Pieces, Reset
from .cursors import START, After, count_resume, honour, parse_after
from .fanout import Viewer
from .finding import find, name_of
from .hub import hub
from .tapes import tape_of

if TYPE_CHECKING:
    from .tail import Tail


async def follow(
    stream: Stream | str, *, after: After = START, transport: str = "other"
) -> AsyncGenerator[Batch, None]:
    """Yield the records of a stream from a cursor on, in batches, to the end of the stream.

        async with aclosing(follow("build-17", after=17)) as batches:
            async for batch in batches:
                for record in batch:
                    ...  # Pieces, Reset, or last the End

    Each batch holds all records that are due. `after="latest"` begins with the newest piece, or
    with the first piece where there is none yet. A cursor that can't be honoured gets a `Reset`
    first. An empty batch means that nothing has come for a while: transports answer it with a sign
    of life. The last record is the `End`. `transport` is the name under which the reader is
    counted.

    Close the generator (`contextlib.aclosing`) when you leave early.

    Raises NoSuchStream, BadRequest if `after` is not a cursor, and TypeError if `stream` is neither
    a stream nor a name.
    """
    after, name = parse_after(after), name_of(stream)
    if isinstance(stream, str) or after == LATEST:
        # The caller's object may be older than the newest piece.
        stream = await find(name)
    reader = Follower(stream, after, transport)
    try:
        while not reader.over:
            batch = await reader.lacking()
            if batch or not await reader.change():
                yield batch
    finally:
        reader.close()


class Follower:
    """A reader that follows a stream: `follow` iterates over it, and a `Viewer` reads from it.

    `n` is the number of pieces that the reader has. After the last batch the reader is `over`.
    """

    __slots__ = (
        "_after",
        "_hub",
        "_recorded",
        "_reset",
        "_stream",
        "_tail",
        "_transport",
        "n",
        "over",
        "traffic",
    )

    def __init__(self, stream: Stream, after: After, transport: str) -> None:
        self._stream = stream
        self._after = after
        self._transport = transport
        self._tail: Tail | None = None
        self._reset: Reset | None = None
        # The batches of a stream that has ended.
        self._recorded: Iterator[Batch] | None = None
        self.n = 0
        self.over = False
        self._hub = hub()
        self.traffic = self._hub.count(stream, transport, 1)
        if transport != POLLING:
            count_resume(stream, after)
        if stream.live:
            self.n, self._reset = honour(stream, after)
            self._tail = self._hub.watch(stream)
            # All readers keep one object. A model instance takes more than a kilobyte.
            self._stream = self._tail.stream

    async def lacking(self) -> Batch:
        """Return the next batch, or an empty one when the reader has all pieces so far."""
        if self._reset is not None:
            batch, self._reset = [self._reset], None
            RESETS.inc()
            return batch
        if self._tail is not None:
            tail = self._tail
            due = tail.due(self.n)
            if due is None and tail.end is None:
                due = await self._hub.backlog.read(tail, self.n)
            if due is not None:
                self._take(due)
                return due
            # The stream has ended, and the reader lacks pieces that the tail does not hold.
            # The revision is the tail's, because a producer changes its own `Stream` at the end.
            self._after = Cursor(tail.stream.revision, self.n)
            self._release()
        if self._recorded is None:
            try:
                tape = await tape_of(self._stream)
            except NoSuchStream as error:
                self.over = True
                removed = isinstance(error, Removed)
                why = error.detail if removed else "The stream was deleted."
                return [End("failed", self.n, "", why, revision=self._stream.revision)]
            n, reset = honour(tape.stream, self._after)
            self._recorded = tape.batches_since(n)
            if reset:
                RESETS.inc()
                return [reset]
        recorded = next(self._recorded)
        self.over = isinstance(recorded[-1], End)
        return recorded

    def _take(self, due: Batch) -> None:
        """Count the pieces of a batch from the tail or the backlog."""
        for record in due:
            if isinstance(record, Pieces):
                self.n = record.end
            else:
                self.over = True

    async def change(self) -> bool:
        """Wait for more. Return False if there is nothing more after a long silence."""
        assert self._tail is not None
        await self._tail.change()
        return self._tail.count > self.n or self._tail.end is not None

    def wait(self, viewer: Viewer) -> None:
        """Have the fan-out serve a viewer who has all pieces so far."""
        assert self._tail is not None
        self._tail.fanout.add(viewer)

    def close(self, viewer: Viewer | None = None) -> None:
        """Leave the stream, and its fan-out if `viewer` is in it."""
        if self._tail is not None and viewer is not None:
            self._tail.fanout.discard(viewer)
        self._release()
        self._hub.count(self._stream, self._transport, -1)

    def _release(self) -> None:
        tail, self._tail = self._tail, None
        if tail is not None:
            self._hub.leave(tail)


async def end_of(stream: Stream | str) -> End:
    """Wait until a stream has ended, and return how: its End record.

        end = await end_of("build-17")
        end.state, end.n  # ("done", 180)

    A caller that waits does not count as a viewer, and costs nothing while pieces come.

    Raises NoSuchStream, and TypeError if `stream` is neither a stream nor a name.
    """
    found = await find(name_of(stream))
    if end := found.end():
        return end
    tail = hub().watch(found)
    try:
        return await tail.ending()
    finally:
        hub().leave(tail)


async def texts(batches: AsyncGenerator[Batch, None]) -> AsyncIterator[Any]:
    """Yield each piece, to the end of the stream: a text, or a value in a stream of JSON values.

        async for text in texts(follow("build-17")):
            print(text, end="")

    Raises TypeError for anything but the batches of `follow` or `play`: a name is not enough.
    """
    if not isinstance(batches, AsyncGenerator):
        given = type(batches).__name__
        raise TypeError(
            f"texts() takes the batches of follow() or play(), and got {given}. "
            'Write texts(follow("build")).'
        )
    async with aclosing(batches):
        async for batch in batches:
            for record in batch:
                if isinstance(record, Pieces):
                    for piece in record.values:
                        yield piece
