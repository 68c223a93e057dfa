"""The site's addresses: streams first, since they are asked most."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from . import health

urlpatterns = [
    path("stream/", include("demos.stream_urls")),
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("i18n/", include("django.conf.urls.i18n")),
    *i18n_patterns(
        path("admin/", admin.site.urls),
        path("", include("demos.urls")),
        prefix_default_language=False,
    ),
]
