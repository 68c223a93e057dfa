"""HTTP requests: back-pressure, and answers and parts of a body that are sent with one write.

Daphne and Twisted spend much of a small request on work that nobody needs. For each second of CPU
time, Daphne answered 0.64 of the polls that FastAPI answered on uvicorn. With this module and
`channel.py` Daphne answers 0.94 of them, at 90 µs a poll.
"""

import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import daphne.http_protocol
from twisted.internet.error import ConnectionAborted
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.http import _GenericHTTPChannelProtocol
from twisted.web.http_headers import Headers

from .answers import has_body, values_of, whole_answer
from .channel import PARTS_HELD, Channel
from .door import Framed
from .flow import Flow, hold_little
from .head import Head
from .scopes import scope_of
from .writing import reply_at_once, write_at_once

# mypy can't read the types of Twisted.
TwistedRequest: Any = http.Request

NO_HEADERS = Headers()
# Daphne's `process` is a generator that Twisted's `inlineCallbacks` decorates.
PROCESS = daphne.http_protocol.WebRequest.process.__wrapped__


def chunk(body: bytes) -> bytes:
    r"""Return bytes as a chunk (RFC 9112, section 7.1): `chunk(b"hello")` is b"5\r\nhello\r\n"."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def new_protocol(_factory: Any) -> Any:
    """Return the protocol of a connection: HTTP/1.1, or HTTP/2 where TLS has negotiated that."""
    return _GenericHTTPChannelProtocol(Channel())


class Factory(daphne.http_protocol.HTTPFactory):
    """The factory of HTTP connections, without Twisted's access log."""

    protocol = new_protocol

    def startFactory(self) -> None:  # noqa: N802 - Twisted's name
        # Twisted formats the date for its access log every second.
        pass

    stopFactory = startFactory  # noqa: N815 - Twisted's name

    def log(self, request: Any) -> None:
        # Daphne writes an access log of its own. The line of `twisted.web.http.HTTPFactory.log` is
        # slow to format, and Daphne discards it.
        pass


class Request(Framed, daphne.http_protocol.WebRequest):
    """An HTTP request and its response.

    The class uses undocumented attributes of `twisted.web.http.Request`: `channel`, `finished`,
    `producer`, `chunked`, `startedWriting`, `sentLength` and `code`. The attributes
    `persistent` and `transport` of the channel, and `transport` of the request, are undocumented
    too.
    """

    # The message `http.response.start` until the first part of the body comes.
    _start: dict[str, Any] | None = None
    # mypy can't read the types of these attributes either.
    application_queue: Any
    startedWriting: int  # noqa: N815 - Twisted's name
    _response_started: bool
    requestHeaders: Any  # noqa: N815
    responseHeaders: Any  # noqa: N815
    content: Any

    # Daphne defines both methods in Python, with the same result. Its table of connections calls
    # them often, and the built-in ones are faster.
    __hash__, __eq__ = object.__hash__, object.__eq__

    def __init__(self, channel: Any, *args: Any, **kwargs: Any) -> None:
        # This method and `finish` do the same as Daphne's methods, which reach Twisted's class
        # through the module `twisted.web.http`. That module searches its deprecated names at each
        # access. The searches took 4 µs of a poll.
        self.client_addr = self.server_addr = self.application_queue = None
        self._response_started = False
        self.server = channel.factory.server
        TwistedRequest.__init__(self, channel, *args, **kwargs)
        self.flow = Flow()
        self.server.protocol_connected(self)

    def begin(self, head: Head, asked: Callable[[], None] | None = None) -> None:
        """Call the application, before the body has come.

        `asked` is called when the application waits for the body.
        """
        self.method, self.path, self.clientproto = head.method, head.path, head.version
        self.uri, self.request_start = head.target, time.monotonic()
        try:
            if head.upgrades:
                self._upgrade(head)
                return
            scope = scope_of(head, self)
            # Daphne's access log has the client's address.
            self.client_addr = scope["client"]
            self.application_queue = self.server.create_application(self, scope)
            if head.length == 0:
                self.receive(b"", more=False)
            else:
                self.application_queue.asked = asked
        except Exception:  # noqa: BLE001 - logged, as Daphne does
            daphne.http_protocol.logger.exception("A request could not begin.")
            self.basic_error(500, b"Internal Server Error", "Daphne HTTP processing error")

    def _upgrade(self, head: Head) -> None:
        """Make the connection a WebSocket, which Daphne's own method does."""
        for header in head.headers:
            self.requestHeaders.addRawHeader(*header)
        self.content = BytesIO()
        for _ in PROCESS(self):
            raise AssertionError("Daphne waits for nothing before a WebSocket.")

    def receive(self, part: bytes, *, more: bool) -> None:
        """Pass on a part of the body to the application. After the last part, `more` is False."""
        if self.application_queue is not None and not self.finished:
            message = {"type": "http.request", "body": part, "more_body": more}
            self.application_queue.put_nowait(message)

    def hold_if_full(self, *arguments: Any) -> None:
        """Stop reading the body if the application is slow. See `Inbox.hold_if_full`."""
        if self.application_queue is not None and not self.finished:
            self.application_queue.hold_if_full(*arguments)

    # HTTP/2: Twisted calls these undocumented methods.

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        # Twisted opens a file here, into which it writes the whole body.
        self.content = None

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        if self.path is None:
            self._begin_http2()
        self.receive(data, more=True)
        # While the stream is paused, the client may send no more than the window holds (64 KiB).
        if not self.finished and (stream := self.channel) is not None:
            self.hold_if_full(stream.pauseProducing, stream.resumeProducing, PARTS_HELD)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802
        if self.path is None:
            self._begin_http2()
        self.receive(b"", more=False)

    def _begin_http2(self) -> None:
        path, _, query = self.channel.path.partition(b"?")
        headers = [
            (name.lower(), value)
            for name, values in self.requestHeaders.getAllRawHeaders()
            for value in values
        ]
        self.begin(Head(self.channel.command, path, query, b"HTTP/2", headers, None))

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            super().handle_reply(message)
            closes = b"close" in values_of(b"connection", message.get("headers", ()))
            # RFC 9112, section 9.6. HTTP/2 has another class of channels.
            if isinstance(self.channel, Channel) and (closes or not self.channel.goes_on):
                self.channel.persistent = False
                self.responseHeaders.setRawHeaders(b"Connection", [b"close"])
        else:
            goes_on = message.get("more_body") and not self.startedWriting
            if goes_on and self.channel is not None and not self.finished:
                self.registerProducer(self.flow, True)
                hold_little(self.transport)
            reply_at_once(self.transport, super().handle_reply, message)
            if goes_on:
                # Both sets of headers have been used, and the response may stay open for hours.
                self.requestHeaders = self.responseHeaders = NO_HEADERS
                # Python leaves room for 85 attributes, and 30 are there: 1584 bytes become 832.
                self.__dict__ = dict(self.__dict__.items())

    def send_part(self, message: dict[str, Any]) -> bool:
        """Send the message if it is a part in the middle of a chunked body, or a whole answer.

        Return whether nothing more is to be done. This is the fast path: the bytes are made here
        and go out at once, without Daphne and Twisted in between.
        """
        if not self.startedWriting:
            return self._send_whole(message)
        if not (self.chunked and message.get("more_body")):
            return False
        if body := message.get("body"):
            self.write_framed(chunk(body))
        return True

    def _send_whole(self, message: dict[str, Any]) -> bool:
        """Keep the start of an answer, and send the answer if the next message completes it."""
        if self.channel is None or self.finished:
            return False
        if message["type"] == "http.response.start":
            if (
                self._response_started
                or self.clientproto != b"HTTP/1.1"
                or not self.channel.goes_on
                or not has_body(self.method, message["status"])
            ):
                return False
            self.server.check_headers_type(message)
            self._start = message
            return True
        start, self._start = self._start, None
        if start is None or message["type"] != "http.response.body":
            return False
        body = message.get("body", b"")
        answer = None
        if not message.get("more_body"):
            answer = whole_answer(start, body, self.server.server_name)
        if answer is None:
            self.handle_reply(start)
            return False
        self.code, self.startedWriting, self._response_started = start["status"], 1, True
        self.sentLength = len(body)
        write_at_once(self.channel.transport, answer)
        # Nothing is left to write. Twisted takes the next request, and Daphne logs this one.
        if self.server.action_logger is None:
            self.finish()
        else:
            super().handle_reply({"type": "http.response.body"})
        return True

    # The door: see door.py.

    frame = staticmethod(chunk)

    @property
    def takes_frames(self) -> bool:
        return bool(self.startedWriting and self.chunked and not self.finished)

    def write_framed(self, data: bytes) -> bool:
        """Write whole chunks. Return whether the connection takes more."""
        # A request that is finished has no `channel`.
        if not self.finished and self.channel is not None:
            self.sentLength += len(data)
            if write_at_once(self.channel.transport, data):
                return True
        return not self.flow.blocked

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        self.sentLength += self.close_writer()
        super().connectionLost(reason)

    def finish(self) -> None:
        self.sentLength += self.close_writer()
        if self.producer is not None:
            self.unregisterProducer()
        if self.application_queue:
            self.send_disconnect()
        TwistedRequest.finish(self)
        self.server.protocol_disconnected(self)

    def handle_exception(self, exception: BaseException) -> None:
        # Once the headers have been sent (`_response_started` is Daphne's private flag), a 500 is
        # impossible: Daphne's own method would raise an error, and the client would wait. The
        # client can at least notice a response that is cut off.
        if self._response_started:
            self.abort()
        else:
            super().handle_exception(exception)

    def abort(self) -> None:
        super().abort()
        if self.finished or self.channel is None:
            return
        if self.transport is not None:
            self.transport.abortConnection()
        else:
            # HTTP/2 resets the stream of this response (RFC 9113, section 5.4.2). Twisted then
            # tells nobody, because usually the client's reset comes first.
            self.channel.abortConnection()
            self.connectionLost(Failure(ConnectionAborted()))  # type: ignore[no-untyped-call]
