"""The application of a site with the engine's endpoints, WebSockets and lifespan put before it."""

import logging
import sys
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.core.exceptions import ImproperlyConfigured

from ..workers import unconnected_workers
from ..writing.sources import end_sources
from .handler import StreamHandler
from .middleware import skipped
from .origins import SameOrigin
from .routing import Router
from .transports.websocket import UnknownAddress

logger = logging.getLogger(__name__)

# One of these modules is imported before the site's application if Daphne runs the site. The app
# "daphne" imports `daphne.server` under every server, so `daphne.server` tells nothing.
DAPHNE_COMMANDS = ("daphne.cli", "daphne.management.commands.runserver")


def with_streams(application: Any) -> ProtocolTypeRouter:
    """Return the application that `streams_application` describes."""
    if isinstance(application, ProtocolTypeRouter):
        protocols = application.application_mapping
    else:
        protocols = {"http": application}
    if "http" not in protocols:
        raise ImproperlyConfigured(
            'The ProtocolTypeRouter has no "http". Add "http": get_asgi_application().'
        )
    if any(command in sys.modules for command in DAPHNE_COMMANDS):
        # Imported here because the import loads Twisted, which other servers don't need.
        from streamsite import daphne

        daphne.install()
    for path in skipped():
        # Servers don't run the system checks, one of which refuses this.
        logger.error(
            "%s does not run for the engine's addresses. See `manage.py check`, streams.E008.", path
        )
    router = Router()
    return ProtocolTypeRouter(
        {
            **protocols,
            "http": StreamHandler(router, protocols["http"]),
            "websocket": WebSockets(router, protocols.get("websocket", unknown_address)),
            "lifespan": Lifespan(protocols.get("lifespan", lifespan)),
        }
    )


unknown_address = SameOrigin(UnknownAddress.as_asgi())


class WebSockets:
    """An ASGI application that serves the WebSockets of the engine.

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
        # As URLRouter of Channels passes on what the address contains.
        route = {"args": found.match.args, "kwargs": found.match.kwargs}
        scope = {**scope, "url_route": route, "resolver_match": found.match}
        return found.endpoint.websocket(scope, receive, send)


class Lifespan:
    """An ASGI application that ends the sources in this server before `inner` shuts down.

    Daphne has no lifespan (django/daphne#264), so `streamsite.daphne` ends the sources there.

    See https://asgi.readthedocs.io/en/latest/specs/lifespan.html.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def receive_after_sources() -> Any:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await end_sources()
            # Servers don't run the checks, and `manage.py check` knows no server.
            elif problem := unconnected_workers():
                logger.warning(problem)
            return message

        await self._inner(scope, receive_after_sources, send)


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Confirm the start and the end of the server."""
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})
