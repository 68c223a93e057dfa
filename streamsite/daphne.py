"""What this site needs of Daphne that Daphne lacks, one section each.

Subclasses of Daphne's own server, request and socket, put in their places by `install` while
Daphne imports the application: `daphne streamsite.asgi:application` alone gives all of it.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import daphne.cli
import daphne.http_protocol
import daphne.management.commands.runserver
import daphne.server
import daphne.ws_protocol
from twisted.internet import tcp
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.web.http_headers import Headers
from zope.interface import implementer

# Connections that may wait to be accepted. Twisted's 50 make a burst of some hundred take seconds.
BACKLOG = 1024
# Seconds after which a client that takes nothing of what waits for it is cut off.
STALL_TIMEOUT = 60
# Seconds that open connections get to end at shutdown.
SHUTDOWN_TIMEOUT = 5
CLOSE_TIMEOUT = 1

NO_HEADERS = Headers()
GOING_AWAY = 1001  # RFC 6455, section 7.4.1


def install() -> None:
    """Make Daphne use the classes below."""
    daphne.cli.CommandLineInterface.server_class = Server
    daphne.management.commands.runserver.Command.server_cls = Server
    daphne.server.HTTPFactory = Factory
    daphne.http_protocol.WebRequest = Request
    daphne.ws_protocol.WebSocketFactory.protocol = Socket


# Back-pressure (daphne#170). Daphne takes all that an application sends, however slowly the client
# reads. Twisted tells a push producer when the connection's buffer is full, and when it is empty.


@implementer(IPushProducer)
class Flow:
    """Whether a connection takes more, as Twisted tells it and asyncio awaits it."""

    def __init__(self) -> None:
        self._drained: asyncio.Future[None] | None = None

    @property
    def blocked(self) -> bool:
        return self._drained is not None

    async def drained(self) -> None:
        """Wait until the buffer is empty, or the connection lost. Raises TimeoutError."""
        if self._drained is not None:
            async with asyncio.timeout(STALL_TIMEOUT):
                await asyncio.shield(self._drained)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        if self._drained is None:
            self._drained = asyncio.get_running_loop().create_future()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    stopProducing = resumeProducing  # noqa: N815 - Twisted's name


# Writes that go out at once. Twisted queues each write and registers the socket with the selector
# for it, which costs as much as the write itself. When nothing is queued, the socket will take a
# piece there and then.


def is_idle(transport: Any) -> bool:
    """Tell whether this is a plain connection on which nothing waits to be written."""
    return (
        isinstance(transport, tcp.Connection)
        and not transport.dataBuffer
        and not transport._tempDataLen
        and bool(transport.connected)
    )


def write_at_once(transport: Any, data: bytes) -> None:
    """Write to a connection, and have it sent before returning where it is idle."""
    if is_idle(transport):
        with suppress(OSError):  # Full, or broken: the transport finds that out by itself.
            data = data[transport.socket.send(data) :]
    if data:
        transport.write(data)


def reply_at_once(transport: Any, reply: Callable[[Any], None], message: Any) -> None:
    """Do `reply(message)`, and have all that it writes sent together before returning."""
    if not is_idle(transport):
        reply(message)
        return
    transport.startWriting = _not_yet
    try:
        reply(message)
    finally:
        del transport.startWriting
    if transport._tempDataLen and transport.connected:
        transport.doWrite()
    if transport.connected and (
        transport.disconnecting or transport.dataBuffer or transport._tempDataLen
    ):
        # Whatever is left, an error included, is the selector's, as always.
        transport.startWriting()


def _not_yet() -> None:
    """Stand in for a transport's startWriting while its reply is put together."""


class Factory(daphne.http_protocol.HTTPFactory):
    """Makes what answers a connection."""

    def log(self, request: Any) -> None:
        # Daphne writes its own. Twisted's line, which takes long to compose, goes nowhere.
        pass


class Request(daphne.http_protocol.WebRequest):
    """An HTTP request."""

    # Daphne's, in Python, say the same: its table of connections asks often.
    __hash__, __eq__ = object.__hash__, object.__eq__

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.flow = Flow()

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            super().handle_reply(message)
        else:
            goes_on = message.get("more_body") and not self.startedWriting
            if goes_on and self.channel is not None and not self.finished:
                self.registerProducer(self.flow, True)
            reply_at_once(getattr(self.channel, "transport", None), super().handle_reply, message)
            if goes_on:
                # They have been read and sent, and the body may be long in coming.
                self.requestHeaders = self.responseHeaders = NO_HEADERS

    def send_part(self, message: dict[str, Any]) -> bool:
        """Send a part of a body that has begun and goes on: most messages are one.

        Returns whether the message was that.
        """
        if not (self.startedWriting and self.chunked and message.get("more_body")):
            return False
        body = message["body"]
        if body and self.channel is not None and not self.finished:
            self.sentLength += len(body)
            write_at_once(self.channel.transport, b"%x\r\n%b\r\n" % (len(body), body))
        return True

    def finish(self) -> None:
        if self.producer is not None:
            self.unregisterProducer()
        super().finish()

    def abort(self) -> None:
        if self.channel is not None:
            self.channel.forceAbortClient()


class Socket(daphne.ws_protocol.WebSocketProtocol):
    """A WebSocket."""

    __hash__, __eq__ = object.__hash__, object.__eq__
    # What breaks the protocol is told so by a close code; Autobahn just drops the connection.
    failByDrop = False  # noqa: N815 - Autobahn's name
    # What a client has to say is short.
    maxFramePayloadSize = maxMessagePayloadSize = 65_536  # noqa: N815 - Autobahn's names

    def onConnect(self, request: Any) -> Any:  # noqa: N802 - Autobahn's name
        self.flow = Flow()
        # Until now the HTTP channel that this connection began as was told.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.flow, True)
        return super().onConnect(request)

    def handle_reply(self, message: dict[str, Any]) -> None:
        reply_at_once(self.transport, self._reply, message)

    def send_part(self, message: dict[str, Any]) -> bool:
        """Send a text frame. Returns whether the message was that."""
        text = message.get("text")
        if not text or self.state != self.STATE_OPEN:
            return False
        # Autobahn and its log in colour, which it composes though nobody reads it, cost as much
        # again as the write.
        write_at_once(self.transport, self.factory.prepareMessage(text.encode()).payloadHybi)
        return True

    def _reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close" and self.state == self.STATE_OPEN:
            self.close(message.get("code") or 1000, message.get("reason") or "")
        else:
            super().handle_reply(message)

    def close(self, code: int, reason: str = "") -> None:
        """Close with any code, and a reason.

        Daphne leaves the reason out, and Autobahn keeps the codes from 1001 to 2999 for itself.
        """
        # Autobahn resets a connection whose client doesn't answer within a second, and with it goes
        # what a slow client has yet to read.
        self.closeHandshakeTimeout = STALL_TIMEOUT
        self.sendCloseFrame(code, reason.encode())

    def _closeConnection(self, abort: bool = False) -> None:  # noqa: N802 - Autobahn's name
        # After a closing handshake Autobahn resets the connection, which a browser calls unclean.
        super()._closeConnection(abort and not self.wasClean)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        flow = getattr(self, "flow", None)
        if flow is not None:
            flow.stopProducing()
        super().connectionLost(reason)

    def abort(self) -> None:
        self.transport.abortConnection()


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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.endpoints: list[str] = [
            f"{endpoint}:backlog={BACKLOG}"
            if endpoint.startswith(("tcp:", "ssl:")) and "backlog=" not in endpoint
            else endpoint
            for endpoint in self.endpoints
        ]

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
