"""The template tags that show a stream on any page of a site."""

from typing import Any

from django import template
from django.conf import settings
from django.http.request import HttpHeaders
from django.middleware.csrf import get_token
from django.template import Context

from ..http.policy import policy
from ..models import Stream
from ..names import address, name_problem
from ..pieces import LATEST

register = template.Library()

# How scripts send a CSRF token with Django's default settings.
DEFAULT_COOKIE = "csrftoken"
DEFAULT_HEADER = "X-Csrftoken"

TRANSPORTS = ("auto", "websocket", "sse", "chunked", "polling")


@register.inclusion_tag("streams/stream_output.html", takes_context=True)
def stream_output(
    context: Context,
    name: Stream | str,
    *,
    transport: str = "auto",
    after: int | str = 0,
    pace: float | str | None = None,
    wait: bool | int = False,
    ansi: bool = False,
    autostart: bool = True,
    query: str = "",
) -> dict[str, Any]:
    """Show a stream, given the stream or its name, as the custom element `<stream-output>`.

        {% load streams %}
        {% stream_output "build" %}
        {% stream_output stream transport="sse" pace="recorded" autostart=False %}
        {% stream_output "build" wait=True ansi=True %}

    The tag includes the element's script and stylesheet.

    `transport` is "auto", "websocket", "sse", "chunked" or "polling".
    `after` is the cursor to read from, such as 17, or "latest" for the newest piece.
    `pace` replays a finished stream: in seconds for each piece, or "recorded" for the original
    pace.
    `wait` waits for a stream that does not exist yet: this many seconds, or 60 for True.
    `ansi=True` shows the text as a terminal does: the colours and progress bars of a build log.
    `query` goes with each request, such as a viewer link: see `viewer_link`.
    `autostart=False` leaves the start to a script of the page, which calls the element's `start()`.

    Raises TemplateSyntaxError for an unknown transport, and without a valid name.
    """
    found = attributes(
        context,
        "stream_output",
        name,
        transport=transport,
        after=after,
        pace=pace,
        wait=wait,
        autostart=autostart,
        query=query,
    )
    return {**found, "ansi": ansi}


@register.inclusion_tag("streams/stream_progress.html", takes_context=True)
def stream_progress(
    context: Context,
    name: Stream | str,
    *,
    label: str = "",
    transport: str = "auto",
    after: int | str = LATEST,
    wait: bool | int = False,
    autostart: bool = True,
    query: str = "",
) -> dict[str, Any]:
    """Show a stream as the custom element `<stream-progress>`: a bar and a message.

        {% load streams %}
        {% stream_progress "import" label="Import of the orders" %}

    The pieces of the stream are JSON values such as {"progress": 0.42, "message": "Reading"}, where
    the progress is a number from 0 to 1. Without a progress, the bar shows that work goes on.

    The tag includes the element's script and stylesheet.

    `label` names the bar for screen readers. The element begins with the newest value, unless
    `after` is another cursor. The other options are those of `stream_output`.

    Raises TemplateSyntaxError for an unknown transport, and without a valid name.
    """
    found = attributes(
        context,
        "stream_progress",
        name,
        transport=transport,
        after=after,
        wait=wait,
        autostart=autostart,
        query=query,
    )
    return {**found, "label": label}


def attributes(
    context: Context,
    tag: str,
    name: Stream | str,
    *,
    transport: str,
    after: int | str,
    wait: bool | int,
    autostart: bool,
    query: str,
    pace: float | str | None = None,
) -> dict[str, Any]:
    """Return the attributes of an element that shows a stream. Raises TemplateSyntaxError."""
    if transport not in TRANSPORTS:
        raise template.TemplateSyntaxError(
            f"{tag}: there is no transport {transport!r}. Use one of {', '.join(TRANSPORTS)}."
        )
    # The text of a stream is its title, if it has one.
    name = name.name if isinstance(name, Stream) else str(name)
    if not name:
        raise template.TemplateSyntaxError(
            f"{tag}: the stream has no name. Write {{% {tag} stream %}} with a stream, or its name."
        )
    if wrong := name_problem(name):
        raise template.TemplateSyntaxError(f"{tag}: {name!r} is not a valid stream name. {wrong}")
    base, query = address(name), query.removeprefix("?")
    return {
        "src": f"{base}?{query}" if query else base,
        "text": f"{base}/chunked?{query}" if query else f"{base}/chunked",
        "csrf": csrf_attributes(context),
        "transport": transport,
        # Text, because a template would format a number in the language of the page: 1,000.
        "after": str(after),
        "pace": None if pace is None else str(pace),
        "wait": None if not wait else "" if wait is True else str(wait),
        "autostart": autostart,
    }


def csrf_attributes(context: Context) -> dict[str, Any]:
    """Return the attributes from which the element's `stop()` knows how to send a CSRF token.

    There is none with Django's default settings, because the element knows these. Where scripts
    can't read the cookie, the page of a user carries the token.
    """
    found: dict[str, Any] = {}
    header = HttpHeaders.parse_header_name(settings.CSRF_HEADER_NAME)
    if header != DEFAULT_HEADER:
        found["csrf-header"] = header
    if settings.CSRF_USE_SESSIONS or settings.CSRF_COOKIE_HTTPONLY:
        # Not for anonymous visitors: each would get a session, or a cookie, and may stop nothing.
        request = context.get("request")
        if request is not None and policy().user(request).is_authenticated:
            found["csrf-token"] = get_token(request)
    elif settings.CSRF_COOKIE_NAME != DEFAULT_COOKIE:
        found["csrf-cookie"] = settings.CSRF_COOKIE_NAME
    return found
