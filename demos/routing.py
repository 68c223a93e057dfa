"""The URLs of WebSockets: the article's own, then those of the engine."""

from django.urls import path

from streamsite.streams.asgi import websockets

from .consumers import ArticleConsumer

application = websockets("stream/", before=[path("stream/ws", ArticleConsumer.as_asgi())])
