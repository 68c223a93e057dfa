"""The URLconf of the engine's HTTP endpoints.

Include the URLconf in the one of your site:

    path("stream/", include("streamsite.streams.urls"))

The WebSockets are here too: `streams_application` in asgi.py finds them in the URLconf.
"""

from django.urls import path

from .http import openapi, publishing
from .http.transports import chunked, events, polling, websocket

app_name = "streams"

urlpatterns = [
    path("openapi.json", openapi.document, name="openapi"),
    path("<str:name>/polling", polling.polling, name="polling"),
    path("<str:name>/chunked", chunked.chunked, name="chunked"),
    path("<str:name>/events", events.events, name="events"),
    path("<str:name>/ws", websocket.StreamConsumer.as_view(), name="ws"),
    path("<str:name>/pieces", publishing.pieces, name="publish"),
    path("<str:name>/stop", publishing.stop, name="stop"),
]
