"""The engine's WebSockets, beside its HTTP endpoints:

application = ProtocolTypeRouter({"http": …, "websocket": websockets("stream/")})
"""

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from .origins import SameOrigin
from .transports.websocket import Nowhere, StreamConsumer


def websockets(prefix: str, before: list[Any] | None = None) -> SameOrigin:
    """Return an ASGI application: the engine's WebSockets below `prefix`, and before it the site's.

    Pages of unknown origins are refused, and so are other addresses, each with a reason.
    """
    return SameOrigin(
        URLRouter(
            [
                *(before or []),
                path(f"{prefix}<str:name>/ws", StreamConsumer.as_asgi()),
                re_path("", Nowhere.as_asgi()),
            ]
        )
    )
