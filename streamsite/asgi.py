"""The ASGI application, which an ASGI server imports: `daphne streamsite.asgi:application`.

The import prepares the site first (see `streamsite.prepare`). The order below matters: the modules
after `django.setup()` need the settings and the apps.
"""

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
    # A mistake in the configuration: print the message for the operator, without a traceback.
    sys.exit(f"streamsite: {error}")

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.urls import get_resolver

from demos.lab.panels import with_lab
from streamsite.bodies import BodiesOfPages
from streamsite.streams.asgi import streams_application

application = streams_application(BodiesOfPages(ASGIHandler()))
if settings.LAB:
    application = with_lab(application)

# Everything that is imported so far stays until the process ends. A full garbage collection would
# search all of it, and pause every viewer for about 60 ms, so these objects are exempt from now on.
get_resolver().url_patterns  # noqa: B018 - imports the views, so that they are exempt too
gc.collect()
gc.freeze()
# Collect after 10,000 new objects instead of Python's default of 700. Viewers make and drop 700
# objects in no time, and each collection pauses every viewer for about 2 ms.
gc.set_threshold(10_000)
