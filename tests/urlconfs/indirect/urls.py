"""The URLconf of the project."""

from ..mounted import urlpatterns as urlpatterns
