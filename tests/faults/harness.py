"""Faults, and readers that notice each piece which is lost, repeated or changed.

A `Service` is what is tried: the engine, or a naive service without a log. The same scenarios run
on both. A scenario that notices nothing on the naive service is no proof for the engine.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Protocol

from tests.engine.reading import TRANSPORTS, Reader, Refused
from tests.raw.http import CutShort
from tests.waiting import PATIENCE, wait_until

# Pieces of a stream, and seconds between two.
PIECES = 120
PACE = 0.005
# Pieces that are written while the server of the viewers is dead, and as many while it starts.
LATE = 20
# The transports on which a viewer who is connected is there all the time.
STAYING = ("chunked", "sse", "websocket")
TEXTS = [f"{number} 🦊\r\n" for number in range(PIECES)]
# Seconds between a lost connection and the next.
PAUSE = 0.05


@dataclass
class Count:
    """How often something was tried, and what went wrong."""

    tried: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        return len(self.failures)

    def __str__(self) -> str:
        return f"{self.tried} tried, {self.failed} failed"


class Writing(Protocol):
    """A stream that is being written."""

    name: str

    def begin(self, texts: Sequence[str], *, pause: float) -> None:
        """Begin to write pieces. They follow the pieces of earlier calls."""

    def await_written(self) -> None:
        """Wait until all pieces are written."""

    def finish(self) -> None:
        """Wait until all is written, and end the stream."""


class Service(Protocol):
    """What streams: a server that can be killed, and a source in another process."""

    @property
    def address(self) -> tuple[str, int]: ...
    def open(self) -> Writing: ...
    def await_viewers(self, name: str, number: int) -> None:
        """Wait until a service that keeps nothing has so many viewers."""

    def kill(self) -> None: ...
    def restart(self) -> None:
        """Start the server at its address again, and wait until it answers."""


def read_through(reader: Reader, transport: str, address: Callable[[], tuple[str, int]]) -> None:
    """Read to the end of a stream, over as many connections as that takes.

    Raises AssertionError for a piece that is lost, repeated or changed.
    """
    deadline = time.monotonic() + PATIENCE
    while reader.end is None:
        assert time.monotonic() < deadline, f"no end after {len(reader.texts)} pieces"
        try:
            reader.read(transport, address())
        except (CutShort, OSError):
            time.sleep(PAUSE)
        except Refused as refused:
            # The close codes below 4000 and the statuses from 500 on are of a server that ends.
            if 0 <= refused.status < 500:
                raise
            time.sleep(PAUSE)


@contextmanager
def audience(
    name: str,
    address: Callable[[], tuple[str, int]],
    size: int,
    count: Count,
    transports: Sequence[str] = (*TRANSPORTS,),
) -> Iterator[list[Reader]]:
    """Let `size` viewers read a stream, and count the viewers who get another text.

    The stream must end inside the block.
    """
    readers = [Reader(name) for _ in range(size)]
    with ThreadPoolExecutor(size) as pool:
        reading: list[Future[None]] = [
            pool.submit(read_through, reader, transport, address)
            for reader, transport in zip(readers, cycle(transports), strict=False)
        ]
        yield readers
        for reader, future in zip(readers, reading, strict=True):
            count.tried += 1
            try:
                future.result(PATIENCE)
                assert reader.texts == TEXTS, f"{len(reader.texts)} of {PIECES} pieces"
            except AssertionError as failure:
                count.failures.append(str(failure))


def begun(readers: Sequence[Reader], pieces: int) -> bool:
    """Return whether three of four viewers have a number of pieces, so that they are in the middle.

    The others may have just begun.
    """
    return 4 * sum(len(reader.texts) >= pieces for reader in readers) >= 3 * len(readers)


def leave_alone(service: Service, streams: int, viewers: int, count: Count) -> None:
    """Stream without any fault, on the transports on which a viewer stays connected."""
    for _ in range(streams):
        writing = service.open()
        with audience(writing.name, lambda: service.address, viewers, count, STAYING):
            service.await_viewers(writing.name, viewers)
            writing.begin(TEXTS, pause=PACE)
            writing.finish()


def kill_servers(service: Service, kills: int, viewers: int, count: Count) -> None:
    """Kill the server of viewers in the middle of a stream, again and again."""
    chance = random.Random(17)
    for _ in range(kills):
        writing = service.open()
        with audience(writing.name, lambda: service.address, viewers, count) as readers:
            service.await_viewers(writing.name, viewers)
            writing.begin(TEXTS[: -2 * LATE], pause=PACE)
            some = chance.randint(1, PIECES // 2)
            wait_until(lambda some=some: begun(readers, some), f"{some} pieces have come")
            service.kill()
            # However late the kill comes, some pieces come later. The first of them are written
            # before the server starts again, so that no viewer can get them at once.
            writing.begin(TEXTS[-2 * LATE : -LATE], pause=PACE)
            writing.await_written()
            writing.begin(TEXTS[-LATE:], pause=PACE)
            service.restart()
            writing.finish()


def cut_connections(
    service: Service,
    proxied: Callable[[], tuple[str, int]],
    streams: int,
    viewers: int,
    count: Count,
) -> None:
    """Read through a proxy that cuts each connection after some bytes."""
    for _ in range(streams):
        writing = service.open()
        with audience(writing.name, proxied, viewers, count):
            service.await_viewers(writing.name, viewers // 2)
            writing.begin(TEXTS, pause=PACE)
            writing.finish()
