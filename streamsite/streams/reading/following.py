"""Following a stream: its pieces from a cursor on, as they come, to its end."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from .. import log
from ..errors import NoSuchStream
from ..log.database import in_database
from ..models import Stream
from ..pieces import LATEST, Batch, Cursor, End, Pieces
from .cursors import START, After, honour
from .finding import find
from .hub import BATCH, hub
from .tail import Tail
from .tapes import tape_of


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

    Close the generator (`contextlib.aclosing`) when you leave early. Raises NoSuchStream.
    """
    if isinstance(stream, str) or after == LATEST:
        # The caller's object may be older than the newest piece.
        stream = await find(str(getattr(stream, "name", stream)))
    # Plain try blocks instead of context managers or nested generators, here and in `play`: each of
    # those would cost half a kilobyte for every waiting reader.
    here = hub()
    here.count(stream, transport, 1)
    try:
        if stream.live:
            n, reset = honour(stream, after)
            if reset:
                yield [reset]
            tail = here.watch(stream)
            try:
                while True:
                    due = tail.since(n)
                    if due is None and tail.end is None:
                        due = await _older(tail, n)
                    if due is None or tail.end is not None:
                        break  # The stream has ended.
                    if due:
                        n = due[-1].end
                        yield due
                        continue
                    await tail.change()
                    if tail.count <= n and tail.end is None:
                        yield []
                if last := tail.last_batch(n):
                    yield last
                    return
            finally:
                here.leave(tail)
            after = Cursor(stream.revision, n)
        # The stream has ended, and the reader lacks more pieces than a tail holds.
        try:
            tape = await tape_of(stream)
        except NoSuchStream:
            yield [End("failed", n if stream.live else 0, "", "The stream was deleted.")]
            return
        n, reset = honour(tape.stream, after)
        if reset:
            yield [reset]
        for batch in tape.batches_since(n):
            yield batch
    finally:
        here.count(stream, transport, -1)


async def _older(tail: Tail, n: int) -> list[Pieces] | None:
    """Return pieces from before the tail, or None when the stream has ended in the meantime."""
    older = await in_database(log.read, tail.stream, n, BATCH)
    if not older.texts:
        return None
    tail.remember(older)
    return [older]


async def texts(batches: AsyncGenerator[Batch, None]) -> AsyncIterator[Any]:
    """Yield each piece, to the end of the stream: a text, or a value in a stream of JSON values.

    async for text in texts(follow("build-17")):
        print(text, end="")
    """
    async with aclosing(batches):
        async for batch in batches:
            for record in batch:
                if isinstance(record, Pieces):
                    for piece in record.values:
                        yield piece
