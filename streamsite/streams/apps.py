"""The Django app of the engine."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StreamsConfig(AppConfig):
    name = "streamsite.streams"
    label = "streams"
    verbose_name = _("Streams")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, setting_checks  # noqa: F401 - the imports register the checks
        from .log import tombstones  # noqa: F401 - the import connects its receiver
        from .writing import wsgi

        wsgi.connect()
