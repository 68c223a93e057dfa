"""The ASGI application of a site that serves streams.

The site's asgi.py wraps the application that the site has:

    from streamsite.streams.asgi import streams_application

    application = streams_application(get_asgi_application())

A site's asgi.py imports this module before Django is set up, so the module imports nothing that
needs the settings or the app registry.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from channels.routing import ProtocolTypeRouter


def streams_application(application: Any, *, max_body: int | None = None) -> "ProtocolTypeRouter":
    """Return `application` with the endpoints, the WebSockets and the lifespan of the engine.

    `application` is Django's ASGI handler, or a `ProtocolTypeRouter` of Channels with "http":

        application = streams_application(
            ProtocolTypeRouter(
                {
                    "http": get_asgi_application(),
                    "websocket": AuthMiddlewareStack(URLRouter(chat.routing.websocket_urlpatterns)),
                }
            )
        )

    - HTTP: the engine serves each view that `endpoint` decorates, at the addresses in the site's
      URLconf. `application` gets all other requests.
      With `max_body`, a request whose body has more bytes is refused with 413 before the body is
      held. Otherwise Django writes a body of any size into a temporary file.
    - WebSocket: the engine serves each consumer whose `as_view()` is in the URLconf. Its handshake
      is rejected with status 403 if the page has an unknown origin. The application's own
      "websocket" gets all other WebSockets. Without one they are accepted, and closed with the code
      4404.
    - Lifespan: the sources that run in this server end before the application's own "lifespan"
      shuts down. Without the lifespan their streams would stay live until their leases expire.
    - All other protocols stay as they are.

    When Daphne runs the site, the function also calls `streamsite.daphne.install`.

    Raises ImproperlyConfigured for a `ProtocolTypeRouter` without "http", and for a `max_body` that
    is no number of bytes.
    """
    from .http.application import with_streams

    return with_streams(application, max_body)
