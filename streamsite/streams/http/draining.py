"""Draining: what a process still does between the signal to end and its end.

A process that is told to end goes on serving what is open, for up to STREAM_GRACE seconds, and
refuses what comes new. Then the process closes what is still open, in such a way that each viewer
connects again, to another process. The viewer's cursor decides what that process sends.

- A WebSocket is closed with the code 1012 (Service Restart).
- A body that has begun is cut, without a last chunk or an end record, so that nobody takes it for
  complete.
- A poll that waits for pieces is answered without any.

Then the server's own handler of the signal runs, as it would without this module.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any, Protocol

from django.conf import settings

from ..conf import setting
from ..errors import Restarting
from ..writing.sources import close_sources, running

logger = logging.getLogger(__name__)

# Close code of a WebSocket: the server restarts, and the client may connect again. The code is in
# IANA's registry of WebSocket close codes.
SERVICE_RESTART = 1012
# Seconds between two looks at what is still open.
LOOK = 0.05
# Seconds for the polls to be answered and for the WebSockets to be closed.
CLOSING = 2.0
# An event loop that handles signals itself runs its own handlers whatever `signal.signal` says, so
# nothing can be done before them. granian's workers use such a loop.
LOOPS = ("asyncio", "uvloop", "rloop", "winloop")

Handler = Callable[[int, FrameType | None], Any]


class Socket(Protocol):
    """A WebSocket that can be closed. Consumers are such."""

    def stop_sending(self) -> None:
        """Send nothing more."""

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the connection."""


class Draining:
    """What is open in this process, and whether the process is about to end.

    `begun` says that the process was told to end.
    """

    def __init__(self) -> None:
        self.begun = False
        self.sockets: set[Socket] = set()
        # The tasks that serve requests, and those of them whose body goes out in parts.
        self.requests: set[asyncio.Task[Any]] = set()
        self.bodies: set[asyncio.Task[Any]] = set()
        # The timeouts of the polls that wait.
        self._waits: set[asyncio.Timeout] = set()
        self._hurried = self._over = False
        self._task: asyncio.Task[None] | None = None

    def refuse(self) -> None:
        """Raise `Restarting` if the process is about to end."""
        if self.begun:
            raise Restarting()

    def forget(self, task: asyncio.Task[Any]) -> None:
        """Note that a task has answered its request."""
        self.requests.discard(task)
        self.bodies.discard(task)

    @asynccontextmanager
    async def waiting(self, seconds: float | None) -> AsyncIterator[None]:
        """Raise `TimeoutError` after so many seconds, and at the end of the grace."""
        async with asyncio.timeout(seconds) as limit:
            self._waits.add(limit)
            try:
                yield
            finally:
                self._waits.discard(limit)

    # Signals.

    def watch(self) -> None:
        """Drain on SIGTERM, and close at once on SIGINT, before the server's own handler runs.

        Call this in the event loop of a server that has installed its handlers. A second signal
        ends the grace. With DEBUG the handlers stay as they are, because a developer who restarts
        the server wants no grace.
        """
        if settings.DEBUG or threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            handler = signal.getsignal(number)
            owner = getattr(handler, "__module__", None) or ""
            if not callable(handler) or handler is signal.default_int_handler:
                continue  # The handler is not the server's.
            if owner.partition(".")[0] not in LOOPS:
                signal.signal(number, partial(self._signalled, loop, handler))

    def _signalled(
        self,
        loop: asyncio.AbstractEventLoop,
        handler: Handler,
        number: int,
        frame: FrameType | None,
    ) -> None:
        # Python calls a handler between two instructions of whatever code runs. The work is left to
        # the event loop.
        loop.call_soon_threadsafe(self._told, number, partial(handler, number, None))

    def _told(self, number: int, end: Callable[[], object]) -> None:
        if self._over:
            end()
        elif self.begun:
            self._hurried = True
        else:
            grace = setting("STREAM_GRACE") if number == signal.SIGTERM else 0
            self.begun = True
            close_sources()
            self._task = asyncio.get_running_loop().create_task(self._drain(grace, end))

    # The end.

    async def _drain(self, grace: float, end: Callable[[], object]) -> None:
        """Serve what is open for up to `grace` seconds, close what is open then, and call `end`."""
        try:
            loop = asyncio.get_running_loop()
            until = loop.time() + grace
            if self._open and grace:
                logger.info(
                    "The process ends within %g s. Open: %s requests, %s WebSockets, %s sources.",
                    grace,
                    len(self.requests),
                    len(self.sockets),
                    len(running()),
                )
            while self._open and loop.time() < until and not self._hurried:
                await asyncio.sleep(LOOK)
            await self._close()
        finally:
            self._over = True
            end()

    @property
    def _open(self) -> bool:
        return bool(self.requests or self.sockets or running())

    async def _close(self) -> None:
        sockets = list(self.sockets)
        for socket in sockets:
            socket.stop_sending()
        closing = [
            asyncio.ensure_future(socket.close(SERVICE_RESTART, Restarting().detail))
            for socket in sockets
        ]
        for body in self.bodies:
            body.cancel()
        now = asyncio.get_running_loop().time()
        for wait in self._waits:
            wait.reschedule(now)
        # Requests whose body has not begun are about to be answered.
        if waited := [*closing, *self.requests]:
            await asyncio.wait(waited, timeout=CLOSING)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                while self.sockets:  # Until the clients have answered the close frames.
                    await asyncio.sleep(LOOK)
        for task in [*closing, *self.requests]:
            task.cancel()


draining = Draining()
