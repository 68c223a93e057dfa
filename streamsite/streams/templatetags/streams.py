"""The template tag `{% stream_output %}`, which shows a stream on any page of a site."""

from typing import Any

from django import template
from django.conf import settings
from django.http.request import HttpHeaders
from django.middleware.csrf import get_token
from django.template import Context

from ..http.policy import policy
from ..names import address

register = template.Library()

# How scripts send a CSRF token with Django's default settings.
DEFAULT_COOKIE = "csrftoken"
DEFAULT_HEADER = "X-Csrftoken"

TRANSPORTS = ("auto", "websocket", "sse", "chunked", "polling")


@register.inclusion_tag("streams/stream_output.html", takes_context=True)
def stream_output(
    context: Context,
    name: str,
    *,
    transport: str = "auto",
    after: int | str = 0,
    pace: float | str | None = None,
    wait: bool | int = False,
    autostart: bool = True,
    query: str = "",
) -> dict[str, Any]:
    """Show the stream named `name` as the custom element `<stream-output>`.

        {% load streams %}
        {% stream_output "build" %}
        {% stream_output stream.name transport="sse" pace="recorded" autostart=False %}

    The tag includes the element's script and stylesheet.

    `transport` is "auto", "websocket", "sse", "chunked" or "polling".
    `after` is the cursor to read from, such as 17.
    `pace` replays a finished stream: in seconds for each piece, or "recorded" for the original
    pace.
    `wait` waits for a stream that does not exist yet: this many seconds, or 60 for True.
    `query` goes with each request, such as a viewer link: see `viewer_link`.
    `autostart=False` leaves the start to a script of the page, which calls the element's `start()`.

    Raises TemplateSyntaxError for an unknown transport.
    """
    if transport not in TRANSPORTS:
        raise template.TemplateSyntaxError(
            f"stream_output: there is no transport {transport!r}. "
            f"Use one of {', '.join(TRANSPORTS)}."
        )
    base = address(name)
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
    attributes: dict[str, Any] = {}
    header = HttpHeaders.parse_header_name(settings.CSRF_HEADER_NAME)
    if header != DEFAULT_HEADER:
        attributes["csrf-header"] = header
    if settings.CSRF_USE_SESSIONS or settings.CSRF_COOKIE_HTTPONLY:
        # Not for anonymous visitors: each would get a session, or a cookie, and may stop nothing.
        request = context.get("request")
        if request is not None and policy().user(request).is_authenticated:
            attributes["csrf-token"] = get_token(request)
    elif settings.CSRF_COOKIE_NAME != DEFAULT_COOKIE:
        attributes["csrf-cookie"] = settings.CSRF_COOKIE_NAME
    return attributes
