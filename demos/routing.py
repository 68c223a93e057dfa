"""WebSocket addresses."""

from django.urls import path

from .consumers import ArticleConsumer

websocket_urlpatterns = [
    path("stream/ws", ArticleConsumer.as_asgi()),
]
