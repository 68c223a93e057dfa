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
from streamsite.health import PROBES
from streamsite.streams.asgi import beside, lifespan

daphne.install()

application = ProtocolTypeRouter(
    {
        "http": beside(ASGIHandler(), "/stream/", "/notices/", *PROBES, any_host=PROBES),
        "websocket": demos.routing.application,
        "lifespan": lifespan,
    }
)

# What is there now stays. Looked through again and again by the garbage collector, it would hold up
# every viewer for some 60 ms each time.
get_resolver().url_patterns  # noqa: B018 - so that the views are there, too
gc.collect()
gc.freeze()
# Nor need what is new be looked through after every 700 objects, which viewers make and drop in no
# time: each look holds them up for some 2 ms.
gc.set_threshold(10_000)
