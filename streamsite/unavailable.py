"""The answer of pages whose database does not answer."""

import sys

from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import defaults

from streamsite.streams.log.outages import is_away, outage, unanswered


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request whose view has raised an error, as the URLconf's `handler500`.

    An error of a database that is away gets status 503 and Retry-After. Django would log a
    traceback of 150 lines for each such request. Any other error gets Django's own answer.
    """
    error = sys.exception()
    if error is None or not is_away(error):
        return defaults.server_error(request)
    outage.tell(error)
    refusal = unanswered(error)
    # Without the request: its user would be read from the database.
    page = loader.render_to_string("503.html")
    response = HttpResponse(page, status=503, headers={"Retry-After": f"{refusal.retry_after}"})
    # Undocumented: Django logs no response that has this attribute.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
