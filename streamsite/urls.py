"""The site's addresses: streams first, since they are asked most."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from demos import notices

from . import health


class Favicon(RedirectView):
    """Where browsers ask for an icon that a page didn't name, as on the admin's."""

    def get_redirect_url(self) -> str:
        return static("demos/mark.svg")


urlpatterns = [
    path("stream/", include("demos.stream_urls")),
    path("notices/", notices.notices, name="notices"),
    path("favicon.ico", Favicon.as_view()),
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("i18n/", include("django.conf.urls.i18n")),
    *i18n_patterns(
        path("admin/", admin.site.urls),
        path("", include("demos.urls")),
        prefix_default_language=False,
    ),
]
