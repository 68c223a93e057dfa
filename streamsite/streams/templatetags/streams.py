"""The template tag `{% stream_output %}`, which shows a stream on any page of a site."""

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
    wait: bool | int = False,
    autostart: bool = True,
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
    `autostart=False` leaves the start to a script of the page, which calls the element's `start()`.

    Raises TemplateSyntaxError for an unknown transport.
    """
    if transport not in TRANSPORTS:
        raise template.TemplateSyntaxError(
            f"stream_output: there is no transport {transport!r}. "
            f"Use one of {', '.join(TRANSPORTS)}."
        )
    # The address of an endpoint is the address of the stream and the name of the transport.
    base = reverse("streams:polling", kwargs={"name": name}).rpartition("/")[0]
    return {
        "src": base,
        "transport": transport,
        # Text, because a template would format a number in the language of the page: 1,000.
        "after": str(after),
        "pace": None if pace is None else str(pace),
        "wait": None if not wait else "" if wait is True else str(wait),
        "autostart": autostart,
    }
