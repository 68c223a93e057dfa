"""The outbox of a producer: its pieces on the way into the log."""

import asyncio
from collections.abc import Callable

from .. import log
from ..models import Stream
from .writer import Outcome, writer

# Pieces and characters that may wait for a commit before the producer waits, too.
PENDING_PIECES = 2_000
PENDING_LENGTH = 262_144


class Outbox:
    """The pieces of one producer that are not known to be committed, in the order of `add`.

    The outbox belongs to the event loop in which it was made. `n` is the number of the next piece.
    `refused` is called with the error when the log does not take the pieces.

    A piece costs a place in a list, and no task, future or timer: the writer takes all pieces of
    the outbox with its next commit.
    """

    patient = True

    def __init__(self, stream: Stream, fence: str, refused: Callable[[Exception], None]) -> None:
        self.stream_id = stream.pk
        self.n = stream.pieces
        self._format = stream.format
        self._revision = stream.revision
        self._fence = fence
        self._refused = refused
        self._writer = writer()
        self._texts: list[str] = []
        self._times: list[int] = []
        self._length = 0
        self._write: log.Write | None = None  # What the writer commits, or has tried to commit.
        self._put = False  # Whether the writer has this outbox.
        self._closed = False
        self._settled: asyncio.Future[None] | None = None

    def add(self, text: str, time: int) -> None:
        """Add a piece. `time` is when the piece came, in ms since the stream began."""
        self._texts.append(text)
        self._times.append(time)
        self._length += len(text)
        self.n += 1
        if not self._put:
            self._hand_over()

    @property
    def waiting(self) -> int:
        """The number of pieces that wait for the writer."""
        return len(self._texts)

    @property
    def full(self) -> bool:
        return len(self._texts) > PENDING_PIECES or self._length > PENDING_LENGTH

    def close(self) -> None:
        """Give up the pieces that are not committed yet."""
        self._closed = True
        self._wake()

    async def empty(self) -> None:
        """Wait until all pieces are committed, or the outbox is closed."""
        while (self._write or self._texts) and not self._closed:
            if not self._put:
                self._hand_over()
            if self._settled is None:
                self._settled = asyncio.get_running_loop().create_future()
            # Shielded, because others may wait for the same future.
            await asyncio.shield(self._settled)

    def _hand_over(self) -> None:
        self._put = True
        self._writer.put(self)

    # What the writer calls.

    def take(self) -> log.Write | None:
        if self._closed:
            return None
        if self._write is None:
            first = self.n - len(self._texts)
            self._write = log.Write(
                self.stream_id,
                self._fence,
                first,
                self._texts,
                self._times,
                self._format,
                self._revision,
            )
            self._texts, self._times, self._length = [], [], 0
        return self._write

    def settle(self, outcome: Outcome) -> None:
        self._write = None
        if outcome is not None:
            self.close()
            self._refused(outcome)
        if self._texts and not self._closed:
            self._writer.put(self)
        else:
            self._put = False
        self._wake()

    def drop(self) -> None:
        # The write stays, and is committed again: the log does not add its pieces twice.
        self._put = False
        self._wake()

    def _wake(self) -> None:
        settled, self._settled = self._settled, None
        if settled is not None:
            settled.set_result(None)
