"""The URLs under /stream/: the article's own endpoints, then those of the engine."""

from django.urls import include, path, re_path

from streamsite.streams.http.limits.polls import limit_polls

from . import views
from .consumers import ArticleConsumer

urlpatterns = [
    path("polling", limit_polls(views.polling), name="article-polling"),
    path("chunked", views.chunked, name="article-chunked"),
    path("events", views.events, name="article-events"),
    path("ws", ArticleConsumer.as_view(), name="article-ws"),
    path("", include("streamsite.streams.urls")),
    re_path("", views.unknown),
]
