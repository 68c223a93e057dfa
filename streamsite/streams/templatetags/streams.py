"""`{% load streams %}{% stream_output "build" %}`: a stream's text on any page of a site."""

from typing import Any

from django import template
from django.urls import reverse

register = template.Library()

TRANSPORTS = ("auto", "websocket", "sse", "chunked", "polling")


@register.inclusion_tag("streams/stream_output.html")
def stream_output(
    name: str,
    *,
    transport: str = "auto",
    after: int | str = 0,
    pace: float | str | None = None,
    autostart: bool = True,
) -> dict[str, Any]:
    """Show a stream, with all that the browser needs for it.

    `after` is the cursor to start from, `pace` the seconds a piece or "recorded" for a replay, and
    without `autostart` the page's own script calls the element's start().
    """
    if transport not in TRANSPORTS:
        raise template.TemplateSyntaxError(
            f"stream_output: there is no transport {transport!r}: "
            f"use one of {', '.join(TRANSPORTS)}."
        )
    # A stream's endpoints are beside each other.
    base = reverse("streams:polling", kwargs={"name": name}).rpartition("/")[0]
    return {
        "src": base,
        "transport": transport,
        # As text: a template would write numbers the way the page's language does.
        "after": str(after),
        "pace": None if pace is None else str(pace),
        "autostart": autostart,
    }
