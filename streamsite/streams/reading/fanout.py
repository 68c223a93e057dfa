"""The fan-out: one loop sends each batch to all viewers of a stream that are up to date.

A viewer in the fan-out has no task, no future and no generator of its own. A viewer whose
connection takes no more leaves the fan-out. A task of its own then waits for the connection, reads
from the viewer's cursor on, and puts the viewer back into the fan-out when it is up to date. The
cursor decides at both crossings what the viewer lacks, so no piece is lost or sent twice.

On uvicorn with 1000 viewers, a piece cost 20.5 µs with a task for each viewer and 14 µs with the
fan-out. A server in C needed 8.4 µs in the same run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from ..instruments import Traffic
from ..pieces import Batch, Pieces

if TYPE_CHECKING:
    from .tail import Tail

# Viewers that are served before other work in the event loop gets its turn: about 3 ms.
SLICE = 256


class Reader(Protocol):
    """What a viewer reads: a stream, from the cursor `n` on. After the last batch it is `over`.

    `traffic` counts what the viewer gets.
    """

    n: int
    traffic: Traffic
    over: bool

    async def lacking(self) -> Batch:
        """Return the next batch, or an empty one when nothing more is due yet."""

    def wait(self, viewer: "Viewer") -> None:
        """Serve the viewer, which is up to date, from the next batch on."""

    def close(self, viewer: "Viewer") -> None:
        """Serve the viewer no longer, and count the reader no longer."""


class Outlet(Protocol):
    """The connection of a viewer.

    `encode` makes a message of a batch. The message is made once for all viewers whose outlets have
    the same `encode`.
    """

    encode: Callable[[Batch], Any]

    def write(self, message: Any) -> bool:
        """Send a message, or nothing if the message is empty.

        Return whether the connection takes more.
        """

    def drained(self) -> Awaitable[None]:
        """Wait until the connection takes more, which may be at once."""


class Viewer:
    """A person's client on one connection.

    `on_finished` is called once, when the viewer has been sent everything, or has failed with
    `error`. From then on the viewer is `finished`. A viewer that is closed is finished, too.
    """

    __slots__ = (
        "_drained", "_on_finished", "_pulling", "encode", "error", "finished", "reader", "write",
    )  # fmt: skip

    def __init__(self, reader: Reader, outlet: Outlet, on_finished: Callable[[], object]) -> None:
        self.reader = reader
        self.encode = outlet.encode
        self.finished = False
        self.error: Exception | None = None
        self.write = outlet.write
        self._drained = outlet.drained
        self._on_finished = on_finished
        self._pulling: asyncio.Task[None] | None = None

    def pull(self, blocked: bool = False) -> None:
        """Start the task that sends what the viewer lacks, once its connection takes more."""
        self._pulling = asyncio.get_running_loop().create_task(self._pull(blocked))

    async def _pull(self, blocked: bool) -> None:
        try:
            if blocked:
                await self._drained()
            while not self.reader.over:
                batch = await self.reader.lacking()
                if not batch:
                    self._pulling = None
                    self.reader.wait(self)
                    return
                message = self.encode(batch)
                self.reader.traffic.add(pieces_in(batch), size_of(message))
                goes_on = self.write(message)
                # A client that reads nothing keeps this task waiting, and both in memory.
                del batch, message
                # The connection is closed after the last message, which must have gone out.
                if not goes_on or self.reader.over:
                    await self._drained()
        except Exception as error:  # noqa: BLE001 - the viewer's own task raises the error
            self._finish(error)
        else:
            self._finish()

    def deliver(self, message: Any) -> bool:
        """Send a message without waiting. Return whether the viewer can stay in the fan-out."""
        try:
            goes_on = self.write(message)
        except Exception as error:  # noqa: BLE001 - an error ends this viewer and no other
            self._finish(error)
            return False
        if not goes_on:
            self.pull(blocked=True)
        return goes_on

    def serve(self, batch: Batch) -> bool:
        """Send a batch without waiting. Return whether the viewer can be served the next one."""
        try:
            message = self.encode(batch)
        except Exception as error:  # noqa: BLE001 - as in `deliver`
            self._finish(error)
            return False
        self.reader.traffic.add(pieces_in(batch), size_of(message))
        return self.deliver(message)

    def _finish(self, error: Exception | None = None) -> None:
        self._pulling = None
        if not self.finished:
            self.finished, self.error = True, error
            self._on_finished()

    def fail(self, error: Exception) -> None:
        """Stop serving the viewer, because of `error`."""
        if self._pulling is not None:
            self._pulling.cancel()
        self._finish(error)

    def close(self) -> None:
        """Stop serving the viewer, whose client has left or has everything."""
        self.finished = True
        if self._pulling is not None:
            self._pulling.cancel()
            self._pulling = None
        self.reader.close(self)


class FanOut:
    """The viewers of one tail that are up to date."""

    __slots__ = ("_again", "_busy", "_count", "_more", "_quiet", "_turn", "_viewers")

    # The tail is an argument: each would keep the other in memory until a garbage collection.

    def __init__(self, count: int) -> None:
        self._viewers: dict[Viewer, None] = {}
        # Whether a round has begun or is about to, and whether there was news since it began.
        self._busy = self._again = False
        # Whether a viewer of the round lacks more pieces than it was sent.
        self._more = False
        # The viewers that the round has still to serve.
        self._turn: Iterator[Viewer] = iter(())
        # The number of pieces when the last round began. A round without new pieces is quiet: it
        # sends a keep-alive.
        self._count = count
        self._quiet = False

    def add(self, viewer: Viewer) -> None:
        """Serve a viewer, which is up to date, from now on."""
        self._viewers[viewer] = None

    def discard(self, viewer: Viewer) -> None:
        """Serve a viewer no longer."""
        self._viewers.pop(viewer, None)

    def wake(self, tail: "Tail") -> None:
        """Send to all viewers soon: the new pieces, or a keep-alive when there are none."""
        if self._busy:
            self._again = True
        elif self._viewers:
            self._busy = True
            # Not at once: the caller has just committed pieces, and has more to do.
            asyncio.get_running_loop().call_soon(self._begin, tail)
        else:
            self._count = tail.count  # Who pulls gets these pieces, and no round has to.

    def _begin(self, tail: "Tail") -> None:
        self._quiet = tail.count == self._count and not self._more
        self._again, self._more, self._count = False, False, tail.count
        self._turn = iter(list(self._viewers))
        self._serve(tail)

    def _serve(self, tail: "Tail") -> None:
        """Serve the next viewers of a round, each from its own cursor on.

        The cursors keep the order when new pieces come in the middle of a round: the viewers that
        the round has still to serve get them now, and the others in the next round.
        """
        viewers = self._viewers
        served = list(islice(self._turn, SLICE))
        n, stop, encode, message = -1, -1, None, None
        # How many viewers got `message`, its size, and where this is counted.
        got, size, traffic = 0, 0, Traffic()
        for viewer in served:
            if viewer not in viewers:
                continue  # The viewer has left since the round began.
            reader = viewer.reader
            if reader.n != n or viewer.encode is not encode:
                traffic.add(stop - n, size, got)
                n, encode = reader.n, viewer.encode
                message, stop = self._message(tail, n, encode)
                got, size, traffic = 0, size_of(message), reader.traffic
            if message is None:
                del viewers[viewer]
                viewer.pull()
            elif message:
                reader.n = stop
                got += 1
                if not viewer.deliver(message):
                    viewers.pop(viewer, None)
        traffic.add(stop - n, size, got)
        if len(served) == SLICE:
            asyncio.get_running_loop().call_soon(self._serve, tail)
        elif self._more or (self._again and self._has_news(tail)):
            asyncio.get_running_loop().call_soon(self._begin, tail)
        else:
            self._busy = False

    def _has_news(self, tail: "Tail") -> bool:
        """Return whether something came since the round began. If not, no other round is needed."""
        return tail.count != self._count or tail.end is not None

    def _message(self, tail: "Tail", n: int, encode: Callable[[Batch], Any]) -> tuple[Any, int]:
        """Return the message for viewers that have `n` pieces, and how many they have with it.

        The message is None if they have to pull.
        """
        due = tail.since(n)
        if due is None or tail.end is not None:
            return None, n
        stop = due[-1].end if due else n
        if stop < tail.count:
            self._more = True
        try:
            return encode(due) if due or self._quiet else b"", stop
        except Exception:  # noqa: BLE001 - each viewer meets the same error, and ends by it
            return None, n


def pieces_in(batch: Batch) -> int:
    """Return the number of pieces in a batch."""
    return sum([len(record.texts) for record in batch if isinstance(record, Pieces)])


def size_of(message: Any) -> int:
    """Return the size of a message in bytes. A message is bytes, a list of texts, or None."""
    if isinstance(message, list):
        return sum([len(text.encode()) for text in message])
    return len(message or b"")
