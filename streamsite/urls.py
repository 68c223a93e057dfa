"""The URLs of the site. The streams come first, because most requests are for them."""

from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from demos import notices
from streamsite.streams import metrics

from . import health, logins, unavailable


class Favicon(RedirectView):
    """Redirect to the site's icon. Browsers ask here for pages that name none, as the admin's."""

    def get_redirect_url(self) -> str:
        return static("demos/mark.svg")


handler500 = unavailable.server_error

urlpatterns = [
    path("stream/", include("demos.stream_urls")),
    path("chat/", include("streamsite.chat.urls")),
    *([path("lab/runs/", include("demos.lab.urls"))] if settings.LAB else []),
    path("notices/", notices.notices, name="notices"),
    path("favicon.ico", Favicon.as_view()),
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", metrics),
    path("i18n/", include("django.conf.urls.i18n")),
    *i18n_patterns(
        path("admin/login/", logins.login),
        path("admin/", admin.site.urls),
        path("", include("demos.urls")),
        prefix_default_language=False,
    ),
]
