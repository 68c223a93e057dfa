"""HTTP requests."""

from typing import Any

import daphne.http_protocol
from twisted.web.http_headers import Headers

from .flow import Flow
from .writing import reply_at_once, write_at_once

NO_HEADERS = Headers()


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
        body = message.get("body")
        if body and self.channel is not None and not self.finished:
            self.sentLength += len(body)
            write_at_once(self.channel.transport, b"%x\r\n%b\r\n" % (len(body), body))
        return True

    def finish(self) -> None:
        if self.producer is not None:
            self.unregisterProducer()
        super().finish()

    def handle_exception(self, exception: BaseException) -> None:
        # Daphne's 500 can't follow a head. To try it raises, which ends Daphne's check of all
        # connections for good. An answer that is cut off is at least seen to be.
        if self._response_started:
            self.abort()
        else:
            super().handle_exception(exception)

    def abort(self) -> None:
        if self.channel is not None:
            self.channel.forceAbortClient()
