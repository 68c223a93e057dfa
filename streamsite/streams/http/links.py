"""Signed links, by which a reader without a session watches a private stream."""

import math
import time
from datetime import timedelta
from urllib.parse import urlencode

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest

from ..errors import Forbidden
from ..models import Stream

# The parameter of the query that carries a viewer link.
PARAMETER = "viewer"
SALT = "streamsite.streams.viewer_link"


def viewer_link(stream: Stream | str, *, expires: timedelta | float) -> str:
    """Return a parameter of a query with which anybody may watch a stream until it expires.

        link = viewer_link("build", expires=timedelta(hours=1))
        address = f"https://example.com/stream/build?{link}"

    `stream` is a stream or its name. `expires` is a timedelta, or a number of seconds.

    Every transport takes the parameter, and the clients in JavaScript and Python send the query of
    a stream's address with each request. The link opens only this stream, only for watching, and
    cannot be revoked before it expires. An open connection ends when the link expires.

    The link is signed with SECRET_KEY. Readers with an expired link get status 403, or the close
    code 4403. A changed link counts as none.

    Raises TypeError and ValueError unless `expires` is a timedelta or a finite number.
    """
    name = stream.name if isinstance(stream, Stream) else stream
    seconds = expires.total_seconds() if isinstance(expires, timedelta) else expires
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"expires={expires!r} is not valid. Use a timedelta or a number.")
    if not math.isfinite(seconds):
        raise ValueError(f"expires={expires!r} is not valid. Each viewer link has to expire.")
    until = int(time.time() + seconds)
    return f"{PARAMETER}={until}.{_signer().signature(_value(name, until))}"


def opens(request: HttpRequest, name: str) -> bool:
    """Return whether the request carries a viewer link for the stream `name`.

    A link that was not made for this stream counts as none: an answer of its own would show that
    there is such a stream. Raises Forbidden if the link was made for the stream, and has expired.
    """
    link = request.GET.get(PARAMETER)
    if link is None:
        return False
    until, _, signature = link.partition(".")
    try:
        _signer().unsign(f"{_value(name, until)}:{signature}")
    except BadSignature:
        return False
    if int(until) < time.time():
        raise Forbidden("The viewer link has expired. Ask for a new link.")
    return True


def parameter_of(request: HttpRequest) -> str:
    """Return the viewer link that a request carries, as a parameter of a query, or ""."""
    link = request.GET.get(PARAMETER)
    return urlencode({PARAMETER: link}) if link else ""


def _signer() -> Signer:
    return Signer(salt=SALT)


def _value(name: str, until: int | str) -> str:
    return f"{name}/{until}"
