"""Reading a stream from a cursor: as it comes, or at a pace."""

import asyncio
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from typing import Literal

from .. import log
from ..errors import NoSuchStream
from ..log.database import in_database
from ..models import Stream
from ..pieces import Cursor, End, Pieces, Record, Reset
from .finding import find
from .hub import BATCH, QUIET, hub
from .pace import ticks
from .tail import weight

Batch = Sequence[Record]

# What a process keeps of finished streams for the next reader, weighed as a tail is.
TAPES_LENGTH = 8 * 1024 * 1024
# Single pieces that a tape keeps, encoded, for paced readers.
SINGLES = 4096

START = Cursor()


async def follow(
    stream: Stream | str, *, after: Cursor | int = START, transport: str = "other"
) -> AsyncGenerator[Batch, None]:
    """Yield what a stream holds from a cursor on, and then what comes, to its end.

    Each batch is all that is due, as records; the last record is the `End`. A cursor that can't be
    honoured gets a `Reset` first. An empty batch says that nothing has come for a while: a sign of
    life for the connection. `transport` is the name under which this reader is counted.
    Close it (`contextlib.aclosing`) when you leave early. Raises NoSuchStream.
    """
    if isinstance(stream, str):
        stream = await find(stream)
    # Not by context managers, here and in play(): a waiting reader would hold half a kilobyte more.
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
                        older = await in_database(log.read, stream, n, BATCH)
                        if not older.texts:
                            break
                        tail.remember(older)
                        due = [older]
                    got = due[-1].end if due else n
                    if tail.end:
                        if got == tail.end.n and tail.end.revision == stream.revision:
                            yield [*due, tail.end] if due else [tail.end]
                            return
                        break
                    n = got
                    if due:
                        yield due
                    else:
                        await tail.change()
                        if n >= tail.count and tail.end is None:
                            yield []
            finally:
                here.leave(tail)
            after = Cursor(stream.revision, n)
        # Over, now if not before: this reader has the rest from memory, as all who are late.
        try:
            tape = await _tape(stream)
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


async def play(
    stream: Stream | str,
    *,
    every: float | Literal["recorded"] = "recorded",
    after: Cursor | int = START,
    transport: str = "other",
    resumed: bool = False,
) -> AsyncGenerator[Batch, None]:
    """Yield a finished stream as it was recorded, or a piece `every` so many seconds.

    The first piece comes at once, or, to a reader that has `resumed`, when it is due after the last
    one it has; a reader that is behind gets all that is due in one batch.
    Otherwise as `follow`. Raises NoSuchStream, and Conflict while the stream is live.
    """
    if isinstance(stream, str):
        stream = await find(stream)
    tape = await _tape(stream)
    n, reset = honour(tape.stream, after)
    loop, tick = asyncio.get_running_loop(), ticks()
    here = hub()
    here.count(stream, transport, 1)
    try:
        if reset:
            yield [reset]
        begin = tick.last()
        if resumed and 0 < n < tape.count:
            begin += min(tape.delay(n - 1, n, every), QUIET)
            await tick.until(begin)
        first = n
        while n < tape.count:
            now = loop.time()
            due = max(n + 1, tape.due(first, now - begin, every))
            yield tape.pieces(n, due)
            n = due
            if n < tape.count:
                moment = begin + tape.delay(first, n, every)
                while moment - now > QUIET:
                    await tick.until(now + QUIET)
                    yield []
                    now = loop.time()
                await tick.until(moment)
        yield [tape.end]
    finally:
        here.count(stream, transport, -1)


async def piece(stream: Stream, n: int) -> str | None:
    """Return the text of piece number n of a finished stream, or None when it has no such piece."""
    tape = await _tape(stream)
    return tape.text(n) if 0 <= n < tape.count else None


async def texts(batches: AsyncGenerator[Batch, None]) -> AsyncIterator[str]:
    """Yield just the text of each piece, to the end of the stream."""
    async with aclosing(batches):
        async for batch in batches:
            for record in batch:
                if isinstance(record, Pieces):
                    for text in record.texts:
                        yield text


def honour(stream: Stream, after: Cursor | int) -> tuple[int, Reset | None]:
    """Return the number to go on from, and the reset that says so where it isn't the cursor's."""
    cursor = Cursor(stream.revision, after) if isinstance(after, int) else after
    if cursor.n == 0:
        return 0, None
    if cursor.revision != stream.revision:
        why = "The text was edited since: it comes anew."
    elif cursor.n > stream.pieces:
        why = f"The cursor {cursor} is beyond the end, {stream.pieces}: the text comes anew."
    else:
        return cursor.n, None
    return 0, Reset(0, why, revision=stream.revision)


class Tape:
    """A finished stream in memory, cut once into the batches that all its readers share."""

    def __init__(self, recording: log.Recording) -> None:
        self.stream = recording.stream
        self.count = recording.pieces.end
        self.weight = weight(recording.pieces)
        self._pieces = recording.pieces
        self._times = recording.times
        self._batches = list(recording.pieces.batches(BATCH, log.READ_LENGTH))
        self._single: dict[int, Batch] = {}
        self.end = self.stream.end() or End("done", self.count, "")

    def batches_since(self, n: int) -> Iterator[Batch]:
        """Yield what a reader gets that has n pieces, the end with the last."""
        if n == self.count:
            yield [self.end]
        # No batch has more than BATCH pieces: those before n // BATCH end before n.
        for pieces in self._batches[n // BATCH :]:
            if pieces.end > n:
                part = pieces.since(max(n, pieces.first))
                yield [part, self.end] if part.end == self.count else [part]

    def pieces(self, start: int, stop: int) -> Batch:
        """Return the pieces from number `start` to before `stop`."""
        if stop - start > 1:
            return [Pieces(start, self._pieces.texts[start:stop], revision=self.stream.revision)]
        single = self._single.get(start)
        if single is None:
            if len(self._single) >= SINGLES:
                self._single.clear()
            texts = self._pieces.texts[start:stop]
            single = self._single[start] = [Pieces(start, texts, revision=self.stream.revision)]
        return single

    def text(self, n: int) -> str:
        return self._pieces.texts[n]

    def delay(self, first: int, n: int, every: float | Literal["recorded"]) -> float:
        """Return how many seconds after piece `first` piece n is due."""
        if every == "recorded":
            return (self._times[n] - self._times[first]) / 1000
        return (n - first) * every

    def due(self, first: int, passed: float, every: float | Literal["recorded"]) -> int:
        """Return how many pieces are due so many seconds after piece `first`."""
        if every == "recorded":
            due = bisect_right(self._times, self._times[first] + passed * 1000)
        else:
            due = first + int(passed / every) + 1
        return min(due, self.count)


_tapes: OrderedDict[int, Tape] = OrderedDict()
_taking = threading.Lock()


async def _tape(stream: Stream) -> Tape:
    """Return a stream that is over, edited since or not. Raises NoSuchStream, Conflict if live."""
    tape = _kept(stream)
    return await in_database(_load, stream) if tape is None else tape


def _kept(stream: Stream) -> Tape | None:
    with _taking:
        tape = _tapes.get(stream.pk)
        if tape is None or tape.stream.revision < stream.revision:
            return None
        _tapes.move_to_end(stream.pk)
        return tape


def _load(stream: Stream) -> Tape:
    # Of many readers who come at once, the first has loaded it for all.
    tape = _kept(stream)
    if tape is None:
        tape = Tape(log.recording(stream))
        with _taking:
            _tapes[stream.pk] = tape
            while len(_tapes) > 1 and sum(each.weight for each in _tapes.values()) > TAPES_LENGTH:
                _tapes.popitem(last=False)
    return tape
