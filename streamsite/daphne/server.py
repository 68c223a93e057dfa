"""The server: its backlog, its table of connections, its shutdown.

The overridden methods and the attribute `connections` are undocumented in Daphne. An entry of
`connections` is a dictionary with the keys "connected", "disconnected" and "application_instance".
"""

import asyncio
import math
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import daphne.server
from twisted.internet.defer import Deferred

from . import door
from .inbox import Inbox
from .websocket import Socket

# Connections that may wait to be accepted. With Twisted's default of 50 a burst of 400 connections
# takes 5 to 7 s; with 1024 it takes 0.3 s.
BACKLOG = 1024
# Seconds after which an application is cancelled, with a warning, when its client has left. A long
# poll ends by itself within a minute, and needs no warning.
CLOSE_PATIENCE = 65
# Seconds between two checks of a connection's timeouts, and connections that are checked together.
CHECK_INTERVAL = 2.0
CHECKED_AT_ONCE = 50
# Seconds at shutdown: for the applications to end, and then for clients to answer a close frame.
SHUTDOWN_TIMEOUT = 5
CLOSE_TIMEOUT = 1

# The server restarts. In IANA's registry of WebSocket close codes.
SERVICE_RESTART = 1012


class Server(daphne.server.Server):
    """Daphne's server with back-pressure, less work for each connection and a clean shutdown."""

    application_close_timeout: float
    # `install` sets this function. The server calls it in the event loop once it has started.
    started: Callable[[], object]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.endpoints: list[str] = [
            f"{endpoint}:backlog={BACKLOG}"
            if endpoint.startswith(("tcp:", "ssl:")) and "backlog=" not in endpoint
            else endpoint
            for endpoint in self.endpoints
        ]
        # The connections whose client has left while the application still runs, with the time at
        # which the client left. The earliest is first.
        self._left: dict[Any, float] = {}
        self.application_close_timeout = max(self.application_close_timeout, CLOSE_PATIENCE)

    def run(self) -> None:
        # The reactor installs its handlers of signals before it runs the first call.
        daphne.server.reactor.callLater(0, self.started)
        # Daphne sends Twisted's log to nowhere, and Twisted takes Python's warnings into its log.
        # A warning may be the only sign of an `await` that was forgotten.
        show = warnings.showwarning
        daphne.server.reactor.callLater(0, setattr, warnings, "showwarning", show)
        super().run()

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        if protocol.flow.blocked:
            await protocol.drained()
        if not protocol.send_part(message):
            await super().handle_reply(protocol, message)

    # Daphne keeps the entry of a finished request for up to a second. With thousands of requests a
    # second, reading that memory takes longer than the requests themselves. Here an entry is
    # removed at once. Each application has an Inbox in place of Daphne's asyncio.Queue.

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> "Inbox | None":
        if protocol not in self.connections:
            return None
        # Daphne leaves the scheme out (daphne#538), and the check of the Origin header needs it.
        # `TLS` is an undocumented attribute of Twisted's transports.
        if scope["type"] == "websocket":
            scope["scheme"] = "wss" if protocol.transport.TLS else "ws"
        scope.setdefault("asgi", {"version": "3.0"})
        scope.setdefault("extensions", {})[door.NAME] = door.Door(protocol)
        inbox = Inbox()
        task = asyncio.get_running_loop().create_task(
            self.application(scope, inbox.get, partial(self.handle_reply, protocol))
        )
        self.connections[protocol]["application_instance"] = task
        task.add_done_callback(partial(self._ended, protocol))
        return inbox

    def _ended(self, protocol: Any, task: "asyncio.Task[None]") -> None:
        """Forget an application that has ended, and its connection if that has ended too."""
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
        # Daphne calls this method twice for a WebSocket that was refused. The second time the
        # connection may be gone from the table.
        connection = self.connections.get(protocol)
        if connection is None or "disconnected" in connection:
            return
        now = connection["disconnected"] = time.monotonic()
        if "application_instance" in connection:
            self._left[protocol] = now
        else:
            del self.connections[protocol]

    # Daphne looks at all connections every second for finished applications, and every two seconds
    # for timeouts and pings. With a thousand viewers each look blocks the event loop for some
    # milliseconds, and for longer when many viewers are pinged at once. Here only the connections
    # whose client has left are looked at, and timeouts are checked in small groups.

    def application_checker(self) -> None:
        """Cancel each application that still runs too long after its client has left."""
        long_ago = time.monotonic() - self.application_close_timeout
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
        """Check timeouts and send pings for all connections, `CHECKED_AT_ONCE` at a time."""
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

    def listen_error(self, failure: Any) -> None:
        # Daphne logs Twisted's error and no more. Here the message also says what to do.
        print(
            f"streamsite: {failure.getErrorMessage()} "
            "Stop what listens there, or choose another port with -p.",
            file=sys.stderr,
        )
        self.stop()

    # Shutdown. Daphne cancels the applications. Then the reactor closes every connection at once,
    # without a final chunk or a close frame (daphne#177), and the tasks that are still in the event
    # loop may crash Python 3.11 at exit (cpython#113566). Here WebSockets get a close frame, all
    # tasks are cancelled and awaited, and asynchronous generators are closed.

    def kill_all_applications(self) -> Deferred[None]:
        return Deferred.fromFuture(asyncio.ensure_future(self._shut_down()))

    async def _shut_down(self) -> None:
        for port in self.listeners:
            port.addCallback(lambda listening: listening.stopListening())
        sockets = [protocol for protocol in self.connections if isinstance(protocol, Socket)]
        for socket in sockets:
            if socket.state == socket.STATE_OPEN:
                socket.close(SERVICE_RESTART, "The server restarts.")
        loop = asyncio.get_running_loop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=SHUTDOWN_TIMEOUT)
        await loop.shutdown_asyncgens()
        # Each WebSocket closes when its client answers the close frame.
        deadline = loop.time() + CLOSE_TIMEOUT
        while (
            any(socket.state != socket.STATE_CLOSED for socket in sockets)
            and loop.time() < deadline
        ):
            await asyncio.sleep(0.01)
