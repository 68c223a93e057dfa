"""Tapes: finished streams in memory, shared by all of their readers in this process."""

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Literal

from .. import log
from ..log.database import in_database_at_last
from ..models import Stream
from ..pieces import Batch, End
from .backlog import BATCH
from .tail import PART_LENGTH, weight

# Seconds for each piece, or the moments at which the pieces were recorded.
Pace = float | Literal["recorded"]

# How much a process keeps of finished streams, in characters as `tail.weight` counts them.
TAPES_LENGTH = 8 * 1024 * 1024
# Single pieces that a tape keeps encoded, for readers at a pace.
SINGLES = 4096


class Tape:
    """A finished stream in memory, cut once into the batches that all of its readers share."""

    def __init__(self, recording: log.Recording) -> None:
        self.stream = recording.stream
        self.count = recording.pieces.end
        self.weight = weight(recording.pieces)
        self.end = self.stream.end() or End("done", self.count, "")
        self._pieces = recording.pieces
        self._times = recording.times
        self._batches = list(recording.pieces.batches(BATCH, PART_LENGTH))
        self._single: dict[int, Batch] = {}

    def batches_since(self, n: int) -> Iterator[Batch]:
        """Yield the batches for a reader that has `n` pieces. The last batch has the end."""
        if n == self.count:
            yield [self.end]
        # A batch has at most BATCH pieces, so batches before number n // BATCH end before piece n.
        for pieces in self._batches[n // BATCH :]:
            if pieces.end > n:
                part = pieces.since(max(n, pieces.first))
                yield [part, self.end] if part.end == self.count else [part]

    def pieces(self, start: int, stop: int) -> Batch:
        """Return the pieces from number `start` to before number `stop`."""
        if stop - start > 1:
            return [self._pieces.between(start, stop)]
        single = self._single.get(start)
        if single is None:
            if len(self._single) >= SINGLES:
                self._single.clear()
            single = self._single[start] = [self._pieces.between(start, stop)]
        return single

    def part(self, start: int, stop: int) -> int:
        """Return the end of the batch that begins with piece `start`. It is `stop` at most."""
        texts = self._pieces.texts
        length = len(texts[start])
        for end in range(start + 1, stop):
            length += len(texts[end])
            if length > PART_LENGTH:
                return end
        return stop

    def value(self, n: int) -> Any:
        """Return piece number `n`: a text, or a JSON value."""
        return self._pieces.between(n, n + 1).values[0]

    def offset(self, n: int, every: Pace) -> float:
        """Return the seconds from the beginning of the tape to piece number `n`."""
        return self._times[n] / 1000 if every == "recorded" else n * every

    def due(self, passed: float, every: Pace) -> int:
        """Return the number of pieces that are due `passed` seconds after the beginning."""
        if every == "recorded":
            due = bisect_right(self._times, passed * 1000)
        else:
            due = int(passed / every) + 1
        return min(due, self.count)


# Used from all event loops and from the database thread.
_tapes: OrderedDict[int, Tape] = OrderedDict()
_lock = threading.Lock()


def forget_all() -> None:
    """Empty the memory of finished streams."""
    with _lock:
        _tapes.clear()


async def tape_of(stream: Stream) -> Tape:
    """Return the tape of a finished stream, at its current revision or at a later one.

    Raises NoSuchStream when the stream was deleted, and Conflict while it is live.
    """
    tape = _kept(stream)
    return await in_database_at_last(_load, stream) if tape is None else tape


def _kept(stream: Stream) -> Tape | None:
    with _lock:
        tape = _tapes.get(stream.pk)
        if tape is None or tape.stream.revision < stream.revision:
            return None
        _tapes.move_to_end(stream.pk)
        return tape


def _load(stream: Stream) -> Tape:
    # Many readers may ask at once. The first one's call has loaded the tape for the others.
    tape = _kept(stream)
    if tape is None:
        tape = Tape(log.recording(stream))
        with _lock:
            _tapes[stream.pk] = tape
            while len(_tapes) > 1 and sum(each.weight for each in _tapes.values()) > TAPES_LENGTH:
                _tapes.popitem(last=False)
    return tape
