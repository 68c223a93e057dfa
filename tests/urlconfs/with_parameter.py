"""A URLconf that includes the engine below a path with a parameter."""

from django.urls import include, path

urlpatterns = [path("<slug:team>/stream/", include("streamsite.streams.urls"))]
