"""The streams' pages: what is live and lately was, and each stream by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.defaults import permission_denied

from streamsite.streams import log
from streamsite.streams.errors import NoSuchStream
from streamsite.streams.models import Stream
from streamsite.streams.reading import presence

# How many streams that have ended are shown.
LATELY = 20
RECORDED = "recorded"
# Seconds a piece from which a replay's pace is chosen.
PACES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
# The transports under which viewers are counted, as the pages call them.
TRANSPORTS = {
    "websocket": "WebSocket",
    "sse": "SSE",
    "chunked": _("Chunked"),
    "polling": _("Polling"),
    "other": _("elsewhere"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A stream as the list shows it."""

    stream: Stream
    # By the transport's name and label.
    viewers: Sequence[tuple[str, str, int]]

    @property
    def duration(self) -> str:
        return clock(duration(self.stream))

    @property
    def ended(self) -> str:
        """How long ago it ended, in its largest unit; "" for less than a minute."""
        ended_at = self.stream.ended_at
        ago = timezone.now() - (ended_at or self.stream.started_at)
        return timesince(ended_at, depth=1) if ended_at and ago >= timedelta(minutes=1) else ""


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """Show the streams that are live, and those that lately were."""
    return render(request, "streams/live.html", listing(request))


@require_safe
@never_cache
def live_list(request: HttpRequest) -> HttpResponse:
    """Answer with the list alone, for the page that shows it already."""
    return render(request, "streams/live_list.html", listing(request))


@require_safe
@never_cache
def stream(request: HttpRequest, name: str) -> HttpResponse:
    """Show one stream as it comes or, after its end, as it came."""
    try:
        found = log.find(name)
    except NoSuchStream:
        raise Http404 from None
    if not found.visible_to(request.user):
        # Not raised: that writes a traceback into the log.
        return permission_denied(request, PermissionDenied())
    may_stop = found.stoppable_by(request.user)
    if may_stop and found.live:
        # Sets the cookie that the Stop button's request has to repeat.
        get_token(request)
    # What was typed took no time: it is shown coming all the same, at its own pace.
    typed = found.ended_at == found.started_at
    paces = [RECORDED, *map(str, sorted({*PACES, found.pace}))]
    asked = request.GET.get("pace")
    pace = asked if asked in paces else str(found.pace) if typed else None
    return render(
        request,
        "streams/stream.html",
        {
            "stream": found,
            "typed": typed,
            "may_stop": may_stop,
            "took": clock(duration(found)),
            "states": Stream.State.choices,
            "paces": paces[1:] if typed else paces,
            "pace": None if found.live else pace,
        },
    )


def listing(request: HttpRequest) -> dict[str, Any]:
    """Return the rows for this reader."""
    log.reap()
    streams = listed(request)
    running = list(streams.filter(state=Stream.State.LIVE))
    over = list(streams.exclude(state=Stream.State.LIVE).order_by("-ended_at", "-id")[:LATELY])
    viewers = presence.viewers(each.pk for each in [*running, *over])
    return {
        "live": [row(each, viewers.get(each.pk, {})) for each in running],
        "ended": [row(each, viewers.get(each.pk, {})) for each in over],
    }


def listed(request: HttpRequest) -> QuerySet[Stream]:
    """Return the streams that are listed for this reader: public ones, their own; for staff all."""
    user = request.user
    if user.is_active and user.is_staff:
        return Stream.objects.all()
    return Stream.objects.filter(
        Q(visibility=Stream.Visibility.PUBLIC) | Q(owner__isnull=False, owner=user.pk)
    )


def row(stream: Stream, viewers: Mapping[str, int]) -> Row:
    watched = [
        (transport, str(label), viewers[transport])
        for transport, label in TRANSPORTS.items()
        if transport in viewers
    ]
    return Row(stream, watched)


def duration(stream: Stream) -> timedelta:
    """Return how long a stream has run, or ran."""
    end: datetime = stream.ended_at or timezone.now()
    return max(timedelta(), end - stream.started_at)


def clock(length: timedelta) -> str:
    """Write a duration as a clock does: 0:07, 12:03, 1:02:33."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
