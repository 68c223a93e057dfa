"""WebSockets: back-pressure, close codes and frames that are sent with one write."""

from typing import Any, ClassVar

import daphne.ws_protocol

from .door import Framed
from .flow import Flow, hold_little
from .writing import reply_at_once, write_at_once

NO_HEADERS: dict[str, str] = {}
# The attributes in which Autobahn keeps the handshake, and which nobody reads afterwards. They are
# undocumented, and `_transport_details` and `_wskey` are private.
HANDSHAKE = (
    "_transport_details", "_wskey", "http_headers", "http_request_data", "http_request_host",
    "http_request_params", "http_request_path", "http_request_uri", "http_response_data",
    "http_status_line",
)  # fmt: skip
# Seconds without a frame after which a connection is pinged. With the time between two checks of
# all connections the silence stays below 15 s.
SILENCE = 10


def text_frame(text: bytes) -> bytes:
    r"""Return UTF-8 as a text frame of a server (RFC 6455, section 5.2).

    For example, `text_frame(b"hello")` is b"\x81\x05hello".
    """
    size = len(text)
    if size < 126:
        return b"\x81%c%b" % (size, text)
    if size < 65_536:
        return b"\x81\x7e%b%b" % (size.to_bytes(2), text)
    return b"\x81\x7f%b%b" % (size.to_bytes(8), text)


def binary_frame(data: bytes) -> bytes:
    """Return bytes as a binary frame of a server."""
    return b"\x82" + text_frame(data)[1:]


class Socket(Framed, daphne.ws_protocol.WebSocketProtocol):
    """A WebSocket connection.

    Autobahn documents the `on…` methods and `sendCloseFrame`. The comments name the attributes that
    are private or undocumented.
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
    # Whether a frame was written since the last check of the timeouts, and when a check last found
    # that one was.
    wrote = False
    wrote_at = 0.0
    _sent = 0
    # Daphne's: when the connection was pinged last. mypy can't read Daphne's types.
    last_ping: float

    # The values of attributes that an open connection doesn't have itself. Autobahn gives each
    # connection 70 attributes. Without the attributes of the handshake, and the attributes that are
    # None or False, the dictionary of a connection has 832 bytes in place of 1584.
    common: ClassVar[dict[str, Any]] = dict.fromkeys(HANDSHAKE)

    def __getattr__(self, name: str) -> Any:
        # Autobahn copies each option of its factory to a connection that lacks the option, which
        # takes 2 KB for each viewer. CONFIG_ATTRS is the undocumented list of the options.
        if name in self.CONFIG_ATTRS:
            return getattr(self.factory, name)
        try:
            return self.common[name]
        except KeyError:
            raise AttributeError(name) from None

    def onConnect(self, request: Any) -> Any:  # noqa: N802 - Autobahn's name
        self.flow = Flow()
        # The connection began as an HTTP request, whose channel is still the registered producer.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.flow, True)
        hold_little(self.transport)
        return super().onConnect(request)

    def onOpen(self) -> None:  # noqa: N802 - Autobahn's name
        super().onOpen()
        # Free the memory of the handshake: a browser's headers take 1 KB and are kept twice.
        self.request.headers = NO_HEADERS
        # Undocumented: the queue for the parts of messages that Autobahn sends with delays. No
        # message is delayed here.
        self.send_queue = ()
        self.__dict__ = {
            name: value for name, value in self.__dict__.items() if not self._is_common(name, value)
        }

    def _is_common(self, name: str, value: Any) -> bool:
        """Return whether `common` has the value of an attribute, or gets this value now."""
        if value is None or value is False:
            return self.common.setdefault(name, value) is value
        return name in HANDSHAKE

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803 - Autobahn's
        super().onMessage(payload, isBinary)
        if self.application_queue is not None:
            self.application_queue.hold_if_full(
                self.transport.pauseProducing, self.transport.resumeProducing
            )

    def check_timeouts(self) -> None:
        # Daphne pings every 20 s, whatever it sends meanwhile. A silent connection is pinged
        # earlier, because some proxies cut it off after 15 s. Daphne's `time` is a steady clock
        # here, and `_sendAutoPing`, which Daphne calls too, is private to Autobahn.
        now = daphne.ws_protocol.time.time()
        sent = 0 if self._writer is None else self._writer.sent
        if self.wrote or sent != self._sent:
            self.wrote, self.wrote_at, self._sent = False, now, sent
        if self.state == self.STATE_OPEN and now - max(self.wrote_at, self.last_ping) > SILENCE:
            self._sendAutoPing()
            self.last_ping = now
        super().check_timeouts()

    def handle_reply(self, message: dict[str, Any]) -> None:
        reply_at_once(self.transport, self._reply, message)

    def send_part(self, message: dict[str, Any]) -> bool:
        """Send the message if it is a text or binary frame. Return whether the message was sent.

        Daphne would drop an empty frame.
        """
        if message["type"] != "websocket.send" or self.state != self.STATE_OPEN:
            return False
        text, data = message.get("text"), message.get("bytes")
        # `sendMessage` of Autobahn would take as long as the write itself, because it formats a
        # coloured log line that is then discarded.
        if text is not None and not data:
            self.write_framed(text_frame(text.encode()))
        elif data is not None and not text:
            self.write_framed(binary_frame(data))
        else:
            return False  # Daphne refuses both at once.
        return True

    # The door: see door.py.

    frame = staticmethod(text_frame)

    @property
    def takes_frames(self) -> bool:
        return bool(self.state == self.STATE_OPEN)

    @property
    def state(self) -> int:
        """The state of the WebSocket, which Autobahn sets."""
        return self._state

    @state.setter
    def state(self, state: int) -> None:
        self._state = state
        if state != self.STATE_OPEN:
            self.close_writer()

    def write_framed(self, data: bytes) -> bool:
        """Write whole frames. Return whether the connection takes more."""
        if data and self.state == self.STATE_OPEN:
            self.wrote = True
            if write_at_once(self.transport, data):
                return True
        return not self.flow.blocked

    def _reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close" and self.state == self.STATE_OPEN:
            self.close(message.get("code") or 1000, message.get("reason") or "")
        elif message["type"] == "websocket.accept":
            # Daphne drops the headers (daphne#326). Autobahn takes them beside the subprotocol.
            headers = message.get("headers") or ()
            pairs = {name.decode("ascii"): value.decode("latin1") for name, value in headers}
            self.serverAccept((message.get("subprotocol"), pairs))
        elif message["type"] == "websocket.send" and self.state in self.ENDING:
            pass  # The application doesn't know yet that the connection is closing.
        else:
            super().handle_reply(message)

    def close(self, code: int, reason: str = "") -> None:
        """Close the connection with any close code and a reason.

        Daphne drops the reason (daphne#374), and `sendClose` of Autobahn refuses the codes from
        1001 to 2999 (crossbario/autobahn-python#1642).
        """
        # By default Autobahn resets the connection of a client that does not answer the close frame
        # within a second. A slow client would lose the data that it has not read yet.
        self.closeHandshakeTimeout = self.flow.patience
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
        # Undocumented attribute of Autobahn: a Deferred whose result is the connection itself. The
        # cycle would keep the connection in memory until the next garbage collection.
        self.is_closed = None

    def abort(self) -> None:
        super().abort()
        self.transport.abortConnection()
