"""HTTP requests: back-pressure, and parts of a body that are sent with one write."""

from typing import Any

import daphne.http_protocol
from twisted.web.http_headers import Headers

from .flow import Flow
from .writing import reply_at_once, write_at_once

NO_HEADERS = Headers()


def chunk(body: bytes) -> bytes:
    r"""Return bytes as a chunk (RFC 9112, section 7.1): `chunk(b"hello")` is b"5\r\nhello\r\n"."""
    return b"%x\r\n%b\r\n" % (len(body), body)


class Factory(daphne.http_protocol.HTTPFactory):
    """The factory of HTTP connections, without Twisted's access log."""

    def log(self, request: Any) -> None:
        # Daphne writes an access log of its own. The line of `twisted.web.http.HTTPFactory.log` is
        # slow to format, and Daphne discards it.
        pass


class Request(daphne.http_protocol.WebRequest):
    """An HTTP request and its response.

    The class uses undocumented attributes of `twisted.web.http.Request`: `channel`, `finished`,
    `producer`, `chunked`, `startedWriting` and `sentLength`. The attributes `forceAbortClient` and
    `transport` of the channel are undocumented too.
    """

    # Daphne defines both methods in Python, with the same result. Its table of connections calls
    # them often, and the built-in ones are faster.
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
                # Both sets of headers have been used, and the response may stay open for hours.
                self.requestHeaders = self.responseHeaders = NO_HEADERS

    def send_part(self, message: dict[str, Any]) -> bool:
        """Send the message if it is a part in the middle of a chunked body. Most messages are.

        Return whether the message was such a part. This is the fast path: the chunk is framed here
        and goes out at once, without Daphne and Twisted in between.
        """
        if not (self.startedWriting and self.chunked and message.get("more_body")):
            return False
        if body := message.get("body"):
            self.write_framed(chunk(body))
        return True

    # The door: see door.py.

    frame = staticmethod(chunk)

    @property
    def takes_frames(self) -> bool:
        return bool(self.startedWriting and self.chunked and not self.finished)

    def write_framed(self, data: bytes) -> bool:
        """Write whole chunks. Return whether the connection takes more."""
        if self.channel is not None and not self.finished:
            self.sentLength += len(data)
            write_at_once(self.channel.transport, data)
        return not self.flow.blocked

    async def drained(self) -> None:
        """Wait until the connection takes more, and abort it if the client reads nothing."""
        try:
            await self.flow.drained()
        except TimeoutError:
            self.abort()

    def finish(self) -> None:
        if self.producer is not None:
            self.unregisterProducer()
        super().finish()

    def handle_exception(self, exception: BaseException) -> None:
        # Once the headers have been sent (`_response_started` is Daphne's private flag), a 500 is
        # impossible: Daphne's own method would raise an error, and the client would wait. The
        # client can at least notice a response that is cut off.
        if self._response_started:
            self.abort()
        else:
            super().handle_exception(exception)

    def abort(self) -> None:
        if self.channel is not None:
            self.channel.forceAbortClient()
