"""The URLs of the pages, which follow the prefix of the language."""

from django.conf import settings
from django.urls import path

from . import ask, live, pages

urlpatterns = [
    path("", pages.article, name="article"),
    path("ask/", ask.ask, name="ask"),
    path("guide/", pages.guide, name="guide"),
    path("guide/<slug:name>/", pages.guide_topic, name="guide-topic"),
    path("live/", live.live, name="live"),
    path("live/list", live.live_list, name="live-list"),
    path("live/<str:name>/", live.stream, name="stream"),
]

if settings.LAB:
    urlpatterns += [
        path("lab/", pages.lab, name="lab"),
        path("lab/stop/", pages.lab_stop, name="lab-stop"),
    ]
