"""A limit for the bodies of requests to Django's own pages.

Django reads a whole body, into a temporary file, before it asks who sends the body and what for.
"""

from io import BytesIO
from typing import Any

from streamsite.streams.conf import setting
from streamsite.streams.errors import TooLarge
from streamsite.streams.forms import MAX_BYTES
from streamsite.streams.http.bodies import declared_length, too_large, usual_limit
from streamsite.streams.http.endpoints import refusal_of
from streamsite.streams.http.handler import asgi_headers
from streamsite.streams.http.sessions import Request
from streamsite.streams.log.database import in_database


class LimitedBodies:
    """An ASGI application that refuses a body with 413 as soon as it is too large for the pages.

    A body may have DATA_UPLOAD_MAX_MEMORY_SIZE bytes. A body of the staff, who upload the texts of
    streams in the admin, may have as many more as the longest text.
    """

    def __init__(self, pages: Any) -> None:
        self._pages = pages

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        length, most = 0, usual_limit()

        async def check(length: int) -> None:
            nonlocal most
            if length > most and await in_database(is_staff, scope):
                most = usual_limit() + MAX_BYTES * setting("STREAM_MAX_LENGTH")
            if length > most:
                raise too_large(most)

        async def receive_within_limit() -> Any:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            try:
                await check(length)
            except TooLarge as error:
                await refuse(error, send)
                # For Django the request ends here.
                return {"type": "http.disconnect"}
            return message

        try:
            await check(declared_length(scope))
        except TooLarge as error:
            await refuse(error, send)
        else:
            await self._pages(scope, receive_within_limit, send)


def is_staff(scope: Any) -> bool:
    """Tell whether a member of the staff sends the request."""
    user = Request(scope, BytesIO()).user
    return bool(user.is_active and user.is_staff)


async def refuse(error: TooLarge, send: Any) -> None:
    """Send a refusal, as the engine's endpoints do."""
    response = refusal_of(error)
    response["Content-Length"] = str(len(response.content))
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": asgi_headers(response),
        }
    )
    await send({"type": "http.response.body", "body": response.content})
