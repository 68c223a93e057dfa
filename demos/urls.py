"""The addresses of the pages, below the language."""

from django.urls import path

from . import pages

urlpatterns = [
    path("", pages.article, name="article"),
]
