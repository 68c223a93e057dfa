"""The live pages: the list of streams, and a page for each stream."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.defaults import permission_denied

from streamsite.streams import NoSuchStream, Removed, Stream, StreamError, log, policy
from streamsite.streams.http.links import parameter_of

from .listing import clock, duration, listing

# The pace of a replay: as the stream was recorded, or one of these numbers of seconds a piece.
RECORDED = "recorded"
PACES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """Show the live streams, and the streams that ended recently."""
    return render(request, "streams/live.html", listing(request))


@require_safe
@never_cache
def live_list(request: HttpRequest) -> HttpResponse:
    """Return the list alone. The live page replaces its list with the answer."""
    return render(request, "streams/live_list.html", listing(request))


@require_safe
@never_cache
def stream(request: HttpRequest, name: str) -> HttpResponse:
    """Show one stream. While the stream is live, the page follows it; later it replays it."""
    try:
        found = log.find(name)
    except NoSuchStream as error:
        if isinstance(error, Removed) and not error.private:
            return render(request, "410.html", status=410)
        return unseen(request)
    rules = policy()
    try:
        may_watch = rules.is_open(found) or rules.may_watch(request, found)
    except StreamError:  # Such as an expired viewer link.
        # PermissionDenied is not raised, because Django would log the traceback.
        return permission_denied(request, PermissionDenied())
    if not may_watch:
        return unseen(request)
    may_stop = rules.may_stop(request, found)
    if may_stop and found.live:
        # Sets the CSRF cookie. The request of the Stop button repeats the token.
        get_token(request)
    # A text that was typed in the admin ended when it began, so no pace was recorded. By default
    # the page replays it at the pace of the stream instead of all at once.
    typed = found.ended_at == found.started_at
    paces = [RECORDED, *map(str, sorted({*PACES, found.pace}))]
    asked = request.GET.get("pace")
    pace = asked if asked in paces else str(found.pace) if typed else None
    return render(
        request,
        "streams/stream.html",
        {
            "stream": found,
            "link": parameter_of(request),
            "typed": typed,
            "may_stop": may_stop,
            "took": clock(duration(found)),
            "states": Stream.State.choices,
            "paces": paces[1:] if typed else paces,
            "pace": None if found.live else pace,
        },
    )


def unseen(request: HttpRequest) -> HttpResponse:
    """Show one page for a stream that is missing and for one that the visitor may not watch."""
    return render(request, "streams/unseen.html", status=404)
