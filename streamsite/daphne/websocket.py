"""WebSockets."""

from typing import Any

import daphne.ws_protocol

from .flow import STALL_TIMEOUT, Flow
from .writing import reply_at_once, write_at_once

NO_HEADERS: dict[str, str] = {}


class Socket(daphne.ws_protocol.WebSocketProtocol):
    """A WebSocket."""

    __hash__, __eq__ = object.__hash__, object.__eq__
    ENDING = (
        daphne.ws_protocol.WebSocketProtocol.STATE_CLOSING,
        daphne.ws_protocol.WebSocketProtocol.STATE_CLOSED,
    )
    # What breaks the protocol is told so by a close code; Autobahn just drops the connection.
    failByDrop = False  # noqa: N815 - Autobahn's name
    # What a client has to say is short.
    maxFramePayloadSize = maxMessagePayloadSize = 65_536  # noqa: N815 - Autobahn's names

    def __getattr__(self, name: str) -> Any:
        # Autobahn copies each option of its factory that a connection lacks, which makes two
        # kilobytes for each viewer.
        if name in self.CONFIG_ATTRS:
            return getattr(self.factory, name)
        raise AttributeError(name)

    def onConnect(self, request: Any) -> Any:  # noqa: N802 - Autobahn's name
        self.flow = Flow()
        # Until now the HTTP channel that this connection began as was told.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.flow, True)
        return super().onConnect(request)

    def onOpen(self) -> None:  # noqa: N802 - Autobahn's name
        super().onOpen()
        # Of no more use. A browser's headers are a kilobyte, and kept twice.
        self._transport_details = None
        self.http_request_data, self.http_response_data = b"", ""
        self.http_headers = self.request.headers = NO_HEADERS
        # A queue for parts of messages that are held back, which here are none.
        self.send_queue = ()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803 - Autobahn's
        super().onMessage(payload, isBinary)
        if self.application_queue is not None:
            self.application_queue.hold_if_full(self.transport)

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
        elif message["type"] != "websocket.send" or self.state not in self.ENDING:
            super().handle_reply(message)
        # Else the application doesn't know yet that it ends. Autobahn calls that an error.

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
