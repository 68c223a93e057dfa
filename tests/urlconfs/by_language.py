"""A URLconf that includes the engine below a prefix for the language."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

urlpatterns = i18n_patterns(path("stream/", include("streamsite.streams.urls")))
