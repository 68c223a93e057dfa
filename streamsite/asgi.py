"""What daphne runs: `daphne streamsite.asgi:application`."""

import gc
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

from channels.routing import ProtocolTypeRouter
from django.core.handlers.asgi import ASGIHandler
from django.urls import get_resolver

import demos.routing
from streamsite import daphne
from streamsite.handler import StreamHandler
from streamsite.health import PROBES

daphne.install()

pages = ASGIHandler()
streams = StreamHandler()


def http(scope, receive, send):  # type: ignore[no-untyped-def]
    """Give what streams, and probes, to the lean handler, everything else to Django's own."""
    lean = scope["path"].startswith(("/stream/", "/notices/")) or scope["path"] in PROBES
    handler = streams if lean else pages
    return handler(scope, receive, send)


application = ProtocolTypeRouter({"http": http, "websocket": demos.routing.application})

# What is there now stays. Looked through again and again by the garbage collector, it would hold up
# every viewer for some 60 ms each time.
get_resolver().url_patterns  # noqa: B018 - so that the views are there, too
gc.collect()
gc.freeze()
