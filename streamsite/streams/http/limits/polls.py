"""Polls a second."""

from functools import wraps
from typing import Any

from django.http import HttpRequest

from ...conf import setting
from ...refusals import POLLS, too_many
from ..clients import client_of, network_of, warn_of_proxy
from ..endpoints import View
from .rates import Rates

# The seconds whose polls a client may send at once.
BURST = 2

_polls = Rates()


def count_poll(request: HttpRequest) -> str:
    """Count a poll, and return the address of its client.

    Raises TooMany when the client polls more than STREAM_MAX_POLLS_PER_CLIENT times a second.
    """
    client = client_of(request)
    most = setting("STREAM_MAX_POLLS_PER_CLIENT")
    # A server behind a Unix socket may not know the address.
    if most is None or not client:
        return client
    if wait := _polls.take(network_of(client), most=most * BURST, seconds=BURST):
        if "HTTP_X_FORWARDED_FOR" in request.META and client == request.META["REMOTE_ADDR"]:
            warn_of_proxy(client)
        raise too_many(POLLS, f"This address polls more than {most} times a second.", seconds=wait)
    return client


def limit_polls(view: View) -> View:
    """Limit the polls of an endpoint of the project, in a URLconf.

        path("polling", limit_polls(views.polling))

    The endpoint raises TooMany as `count_poll` does.
    """

    @wraps(view)
    async def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        count_poll(request)
        return await view(request, *args, **kwargs)

    return limited
