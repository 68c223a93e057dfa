"""What daphne runs: `daphne streamsite.asgi:application`."""

import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "streamsite.settings")
try:
    django.setup()
    from streamsite.prepare import prepare

    prepare()
except ImproperlyConfigured as error:
    # The operator's to mend: a sentence, not a traceback.
    sys.exit(f"streamsite: {error}")

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.handlers.asgi import ASGIHandler

import demos.routing
from streamsite import daphne
from streamsite.handler import StreamHandler
from streamsite.streams.origins import SameOrigin
from streamsite.streams.transports.websocket import Refusals

daphne.install()

full = ASGIHandler()
lean = StreamHandler()


async def http(scope, receive, send):  # type: ignore[no-untyped-def]
    """Give the streams' addresses to the lean handler, everything else to Django's own."""
    handler = lean if scope["path"].startswith("/stream/") else full
    await handler(scope, receive, send)


application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": SameOrigin(Refusals(URLRouter(demos.routing.websocket_urlpatterns))),
    }
)
