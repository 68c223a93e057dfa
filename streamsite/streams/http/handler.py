"""An ASGI handler for asynchronous views that never need a thread.

Django's own handler switches to a thread for each synchronous middleware, for each signal receiver
and for `response.close`, and keeps a thread for each open stream. This handler has the same
requests, URLconf, views and responses, and stays in the event loop. It differs from Django's:

- Middleware: no middleware runs. The handler itself redirects to https and adds the headers of
  SecurityMiddleware and XFrameOptionsMiddleware, which are the same for each response. The session
  and the user are read when a view asks for them, and a session that a view changed is saved. An
  endpoint demands a login itself where LoginRequiredMiddleware would. `middleware.py` says what
  becomes of all others.
- Signals: request_started and request_finished are not sent. Django closes old database connections
  on these signals. `log.database` owns the only connection of these views, and closes it itself.
- Errors: an error is JSON with a `detail`. An unexpected exception is logged and gives status 500.
- Responses: the body of a StreamingHttpResponse must be an asynchronous iterator. A
  TemplateResponse is rendered in the database thread, because a template may query the database.
- Requests: a body is read whole before the view is called, or when the view asks for it: see
  `endpoint`. A body of more than DATA_UPLOAD_MAX_MEMORY_SIZE bytes gives status 413.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import suppress
from http import HTTPStatus
from io import BytesIO
from typing import Any

from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.template.response import SimpleTemplateResponse
from django.urls import set_script_prefix

from ..conf import setting
from ..errors import StreamError
from ..instruments import ERRORS
from ..log.database import in_database
from ..log.outages import AWAY, outage, unanswered
from ..request_id import HEADER, answering
from ..request_id import begin as begin_request
from . import uvicorn
from .bodies import check_length, close_file, read_body, usual_limit
from .draining import draining
from .endpoints import refusal, refusal_of
from .limits import viewers
from .origins import allow_origin
from .outlets import ClientLeft, can_step, cut, part_sender, while_connected
from .responses import RecordsResponse, begin, watch
from .routing import Found, Router, answer_of
from .sessions import Request

logger = logging.getLogger(__name__)

# How many checked Host headers a process caches.
CACHE_SIZE = 4096
# The longest header in the cache, in characters. Longer ones belong to no client of the site, and a
# client could fill the memory with them.
CACHED_LENGTH = 256

# The classes of most responses. Their bodies are complete.
USUAL = (HttpResponse, JsonResponse)

Headers = list[tuple[bytes, bytes]]


class StreamHandler:
    """An ASGI application that calls the views which `endpoint` decorates in the event loop.

    `router` finds these views. `pages`, which is Django's own handler, serves all other requests.
    """

    def __init__(self, router: Router, pages: Any) -> None:
        self._router = router
        self._pages = pages
        self._security = SecurityMiddleware(_never_called)
        self._security_headers = self._find_headers(secure=False)
        self._secure_headers = self._find_headers(secure=True)
        self._hosts: set[Any] = set()

    def _find_headers(self, *, secure: bool) -> dict[bytes, tuple[bytes, bytes]]:
        """Return the headers that Django's middlewares add to each response.

        The keys are the headers' names in lower case. The values are names and values for ASGI.
        """
        scope = {"method": "GET", "path": "/", "scheme": "https" if secure else "http"}
        request, response = Request(scope, BytesIO()), HttpResponse()
        del response["Content-Type"]
        self._security.process_response(request, response)
        XFrameOptionsMiddleware(_never_called).process_response(request, response)
        return {name.lower(): (name, value) for name, value in asgi_headers(response)}

    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        found = self._router.find(scope)
        return self._serve(found, scope, receive, send)

    async def _serve(self, found: Found | None, scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        draining.requests.add(task)
        request_id = begin_request(scope)
        try:
            if found is None:
                await self._pages(scope, receive, answering(request_id, send))
                return
            try:
                response, head = await self._response(found, scope, receive)
            except ClientLeft:
                return
            if request_id.given:
                head.append((HEADER, request_id.given.encode()))
            await send(
                {"type": "http.response.start", "status": response.status_code, "headers": head}
            )
            if scope["method"] == "HEAD" or not response.streaming:
                body = b"" if scope["method"] == "HEAD" else response.content
                await send({"type": "http.response.body", "body": body, "more_body": False})
                return
            draining.bodies.add(task)
            if isinstance(response, RecordsResponse) and can_step(send):
                reader, outlet = await begin(response, scope, send)
                admission = response.wanted.admission
                # The stream may stay open for long, and needs neither of these objects.
                del response, head
                if await watch(reader, outlet, receive, admission):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    uvicorn.watch_the_rest(send)
            else:
                parts, charset = response._iterator, response.charset
                del response, head
                await send_stream(parts, charset, scope, receive, send)
        except StreamError:
            # The viewer may not watch any more. It is refused when it comes back.
            cut(scope, send)
        finally:
            draining.forget(task)
            viewers.leave(scope)

    async def _response(self, found: Found, scope: Any, receive: Any) -> tuple[Any, Headers]:
        """Return the response to a request, and the response's headers for ASGI.

        Raises ClientLeft if the client leaves before its request is complete.
        """
        request: Request | None = None
        try:
            request = Request(scope, BytesIO())
            # A load balancer may always ask whether the process is well.
            if scope["method"] == "GET" and not found.endpoint.any_host:
                viewers.enter(scope)
            if found.endpoint.late_body:
                check_length(scope, setting("STREAM_MAX_BODY"))
            else:
                request._stream = await read_body(request, receive, usual_limit())
            request.receive = receive
            response = await self._answer(found, request)
        except StreamError as error:
            response = refusal_of(error, request)
            if request is not None:
                allow_origin(request, response)
        except UnicodeDecodeError:
            response = refusal(400, "The URL is not valid. Encode it as UTF-8.")
        except DisallowedHost:
            response = refusal(400, "The Host header is not valid. Use a host in ALLOWED_HOSTS.")
        except SuspiciousOperation as error:
            response = refusal(400, f"{error}")
        except PermissionDenied:
            response = refusal(403, "You may not use this address. Log in as a user who may.")
        except Http404:
            response = refusal(404, "There is nothing at this address.")
        except ClientLeft:
            raise
        except AWAY as error:
            outage.tell(error)
            response = refusal_of(unanswered(error), request)
        except Exception:
            logger.exception("%s %r failed", scope["method"], scope["path"])
            ERRORS.labels("unexpected").inc()
            response = refusal(500, "The server failed. Its log has the error.")
        finally:
            if request is not None:
                close_file(request)
        # A 204 has no content and no Content-Length (RFC 9110, section 8.6).
        if not response.streaming and response.status_code != HTTPStatus.NO_CONTENT:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        head = asgi_headers(response)
        given = {name.lower() for name, _ in head}
        always = self._security_headers
        if self._security.sts_seconds and request is not None and request.is_secure():
            always = self._secure_headers
        head += [header for name, header in always.items() if name not in given]
        if draining.begun and scope.get("http_version") == "1.1":
            # The client's next request needs another process, and so another connection.
            head.append((b"Connection", b"close"))
        return response, head

    async def _answer(self, found: Found, request: Request) -> Any:
        if not found.endpoint.any_host:
            self._check_host(request)
        if redirect := self._security.process_request(request):
            return redirect
        if request.META["SCRIPT_NAME"]:
            set_script_prefix(request.META["SCRIPT_NAME"])
        request.resolver_match = found.match
        response = await answer_of(found.match, request)
        if type(response) not in USUAL:
            await _prepare(response)
        if request.changed_session:
            await in_database(_save_session, request, response)
        return response

    def _check_host(self, request: HttpRequest) -> None:
        """Raise DisallowedHost unless ALLOWED_HOSTS contains the request's host."""
        meta = request.META
        name = meta.get("HTTP_HOST"), meta.get("HTTP_X_FORWARDED_HOST"), meta["SERVER_NAME"]
        if name not in self._hosts:
            request.get_host()
            if sum(len(part or "") for part in name) > CACHED_LENGTH:
                return
            if len(self._hosts) >= CACHE_SIZE:
                self._hosts.clear()
            self._hosts.add(name)


def asgi_headers(response: HttpResponseBase) -> Headers:
    """Return the headers of a response, with its cookies, in the form that ASGI asks for."""
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    cookies = [cookie.OutputString().encode("ascii") for cookie in response.cookies.values()]
    return headers + [(b"Set-Cookie", cookie) for cookie in cookies]


async def send_stream(parts: Any, charset: str, scope: Any, receive: Any, send: Any) -> None:
    """Send each part of a streaming body as soon as there is one, until the client leaves.

    `parts` is an asynchronous iterator. `charset` is the encoding of the parts that are no bytes.
    """
    try:
        with suppress(ClientLeft), while_connected(receive):
            # A server sends the head with the first part, and the first piece may take long.
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            put = part_sender(scope, send)
            async for part in parts:
                rest = put(encoded(part, charset))
                if rest is not None:
                    await rest
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        # Closed here, and not by the garbage collector some time after the connection.
        if isinstance(parts, AsyncGenerator):
            await parts.aclose()


def encoded(part: Any, charset: str) -> bytes:
    """Return a part of a body as bytes, as `HttpResponseBase.make_bytes` of Django does."""
    if isinstance(part, bytes | bytearray | memoryview):
        return bytes(part)
    return str(part).encode(charset)


async def _prepare(response: Any) -> None:
    """Render a TemplateResponse. Raises TypeError for a body that would block the event loop."""
    if response.streaming and not response.is_async:
        raise TypeError(
            f"The view returned a {type(response).__name__} with a synchronous iterator, which "
            "would block the event loop. Give StreamingHttpResponse an asynchronous generator."
        )
    if isinstance(response, SimpleTemplateResponse):
        await in_database(response.render)


def _save_session(request: Request, response: Any) -> None:
    SessionMiddleware(_never_called).process_response(request, response)


def _never_called(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError("StreamHandler calls only process_request and process_response")
