"""The admin of streams and publisher tokens."""

from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import linebreaksbr
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from . import log
from .deletions import Deleted, deleted_with
from .errors import StreamError
from .filters import KeptUntilFilter
from .forms import EDITABLE_LENGTH, TEXT_FIELDS, StreamForm
from .http.policy import Policy, policy
from .models import Stream
from .querysets import StreamQuerySet
from .reading import presence
from .tokens import PublishToken
from .writing.stopping import reason_of, stop, write_down

# Characters that the page shows of a text that is too long for the form.
SHOWN_LENGTH = 1_000


def grouped(number: int) -> str:
    """Return a number as people of the page's language write it: 3,000,000."""
    return str(number_format(number, force_grouping=True))


def may_stop(request: HttpRequest, stream: Stream) -> bool:
    """Return whether the policy lets a user with the change permission stop a stream in the admin.

    Only a `may_stop` of the project is asked. The default would ask `Policy.user`, which may read a
    token that the admin's requests don't have.
    """
    rules = policy()
    if type(rules).may_stop is Policy.may_stop:
        return True
    try:
        return rules.may_stop(request, stream)
    except StreamError:
        return False


@admin.register(Stream)
class StreamAdmin(admin.ModelAdmin):
    form = StreamForm
    list_display = (
        "__str__",
        "state",
        "viewers",
        "age",
        "pieces",
        "length",
        "visibility",
        "owner",
        "expires_at",
        "name",
    )
    list_filter = ("state", "visibility", KeptUntilFilter)
    list_select_related = ("owner",)
    search_fields = ("name", "title")
    date_hierarchy = "started_at"
    raw_id_fields = ("owner",)
    actions = ("stop_streams", "replay_stream")
    facts = (
        "state",
        "reason",
        "failure",
        "pieces",
        "length",
        "revision",
        "started_at",
        "ended_at",
        "sha256",
    )

    def get_fields(self, request: HttpRequest, obj: Stream | None = None) -> tuple[str, ...]:
        fields = list(StreamForm.Meta.fields)
        if obj is None:
            return tuple(fields)
        facts = [name for name in self.facts if getattr(obj, name) not in ("", None)]
        may_change = self.has_change_permission(request, obj)
        if obj.live:  # Only the producer writes the text of a live stream.
            return ("title", "name", "visibility", "owner", "kept_for", "format", *facts)
        if obj.length > EDITABLE_LENGTH or not may_change:
            fields[fields.index("text")] = "kept_text"
        if not may_change:
            fields.remove("file")
        if obj.format == Stream.Format.JSON:  # The lines are the pieces.
            fields.remove("split")
        return (*fields, *facts)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Stream | None = None
    ) -> tuple[str, ...]:
        return ("name", "kept_for", "format", "kept_text", *self.facts) if obj else ()

    @admin.display(description=_("kept after its end for"))
    def kept_for(self, stream: Stream) -> str:
        """Return how long a live stream will be kept: "30 days", "for ever", or "12:00:00"."""
        if stream.keep is None:
            return gettext("for ever")
        if stream.keep % timedelta(days=1):
            return str(stream.keep)
        days = stream.keep.days
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}

    @admin.display(description=_("Text"))
    def kept_text(self, stream: Stream) -> str:
        """Return the text where the form does not hold it, or the beginning of a long text."""
        text = stream.text
        if len(text) <= EDITABLE_LENGTH:
            return text
        return format_html(
            '{}…<p>{}</p><p><a href="{url}">{}</a> · <a href="{url}" download>{}</a></p>',
            linebreaksbr(text[:SHOWN_LENGTH]),
            _("These are the first %(shown)s of %(length)s characters.")
            % {"shown": grouped(SHOWN_LENGTH), "length": grouped(len(text))},
            _("Read the whole text"),
            _("Download the whole text"),
            url=reverse(f"{self.admin_site.name}:streams_stream_text", args=[stream.pk]),
        )

    def get_urls(self) -> list[URLPattern]:
        text = self.admin_site.admin_view(self.whole_text)
        stop = self.admin_site.admin_view(require_POST(self.stop_stream))
        return [
            path("<path:object_id>/text/", text, name="streams_stream_text"),
            path("<path:object_id>/stop/", stop, name="streams_stream_stop"),
            *super().get_urls(),
        ]

    def whole_text(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the text of a stream as it is, as a page of plain text."""
        stream = self.get_object(request, unquote(object_id))
        if stream is None:
            raise Http404
        if not self.has_view_permission(request, stream):
            raise PermissionDenied
        return HttpResponse(
            stream.text,
            content_type="text/plain; charset=utf-8",
            headers={
                "Content-Disposition": content_disposition_header(False, f"{stream.name}.txt"),
                # The text of a stream must not become a page of the admin's origin.
                "X-Content-Type-Options": "nosniff",
            },
        )

    def get_form(
        self, request: HttpRequest, obj: Stream | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        fields = self.get_fields(request, obj)
        # Django accepts only fields of the model here, and the text is not one.
        kwargs["fields"] = [
            name
            for name in fields
            if name not in (*self.get_readonly_fields(request, obj), *TEXT_FIELDS)
        ]
        form = super().get_form(request, obj, change=change, **kwargs)
        for name in TEXT_FIELDS:
            if name not in fields:
                form.base_fields.pop(name, None)
        return form

    def save_model(self, request: HttpRequest, obj: Stream, form: Any, change: bool) -> None:
        text = form.new_text
        if text is not None:
            log.record(obj, text)
        else:
            # Only the changed fields, because a producer may write the other fields now.
            obj.save(update_fields=[name for name in form.changed_data if name not in TEXT_FIELDS])

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Deleted:
        return deleted_with(objs, request, self.admin_site)

    @admin.display(description=_("viewers"))
    def viewers(self, stream: Stream) -> str:
        counts = presence.viewers([stream.pk]).get(stream.pk, {}) if stream.live else {}
        return ", ".join(f"{transport} {count}" for transport, count in counts.items()) or "–"

    @admin.display(description=_("age"), ordering="-started_at")
    def age(self, stream: Stream) -> str:
        return timesince(stream.started_at, depth=1)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Stream | None = None,
    ) -> HttpResponse:
        context["may_stop"] = (
            obj is not None
            and obj.live
            and self.has_change_permission(request, obj)
            and may_stop(request, obj)
        )
        return super().render_change_form(request, context, add, change, form_url, obj)

    def stop_stream(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop the stream on whose page the button was pressed, and show the page again."""
        stream = self.get_object(request, unquote(object_id))
        if stream is None:
            raise Http404
        if not self.has_change_permission(request, stream):
            raise PermissionDenied
        if stream.live:
            self.stop_streams(request, Stream.objects.filter(pk=stream.pk))
        else:
            self.message_user(request, gettext("The stream has ended already."), messages.WARNING)
        page = f"{self.admin_site.name}:streams_stream_change"
        return HttpResponseRedirect(reverse(page, args=[stream.pk]))

    @admin.action(description=_("Stop selected streams"), permissions=["change"])
    def stop_streams(self, request: HttpRequest, queryset: StreamQuerySet) -> None:
        stopped = refused = 0
        for stream in queryset.live():
            if not may_stop(request, stream):
                refused += 1
            elif async_to_sync(stop)(stream, reason_of(request.user, stream)):
                write_down(request.user, stream)
                stopped += 1
        if stopped:
            text = ngettext(
                "%(count)d stream was stopped.", "%(count)d streams were stopped.", stopped
            )
            self.message_user(request, text % {"count": stopped}, messages.SUCCESS)
        elif not refused:
            text = gettext("None of the selected streams is live.")
            self.message_user(request, text, messages.WARNING)
        if refused:
            text = ngettext(
                "You may not stop %(count)d stream. The policy of this site refuses.",
                "You may not stop %(count)d streams. The policy of this site refuses.",
                refused,
            )
            self.message_user(request, text % {"count": refused}, messages.WARNING)

    @admin.action(description=_("Replay selected stream"), permissions=["view"])
    def replay_stream(self, request: HttpRequest, queryset: StreamQuerySet) -> HttpResponse | None:
        stream = queryset.ended().first()
        if stream is None or queryset.count() > 1 or not hasattr(stream, "get_absolute_url"):
            self.message_user(request, _("Choose one stream that has ended."), messages.WARNING)
            return None
        return HttpResponseRedirect(f"{stream.get_absolute_url()}?pace=recorded")


@admin.register(PublishToken)
class PublishTokenAdmin(admin.ModelAdmin):
    list_display = ("label", "hint", "owner", "created_at", "last_used_at", "revoked_at")
    fields = ("label", "owner")
    raw_id_fields = ("owner",)
    actions = ("revoke_tokens",)

    def save_model(self, request: HttpRequest, obj: PublishToken, form: Any, change: bool) -> None:
        key = None if change else obj.issue()
        super().save_model(request, obj, form, change)
        if key:
            text = _("Copy the token now, because it is shown only once: %(key)s")
            self.message_user(request, text % {"key": key}, messages.WARNING)

    @admin.action(description=_("Revoke selected tokens"), permissions=["change"])
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[PublishToken]) -> None:
        revoked = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        text = ngettext("%(count)d token was revoked.", "%(count)d tokens were revoked.", revoked)
        self.message_user(request, text % {"count": revoked}, messages.SUCCESS)
