"""The application of a site with the engine's endpoints, WebSockets and lifespan put before it."""

import logging
import sys
from http import HTTPStatus
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, SuspiciousOperation
from django.http import Http404

from ..conf import setting
from ..errors import Forbidden, Restarting, StreamError, Unauthorized
from ..log.database import open_early
from ..log.liveness import look_at_clock
from ..log.outages import AWAY, outage, unanswered
from ..models import Stream
from ..workers import unconnected_workers, uncounted_workers
from ..writing.sources import end_sources
from .access import login_required
from .consumers import Consumer
from .draining import draining
from .handler import StreamHandler
from .limited_bodies import LimitedBodies
from .middleware import skipped
from .origins import SameOrigin
from .routing import Found, Router, answer_of
from .sessions import handshake_request
from .transports.websocket import UnknownAddress

logger = logging.getLogger(__name__)

# One of these modules is imported before the site's application if Daphne runs the site. The app
# "daphne" imports `daphne.server` under every server, so `daphne.server` tells nothing.
DAPHNE_COMMANDS = ("daphne.cli", "daphne.management.commands.runserver")

REFUSED = "You may not open this WebSocket. Log in as a user who may."


def with_streams(application: Any, max_body: int | None = None) -> ProtocolTypeRouter:
    """Return the application that `streams_application` describes."""
    if isinstance(application, ProtocolTypeRouter):
        protocols = application.application_mapping
    else:
        protocols = {"http": application}
    if "http" not in protocols:
        raise ImproperlyConfigured(
            'The ProtocolTypeRouter has no "http". Add "http": get_asgi_application().'
        )
    pages = protocols["http"]
    if max_body is not None:
        if not isinstance(max_body, int) or max_body < 0:
            raise ImproperlyConfigured(
                f"max_body is {max_body!r}. Use a number of bytes, such as 10_000_000, or None."
            )
        pages = LimitedBodies(pages, max_body)
    if any(command in sys.modules for command in DAPHNE_COMMANDS):
        # Imported here because the import loads Twisted, which other servers don't need.
        from streamsite import daphne

        daphne.install(begin, patience=setting("STREAM_STALL_TIMEOUT"))
    for path in skipped():
        # Servers don't run the system checks, one of which refuses this.
        logger.error(
            "%s does not run for the engine's addresses. See `manage.py check`, streams.E008.", path
        )
    router = Router()
    return ProtocolTypeRouter(
        {
            **protocols,
            "http": StreamHandler(router, pages),
            "websocket": WebSockets(router, protocols.get("websocket", unknown_address)),
            "lifespan": Lifespan(protocols.get("lifespan", lifespan)),
        }
    )


unknown_address = SameOrigin(UnknownAddress.as_asgi())


class WebSockets:
    """An ASGI application that serves the WebSockets of the engine.

    A view that has decorators in the URLconf, such as Django's `login_required`, is called with the
    handshake first. The WebSocket is served when the decorators let the handshake through, and is
    closed with the code 4401 or 4403 otherwise. The same is done where LoginRequiredMiddleware
    demands a login.

    `others` is the application for all other WebSockets.
    """

    def __init__(self, router: Router, others: Any) -> None:
        self._router = router
        self._others = others

    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        # Not a coroutine function: each viewer would keep one more coroutine.
        found = self._router.find(scope)
        if found is None or found.endpoint.websocket is None:
            return self._others(scope, receive, send)
        if draining.begun:
            return SameOrigin(Refused.as_asgi(error=Restarting()))(scope, receive, send)
        # As URLRouter of Channels passes on what the address contains, but in the scope itself: a
        # copy would take half a kilobyte for each viewer.
        scope["url_route"] = {"args": found.match.args, "kwargs": found.match.kwargs}
        scope["resolver_match"] = found.match
        if found.match.func is found.endpoint.view and not login_required(found.match):
            # Without a request and a call of the view, which would cost time for each viewer.
            return found.endpoint.websocket(scope, receive, send)
        return self._ask_view(found, scope, receive, send)

    async def _ask_view(self, found: Found, scope: Any, receive: Any, send: Any) -> None:
        try:
            response = await answer_of(found.match, handshake_request(scope))
            check_answer(response.status_code)
        except StreamError as error:
            application = SameOrigin(Refused.as_asgi(error=error))
        except AWAY as error:
            outage.tell(error)
            application = SameOrigin(Refused.as_asgi(error=unanswered(error)))
        except (PermissionDenied, Http404, SuspiciousOperation):
            application = SameOrigin(Refused.as_asgi(error=Forbidden(REFUSED)))
        else:
            application = found.endpoint.websocket
        await application(scope, receive, send)


def check_answer(status: int) -> None:
    """Raise Unauthorized or Forbidden unless the answer to a handshake is 101.

    The endpoint itself answers 101 (Switching Protocols), so any other answer comes from
    a decorator. A redirect leads to a login page, which the client of a WebSocket can't read.
    """
    redirects = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    if redirects or status == HTTPStatus.UNAUTHORIZED:
        raise Unauthorized("Log in first.")
    if status != HTTPStatus.SWITCHING_PROTOCOLS:
        raise Forbidden(REFUSED)


class Refused(Consumer):
    """Refuse a WebSocket with an error."""

    def __init__(self, error: StreamError) -> None:
        super().__init__()
        self._error = error

    async def connect(self) -> None:
        raise self._error


class Lifespan:
    """An ASGI application that drains the server, and ends its sources before `inner` shuts down.

    Daphne has no lifespan (django/daphne#264), so `streamsite.daphne` does both there.

    See https://asgi.readthedocs.io/en/latest/specs/lifespan.html.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def receive_after_sources() -> Any:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await end_sources()
            else:
                begin()
                # Servers don't run the checks, and `manage.py check` knows no server.
                for problem in filter(None, (unconnected_workers(), uncounted_workers())):
                    logger.warning(problem)
            return message

        await self._inner(scope, receive_after_sources, send)


def begin() -> None:
    """Do what a server has to do at its start, in its event loop."""
    draining.watch()
    open_early(look_early)


def look_early() -> None:
    """Query the database once, and look at its clock, so that a later look finds every jump."""
    Stream.objects.exists()
    look_at_clock()


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Confirm the start and the end of the server."""
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})
