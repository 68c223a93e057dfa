"""The server: its backlog, its table of connections, its end."""

import asyncio
import sys
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
# Seconds that open connections get to end at shutdown.
SHUTDOWN_TIMEOUT = 5
CLOSE_TIMEOUT = 1

GOING_AWAY = 1001  # RFC 6455, section 7.4.1


class Inbox:
    """What a connection tells its application, message by message. One task reads it."""

    __slots__ = ("_arrived", "_messages")

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []
        self._arrived: asyncio.Future[None] | None = None

    def put_nowait(self, message: dict[str, Any]) -> None:
        self._messages.append(message)
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    async def get(self) -> dict[str, Any]:
        while not self._messages:
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        return self._messages.pop(0)


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
        task.add_done_callback(partial(self._forget, protocol))
        return inbox

    def _forget(self, protocol: Any, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or task.exception() is not None:
            return  # Daphne's own check tells of that.
        if "disconnected" in self.connections.get(protocol, ()):
            del self.connections[protocol]

    def protocol_disconnected(self, protocol: Any) -> None:
        # A WebSocket says so twice where it was refused, and may be forgotten by then.
        if protocol in self.connections:
            super().protocol_disconnected(protocol)

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
