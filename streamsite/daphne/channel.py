"""A connection of HTTP/1.1: requests that come in one after another, and the time they may take.

Twisted's own connection collects a whole body before the request begins (daphne#483), takes
requests that are not valid, and lets a client send half of a request for ever. Here a head is
checked by `head.py`, the application gets a body as it comes, and each step has a deadline. The
deadlines go by the clock of the event loop, which doesn't jump.

The class uses undocumented and private names of `twisted.web.http`: of `HTTPChannel` the attributes
`requests`, `persistent`, `_handlingRequest`, `_waitingForTransport` and `_networkProducer`.
"""

import asyncio
from typing import Any

from twisted.internet import interfaces
from twisted.internet.error import ConnectionAborted
from twisted.python.failure import Failure
from twisted.web import http

from .answers import CONTINUE, NOTHING, refusal
from .body import Body, Malformed
from .head import Head, Refused, check_beginning, parse_head
from .writing import is_tcp

# Seconds that a connection may wait for the first byte of a request.
IDLE_TIMEOUT = 60.0
# Seconds that a head may take from its first byte, and a body without progress. Each `BODY_RATE`
# bytes of a body make up for a second.
HEAD_TIMEOUT = BODY_TIMEOUT = 15.0
BODY_RATE = 1024
# Seconds during which a client may read an answer to a request that it is still sending. A
# connection that is closed with unread data is reset, and the client loses the answer.
LINGER_TIMEOUT = 10.0
# Parts of a body that may wait for the application. A part has at most 64 KiB.
PARTS_HELD = 4
# Bytes of further requests that may wait until a request is answered.
READ_AHEAD = 16_384

# mypy can't read the types of Twisted.
HTTPChannel: Any = http.HTTPChannel


class Channel(HTTPChannel):
    """A connection of HTTP/1.1. Twisted calls `dataReceived`, and a finished request `requestDone`.

    The connection is in one of four states. The method that takes the next data tells which:
    `_take_head`, `_take_body`, `_take_ahead` (a request is being answered), and `take_nothing`
    (the connection is ending, or has become a WebSocket).
    """

    def __init__(self) -> None:
        super().__init__()
        self._take: Any = self._take_head
        # The beginning of a head, or what follows the request that is being answered.
        self._buffer = b""
        self._paused = False
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._body: Body | None = None

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        self._loop = asyncio.get_running_loop()
        if interfaces.ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
        self._networkProducer = self.transport
        self._networkProducer.registerProducer(self, True)
        # Each request asks for both addresses and for TLS, and Twisted asks the operating system
        # each time. One attribute holds the answers, because Python shares the names of up to 30
        # attributes among the objects of a class: with three attributes a connection takes 1.3 KB
        # more.
        self._ends = self.transport.getPeer(), self.transport.getHost(), bool(super().isSecure())
        self._allow(IDLE_TIMEOUT)

    def getPeer(self) -> Any:  # noqa: N802 - Twisted's name
        return self._ends[0]

    def getHost(self) -> Any:  # noqa: N802 - Twisted's name
        return self._ends[1]

    def isSecure(self) -> bool:  # noqa: N802 - Twisted's name
        return self._ends[2]

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self._take(data)

    @property
    def goes_on(self) -> bool:
        """Whether the connection takes another request after this one.

        A connection ends when a request is answered before its whole body has come, because the
        rest of the body is not read.
        """
        return self.persistent and self._body is None

    # The states.

    def _take_head(self, data: bytes) -> None:
        began = bool(self._buffer)
        if began:
            data, self._buffer = self._buffer + data, b""
        # Some clients send an empty line after a body (RFC 9112, section 2.2).
        data = data.lstrip(b"\r\n")
        end = data.find(b"\r\n\r\n")
        try:
            if end < 0:
                if data:
                    check_beginning(data)
                    self._buffer = data
                    if not began:
                        self._allow(HEAD_TIMEOUT)
                return
            head = parse_head(data[: end + 2])
        except Refused as refused:
            self._refuse(refused.status, refused.args[0])
        else:
            self._begin(head, data[end + 4 :])

    def _begin(self, head: Head, rest: bytes) -> None:
        """Begin with the request that has this head. `rest` is what the client sent after it."""
        self._deadline = None
        if head.path == b"*":
            # The connection ends here: a packet may hold a thousand such requests, and each would
            # be answered inside of the call for the one before.
            self.transport.write(NOTHING)
            self._linger()
            return
        self.persistent = not head.closes
        request = self.requestFactory(self, False)
        self.requests.append(request)
        self._handlingRequest = True
        if head.length == 0:
            self._take = self._take_ahead
            request.begin(head)
            if head.upgrades and self.requests:
                # The request is not answered here, so the connection is the WebSocket's now. A
                # client sends no frame before it knows that the WebSocket is open.
                self._let_go()
        else:
            self._body = Body(head.length)
            self._take = self._take_body
            if head.expects:
                request.begin(head, self._continue)
            else:
                self._allow(BODY_TIMEOUT)
                request.begin(head, None)
        if rest:
            self._take(rest)

    def _take_body(self, data: bytes) -> None:
        assert self._body is not None
        try:
            part = self._body.take(data)
        except Malformed:
            self._give_up(400, "The body is not in valid chunks.")
            return
        [request] = self.requests
        rest = self._body.rest
        if rest is None:
            if self._deadline is not None:
                gained = self._deadline + len(data) / BODY_RATE
                self._deadline = min(gained, self._loop.time() + BODY_TIMEOUT)
            if part:
                request.receive(part, more=True)
                request.hold_if_full(self._pause_body, self._resume_body, PARTS_HELD)
        else:
            self._body = self._deadline = None
            self._take = self._take_ahead
            request.receive(part, more=False)
            if rest:
                self._take(rest)

    def _take_ahead(self, data: bytes) -> None:
        self._buffer += data
        # Read no more requests of a client that doesn't wait for the answers.
        if len(self._buffer) > READ_AHEAD and not self._paused:
            self._paused = True
            self._networkProducer.pauseProducing()

    def requestDone(self, request: Any) -> None:  # noqa: N802 - Twisted's name
        self.requests.remove(request)
        if self._body is not None:
            self._linger()
        elif self.persistent:
            rest, self._buffer = self._buffer, b""
            self._finish_exchange(rest)
        else:
            self._take = take_nothing
            self.loseConnection()

    def _finish_exchange(self, rest: bytes) -> None:
        """Wait for the next request, which begins with `rest`."""
        self._handlingRequest = False
        if self._paused:
            self._paused = False
            if not self._waitingForTransport:
                self._networkProducer.resumeProducing()
        self._take = self._take_head
        self._allow(IDLE_TIMEOUT)
        if rest:
            self._take(rest)

    # Bodies.

    def _continue(self) -> None:
        """Ask for the body, once the application does (RFC 9110, section 10.1.1)."""
        if self._body is not None and not self._body.begun:
            self._body.begun = True
            self.transport.write(CONTINUE)
            self._allow(BODY_TIMEOUT)

    def _pause_body(self) -> None:
        # The application is slow, and not the client.
        self._deadline = None
        self._networkProducer.pauseProducing()

    def _resume_body(self) -> None:
        if self._body is not None and self._take == self._take_body:
            self._allow(BODY_TIMEOUT)
            self._networkProducer.resumeProducing()

    # Ends.

    def _refuse(self, status: int, detail: str) -> None:
        """Answer with an error, and end the connection."""
        self.transport.write(refusal(status, detail))
        self._linger()

    def _give_up(self, status: int, detail: str) -> None:
        """Tell the application that its client is gone, and the client what was wrong."""
        [request] = self.requests
        answered = request.startedWriting
        self.requests.clear()
        request.connectionLost(Failure(ConnectionAborted()))  # type: ignore[no-untyped-call]
        if answered:
            # The answer can only be cut off.
            self._take = take_nothing
            self.transport.abortConnection()
        else:
            self._refuse(status, detail)

    def _linger(self) -> None:
        """End the connection, and take what the client still sends for a while."""
        self._take = take_nothing
        self._buffer, self._body = b"", None
        self._allow(LINGER_TIMEOUT)
        self._networkProducer.resumeProducing()
        if is_tcp(self.transport):
            self.transport.loseWriteConnection()
        else:
            # TLS waits for the client's own end of the connection.
            self.transport.loseConnection()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        super().connectionLost(reason)
        self._let_go()

    def _let_go(self) -> None:
        """Drop every reference of the object to itself, so that its memory is freed at once."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.requests.clear()
        self._take = take_nothing

    # Deadlines. A timer is not cancelled when its deadline is met, because most requests are
    # complete at once. A timer that fires looks at the deadline that holds by then.

    def _allow(self, seconds: float) -> None:
        """Set the deadline of the state."""
        self._deadline = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)

    def _check_deadline(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self._deadline > self._loop.time():
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)
        elif self._take == self._take_body:
            self._give_up(408, "The body did not come in time.")
        elif self._take == self._take_head and self._buffer:
            self._refuse(408, "The request did not come in time.")
        else:
            # Nobody waits for an answer, or nobody read it.
            self._take = take_nothing
            self.transport.abortConnection()


def take_nothing(data: bytes) -> None:
    """Drop data. A method would be a reference of the channel to itself."""
