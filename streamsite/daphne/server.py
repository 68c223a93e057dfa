"""The server: its backlog, its table of connections, its end."""

import asyncio
import math
import sys
import time
from functools import partial
from typing import Any

import daphne.server
from twisted.internet.defer import Deferred

from .websocket import Socket

# Connections that may wait to be accepted. Twisted's 50 make a burst of some hundred take seconds.
BACKLOG = 1024
# Seconds after which an application whose client has left is ended. A long poll ends by itself
# within a minute, which is no reason for the warning that Daphne logs.
CLOSE_PATIENCE = 65
# Seconds between two checks of an open connection's timeouts, and connections checked in one go.
CHECK_INTERVAL = 2.0
CHECKED_AT_ONCE = 50
# Seconds that open connections get to end at shutdown.
SHUTDOWN_TIMEOUT = 5
CLOSE_TIMEOUT = 1

# Messages of one client that wait before no more are read from it (daphne has no bound).
INBOX_SIZE = 32

GOING_AWAY = 1001  # RFC 6455, section 7.4.1


class Inbox:
    """What a connection tells its application, message by message. One task reads it."""

    __slots__ = ("_arrived", "_held", "_messages")

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []
        self._arrived: asyncio.Future[None] | None = None
        self._held: Any = None

    def put_nowait(self, message: dict[str, Any]) -> None:
        self._messages.append(message)
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    async def get(self) -> dict[str, Any]:
        while not self._messages:
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        message = self._messages.pop(0)
        if self._held is not None and not self._messages:
            held, self._held = self._held, None
            held.resumeProducing()
        return message

    def hold_if_full(self, transport: Any) -> None:
        """Read no more from a client who says more than is taken, until all of it is."""
        if len(self._messages) >= INBOX_SIZE and self._held is None:
            self._held = transport
            transport.pauseProducing()


class Server(daphne.server.Server):
    """The server."""

    application_close_timeout: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.endpoints: list[str] = [
            f"{endpoint}:backlog={BACKLOG}"
            if endpoint.startswith(("tcp:", "ssl:")) and "backlog=" not in endpoint
            else endpoint
            for endpoint in self.endpoints
        ]
        # When the client left of each application that runs on, the first to leave first.
        self._left: dict[Any, float] = {}
        self.application_close_timeout = max(self.application_close_timeout, CLOSE_PATIENCE)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        if protocol.flow.blocked:
            try:
                await protocol.flow.drained()
            except TimeoutError:
                protocol.abort()
        if not protocol.send_part(message):
            await super().handle_reply(protocol, message)

    # One queue and one entry a connection. Daphne's queue is made for many readers and writers, and
    # its entries stay for up to a second after their end, which at thousands of requests a second
    # costs more in cold memory than the requests do.

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> "Inbox | None":
        if protocol not in self.connections:
            return None
        # Daphne doesn't say whether a WebSocket came over TLS, which the Origin check asks.
        if scope["type"] == "websocket":
            scope["scheme"] = "wss" if protocol.transport.TLS else "ws"
        scope.setdefault("asgi", {"version": "3.0"})
        inbox = Inbox()
        task = asyncio.get_running_loop().create_task(
            self.application(scope, inbox.get, partial(self.handle_reply, protocol))
        )
        self.connections[protocol]["application_instance"] = task
        task.add_done_callback(partial(self._ended, protocol))
        return inbox

    def _ended(self, protocol: Any, task: "asyncio.Task[None]") -> None:
        """Let go of an application that has ended, and of its connection if that has, too."""
        self._left.pop(protocol, None)
        connection = self.connections[protocol]
        del connection["application_instance"]
        error = None if task.cancelled() else task.exception()
        if error is not None:
            daphne.server.logger.error("Exception inside application: %s", error, exc_info=error)
            if "disconnected" not in connection:
                protocol.handle_exception(error)
        if "disconnected" in connection:
            self.connections.pop(protocol, None)

    def protocol_disconnected(self, protocol: Any) -> None:
        # A WebSocket says so twice where it was refused, and may be forgotten by then.
        connection = self.connections.get(protocol)
        if connection is None or "disconnected" in connection:
            return
        now = connection["disconnected"] = time.time()
        if "application_instance" in connection:
            self._left[protocol] = now
        else:
            del self.connections[protocol]

    # Daphne looks through all connections every second, and every other again. A thousand viewers
    # are held up by that for some milliseconds, and when they came together, their pings for many.

    def application_checker(self) -> None:
        """End each application whose client has left too long ago."""
        long_ago = time.time() - self.application_close_timeout
        while self._left:
            protocol, left = next(iter(self._left.items()))
            if left > long_ago:
                break
            del self._left[protocol]
            task = self.connections[protocol]["application_instance"]
            task.cancel()
            daphne.server.logger.warning(
                "Application instance %r for connection %r took too long to shut down and was "
                "killed.",
                task,
                protocol,
            )
        asyncio.get_running_loop().call_later(1, self.application_checker)

    def timeout_checker(self) -> None:
        """Check the timeouts of all connections, and send pings, some connections at a time."""
        protocols = list(self.connections)
        pause = CHECK_INTERVAL / max(1, math.ceil(len(protocols) / CHECKED_AT_ONCE))
        self._check_some(protocols, pause)

    def _check_some(self, protocols: list[Any], pause: float) -> None:
        for protocol in protocols[-CHECKED_AT_ONCE:]:
            if protocol in self.connections:
                protocol.check_timeouts()
        del protocols[-CHECKED_AT_ONCE:]
        if protocols:
            asyncio.get_running_loop().call_later(pause, self._check_some, protocols, pause)
        else:
            asyncio.get_running_loop().call_later(pause, self.timeout_checker)

    # A port in use: Daphne logs Twisted's words for it. The operator needs to know what to do.

    def listen_error(self, failure: Any) -> None:
        print(
            f"streamsite: {failure.getErrorMessage()} "
            "Stop what listens there, or choose another port with -p.",
            file=sys.stderr,
        )
        self.stop()

    # Shutdown (daphne#177, cpython#113566). Daphne cancels what runs and lets the reactor cut every
    # connection in mid-word; tasks that the loop still holds may crash Python 3.11 at exit. Here
    # WebSockets are told, all tasks are cancelled and awaited, and generators closed.

    def kill_all_applications(self) -> Deferred[None]:
        return Deferred.fromFuture(asyncio.ensure_future(self._shut_down()))

    async def _shut_down(self) -> None:
        for port in self.listeners:
            port.addCallback(lambda listening: listening.stopListening())
        sockets = [protocol for protocol in self.connections if isinstance(protocol, Socket)]
        for socket in sockets:
            if socket.state == socket.STATE_OPEN:
                socket.close(GOING_AWAY, "The server restarts.")
        loop = asyncio.get_running_loop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=SHUTDOWN_TIMEOUT)
        await loop.shutdown_asyncgens()
        # The close frames are on their way; the client's answer ends each connection.
        deadline = loop.time() + CLOSE_TIMEOUT
        while (
            any(socket.state != socket.STATE_CLOSED for socket in sockets)
            and loop.time() < deadline
        ):
            await asyncio.sleep(0.01)
