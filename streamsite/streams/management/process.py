"""What a command has of its process: standard input and output, and signals."""

import asyncio
import os
import select
import signal
import threading
from collections.abc import AsyncGenerator, Callable
from types import TracebackType

from django.core.management.base import CommandError

STDIN, STDOUT = 0, 1
READ_SIZE = 65_536
# Reads that may wait to be taken before the next one.
READS_AHEAD = 4
# Seconds without input after which whoever reads it is told.
PAUSE = 0.5


async def standard_input(
    *, tee: bool, unwritable: Callable[[OSError], None]
) -> AsyncGenerator[bytes, None]:
    """Yield what comes, as soon as it comes; b"" once when nothing has for a while.

    With `tee` it goes to standard output as well, for as long as somebody reads there; `unwritable`
    is told, in another thread, when that fails. Raises CommandError when it can't be read.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes | OSError] = asyncio.Queue()
    room = threading.Semaphore(READS_AHEAD)

    def read() -> None:
        data: bytes | OSError = b""
        echo = tee
        while room.acquire():
            try:
                data = os.read(STDIN, READ_SIZE)
            except OSError as error:
                data = error
            else:
                try:
                    echo = echo and passed_on(data)
                except OSError as error:
                    unwritable(error)
                    echo = False
            try:
                loop.call_soon_threadsafe(arrived.put_nowait, data)
            except RuntimeError:  # The loop was closed: nobody publishes any more.
                return
            if not isinstance(data, bytes) or not data:
                return

    # A thread, since a file can't be awaited; a daemon, since a read can't be called off. It also
    # does the echo: a pager that is slow to read holds up the input, not the signs of life.
    threading.Thread(target=read, name="standard-input", daemon=True).start()
    paused = False
    while True:
        try:
            async with asyncio.timeout(None if paused else PAUSE):
                data = await arrived.get()
        except TimeoutError:
            paused = True
            yield b""
            continue
        room.release()
        paused = False
        if isinstance(data, OSError):
            raise CommandError(f"Standard input can't be read: {data.strerror}.") from data
        if not data:
            return
        yield data


def passed_on(data: bytes) -> bool:
    """Write to standard output. Returns whether anybody reads there. Raises OSError otherwise."""
    while data:
        try:
            data = data[os.write(STDOUT, data) :]
        except BlockingIOError:  # Shared with a program that doesn't want to wait for it.
            select.select([], [STDOUT], [])
        except BrokenPipeError:
            return False
    return True


class Signals:
    """Inside, a signal to end cancels the task that entered. `received` is its number."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._caught: list[int] = []

    def __enter__(self) -> "Signals":
        task = asyncio.current_task()
        assert task is not None

        def receive(number: int) -> None:
            self.received = number
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # What nohup, or a shell for its background jobs, has the process ignore stays ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                asyncio.get_running_loop().add_signal_handler(number, receive, number)
                self._caught.append(number)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number in self._caught:
            asyncio.get_running_loop().remove_signal_handler(number)
