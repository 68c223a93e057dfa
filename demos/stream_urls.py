"""The URLs under /stream/: the article's own endpoints, then those of the engine."""

from django.urls import include, path

from . import views

urlpatterns = [
    path("polling", views.polling, name="article-polling"),
    path("chunked", views.chunked, name="article-chunked"),
    path("events", views.events, name="article-events"),
    path("", include("streamsite.streams.urls")),
]
