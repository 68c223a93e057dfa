"""What the admin's page before a deletion of streams lists."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import NestedObjects
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from .models import Stream
from .querysets import home

# The rows as a nested list, their number by kind, the kinds that the user may not delete, and the
# rows that keep the streams from being deleted.
Deleted = tuple[list[Any], dict[Any, int], set[Any], list[Any]]


class Deletion(NestedObjects):
    """The rows that are deleted with streams, apart from those in which the engine keeps a stream.

    A live stream has thousands of segments, and the texts of a stream may take 60 MB.
    """

    def related_objects(self, related_model: type[Model], *args: Any) -> QuerySet[Model]:
        found: QuerySet[Model] = super().related_objects(related_model, *args)
        own = related_model._meta.app_label == Stream._meta.app_label
        return found.none() if own else found


def deleted_with(
    streams: Sequence[Stream] | QuerySet[Stream], request: HttpRequest, site: AdminSite
) -> Deleted:
    """Return what `ModelAdmin.get_deleted_objects` returns for streams."""
    found = Deletion(using=home(), origin=streams)
    found.collect(streams)
    rows_of: Mapping[Any, Any] = found.model_objs

    def described(row: Model) -> str:
        kind = capfirst(row._meta.verbose_name)
        if not isinstance(row, Stream):
            return f"{kind}: {row}"
        url = reverse(f"{site.name}:streams_stream_change", args=[row.pk])
        return format_html('{}: <a href="{}">{}</a>', kind, url, row)

    def may_delete(row: Model) -> bool:
        if not site.is_registered(type(row)):
            return True
        return site.get_model_admin(type(row)).has_delete_permission(request, row)

    return (
        found.nested(described),
        {model._meta.verbose_name_plural: len(rows) for model, rows in rows_of.items()},
        {
            model._meta.verbose_name
            for model, rows in rows_of.items()
            if not all(map(may_delete, rows))
        },
        [described(row) for row in found.protected],
    )
