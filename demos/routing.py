"""WebSocket addresses: the article's own, then the engine's."""

from channels.routing import URLRouter
from django.urls import path, re_path

from streamsite.streams import routing
from streamsite.streams.transports.websocket import nowhere

from .consumers import ArticleConsumer

websocket_urlpatterns = [
    path("stream/ws", ArticleConsumer.as_asgi()),
    path("stream/", URLRouter([*routing.urlpatterns, re_path("", nowhere)])),
    re_path("", nowhere),
]
