"""The engine's WebSocket address: URLRouter([path("stream/", URLRouter(routing.urlpatterns))])."""

from django.urls import path

from .transports.websocket import StreamConsumer

urlpatterns = [
    path("<str:name>/ws", StreamConsumer.as_asgi()),
]
