"""The id of a request, by which the log lines of one request are found.

A proxy gives the id in the header X-Request-ID, as nginx does with `proxy_set_header X-Request-ID
$request_id`. Without the header, a request gets an id when something is logged, and most requests
log nothing. A response has the id in the same header if there is one.
"""

import logging
import re
import secrets
from contextvars import ContextVar
from typing import Any

HEADER = b"x-request-id"
# Anything else could break a log line, or fill the log.
VALID = re.compile(rb"[A-Za-z0-9._:@/+=-]{1,128}")


class RequestId:
    """The id of one request: from its header, or "" until `made` is called."""

    __slots__ = ("given",)

    def __init__(self, scope: Any) -> None:
        self.given = ""
        for name, value in scope["headers"]:
            if name == HEADER and VALID.fullmatch(value):
                self.given = value.decode("ascii")

    def made(self) -> str:
        """Return the id, and make one if there is none yet."""
        if not self.given:
            self.given = secrets.token_hex(16)
        return self.given


_current: ContextVar[RequestId | None] = ContextVar("streams_request_id", default=None)


def begin(scope: Any) -> RequestId:
    """Give the task that serves this ASGI scope the id of its request. Call this in the task."""
    request_id = RequestId(scope)
    _current.set(request_id)
    return request_id


def request_id() -> str:
    """Return the id of the request that is being served, or "" where none is.

    Tasks and threads that a request starts have its id, if they get its context.
    """
    current = _current.get()
    return "" if current is None else current.made()


def answering(request_id: RequestId, send: Any) -> Any:
    """Return the ASGI function `send`, which then adds the id to the headers of the response."""

    async def send_with_id(message: Any) -> None:
        if message["type"] == "http.response.start" and request_id.given:
            headers = [*message.get("headers", ()), (HEADER, request_id.given.encode())]
            message = {**message, "headers": headers}
        await send(message)

    return send_with_id


class RequestIdFilter(logging.Filter):
    """Give each log record the attribute `request_id`. Put this on a handler.

        LOGGING = {
            "filters": {"request_id": {"()": "streamsite.streams.request_id.RequestIdFilter"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "filters": ["request_id"]}},
            ...
        }

    Outside of a request the attribute is "".
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id()
        return True
