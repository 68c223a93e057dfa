"""A limit for the bodies of requests to this site's pages, with an exception for the admin."""

from io import BytesIO
from typing import Any

from streamsite.streams.conf import setting
from streamsite.streams.forms import MAX_BYTES
from streamsite.streams.http.limited_bodies import LimitedBodies
from streamsite.streams.http.sessions import Request
from streamsite.streams.log.database import in_database


class BodiesOfPages(LimitedBodies):
    """An ASGI application that lets the staff upload the text of a stream in the admin.

    Such a body may have as many bytes as the longest text, and a form more.
    """

    async def most_from(self, scope: Any, usual: int) -> int:
        if await in_database(is_staff, scope):
            return usual + MAX_BYTES * int(setting("STREAM_MAX_LENGTH"))
        return usual


def is_staff(scope: Any) -> bool:
    """Return whether a member of the staff sends the request."""
    user = Request(scope, BytesIO()).user
    return bool(user.is_active and user.is_staff)
