"""Django's ASGI handler without thread hops, for views that never need a thread.

Django's own handler hops to a thread for each synchronous middleware, signal receiver and
`response.close`, and keeps one for each open stream. This one gives the same request, URLconf,
async views and responses in the event loop alone. What it leaves out, it answers for:

- Middleware: the hooks of Django's that work without I/O are called, without a hop.
- Signals: request_started and request_finished are not sent. What Django does on them for the
  database, streams.database does: it owns the only connection that these views use.
- Errors: JSON with a `detail`; what nobody expected goes to the log and answers 500.
- Bodies: read whole, up to STREAM_MAX_BODY bytes, then 413.
"""

import asyncio
import logging
from contextlib import aclosing
from http import HTTPStatus
from io import BytesIO
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import Resolver404, get_resolver, set_script_prefix

from streamsite import health
from streamsite.streams.conf import setting
from streamsite.streams.endpoints import refusal
from streamsite.streams.errors import StreamError, TooLarge

logger = logging.getLogger(__name__)


class StreamHandler:
    """An ASGI application for async views."""

    def __init__(self) -> None:
        security = SecurityMiddleware(_never_called)
        self._request_hooks = (
            security.process_request,
            # These two only promise: session and user are read when a view asks for them.
            SessionMiddleware(_never_called).process_request,
            AuthenticationMiddleware(_never_called).process_request,
        )
        self._response_hooks = (
            XFrameOptionsMiddleware(_never_called).process_response,
            security.process_response,
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            response = await self._response(scope, receive)
        except ClientLeft:
            return
        await send_head(response, send)
        if response.streaming and scope["method"] != "HEAD":
            parts, charset = response._iterator, response.charset
            del response  # Nothing of it is needed any more, and the stream may stay open for long.
            await send_stream(parts, charset, receive, send)
        else:
            body = b"" if scope["method"] == "HEAD" else response.content
            await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _response(self, scope: Any, receive: Any) -> Any:
        """Return the response to a request. Raises ClientLeft."""
        set_script_prefix(get_script_prefix(scope))
        request: HttpRequest | None = None
        try:
            request = ASGIRequest(scope, BytesIO())
            request._stream = BytesIO(await read_body(receive))
            response = await self._answer(request)
        except StreamError as error:
            response = refusal(error.status, error.detail)
        except UnicodeDecodeError:
            response = refusal(400, "The address is not UTF-8.")
        except DisallowedHost:
            response = refusal(
                400, "This site doesn't go by the name in the Host header: see ALLOWED_HOSTS."
            )
        except Resolver404:
            response = refusal(404, "Nothing has this address.")
        except ClientLeft:
            raise
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            response = refusal(500, "The server failed; its log says why.")
        for hook in self._response_hooks:
            response = hook(request or HttpRequest(), response)
        # A 204 has neither content nor a length (RFC 9110, 8.6).
        if not response.streaming and response.status_code != HTTPStatus.NO_CONTENT:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response

    async def _answer(self, request: HttpRequest) -> Any:
        if request.path_info not in health.PROBES:
            request.get_host()
        for hook in self._request_hooks:
            if response := hook(request):
                return response
        match = get_resolver().resolve(request.path_info)
        request.resolver_match = match
        return await match.func(request, *match.args, **match.kwargs)


class ClientLeft(Exception):
    """The client left before its request was whole."""


async def read_body(receive: Any) -> bytes:
    """Return the request's body. Raises TooLarge and ClientLeft."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        body += bytes(message.get("body", b""))
        if len(body) > setting("STREAM_MAX_BODY"):
            raise TooLarge(f"The body has more than {setting('STREAM_MAX_BODY')} bytes, the most.")
        if not message.get("more_body"):
            return body


async def send_head(response: HttpResponseBase, send: Any) -> None:
    """Send status and headers."""
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})


async def send_stream(parts: Any, charset: str, receive: Any, send: Any) -> None:
    """Send the parts of a body as they come, text in this charset, until the client leaves."""
    sender = asyncio.current_task()
    assert sender is not None
    left = False

    async def wait_for_leave() -> None:
        nonlocal left
        while (await receive())["type"] != "http.disconnect":
            pass
        left = True
        sender.cancel()

    waiting = asyncio.create_task(wait_for_leave())
    try:
        # Servers keep the head until there is a part. The first may be long in coming.
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        # The iterator itself, so that it is closed with the connection and not some time after.
        async with aclosing(parts):
            async for part in parts:
                body = part.encode(charset) if isinstance(part, str) else bytes(part)
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except asyncio.CancelledError:
        if not left:
            raise
        sender.uncancel()
    finally:
        waiting.cancel()


def _never_called(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError("the lean handler calls a middleware hook by hook")
