"""The admin of streams and publisher tokens."""

from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from . import log
from .errors import StreamError
from .log.recordings import checked_pieces
from .models import Stream
from .names import new_private_name
from .querysets import StreamQuerySet
from .reading import presence
from .tokens import PublishToken
from .writing.stopping import stop, write_down


class StreamForm(forms.ModelForm):
    """The form of a stream, with a field for the text.

    The text is no field of the model: the log stores the text in segments.
    """

    text = forms.CharField(
        label=_("Text"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16, "class": "vLargeTextField"}),
        help_text=_(
            "A change makes a new revision. Readers receive the new text from its beginning. "
            "A stream of JSON values has one value on each line."
        ),
    )

    class Meta:
        model = Stream
        fields = (
            "title",
            "name",
            "visibility",
            "owner",
            "expires_at",
            "format",
            "text",
            "split",
            "pace",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "name" in self.fields:
            self.fields["name"].required = False
            self.fields["name"].help_text = _(
                "Part of the address. If you leave this empty, the stream gets a name that "
                "nobody can guess."
            )
        if self.instance.pk and "text" in self.fields:
            self.fields["text"].initial = self.instance.text

    def clean_name(self) -> str:
        return self.cleaned_data["name"] or new_private_name()

    def clean_text(self) -> str:
        # A browser sends each line end of a form as CRLF (WHATWG HTML, 4.10.21.4), also the line
        # ends that were CR or LF in the recording. A text that differs in nothing else was not
        # edited, and stays as recorded.
        text = str(self.cleaned_data["text"]).replace("\r\n", "\n")
        recorded = str(self.fields["text"].initial or "")
        unedited = text == recorded.replace("\r\n", "\n").replace("\r", "\n")
        return recorded if unedited else text

    @property
    def rewritten(self) -> bool:
        """Whether the user changed the text, or the way to split the text."""
        edited = self.cleaned_data.get("text", "") != (self.fields["text"].initial or "")
        return edited or "split" in self.changed_data

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "text" in data:
            split = data.get("split") or self.instance.split
            format = data.get("format") or self.instance.format
            try:
                checked_pieces(data["text"], split, format)
            except StreamError as error:
                self.add_error("text", error.detail)
        return data


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


@admin.register(Stream)
class StreamAdmin(admin.ModelAdmin):
    form = StreamForm
    list_display = (
        "__str__",
        "name",
        "state",
        "pieces",
        "length",
        "viewers",
        "age",
        "visibility",
        "owner",
        "expires_at",
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
        if obj is None:
            return StreamForm.Meta.fields
        if obj.live:  # Only the producer writes the text of a live stream.
            return ("title", "name", "visibility", "owner", "keep", "format", *self.facts)
        if obj.format == Stream.Format.JSON:  # The lines are the pieces.
            return (*(name for name in StreamForm.Meta.fields if name != "split"), *self.facts)
        return (*StreamForm.Meta.fields, *self.facts)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Stream | None = None
    ) -> tuple[str, ...]:
        return ("name", "keep", "format", *self.facts) if obj else ()

    @admin.display(description=_("Text"))
    def text(self, stream: Stream) -> str:
        """Return the text, for staff who may view the stream but not change it."""
        return stream.text

    def get_form(
        self, request: HttpRequest, obj: Stream | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        # Django accepts only fields of the model here, and the text is not one.
        kwargs["fields"] = [
            name
            for name in self.get_fields(request, obj)
            if name not in (*self.get_readonly_fields(request, obj), "text")
        ]
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is not None and obj.live:
            form.base_fields.pop("text", None)
        return form

    def save_model(self, request: HttpRequest, obj: Stream, form: Any, change: bool) -> None:
        if not change or ("text" in form.fields and form.rewritten):
            log.record(obj, form.cleaned_data["text"])
        else:
            # Only the changed fields, because a producer may write the other fields now.
            obj.save(update_fields=[name for name in form.changed_data if name != "text"])

    @admin.display(description=_("viewers"))
    def viewers(self, stream: Stream) -> str:
        counts = presence.viewers([stream.pk]).get(stream.pk, {}) if stream.live else {}
        return ", ".join(f"{transport} {count}" for transport, count in counts.items()) or "–"

    @admin.display(description=_("age"), ordering="-started_at")
    def age(self, stream: Stream) -> str:
        return timesince(stream.started_at, depth=1)

    @admin.action(description=_("Stop selected streams"), permissions=["change"])
    def stop_streams(self, request: HttpRequest, queryset: StreamQuerySet) -> None:
        stopped = 0
        for stream in queryset.live():
            if async_to_sync(stop)(stream, f"Stopped by {request.user}."):
                write_down(request.user, stream)
                stopped += 1
        text = ngettext("%(count)d stream was stopped.", "%(count)d streams were stopped.", stopped)
        self.message_user(
            request, text % {"count": stopped}, messages.SUCCESS if stopped else messages.INFO
        )

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
