"""The list of streams on the live page: which streams a reader sees, and what a row shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from streamsite.streams import Stream, log, policy
from streamsite.streams.reading import presence

# The number of ended streams in the list.
MOST_ENDED = 20
# The transports by which viewers are counted, and their labels.
TRANSPORTS = {
    "websocket": "WebSocket",
    "sse": "SSE",
    "chunked": _("Chunked"),
    "polling": _("Polling"),
    "other": _("other"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A stream in the list, as the template `streams/live_row.html` shows it."""

    stream: Stream
    # Transport, label and number of its viewers, for each transport that has viewers.
    viewers: Sequence[tuple[str, str, int]]

    @property
    def duration(self) -> str:
        return clock(duration(self.stream))

    @property
    def ended(self) -> str:
        """How long ago the stream ended, in the largest unit, or "" for less than a minute."""
        ended_at = self.stream.ended_at
        ago = timezone.now() - (ended_at or self.stream.started_at)
        return timesince(ended_at, depth=1) if ended_at and ago >= timedelta(minutes=1) else ""


def listing(request: HttpRequest) -> dict[str, list[Row]]:
    """Return the rows of the live and the recently ended streams that the request's user sees."""
    # A dead producer's stream must not be shown as live.
    log.reap()
    streams = policy().listed(request)
    live = list(streams.live())
    ended = list(streams.ended().order_by("-ended_at", "-id")[:MOST_ENDED])
    viewers = presence.viewers(each.pk for each in [*live, *ended])
    return {
        "live": [row(each, viewers.get(each.pk, {})) for each in live],
        "ended": [row(each, viewers.get(each.pk, {})) for each in ended],
    }


def row(stream: Stream, viewers: Mapping[str, int]) -> Row:
    watched = [
        (transport, str(label), viewers[transport])
        for transport, label in TRANSPORTS.items()
        if transport in viewers
    ]
    return Row(stream, watched)


def duration(stream: Stream) -> timedelta:
    """Return how long a stream took or, if the stream is live, how long ago it began."""
    end = stream.ended_at or timezone.now()
    return max(timedelta(), end - stream.started_at)


def clock(length: timedelta) -> str:
    """Format a duration as a clock does: 0:07, 12:03, 1:02:33."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
