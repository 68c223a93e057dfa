"""Input, standard output and signals, for commands that run an event loop."""

import asyncio
import os
import select
import signal
import threading
from collections.abc import Callable
from types import TracebackType

from django.core.management.base import CommandError

STDIN, STDOUT = 0, 1
READ_SIZE = 65_536
# Reads that may wait for the event loop. Then the thread waits until the loop takes one.
READS_AHEAD = 4
# Seconds without input after which an `Input` yields b"".
PAUSE = 0.5


class Input:
    """The bytes that arrive at a file descriptor, and b"" once in each pause between them.

        async for data in Input(STDIN, tee=True, on_write_error=print):
            ...

    With `tee`, copy the bytes to standard output, until nobody reads there or a write fails.
    `on_write_error` is called if a write fails. It and `over` are called in another thread.

    The input ends at the end of the file, or in a pause in which `over()` is true. A process that
    left the group of its command may keep the pipe of the command open for ever.

    Unlike an asynchronous generator, an input can be read on after the reading task was cancelled.

    Raises CommandError if the descriptor can't be read.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        tee: bool,
        on_write_error: Callable[[OSError], None],
        over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._descriptor = descriptor
        self._tee = tee
        self._on_write_error = on_write_error
        self._over = over
        self._loop = asyncio.get_running_loop()
        self._arrived: asyncio.Queue[bytes | OSError] = asyncio.Queue()
        self._room = threading.Semaphore(READS_AHEAD)
        self._paused = False
        # A thread, because a task can't wait for a file. A daemon, because a read can't be
        # cancelled. The thread also writes the copy, so that a slow reader of the copy delays the
        # input, but neither the event loop nor the renewal of the stream's lease.
        threading.Thread(target=self._read, name="input", daemon=True).start()

    def __aiter__(self) -> "Input":
        return self

    async def __anext__(self) -> bytes:
        while True:
            try:
                async with asyncio.timeout(PAUSE):
                    data = await self._arrived.get()
                break
            except TimeoutError:
                if not self._paused:
                    self._paused = True
                    return b""
        self._room.release()
        self._paused = False
        if isinstance(data, OSError):
            raise CommandError(f"Can't read the input: {data.strerror}.") from data
        if not data:
            raise StopAsyncIteration
        return data

    def _read(self) -> None:
        data: bytes | OSError = b""
        echo = self._tee
        while self._room.acquire():
            try:
                data = self._next()
            except OSError as error:
                data = error
            else:
                try:
                    echo = echo and write_to_stdout(data)
                except OSError as error:
                    self._on_write_error(error)
                    echo = False
            try:
                self._loop.call_soon_threadsafe(self._arrived.put_nowait, data)
            except RuntimeError:  # The event loop is closed, because the command is ending.
                return
            if not isinstance(data, bytes) or not data:
                return

    def _next(self) -> bytes:
        """Wait for the next bytes, and return them, or b"" at the end of the input."""
        # Only this thread knows that nothing is left: while it writes the copy for a slow reader,
        # the pipe may hold the last words of a command that is over.
        over = self._over()
        while not select.select([self._descriptor], [], [], PAUSE)[0]:
            if over:
                return b""
            over = self._over()
        return os.read(self._descriptor, READ_SIZE)


def write_to_stdout(data: bytes) -> bool:
    """Write to standard output. Return False if nobody reads there any more.

    Raises OSError if the write fails for another reason.
    """
    while data:
        try:
            data = data[os.write(STDOUT, data) :]
        except BlockingIOError:  # Another program made the shared pipe non-blocking.
            select.select([], [STDOUT], [])
        except BrokenPipeError:
            return False
    return True


class CancelOnSignal:
    """Cancel the current task when SIGINT, SIGTERM or SIGHUP arrives inside the block.

    with CancelOnSignal() as signals:
        try:
            await work()
        except asyncio.CancelledError:
            print(signals.received)  # the number of the signal, None for another cancellation
            raise
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._caught: list[int] = []

    def __enter__(self) -> "CancelOnSignal":
        task = asyncio.current_task()
        assert task is not None

        def receive(number: int) -> None:
            self.received = number
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup, and a shell for background jobs, start a process with some signals ignored.
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
