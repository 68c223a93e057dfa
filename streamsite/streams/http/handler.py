"""Django's ASGI handler without thread hops, for views that never need a thread.

Django's own handler hops to a thread for each synchronous middleware, signal receiver and
`response.close`, and keeps one for each open stream. This one gives the same request, URLconf,
async views and responses in the event loop alone. What it leaves out, it answers for:

- Middleware: the security middlewares only redirect to https and add headers that are always the
  same; session and user are read when a view asks for them. No other middleware runs.
- Signals: request_started and request_finished are not sent. What Django does on them for the
  database, streams.database does: it owns the only connection that these views use.
- Errors: JSON with a `detail`; what nobody expected goes to the log and answers 500.
- Bodies: read whole, up to STREAM_MAX_BODY bytes, then 413.
"""

import asyncio
import logging
from collections.abc import Collection
from functools import lru_cache, partial
from http import HTTPStatus
from io import BytesIO
from typing import Any

from django.contrib.auth import aget_user, get_user
from django.core.exceptions import DisallowedHost, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import Resolver404, get_resolver, set_script_prefix
from django.utils.functional import SimpleLazyObject, cached_property

from ..conf import setting
from ..errors import StreamError, TooLarge
from .endpoints import refusal
from .sessions import session_of

logger = logging.getLogger(__name__)

# Addresses, and names in the Host header, whose meaning a process remembers.
REMEMBERED = 4096
# Characters of one at most: longer ones are no names of this site, and would fill the memory.
REMEMBERED_LENGTH = 256

Headers = list[tuple[bytes, bytes]]


class Request(ASGIRequest):
    """A request whose session and user are found when they are asked for."""

    @cached_property
    def session(self) -> Any:  # type: ignore[override]
        return session_of(self.COOKIES)

    @cached_property
    def user(self) -> Any:  # type: ignore[override]
        return SimpleLazyObject(partial(get_user, self))

    async def auser(self) -> Any:
        return await aget_user(self)


class StreamHandler:
    """An ASGI application for async views.

    `any_host` lists the paths that answer whatever the Host header says, as a probe's request has
    the address of a machine there.
    """

    def __init__(self, any_host: Collection[str] = ()) -> None:
        self._any_host = any_host
        self._security = SecurityMiddleware(_never_called)
        self._security_headers = self._find_headers(secure=False)
        self._secure_headers = self._find_headers(secure=True)
        self._resolve = lru_cache(REMEMBERED)(get_resolver().resolve)
        self._hosts: set[Any] = set()

    def _find_headers(self, *, secure: bool) -> dict[bytes, tuple[bytes, bytes]]:
        """Return what Django's middlewares add to each response, by name in lower case."""
        scope = {"method": "GET", "path": "/", "scheme": "https" if secure else "http"}
        request, response = Request(scope, BytesIO()), HttpResponse()
        del response["Content-Type"]
        self._security.process_response(request, response)
        XFrameOptionsMiddleware(_never_called).process_response(request, response)
        return {name.lower(): (name, value) for name, value in as_bytes(response)}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            response, head = await self._response(scope, receive)
        except ClientLeft:
            return
        await send({"type": "http.response.start", "status": response.status_code, "headers": head})
        if response.streaming and scope["method"] != "HEAD":
            parts, charset = response._iterator, response.charset
            # Nothing of these is needed any more, and the stream may stay open for long.
            del response, head
            await send_stream(parts, charset, receive, send)
        else:
            body = b"" if scope["method"] == "HEAD" else response.content
            await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _response(self, scope: Any, receive: Any) -> tuple[Any, Headers]:
        """Return the response to a request, and its head. Raises ClientLeft."""
        request: HttpRequest | None = None
        try:
            request = Request(scope, BytesIO())
            body = await read_body(receive)
            if body:
                request._stream = BytesIO(body)
            response = await self._answer(request)
        except StreamError as error:
            response = refusal(error.status, error.detail)
        except UnicodeDecodeError:
            response = refusal(400, "The address is not UTF-8.")
        except DisallowedHost:
            response = refusal(
                400, "This site doesn't go by the name in the Host header: see ALLOWED_HOSTS."
            )
        except SuspiciousOperation as error:
            response = refusal(400, f"{error}")
        except Resolver404:
            response = refusal(404, "Nothing has this address.")
        except ClientLeft:
            raise
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            response = refusal(500, "The server failed; its log says why.")
        # A 204 has neither content nor a length (RFC 9110, 8.6).
        if not response.streaming and response.status_code != HTTPStatus.NO_CONTENT:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        head = as_bytes(response)
        given = {name.lower() for name, _ in head}
        always = self._security_headers
        if self._security.sts_seconds and request is not None and request.is_secure():
            always = self._secure_headers
        head += [header for name, header in always.items() if name not in given]
        return response, head

    async def _answer(self, request: HttpRequest) -> Any:
        self._check_host(request)
        if redirect := self._security.process_request(request):
            return redirect
        if request.META["SCRIPT_NAME"]:
            set_script_prefix(request.META["SCRIPT_NAME"])
        short = len(request.path_info) <= REMEMBERED_LENGTH
        resolve = self._resolve if short else get_resolver().resolve
        match = resolve(request.path_info)
        request.resolver_match = match
        return await match.func(request, *match.args, **match.kwargs)

    def _check_host(self, request: HttpRequest) -> None:
        """Raise DisallowedHost, unless this name was found to be the site's or needn't be."""
        meta = request.META
        name = meta.get("HTTP_HOST"), meta.get("HTTP_X_FORWARDED_HOST"), meta["SERVER_NAME"]
        if name not in self._hosts and request.path_info not in self._any_host:
            request.get_host()
            if sum(len(part or "") for part in name) > REMEMBERED_LENGTH:
                return
            if len(self._hosts) >= REMEMBERED:
                self._hosts.clear()
            self._hosts.add(name)


def beside(pages: Any, *prefixes: str, any_host: Collection[str] = ()) -> Any:
    """Return an application that serves the paths below `prefixes` with a `StreamHandler`.

    `pages`, Django's own handler, serves all other paths. `any_host` is the `StreamHandler`'s.
    """
    streams = StreamHandler(any_host)

    def http(scope: Any, receive: Any, send: Any) -> Any:
        handler = streams if scope["path"].startswith(prefixes) else pages
        return handler(scope, receive, send)

    return http


class ClientLeft(Exception):
    """The client left before its request was whole."""


async def read_body(receive: Any) -> bytes:
    """Return the request's body. Raises TooLarge and ClientLeft."""
    body = bytearray()  # Grows in place: Daphne gives a body in a thousand parts, all at once.
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        body += message.get("body", b"")
        if len(body) > setting("STREAM_MAX_BODY"):
            raise TooLarge(f"The body has more than {setting('STREAM_MAX_BODY')} bytes, the most.")
        if not message.get("more_body"):
            return bytes(body)


def as_bytes(response: HttpResponseBase) -> Headers:
    """Return a response's headers as ASGI has them."""
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    cookies = [cookie.OutputString().encode("ascii") for cookie in response.cookies.values()]
    return headers + [(b"Set-Cookie", cookie) for cookie in cookies]


async def send_stream(parts: Any, charset: str, receive: Any, send: Any) -> None:
    """Send the parts of a body as they come, text in this charset, until the client leaves."""
    sender = asyncio.current_task()
    assert sender is not None
    ended = False

    def stop(_message: object) -> None:
        if not ended:
            sender.cancel()

    # The request was read: all that can come is `http.disconnect`.
    leaving = asyncio.ensure_future(receive())
    leaving.add_done_callback(stop)
    try:
        # Servers keep the head until there is a part. The first may be long in coming.
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        async for part in parts:
            body = part.encode(charset) if isinstance(part, str) else bytes(part)
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except asyncio.CancelledError:
        if not leaving.done():
            raise
        sender.uncancel()
    finally:
        ended = True
        leaving.cancel()
        # The iterator itself, so that it is closed with the connection and not some time after.
        await parts.aclose()


def _never_called(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError("the lean handler calls a middleware hook by hook")
