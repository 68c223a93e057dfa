"""WebSockets: back-pressure, close codes and frames that are sent with one write."""

from typing import Any

import daphne.ws_protocol

from .flow import STALL_TIMEOUT, Flow
from .writing import reply_at_once, write_at_once

NO_HEADERS: dict[str, str] = {}


class Socket(daphne.ws_protocol.WebSocketProtocol):
    """A WebSocket connection.

    Autobahn documents the `on…` methods, `sendCloseFrame` and `prepareMessage`. The comments name
    the private and undocumented attributes that the class uses as well.
    """

    # As in `http.Request`: Daphne defines both methods in Python, with the same result.
    __hash__, __eq__ = object.__hash__, object.__eq__
    ENDING = (
        daphne.ws_protocol.WebSocketProtocol.STATE_CLOSING,
        daphne.ws_protocol.WebSocketProtocol.STATE_CLOSED,
    )
    # Answer a violation of the protocol with a close code. Autobahn's default is to drop the
    # connection.
    failByDrop = False  # noqa: N815 - Autobahn's name
    # Bytes. Clients send only short messages.
    maxFramePayloadSize = maxMessagePayloadSize = 65_536  # noqa: N815 - Autobahn's names

    def __getattr__(self, name: str) -> Any:
        # Autobahn copies each option of its factory to a connection that lacks the option, which
        # takes 2 KB for each viewer. CONFIG_ATTRS is the undocumented list of the options.
        if name in self.CONFIG_ATTRS:
            return getattr(self.factory, name)
        raise AttributeError(name)

    def onConnect(self, request: Any) -> Any:  # noqa: N802 - Autobahn's name
        self.flow = Flow()
        # The connection began as an HTTP request, whose channel is still the registered producer.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.flow, True)
        return super().onConnect(request)

    def onOpen(self) -> None:  # noqa: N802 - Autobahn's name
        super().onOpen()
        # Free the memory of the handshake: a browser's headers take 1 KB and are kept twice. These
        # are undocumented attributes of Autobahn; `_transport_details` is private.
        self._transport_details = None
        self.http_request_data, self.http_response_data = b"", ""
        self.http_headers = self.request.headers = NO_HEADERS
        # Undocumented: the queue for the parts of messages that Autobahn sends with delays. No
        # message is delayed here.
        self.send_queue = ()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803 - Autobahn's
        super().onMessage(payload, isBinary)
        if self.application_queue is not None:
            self.application_queue.hold_if_full(self.transport)

    def handle_reply(self, message: dict[str, Any]) -> None:
        reply_at_once(self.transport, self._reply, message)

    def send_part(self, message: dict[str, Any]) -> bool:
        """Send the message if it is a text frame. Return whether the message was sent."""
        text = message.get("text")
        if not text or self.state != self.STATE_OPEN:
            return False
        # `sendMessage` of Autobahn would take as long as the write itself, because it formats a
        # coloured log line that is then discarded. `payloadHybi`, the bytes of the frame, is
        # undocumented.
        write_at_once(self.transport, self.factory.prepareMessage(text.encode()).payloadHybi)
        return True

    def _reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close" and self.state == self.STATE_OPEN:
            self.close(message.get("code") or 1000, message.get("reason") or "")
        elif message["type"] == "websocket.accept":
            # Daphne drops the headers (daphne#326). Autobahn takes them beside the subprotocol.
            headers = message.get("headers") or ()
            pairs = {name.decode("ascii"): value.decode("latin1") for name, value in headers}
            self.serverAccept((message.get("subprotocol"), pairs))
        elif message["type"] != "websocket.send" or self.state not in self.ENDING:
            super().handle_reply(message)
        # Drop a message that the application sent before it learned that the connection is closing.
        # Autobahn would raise an error.

    def close(self, code: int, reason: str = "") -> None:
        """Close the connection with any close code and a reason.

        Daphne drops the reason (daphne#374), and `sendClose` of Autobahn refuses the codes from
        1001 to 2999 (crossbario/autobahn-python#1642).
        """
        # By default Autobahn resets the connection of a client that does not answer the close frame
        # within a second. A slow client would lose the data that it has not read yet.
        self.closeHandshakeTimeout = STALL_TIMEOUT
        self.sendCloseFrame(code, reason.encode())

    def _closeConnection(self, abort: bool = False) -> None:  # noqa: N802 - Autobahn's name
        # Private to Autobahn. Autobahn resets the connection even after a complete closing
        # handshake, and a browser reports the close as unclean.
        super()._closeConnection(abort and not self.wasClean)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        flow = getattr(self, "flow", None)
        if flow is not None:
            flow.stopProducing()
        super().connectionLost(reason)

    def abort(self) -> None:
        self.transport.abortConnection()
