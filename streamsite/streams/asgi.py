"""The ASGI applications that a site mounts to serve streams.

Another site's asgi.py needs only this module of the engine:

    from channels.routing import ProtocolTypeRouter
    from django.core.asgi import get_asgi_application

    django_application = get_asgi_application()

    from streamsite.streams.asgi import beside, lifespan, websockets

    application = ProtocolTypeRouter(
        {
            "http": beside(django_application, "/stream/"),
            "websocket": websockets("stream/"),
            "lifespan": lifespan,
        }
    )

Import this module after `get_asgi_application()`: the engine's models need Django's app registry.
"""

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from .http.handler import beside
from .http.origins import SameOrigin
from .http.transports.websocket import StreamConsumer, UnknownAddress
from .writing.sources import end_sources

__all__ = ["beside", "lifespan", "websockets"]


def websockets(prefix: str, before: list[Any] | None = None) -> SameOrigin:
    """Return an application that serves the WebSocket of each stream, at `<prefix><name>/ws`.

    `prefix` has no slash at the beginning, as in a URLconf: "stream/". `before` is a list of
    `path()` entries with the site's own consumers, which are matched before the streams.

    The application rejects the handshake of a page from an unknown origin with status 403. It
    accepts and then closes a WebSocket to any other address with the close code 4404.
    """
    return SameOrigin(
        URLRouter(
            [
                *(before or []),
                path(f"{prefix}<str:name>/ws", StreamConsumer.as_asgi()),
                re_path("", UnknownAddress.as_asgi()),
            ]
        )
    )


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Handle the ASGI lifespan protocol: end the sources that run in this server when it stops.

    Without this application the streams of these sources stay live until their leases expire.
    Daphne has no lifespan (django/daphne#264), so `streamsite.daphne` ends the sources there.

    See https://asgi.readthedocs.io/en/latest/specs/lifespan.html.
    """
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await end_sources()
            await send({"type": "lifespan.shutdown.complete"})
            return
