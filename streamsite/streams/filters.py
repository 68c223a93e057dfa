"""The filters of the admin's list of streams."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import log
from .models import Stream


class KeptUntilFilter(admin.SimpleListFilter):
    """Filters streams by how soon they will be removed."""

    title = _("kept until")
    parameter_name = "kept"

    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Stream]"
    ) -> list[tuple[str, Any]]:
        return [
            ("1", _("at most a day from now")),
            ("7", _("at most 7 days from now")),
            ("30", _("at most 30 days from now")),
            (log.FOREVER, _("for ever")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Stream]) -> QuerySet[Stream]:
        value = self.value()
        if value is None:
            return queryset
        if value == log.FOREVER:
            return queryset.exclude(state=Stream.State.LIVE).filter(expires_at=None)
        return queryset.filter(expires_at__lte=timezone.now() + timedelta(days=int(value)))
