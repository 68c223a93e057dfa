"""The article and its demos as a Django app."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class DemosConfig(AppConfig):
    name = "demos"

    def ready(self) -> None:
        from . import notices
        from .article import put_in

        notices.begin()

        # The signal is sent for apps with models alone, so it is the engine's that is heard.
        post_migrate.connect(put_in, sender=apps.get_app_config("streams"))
