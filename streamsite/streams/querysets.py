"""The database that the engine's models read from and write to."""

from __future__ import annotations

from typing import TypeVar

from django.apps import apps
from django.db import models, router

M = TypeVar("M", bound=models.Model)


def home() -> str:
    """Return the alias of the database in which the engine reads and writes its tables.

    This is the database that the routers give for writing, because a replica may lack what was
    written a moment ago.
    """
    return router.db_for_write(apps.get_model("streams", "Stream"))


class HomeManager(models.Manager[M]):
    """A manager that reads, too, from the database that the routers give for writing."""

    def get_queryset(self) -> models.QuerySet[M]:
        return super().get_queryset().using(self._db or home())
