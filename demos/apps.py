"""The Django app of the article, its demos and the live pages."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class DemosConfig(AppConfig):
    name = "demos"

    def ready(self) -> None:
        from . import notices
        from .article import create_article

        notices.begin()

        # Django sends the signal only for apps that have models, and this app has none. So the
        # receiver waits for the engine's migrations.
        post_migrate.connect(create_article, sender=apps.get_app_config("streams"))
