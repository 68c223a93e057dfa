"""A URLconf that includes the engine below another include."""

from django.urls import include, path

urlpatterns = [path("shop/", include([path("stream/", include("streamsite.streams.urls"))]))]
